//! What the Secret has: the certificate that is shown, the authority that signed it, and the one that signs next while there are two.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use secrecy::{ExposeSecret, SecretString};

use crate::certificates::{MakeError, Pair};
use crate::names::key;

/// What is held.
#[derive(Clone)]
pub struct Held {
    /// The authority that signs.
    pub authority: Pair,
    /// The one that signs next, which the API server learns of first.
    pub next: Option<Pair>,
    /// What is shown.
    pub shown: Pair,
}

/// The content of a Secret.
pub type Data = BTreeMap<String, ByteString>;

impl Held {
    /// The certificates of all authorities: what the API server is to trust.
    pub fn bundle(&self) -> String {
        let next = self.next.as_ref().map_or("", |next| next.certificate.as_str());
        format!("{}{next}", self.authority.certificate)
    }

    /// As a Secret has it.
    pub fn data(&self) -> Data {
        let mut data = Data::new();
        let mut put = |certificate: &str, key: &str, pair: &Pair| {
            data.insert(certificate.to_owned(), ByteString(pair.certificate.clone().into_bytes()));
            data.insert(key.to_owned(), ByteString(pair.key.expose_secret().as_bytes().to_vec()));
        };
        put(key::AUTHORITIES, key::AUTHORITY_KEY, &self.authority);
        put(key::CERTIFICATE, key::CERTIFICATE_KEY, &self.shown);
        if let Some(next) = &self.next {
            put(key::NEXT_AUTHORITY, key::NEXT_AUTHORITY_KEY, next);
        }
        data
    }

    /// From a Secret.
    pub fn read(data: &Data) -> Result<Self, MakeError> {
        let authority = pair(data, key::AUTHORITIES, key::AUTHORITY_KEY)?;
        let has_next = data.contains_key(key::NEXT_AUTHORITY);
        let next = has_next.then(|| pair(data, key::NEXT_AUTHORITY, key::NEXT_AUTHORITY_KEY));
        Ok(Self { authority, next: next.transpose()?, shown: shown(data)? })
    }
}

/// The certificate that a Secret has to be shown, whatever else is in it.
pub fn shown(data: &Data) -> Result<Pair, MakeError> {
    pair(data, key::CERTIFICATE, key::CERTIFICATE_KEY)
}

fn pair(data: &Data, certificate: &str, key: &str) -> Result<Pair, MakeError> {
    let text = |name: &str| {
        let bytes = data.get(name).ok_or(MakeError::Read)?;
        String::from_utf8(bytes.0.clone()).map_err(|_| MakeError::Read)
    };
    Pair::read(text(certificate)?, SecretString::from(text(key)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::Utc;

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_damaged_is_not() {
        let (now, hour) = (Utc::now(), Duration::from_hours(1));
        let authority = Pair::authority("tried", now, hour).unwrap();
        let shown = authority.signs("tried", &["a".into()], now, hour).unwrap();
        let mut held = Held { authority, next: None, shown };
        assert_eq!(held.bundle(), held.authority.certificate);
        assert_eq!(Held::read(&held.data()).unwrap().data(), held.data());
        held.next = Some(Pair::authority("tried", now, hour).unwrap());
        let data = held.data();
        assert_eq!(Held::read(&data).unwrap().data(), data);
        assert_eq!(held.bundle().matches("BEGIN CERTIFICATE").count(), 2);
        for name in data.keys() {
            let mut damaged = data.clone();
            damaged.insert(name.clone(), ByteString(b"damaged".to_vec()));
            assert!(Held::read(&damaged).is_err(), "{name}");
        }
    }
}
