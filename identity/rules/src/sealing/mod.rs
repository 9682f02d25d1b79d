//! Secrets at rest: AES-256-GCM under a keyring, so that a copy of the database alone opens nothing.
//!
//! - [`Keyring`]: the keys, read from JSON `[{"id": "...", "key": "..."}]`; the first seals, all open
//! - [`Place`]: where a sealed value stands; bound into it, so that no row's value opens in another row
//! - a blob is the length and text of the sealing key's id, the nonce, the ciphertext with its tag

mod blob;
mod keyring;

pub use blob::{Place, SealError};
pub use keyring::{Keyring, KeyringError};

#[cfg(test)]
mod tests;
