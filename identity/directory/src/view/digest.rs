use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};

use crate::ids::{InvalidId, serde_as_text};

/// A chain over the marks of the directory: equal digests at equal versions mean equal histories. It is over marks
/// (kind, key and a random nonce), not over state, so that every replica computes the same; the nonce makes a
/// database that was restored and went on differ from the one that it was.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Start of the chain of one Backend identity.
    pub fn genesis(backend_identity: &str) -> Self {
        Self(hash(&[b"tenantry directory 1", backend_identity.as_bytes()]))
    }

    /// The digest after one more mark.
    #[must_use]
    pub fn next(&self, version: i64, kind: &str, key: &str, nonce: &str) -> Self {
        Self(hash(&[&self.0, &version.to_be_bytes(), kind.as_bytes(), key.as_bytes(), nonce.as_bytes()]))
    }

    /// From its 32 bytes, as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// SHA-256 over length-prefixed parts, so that no two different lists of parts give the same bytes.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId("digest");
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid);
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| invalid)?;
        }
        Ok(Self(bytes))
    }
}

serde_as_text!(Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_byte_from_one_part_to_the_next_gives_another_digest() {
        let genesis = Digest::genesis("ns/b");
        assert_ne!(genesis.next(1, "user", "12", "a"), genesis.next(1, "user", "1", "2a"));
        assert_ne!(genesis.next(1, "use", "r12", "a"), genesis.next(1, "user", "12", "a"));
    }

    #[test]
    fn a_restored_database_that_moved_on_differs_by_its_nonces() {
        let genesis = Digest::genesis("ns/b");
        assert_ne!(genesis.next(1, "user", "12", "before"), genesis.next(1, "user", "12", "after"));
        assert_ne!(genesis, Digest::genesis("ns/c"));
    }

    #[test]
    fn it_is_written_as_lower_case_hex_and_read_back() {
        let digest = Digest::genesis("ns/b").next(1, "user", "12", "n");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
    }
}
