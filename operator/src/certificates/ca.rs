//! An authority (CA) and, once it grows old, its successor. Pure.
//!
//! The successor signs from the moment on that it is there, and the old one vouches for it in every chain that is shown: whoever was told
//! of the old one alone, such as a gate that pinned it at its birth, goes on trusting what is signed. The old one goes when it ends.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::pair::{MakeError, Pair};
use crate::content::Content;
use crate::names::key;

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Lasts {
    /// An authority. Once less than a third is left there is another.
    pub authority: Duration,
    /// A certificate. Likewise.
    pub certificate: Duration,
}

/// An authority and its successor.
#[derive(Clone)]
pub struct Ca {
    current: Pair,
    next: Option<Pair>,
}

impl Ca {
    /// A new one.
    pub fn begin(of: &str, lasts: Lasts, now: DateTime<Utc>) -> Result<Self, MakeError> {
        Ok(Self { current: Pair::authority(of, now, lasts.authority)?, next: None })
    }

    /// What is to be held next; `None`: all is as it should be.
    pub fn next(&self, of: &str, lasts: Lasts, now: DateTime<Utc>) -> Result<Option<Self>, MakeError> {
        let has_ended = self.current.says.ends <= now;
        match &self.next {
            Some(next) if has_ended => Ok(Some(Self { current: next.clone(), next: None })),
            None if has_ended => Self::begin(of, lasts, now).map(Some),
            None if self.current.is_old(lasts.authority, now) => {
                let next = Some(Pair::authority(of, now, lasts.authority)?);
                Ok(Some(Self { next, ..self.clone() }))
            }
            _ => Ok(None),
        }
    }

    /// The certificates to trust, in PEM.
    pub fn bundle(&self) -> String {
        let next = self.next.as_ref().map_or("", |next| next.certificate.as_str());
        format!("{}{next}", self.current.certificate)
    }

    /// A certificate for a server of these names, in place of the one that there is; `None`: that one does. It comes with the chain to
    /// show.
    pub fn certify(
        &self,
        held: Option<&Pair>,
        of: &str,
        names: &[String],
        lasts: Lasts,
        now: DateTime<Utc>,
    ) -> Result<Option<Pair>, MakeError> {
        let signer = self.next.as_ref().unwrap_or(&self.current);
        let does = |held: &Pair| {
            // One that ends with its signer could not last longer.
            let lasts = !held.is_old(lasts.certificate, now) || held.says.ends >= signer.says.ends;
            held.says.names == names && lasts && held.is_signed_by(signer, now)
        };
        if held.is_some_and(does) {
            return Ok(None);
        }
        let made = signer.signs(of, names, now, lasts.certificate)?;
        let vouched = match &self.next {
            Some(next) => self.current.vouches_for(next)?,
            None => String::new(),
        };
        Ok(Some(Pair { certificate: format!("{}{vouched}", made.certificate), ..made }))
    }

    /// As a Secret has it.
    pub fn content(&self) -> Content {
        let content = Content::default()
            .with(key::AUTHORITIES, self.current.certificate.clone())
            .with(key::AUTHORITY_KEY, self.current.key.clone());
        match &self.next {
            Some(next) => content
                .with(key::NEXT_AUTHORITY, next.certificate.clone())
                .with(key::NEXT_AUTHORITY_KEY, next.key.clone()),
            None => content,
        }
    }

    /// From a Secret.
    pub fn read(content: &Content) -> Result<Self, MakeError> {
        let current = authority(content, key::AUTHORITIES, key::AUTHORITY_KEY)?;
        let has_next = content.get(key::NEXT_AUTHORITY).is_some();
        let next = has_next.then(|| authority(content, key::NEXT_AUTHORITY, key::NEXT_AUTHORITY_KEY));
        Ok(Self { current, next: next.transpose()? })
    }
}

impl Pair {
    /// A certificate of a server as a Secret has it.
    pub fn of_server(content: &Content) -> Result<Self, MakeError> {
        pair(content, key::CERTIFICATE, key::CERTIFICATE_KEY)
    }
}

/// One that may sign others. What else stands in its text is trusted by nobody.
fn authority(content: &Content, certificate: &str, key: &str) -> Result<Pair, MakeError> {
    const END: &str = "-----END CERTIFICATE-----";
    let Pair { certificate, key, says } = pair(content, certificate, key)?;
    let (first, _) = certificate.split_once(END).ok_or(MakeError::Read)?;
    let certificate = format!("{}{END}\n", first.trim_start());
    if says.is_authority { Ok(Pair { certificate, key, says }) } else { Err(MakeError::Read) }
}

fn pair(content: &Content, certificate: &str, key: &str) -> Result<Pair, MakeError> {
    let text = |name: &str| content.get(name).ok_or(MakeError::Read);
    let key: SecretString = text(key)?.clone();
    Pair::read(text(certificate)?.expose_secret().to_owned(), key)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{SubsecRound as _, TimeDelta};
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const LASTS: Lasts = Lasts { authority: DAY.saturating_mul(3650), certificate: DAY.saturating_mul(90) };

    fn ders(pem: &str) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap()
    }

    /// Whether who trusts these authorities alone trusts a server.
    fn trusts(bundle: &str, shown: &Pair, name: &str, now: DateTime<Utc>) -> bool {
        let mut roots = RootCertStore::empty();
        for der in ders(bundle) {
            roots.add(der).unwrap();
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
        let chain = ders(&shown.certificate);
        let at = UnixTime::since_unix_epoch(Duration::from_secs(now.timestamp().try_into().unwrap()));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.build().unwrap().verify_server_cert(&chain[0], &chain[1..], &name, &[], at).is_ok()
    }

    #[test]
    fn for_thirty_years_who_pinned_the_authorities_three_years_ago_trusts_what_is_shown() {
        let (start, names) = (Utc::now().trunc_subsecs(0), vec!["a.ns.svc".to_owned()]);
        let mut ca = Ca::begin("tried", LASTS, start).unwrap();
        let mut shown = ca.certify(None, "tried", &names, LASTS, start).unwrap().unwrap();
        let (mut bundles, mut authorities, mut certificates) = (vec![ca.bundle()], 1, 1);
        for week in 1..30 * 52_i32 {
            let now = start + TimeDelta::weeks(week.into());
            while let Some(next) = ca.next("tried", LASTS, now).unwrap() {
                authorities += u32::from(next.next.is_some());
                ca = Ca::read(&next.content()).unwrap();
            }
            if let Some(next) = ca.certify(Some(&shown), "tried", &names, LASTS, now).unwrap() {
                certificates += 1;
                shown = next;
            }
            bundles.push(ca.bundle());
            let pinned = &bundles[usize::try_from(week).unwrap().saturating_sub(3 * 52)];
            assert!(trusts(pinned, &shown, "a.ns.svc", now), "after {week} weeks");
        }
        assert_eq!(authorities, 5);
        assert!((170..210).contains(&certificates), "{certificates} certificates");
    }

    #[test]
    fn a_gates_certificate_does_not_pass_for_the_authoritys() {
        let now = Utc::now().trunc_subsecs(0);
        let authority = Ca::begin("authority", LASTS, now).unwrap();
        let gates = Ca::begin("gates", LASTS, now).unwrap();
        let names = vec!["*.ns.svc".to_owned()];
        let shown = gates.certify(None, "gate", &names, LASTS, now).unwrap().unwrap();
        assert!(trusts(&gates.bundle(), &shown, "app-authority.ns.svc", now), "its names would do");
        assert!(!trusts(&authority.bundle(), &shown, "app-authority.ns.svc", now));
    }

    #[test]
    fn a_certificate_is_made_anew_for_other_names_and_a_damaged_secret_is_none() {
        let now = Utc::now().trunc_subsecs(0);
        let ca = Ca::begin("tried", LASTS, now).unwrap();
        let names = |name: &str| vec![name.to_owned()];
        let one = ca.certify(None, "tried", &names("one"), LASTS, now).unwrap().unwrap();
        assert!(ca.certify(Some(&one), "tried", &names("one"), LASTS, now).unwrap().is_none());
        let two = ca.certify(Some(&one), "tried", &names("two"), LASTS, now).unwrap().unwrap();
        assert_eq!(two.says.names, names("two"));
        let other = Ca::begin("other", LASTS, now).unwrap();
        assert!(other.certify(Some(&one), "tried", &names("one"), LASTS, now).unwrap().is_some());
        for name in [key::AUTHORITIES, key::AUTHORITY_KEY] {
            assert!(Ca::read(&ca.content().with(name, "damaged")).is_err(), "{name}");
            let others = other.content().get(name).unwrap().clone();
            assert!(Ca::read(&ca.content().with(name, others)).is_err(), "another's {name}");
        }
        let server = Content::default()
            .with(key::AUTHORITIES, one.certificate.clone())
            .with(key::AUTHORITY_KEY, one.key.clone());
        assert!(Ca::read(&server).is_err(), "it may sign nobody");
    }

    #[test]
    fn a_certificate_that_only_says_who_signed_it_is_none_and_a_second_one_in_the_text_is_not_trusted() {
        let now = Utc::now().trunc_subsecs(0);
        let (ca, other) = (Ca::begin("tried", LASTS, now).unwrap(), Ca::begin("tried", LASTS, now).unwrap());
        assert_eq!(ca.current.says.subject, other.current.says.subject);
        let names = vec!["one".to_owned()];
        let forged = other.certify(None, "tried", &names, LASTS, now).unwrap().unwrap();
        assert!(ca.certify(Some(&forged), "tried", &names, LASTS, now).unwrap().is_some());
        let both = format!("{}{}", ca.bundle().trim_end(), format_args!("\n{}", other.bundle()));
        let read = Ca::read(&ca.content().with(key::AUTHORITIES, both)).unwrap();
        assert_eq!(read.bundle(), ca.bundle());
    }
}
