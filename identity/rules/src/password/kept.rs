use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::random::{self, NoRandomness, Random};

/// bcrypt cost of a password that a person chose: 2^12 rounds.
pub const COST: u32 = 12;
/// Cost for a generated password: 128 bits cannot be guessed at any cost.
const GENERATED_COST: u32 = 4;
/// Cost above which a foreign hash is not tried: each step doubles the time that one login may take from others.
const MAX_COST: u32 = 15;
/// Bytes that bcrypt reads.
const BCRYPT_BYTES: usize = 72;
/// In front of a hash whose password was pre-hashed, so that no other reader takes it for plain bcrypt.
const PREHASHED: &str = "tenantry-sha384:";
const SALT_BYTES: usize = 16;

/// A password could not be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No salt.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The bcrypt library refused.
    #[error("the password could not be hashed")]
    Bcrypt,
}

/// Why a matching password should be hashed anew. Doing so changes neither the password nor the user's epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehash {
    /// The cost is below [`COST`].
    Cost,
    /// More than 72 bytes, of which the maker of the hash read only the first 72.
    Truncated,
}

/// What a guess came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Verification {
    /// The password is the one that was kept.
    pub matches: bool,
    /// It matches, and its hash should be replaced.
    pub rehash: Option<Rehash>,
    /// bcrypt rounds spent. The same for every account whose hash is not above [`COST`].
    pub rounds: u64,
}

/// The form in which a chosen password is kept: `$2b$12$…`, with a tag in front where it has more than 72 bytes.
pub fn hash(password: &SecretString, random: &dyn Random) -> Result<String, HashError> {
    hash_at(password, COST, random)
}

/// The form for a password from [`super::generate`], cheap to make and to check.
pub fn hash_generated(password: &SecretString, random: &dyn Random) -> Result<String, HashError> {
    hash_at(password, GENERATED_COST, random)
}

fn hash_at(password: &SecretString, cost: u32, random: &dyn Random) -> Result<String, HashError> {
    let salt = *random::bytes::<SALT_BYTES>(random)?;
    let password = password.expose_secret().as_bytes();
    let (tag, input) = if password.len() > BCRYPT_BYTES {
        (PREHASHED, prehash(password))
    } else {
        ("", Zeroizing::new(password.to_vec()))
    };
    let parts = bcrypt::hash_with_salt(input.as_slice(), cost, salt).map_err(|_| HashError::Bcrypt)?;
    Ok(format!("{tag}{}", parts.format_for_version(bcrypt::Version::TwoB)))
}

/// Compares a guess with what is kept. Spends as many rounds as [`spend`] does, whatever the cost of the hash, so that
/// the time tells nothing about the account; only a foreign hash of a higher cost takes longer.
pub fn verify(password: &SecretString, kept: &str) -> Verification {
    let password = password.expose_secret().as_bytes();
    let (tagged, bare) = kept.strip_prefix(PREHASHED).map_or((false, kept), |bare| (true, bare));
    let Some(cost) = cost_of(bare) else {
        return Verification { matches: false, rehash: None, rounds: burn(password, 0) };
    };
    let input = if tagged {
        prehash(password)
    } else {
        Zeroizing::new(password[..password.len().min(BCRYPT_BYTES)].to_vec())
    };
    let matches = bcrypt::verify(input.as_slice(), bare).unwrap_or(false);
    let rounds = (1 << cost) + burn(password, cost);
    let rehash = match () {
        () if !matches => None,
        () if !tagged && password.len() > BCRYPT_BYTES => Some(Rehash::Truncated),
        () if cost < COST => Some(Rehash::Cost),
        () => None,
    };
    Verification { matches, rehash, rounds }
}

/// What [`verify`] spends, for an account that does not exist or is locked. Returns the rounds.
pub fn spend(password: &SecretString) -> u64 {
    burn(password.expose_secret().as_bytes(), 0)
}

/// Fills up what a hash of `cost` left of a whole one: costs `cost`, `cost` + 1, … up to below [`COST`] add up to
/// 2^COST - 2^cost rounds. Nothing was spent where `cost` is 0.
fn burn(password: &[u8], cost: u32) -> u64 {
    let costs = if cost == 0 { COST..COST + 1 } else { cost..COST };
    costs
        .map(|cost| {
            let input = &password[..password.len().min(BCRYPT_BYTES)];
            // The result is not used, and must not be optimised away.
            std::hint::black_box(bcrypt::hash_with_salt(input, cost, [0x5a; SALT_BYTES]).is_ok());
            1_u64 << cost
        })
        .sum()
}

/// The cost of a bcrypt hash in modular crypt form: `$2a$`, `$2b$` or `$2y$`, two digits, `$`, 53 characters.
fn cost_of(hash: &str) -> Option<u32> {
    let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| hash.strip_prefix(version))?;
    let (cost, body) = rest.split_once('$')?;
    let cost = cost.parse().ok().filter(|cost| (GENERATED_COST..=MAX_COST).contains(cost))?;
    (hash.len() == 60 && body.len() == 53).then_some(cost)
}

/// 64 characters that stand for the whole password: SHA-384 in base64, so that none is NUL and all fit.
fn prehash(password: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(STANDARD_NO_PAD.encode(digest::digest(&digest::SHA384, password)).into_bytes())
}
