//! The certificate authorities that a database's certificate is checked by, and which of them are in force.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

use crate::OpenError;

/// Certificate authorities.
#[derive(Clone, Debug)]
pub enum Authorities {
    /// A PEM file.
    File(PathBuf),
    /// The text of one.
    Pem(Vec<u8>),
}

impl From<PathBuf> for Authorities {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl Authorities {
    /// Those that are in force, as PEM. Without a single certificate among them, everything that the public authorities vouch for
    /// would do; and whoever checks a server's certificate asks how long that lasts, not how long its authority's does.
    pub(crate) fn in_force(&self, now: UnixTime) -> Result<Vec<u8>, OpenError> {
        let unusable = |problem: String| OpenError::Certificate(format!("the authorities given {problem}"));
        let pem = match self {
            Self::File(path) => std::fs::read(path)
                .map_err(|error| unusable(format!("cannot be read from {}: {error}", path.display())))?,
            Self::Pem(pem) => pem.clone(),
        };
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let certificates = certificates.map_err(|error| unusable(format!("are not PEM: {error:?}")))?;
        if certificates.is_empty() {
            return Err(unusable("hold no certificate".to_owned()));
        }
        let (good, bad): (Vec<_>, Vec<_>) =
            certificates.iter().map(|one| (one, out_of_force(one, now))).partition(|(_, why)| why.is_none());
        if let ([], Some((_, Some(why)))) = (&good[..], bad.last()) {
            return Err(unusable(format!("{why}: put the authority that signs now in their place")));
        }
        Ok(good.iter().flat_map(|(one, _)| to_pem(one)).collect())
    }
}

/// Why an authority's certificate does not count now, if so. Taken for a server's certificate it is judged by its dates first, and by
/// what an authority is none of afterwards.
fn out_of_force(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<String> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    let verdict =
        certificate.verify_for_usage(&[], &[], &[], now, KeyUsage::server_auth(), None, None).err()?;
    match verdict {
        Error::CertExpired { not_after, .. } => Some(format!("expired on {}", day(not_after))),
        Error::CertNotValidYet { not_before, .. } => {
            Some(format!("are not in force before {}", day(not_before)))
        }
        _ => None,
    }
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().format("%Y-%m-%d").to_string()
}

fn to_pem(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let text = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;

    fn authority(from: i32, until: i32) -> String {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 6, 7);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    fn in_force(pem: &str) -> Result<usize, String> {
        // In 2025.
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_750_000_000));
        let pem =
            Authorities::Pem(pem.as_bytes().to_vec()).in_force(now).map_err(|error| error.to_string())?;
        Ok(CertificateDer::pem_slice_iter(&pem).flatten().count())
    }

    #[test]
    fn an_authority_counts_between_its_dates() {
        let (old, now, next) = (authority(2000, 2020), authority(2020, 2030), authority(2030, 2040));
        assert_eq!(in_force(&now), Ok(1));
        assert_eq!(
            in_force(&format!("{old}{now}{next}{now}")),
            Ok(2),
            "those that count, while one follows another"
        );
        let said = in_force(&old).unwrap_err();
        assert!(said.contains("the authorities given expired on 2020-06-07: put"), "{said}");
        let said = in_force(&format!("{old}{next}")).unwrap_err();
        assert!(said.contains("are not in force before 2030-01-01"), "{said}");
    }

    #[test]
    fn what_is_kept_is_what_was_given() {
        let pem = authority(2020, 2030);
        let der = |pem: &[u8]| CertificateDer::from_pem_slice(pem).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_750_000_000));
        let kept = Authorities::Pem(pem.clone().into_bytes()).in_force(now).unwrap();
        assert_eq!(der(&kept), der(pem.as_bytes()));
    }
}
