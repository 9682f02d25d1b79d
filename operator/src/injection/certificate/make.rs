//! Authorities and certificates: P-256, made and read again.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use x509_parser::extensions::GeneralName;

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

impl Pair {
    /// An authority with a name of its own.
    pub fn authority(now: DateTime<Utc>, lasts: Duration) -> Result<Self, MakeError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("tenantry-operator webhook {}", now.format("%FT%T%.3fZ")));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, now, now + lasts);
        let key = KeyPair::generate()?;
        Self::read(params.self_signed(&key)?.pem(), key.serialize_pem().into())
    }

    /// A certificate for a server of these names, signed by this authority; it ends with it at the latest.
    pub fn signs(&self, names: &[String], now: DateTime<Utc>, lasts: Duration) -> Result<Self, MakeError> {
        let issuer =
            Issuer::from_ca_cert_pem(&self.certificate, KeyPair::from_pem(self.key.expose_secret())?)?;
        let mut params = CertificateParams::new(names.to_vec())?;
        params.distinguished_name = named("tenantry-operator webhook");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        valid(&mut params, now, (now + lasts).min(self.says.ends));
        let key = KeyPair::generate()?;
        Self::read(params.signed_by(&key, &issuer)?.pem(), key.serialize_pem().into())
    }

    /// Reads what was made before.
    pub fn read(certificate: String, key: SecretString) -> Result<Self, MakeError> {
        KeyPair::from_pem(key.expose_secret())?;
        let says = says(&certificate).ok_or(MakeError::Read)?;
        Ok(Self { certificate, key, says })
    }
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

fn says(pem: &str) -> Option<Says> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    let at = |time: x509_parser::time::ASN1Time| DateTime::from_timestamp(time.timestamp(), 0);
    let alternative = certificate.subject_alternative_name().ok()?;
    let names = alternative.iter().flat_map(|extension| &extension.value.general_names).filter_map(name);
    Some(Says {
        made: at(certificate.validity().not_before)? + EARLIER,
        ends: at(certificate.validity().not_after)?,
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names.collect(),
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
        let authority = Pair::authority(now, day * 10).unwrap();
        let names = ["hook.ns.svc".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let pair = authority.signs(&names, now, day).unwrap();
        assert_eq!((pair.says.made, pair.says.ends), (now, now + day));
        assert_eq!((&pair.says.issuer, pair.says.names.as_slice()), (&authority.says.subject, &names[..]));
        assert_ne!(
            Pair::authority(now + TimeDelta::seconds(1), day).unwrap().says.subject,
            authority.says.subject
        );
        assert_eq!(authority.signs(&names, now, day * 20).unwrap().says.ends, authority.says.ends);
    }

    #[test]
    fn a_certificate_without_its_key_is_none() {
        let pair = Pair::authority(Utc::now(), Duration::from_hours(1)).unwrap();
        assert!(Pair::read(pair.certificate.clone(), "".into()).is_err());
        assert!(Pair::read(String::new(), pair.key.clone()).is_err());
        assert_eq!(Pair::read(pair.certificate, pair.key).unwrap().says, pair.says);
    }
}
