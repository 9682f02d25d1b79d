use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use zeroize::Zeroizing;

/// Lowest cost of bcrypt.
pub(super) const MIN_COST: u32 = 4;
/// Cost above which a foreign hash is not tried: each step doubles the time that one login may take from others.
const MAX_COST: u32 = 15;
/// Bytes that bcrypt reads.
const BCRYPT_BYTES: usize = 72;
/// passlib's `bcrypt_sha256`, version 2: known, so that others can read it, and never taken for plain bcrypt.
const PREHASHED: &str = "$bcrypt-sha256$v=2,t=2b,r=";
const SALT_CHARS: usize = 22;
const DIGEST_CHARS: usize = 31;
/// bcrypt's own alphabet.
const CRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// A kept hash, taken apart.
pub(super) struct Form {
    /// bcrypt's own form.
    pub(super) bcrypt: String,
    pub(super) cost: u32,
    prehashed: bool,
}

impl Form {
    /// `$2a$`, `$2b$` or `$2y$` with two digits, `$` and 53 characters; or the pre-hashed form.
    pub(super) fn parse(kept: &str) -> Option<Self> {
        if let Some(rest) = kept.strip_prefix(PREHASHED) {
            let (cost, rest) = rest.split_once('$')?;
            let (salt, digest) = rest.split_once('$')?;
            if salt.len() != SALT_CHARS || digest.len() != DIGEST_CHARS {
                return None;
            }
            let cost = cost_of(cost)?;
            return Some(Self { bcrypt: format!("$2b${cost:02}${salt}{digest}"), cost, prehashed: true });
        }
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| kept.strip_prefix(version))?;
        let (cost, body) = rest.split_once('$')?;
        let cost = cost_of(cost)?;
        (body.len() == SALT_CHARS + DIGEST_CHARS).then(|| Self {
            bcrypt: kept.to_owned(),
            cost,
            prehashed: false,
        })
    }

    /// What bcrypt is to read for `guess`, as the maker of this hash did.
    pub(super) fn input(&self, guess: &[u8]) -> Zeroizing<Vec<u8>> {
        let salt = self.bcrypt.get(7..7 + SALT_CHARS).unwrap_or_default();
        if self.prehashed { prehash(guess, salt) } else { cut(guess) }
    }

    /// Whether bytes of `guess` did not count: two passwords that differ only there are one to this hash.
    pub(super) fn truncates(&self, guess: &[u8]) -> bool {
        !self.prehashed && guess.len() > BCRYPT_BYTES
    }

    /// Whether `guess` may match at all. bcrypt repeats a password, with a NUL after it, until it has 72 bytes: to it
    /// `a` and `a NUL a` are the same.
    pub(super) fn admits(&self, guess: &[u8]) -> bool {
        self.prehashed || !guess.contains(&0)
    }
}

/// The form in which `password` is kept at `cost` with `salt`. Pre-hashed from 72 bytes on, not from 73: of exactly 72,
/// bcrypt keeps no end, so that every longer password with that beginning would match.
pub(super) fn make(password: &[u8], cost: u32, salt: [u8; 16]) -> Option<String> {
    let salt_text = CRYPT.encode(salt);
    let prehashed = password.len() >= BCRYPT_BYTES || password.contains(&0);
    let input = if prehashed { prehash(password, &salt_text) } else { cut(password) };
    let parts = bcrypt::hash_with_salt(input.as_slice(), cost, salt).ok()?;
    let plain = parts.format_for_version(bcrypt::Version::TwoB);
    if !prehashed {
        return Some(plain);
    }
    let digest = plain.get(7 + SALT_CHARS..)?;
    Some(format!("{PREHASHED}{cost}${salt_text}${digest}"))
}

/// The first bytes of `password`, as many as bcrypt reads.
pub(super) fn cut(password: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(password[..password.len().min(BCRYPT_BYTES)].to_vec())
}

/// 44 characters that stand for the whole password: HMAC-SHA-256 keyed with the salt's text, in base64, so that none is
/// NUL and all fit; keyed, so that a leaked list of plain SHA-256 hashes cannot be tried in place of passwords.
fn prehash(password: &[u8], salt: &str) -> Zeroizing<Vec<u8>> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
    Zeroizing::new(STANDARD.encode(hmac::sign(&key, password)).into_bytes())
}

fn cost_of(digits: &str) -> Option<u32> {
    let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok())?.filter(|cost| (MIN_COST..=MAX_COST).contains(cost))
}
