//! Passwords: what may be chosen, how one is kept, and whether one matches (NIST SP 800-63B, bcrypt).
//!
//! - [`PasswordPolicy`]: what a new password must be
//! - [`hash`], [`hash_generated`]: the form that is kept
//! - [`verify`], [`spend`]: a guess against it, at the same cost whoever is asked for

mod form;
mod generated;
mod kept;
mod policy;

pub use generated::generate;
pub use kept::{COST, HashError, Rehash, Verification, hash, hash_generated, spend, verify};
pub use policy::{MAX_BYTES, PasswordPolicy, WeakPassword};

#[cfg(test)]
mod tests;
