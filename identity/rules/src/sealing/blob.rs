use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use tenantry_directory::OrganizationId;
use zeroize::Zeroizing;

use super::Keyring;

/// Where a sealed value stands. It opens there and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table, without schema or prefix: the same on every database.
    pub table: &'a str,
    /// Whose it is; `None` for a Backend's own.
    pub organization: Option<OrganizationId>,
    /// Which row of the table: a key id, a session id, the name of a secret.
    pub row: &'a str,
}

/// Why a value cannot be sealed or opened. Never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed under a key that the keyring lacks. It is never made anew: restore the key.
    #[error("sealed under the key {id:?}, which the sealing keyring does not have")]
    KeyMissing {
        /// The id in the blob.
        id: String,
    },
    /// Too short, or not a blob at all.
    #[error("a sealed value is damaged: it is not of the form that was written")]
    Malformed,
    /// The tag does not fit: altered, moved from another row, or sealed under another key of the same id.
    #[error(
        "a sealed value does not open: it was altered, moved, or sealed under another key of the same id"
    )]
    Refused,
    /// The cipher failed (too long a value, or no random bytes).
    #[error("a value could not be sealed")]
    Cipher,
}

impl Place<'_> {
    // Every part with its length, so that no two places have one encoding.
    fn associated_data(&self, sealing_id: &str) -> Vec<u8> {
        let organization = self.organization.map(|id| id.0.to_string());
        let mut data = b"tenantry sealed v1".to_vec();
        for part in [sealing_id, self.table, organization.as_deref().unwrap_or(""), self.row] {
            data.extend((part.len() as u64).to_be_bytes());
            data.extend(part.as_bytes());
        }
        data
    }
}

impl Keyring {
    /// Seals `value` for `place` under the first key.
    pub fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.sealing().ok_or(SealError::Cipher)?;
        let id_len = u8::try_from(key.id.len()).map_err(|_| SealError::Cipher)?;
        let aad = Aad::from(place.associated_data(&key.id));
        // Encrypted where it lies: with room for the tag, growing leaves no copy of the value behind.
        let mut sealed = Vec::with_capacity(value.len() + key.cipher.algorithm().tag_len());
        sealed.extend_from_slice(value);
        let nonce = key.cipher.seal_in_place_append_tag(aad, &mut sealed).map_err(|_| SealError::Cipher)?;
        Ok([&[id_len], key.id.as_bytes(), nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for `place` under any key of the ring.
    pub fn open(&self, place: Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (id, rest) = split(blob).ok_or(SealError::Malformed)?;
        let key = self.find(id).ok_or_else(|| SealError::KeyMissing { id: id.to_owned() })?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or(SealError::Malformed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Malformed)?;
        let mut value = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(place.associated_data(id));
        let length = key.cipher.open_in_place(nonce, aad, &mut value).map_err(|_| SealError::Refused)?.len();
        value.truncate(length);
        Ok(value)
    }

    /// Whether `blob` was sealed under another key than the first, so that it should be sealed again.
    pub fn needs_reseal(&self, blob: &[u8]) -> bool {
        Self::id_of(blob).is_some_and(|id| id != self.sealing_id())
    }

    /// The id of the key that sealed `blob`; `None` if it is no blob.
    pub fn id_of(blob: &[u8]) -> Option<&str> {
        split(blob).map(|(id, _)| id)
    }
}

fn split(blob: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = blob.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(*length))?;
    let id = std::str::from_utf8(id).ok().filter(|id| !id.is_empty())?;
    Some((id, rest))
}
