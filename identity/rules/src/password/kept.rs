use secrecy::{ExposeSecret, SecretString};

use super::form::{self, Form, MIN_COST, cut};
use super::generated::is_generated;
use crate::random::{self, NoRandomness, Random};

/// bcrypt cost of a password that a person chose: 2^12 rounds.
pub const COST: u32 = 12;
/// Cost for a generated password: 128 bits cannot be guessed at any cost.
const GENERATED_COST: u32 = MIN_COST;

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

/// The form in which a chosen password is kept: `$2b$12$…`, or `$bcrypt-sha256$…` where bcrypt would not read all of it.
pub fn hash(password: &SecretString, random: &dyn Random) -> Result<String, HashError> {
    hash_at(password, COST, random)
}

/// The form for a password from [`super::generate`], cheap to make.
pub fn hash_generated(password: &SecretString, random: &dyn Random) -> Result<String, HashError> {
    hash_at(password, GENERATED_COST, random)
}

fn hash_at(password: &SecretString, cost: u32, random: &dyn Random) -> Result<String, HashError> {
    let salt = *random::bytes(random)?;
    form::make(password.expose_secret().as_bytes(), cost, salt).ok_or(HashError::Bcrypt)
}

/// Compares a guess with what is kept. Spends as many rounds as [`spend`] does, whatever the cost of the hash, so that
/// the time tells nothing about the account; only a foreign hash of a higher cost takes longer.
pub fn verify(password: &SecretString, kept: &str) -> Verification {
    let guess = password.expose_secret().as_bytes();
    let no_hash = || Verification { matches: false, rehash: None, rounds: spend(password) };
    let Some(form) = Form::parse(kept) else { return no_hash() };
    // An error means that bcrypt could not read the hash, and spent nothing on it.
    let Ok(same) = bcrypt::verify(form.input(guess).as_slice(), &form.bcrypt) else { return no_hash() };
    let rounds = rounds_of(form.cost) + (form.cost..COST).map(|cost| burn(guess, cost)).sum::<u64>();
    let matches = same && form.admits(guess);
    let rehash = matches.then(|| due(&form, password.expose_secret())).flatten();
    Verification { matches, rehash, rounds }
}

fn due(form: &Form, password: &str) -> Option<Rehash> {
    if form.truncates(password.as_bytes()) {
        Some(Rehash::Truncated)
    } else if form.cost < COST && !(form.cost == GENERATED_COST && is_generated(password)) {
        Some(Rehash::Cost)
    } else {
        None
    }
}

/// What [`verify`] spends, for an account that does not exist or is locked. Returns the rounds.
pub fn spend(password: &SecretString) -> u64 {
    burn(password.expose_secret().as_bytes(), COST)
}

/// Spends 2^`cost` rounds. After a hash of some cost, that cost and each one up to below [`COST`] once more fill up what
/// it left of a whole one.
fn burn(guess: &[u8], cost: u32) -> u64 {
    // The result is not used, and must not be optimised away.
    std::hint::black_box(bcrypt::hash_with_salt(cut(guess).as_slice(), cost, [0x5a; 16]).is_ok());
    rounds_of(cost)
}

const fn rounds_of(cost: u32) -> u64 {
    1 << cost
}
