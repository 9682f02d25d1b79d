use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{InvalidId, serde_as_text};

/// Name of a signing key: the SHA-256 thumbprint of its public JWK (RFC 7638), 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid([u8; 32]);

impl Kid {
    /// From the 32 bytes of the thumbprint.
    pub const fn from_thumbprint(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the thumbprint.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 43];
        URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({self})")
    }
}

impl FromStr for Kid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != 43 {
            return Err(InvalidId("key id"));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidId("key id"))?;
        Ok(Self(bytes.try_into().map_err(|_| InvalidId("key id"))?))
    }
}

serde_as_text!(Kid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_spelling_of_43_characters() {
        let kid = Kid::from_thumbprint([0xff; 32]);
        let text = kid.to_string();
        assert_eq!((text.len(), text.parse()), (43, Ok(kid)));
        for other in [text.replace("__8", "__9"), format!("{text}="), text[..42].to_owned(), "a".repeat(43)] {
            assert!(other.parse::<Kid>().is_err(), "{other}");
        }
    }
}
