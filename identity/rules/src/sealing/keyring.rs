use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::random::Random;
use crate::secrets;

const KEY_LEN: usize = 32;
/// Longest id of a sealing key: its length must fit the blob's first byte with room to spare.
pub(super) const MAX_ID: usize = 64;

/// The keys that seal and open. It has no `Debug`.
pub struct Keyring {
    keys: Vec<Key>,
}

pub(super) struct Key {
    pub(super) id: String,
    pub(super) cipher: RandomizedNonceKey,
}

/// Why a keyring cannot be used. Never repeats the text, which holds keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Not a JSON list of objects with `id` and `key`.
    #[error(
        "the sealing keyring is not JSON of the form [{{\"id\": \"...\", \"key\": \"...\"}}] (line {line}, column {column})"
    )]
    Json {
        /// Where the parser stopped.
        line: usize,
        /// Where the parser stopped.
        column: usize,
    },
    /// `[]`.
    #[error("the sealing keyring has no key")]
    Empty,
    /// An id that is empty, too long or has other characters.
    #[error(
        "sealing key {position}: an id has 1 to {MAX_ID} letters, digits, dots, hyphens or underscores",
        position = .0 + 1
    )]
    Id(usize),
    /// Two keys with one id.
    #[error("the sealing keyring has two keys with the id {0}")]
    Twice(String),
    /// A key that is not base64 of 32 bytes.
    #[error("sealing key {0}: the key must be base64 of {KEY_LEN} bytes (44 characters)")]
    Key(String),
    /// The system has no random bytes for a new key.
    #[error(transparent)]
    Randomness(#[from] crate::random::NoRandomness),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    key: SecretString,
}

impl Keyring {
    /// Reads a keyring file. The first key seals.
    pub fn from_json(json: &str) -> Result<Self, KeyringError> {
        let entries: Vec<Entry> = serde_json::from_str(json)
            .map_err(|error| KeyringError::Json { line: error.line(), column: error.column() })?;
        let mut keys: Vec<Key> = Vec::with_capacity(entries.len());
        for (position, entry) in entries.into_iter().enumerate() {
            if !is_id(&entry.id) {
                return Err(KeyringError::Id(position));
            }
            if keys.iter().any(|key| key.id == entry.id) {
                return Err(KeyringError::Twice(entry.id));
            }
            let Some(cipher) = cipher(entry.key.expose_secret()) else {
                return Err(KeyringError::Key(entry.id));
            };
            keys.push(Key { id: entry.id, cipher });
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
    }

    /// The text of a keyring file with one new key called `id`.
    pub fn generate(id: &str, random: &dyn Random) -> Result<SecretString, KeyringError> {
        if !is_id(id) {
            return Err(KeyringError::Id(0));
        }
        let key = secrets::encryption_key(random)?;
        Ok(SecretString::from(format!("[{{\"id\":\"{id}\",\"key\":\"{}\"}}]\n", key.expose_secret())))
    }

    /// The id of the key that seals.
    pub fn sealing_id(&self) -> &str {
        self.keys.first().map_or("", |key| key.id.as_str())
    }

    /// The ids of all keys, the sealing one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    pub(super) fn sealing(&self) -> Option<&Key> {
        self.keys.first()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn cipher(text: &str) -> Option<RandomizedNonceKey> {
    let bytes = URL_SAFE.decode(text).or_else(|_| STANDARD.decode(text)).map(Zeroizing::new).ok()?;
    RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()
}
