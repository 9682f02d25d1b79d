//! A certificate and its key: P-256, made and read again.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData as _,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use secrecy::{ExposeSecret, SecretString};
use x509_parser::extensions::GeneralName;

use crate::trouble::Trouble;

/// Certificates are valid from so long before they were made, for clocks that are slow.
const EARLIER: TimeDelta = TimeDelta::minutes(5);

/// A certificate and its private key, in PEM.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: SecretString,
    /// What the certificate says.
    pub says: Says,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Says {
    /// When it was made.
    pub made: DateTime<Utc>,
    /// When it ends.
    pub ends: DateTime<Utc>,
    /// Whom it is of.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether it may sign others.
    pub is_authority: bool,
}

/// Why none was made or read.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// It could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// It is none.
    #[error("this is no certificate with its key")]
    Read,
}

impl From<MakeError> for Trouble {
    fn from(error: MakeError) -> Self {
        Self::passing("NoRandomness", error.to_string())
    }
}

impl Pair {
    /// An authority that is called `of` and, to be told from the next one, by its time.
    pub fn authority(of: &str, now: DateTime<Utc>, lasts: Duration) -> Result<Self, MakeError> {
        // It may vouch for the next one.
        let mut params = authority(&format!("{of} {}", now.format("%FT%T%.3fZ")), 1);
        valid(&mut params, now, now + lasts);
        let key = KeyPair::generate()?;
        Self::read(params.self_signed(&key)?.pem(), key.serialize_pem().into())
    }

    /// A certificate of this authority for the next one, in PEM: whoever trusts this one alone trusts by it what the next one signs.
    pub fn vouches_for(&self, next: &Self) -> Result<String, MakeError> {
        let name = next.says.subject.strip_prefix("CN=").ok_or(MakeError::Read)?;
        let mut params = authority(name, 0);
        params.use_authority_key_identifier_extension = true;
        valid(&mut params, next.says.made, next.says.ends.min(self.says.ends));
        Ok(params.signed_by(&next.key()?, &self.issuer()?)?.pem())
    }

    /// A certificate for a server of these names, signed by this authority; it ends with it at the latest.
    pub fn signs(
        &self,
        of: &str,
        names: &[String],
        now: DateTime<Utc>,
        lasts: Duration,
    ) -> Result<Self, MakeError> {
        let issuer = self.issuer()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        params.distinguished_name = named(of);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        valid(&mut params, now, (now + lasts).min(self.says.ends));
        let key = KeyPair::generate()?;
        Self::read(params.signed_by(&key, &issuer)?.pem(), key.serialize_pem().into())
    }

    fn key(&self) -> Result<KeyPair, MakeError> {
        Ok(KeyPair::from_pem(self.key.expose_secret())?)
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, MakeError> {
        Ok(Issuer::from_ca_cert_pem(&self.certificate, self.key()?)?)
    }

    /// Whether less than a third is left of the time that its kind lasts.
    pub fn is_old(&self, lasts: Duration, now: DateTime<Utc>) -> bool {
        let third = TimeDelta::from_std(lasts / 3).unwrap_or(TimeDelta::MAX);
        self.says.ends - now < third
    }

    /// Reads what was made before. Of a chain the first certificate is its own.
    pub fn read(certificate: String, key: SecretString) -> Result<Self, MakeError> {
        let public = KeyPair::from_pem(key.expose_secret())?.subject_public_key_info();
        let says = says(&certificate, &public).ok_or(MakeError::Read)?;
        Ok(Self { certificate, key, says })
    }

    /// Whether another one signed this one, which is for servers, and it has begun and not ended.
    pub fn is_signed_by(&self, signer: &Self, now: DateTime<Utc>) -> bool {
        let ders = [&signer.certificate, &self.certificate]
            .map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok());
        let [Some(signer), Some(own)] = ders else { return false };
        let (Ok(anchor), Ok(own)) =
            (webpki::anchor_from_trusted_cert(&signer), webpki::EndEntityCert::try_from(&own))
        else {
            return false;
        };
        let Ok(since) = u64::try_from(now.timestamp()) else { return false };
        let at = UnixTime::since_unix_epoch(Duration::from_secs(since));
        let algorithms = default_provider().signature_verification_algorithms.all;
        own.verify_for_usage(algorithms, &[anchor], &[], at, webpki::KeyUsage::server_auth(), None, None)
            .is_ok()
    }
}

/// For one that may sign others, and so many authorities in a row below itself.
fn authority(name: &str, below: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn valid(params: &mut CertificateParams, from: DateTime<Utc>, until: DateTime<Utc>) {
    let moment = |at: DateTime<Utc>| {
        let seconds = u64::try_from(at.trunc_subsecs(0).timestamp()).unwrap_or_default();
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    params.not_before = moment(from - EARLIER);
    params.not_after = moment(until);
}

fn says(pem: &str, public: &[u8]) -> Option<Says> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    if certificate.public_key().raw != public {
        return None;
    }
    let at = |time: x509_parser::time::ASN1Time| DateTime::from_timestamp(time.timestamp(), 0);
    let alternative = certificate.subject_alternative_name().ok()?;
    let names = alternative.iter().flat_map(|extension| &extension.value.general_names).filter_map(name);
    Some(Says {
        made: at(certificate.validity().not_before)? + EARLIER,
        ends: at(certificate.validity().not_after)?,
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names.collect(),
        is_authority: certificate.is_ca(),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_says_of_itself_what_was_asked() {
        let now = Utc::now().trunc_subsecs(0);
        let day = Duration::from_hours(24);
        let authority = Pair::authority("tried", now, day * 10).unwrap();
        let names = ["hook.ns.svc".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let pair = authority.signs("tried", &names, now, day).unwrap();
        assert_eq!((pair.says.made, pair.says.ends), (now, now + day));
        assert_eq!((&pair.says.issuer, pair.says.names.as_slice()), (&authority.says.subject, &names[..]));
        assert_ne!(
            Pair::authority("tried", now + TimeDelta::seconds(1), day).unwrap().says.subject,
            authority.says.subject
        );
        assert_eq!(authority.signs("tried", &names, now, day * 20).unwrap().says.ends, authority.says.ends);
    }

    #[test]
    fn a_certificate_without_its_key_is_none() {
        let pair = Pair::authority("tried", Utc::now(), Duration::from_hours(1)).unwrap();
        assert!(Pair::read(pair.certificate.clone(), "".into()).is_err());
        assert!(Pair::read(String::new(), pair.key.clone()).is_err());
        let other = Pair::authority("other", Utc::now(), Duration::from_hours(1)).unwrap();
        assert!(Pair::read(pair.certificate.clone(), other.key).is_err(), "it is another's key");
        assert_eq!(Pair::read(pair.certificate, pair.key).unwrap().says, pair.says);
    }
}
