use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use tenantry_directory::SessionId;
use zeroize::Zeroizing;

use crate::random::{self, NoRandomness, Random};

const PREFIX: &str = "tnr1_";
const SESSION_LEN: usize = 16;
const GENERATION_LEN: usize = 4;
const MAC_LEN: usize = 32;
const TOKEN_LEN: usize = SESSION_LEN + GENERATION_LEN + MAC_LEN;
const TEXT_LEN: usize = 70;
const CONTEXT: &[u8] = b"tenantry refresh token v1\0";

/// How often a session was refreshed. The first token of a session is of generation 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(pub u32);

impl Generation {
    /// The one that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// From a column.
    pub fn from_column(value: i64) -> Option<Self> {
        u32::try_from(value).ok().map(Self)
    }

    /// For a column.
    pub const fn to_column(self) -> i64 {
        self.0 as i64
    }
}

/// A new session's id.
pub fn new_session_id(random: &dyn Random) -> Result<SessionId, NoRandomness> {
    random::bytes::<SESSION_LEN>(random).map(|bytes| SessionId::from_bytes(*bytes))
}

/// The key under which one session's tokens are made: 32 bytes, stored sealed. No `Debug`, wiped when dropped.
pub struct SessionSecret(Zeroizing<[u8; MAC_LEN]>);

impl SessionSecret {
    /// A new one.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandomness> {
        random::bytes(random).map(Self)
    }

    /// From the opened column; `None` unless it has exactly 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut secret = Zeroizing::new([0; MAC_LEN]);
        if bytes.len() != MAC_LEN {
            return None;
        }
        secret.copy_from_slice(bytes);
        Some(Self(secret))
    }

    /// What to seal.
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.expose())
    }

    /// The token of `generation` in `session`: always the same text for the same three.
    pub fn token(&self, session: SessionId, generation: Generation) -> SecretString {
        let mut bytes = Zeroizing::new([0; TOKEN_LEN]);
        let (claim, mac) = bytes.split_at_mut(SESSION_LEN + GENERATION_LEN);
        claim[..SESSION_LEN].copy_from_slice(session.as_bytes());
        claim[SESSION_LEN..].copy_from_slice(&generation.0.to_be_bytes());
        mac.copy_from_slice(hmac::sign(&self.key(), &signed(session, generation)).as_ref());
        SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }
}

fn signed(session: SessionId, generation: Generation) -> Vec<u8> {
    [CONTEXT, session.as_bytes(), &generation.0.to_be_bytes()].concat()
}

/// The text is no refresh token of ours: wrong prefix, cut off, too long or altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct MalformedToken;

/// A token as presented. It is worth nothing before [`RefreshToken::is_genuine`] says so.
pub struct RefreshToken {
    session: SessionId,
    generation: Generation,
    mac: Zeroizing<[u8; MAC_LEN]>,
}

impl RefreshToken {
    /// Reads exactly what [`SessionSecret::token`] writes. A shorter MAC would be a cheaper forgery, so a token that
    /// was cut off is no token (CVE-2026-27840).
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let encoded = text.strip_prefix(PREFIX).ok_or(MalformedToken)?;
        let mut bytes = Zeroizing::new([0; TOKEN_LEN]);
        if encoded.len() != TEXT_LEN {
            return Err(MalformedToken);
        }
        match URL_SAFE_NO_PAD.decode_slice(encoded, bytes.as_mut_slice()) {
            Ok(TOKEN_LEN) => {}
            _ => return Err(MalformedToken),
        }
        let (mut session, mut generation) = ([0; SESSION_LEN], [0; GENERATION_LEN]);
        let mut mac = Zeroizing::new([0; MAC_LEN]);
        let (claim, tail) = bytes.split_at(SESSION_LEN + GENERATION_LEN);
        session.copy_from_slice(&claim[..SESSION_LEN]);
        generation.copy_from_slice(&claim[SESSION_LEN..]);
        mac.copy_from_slice(tail);
        let generation = Generation(u32::from_be_bytes(generation));
        Ok(Self { session: SessionId::from_bytes(session), generation, mac })
    }

    /// The session whose row to look up.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The generation it claims to be.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether `secret` made it. Constant time.
    pub fn is_genuine(&self, secret: &SessionSecret) -> bool {
        hmac::verify(&secret.key(), &signed(self.session, self.generation), self.mac.as_slice()).is_ok()
    }
}
