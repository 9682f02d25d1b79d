use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of a certificate's DER form: which CA is meant, whatever else a bundle holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fingerprint is 64 hexadecimal digits, as `openssl x509 -noout -fingerprint -sha256 -in ca.crt` prints them"
)]
pub struct FingerprintError;

impl Fingerprint {
    /// The fingerprint of a certificate in DER form.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, der).as_ref());
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Upper or lower case, with or without colons between the bytes.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = text.trim().replace(':', "");
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| FingerprintError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_and_as_we_write_it() {
        let fingerprint = Fingerprint::of(b"der");
        let text = fingerprint.to_string();
        assert_eq!(text.parse(), Ok(fingerprint));
        let bytes: Vec<String> =
            text.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).to_uppercase()).collect();
        assert_eq!(bytes.join(":").parse(), Ok(fingerprint));
        for other in ["", "00", &text[1..], &format!("{text}00"), &text.replace(&text[..1], "g")] {
            assert_eq!(other.parse::<Fingerprint>(), Err(FingerprintError), "{other}");
        }
    }
}
