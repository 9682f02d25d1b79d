use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{MAX_TOKEN_BYTES, Refusal, TOKEN_TYPE, strict_json};
use crate::Kid;

/// The parts of a compact JWS, still encoded.
pub(super) struct Parts<'a> {
    pub header: &'a str,
    pub claims: &'a str,
    /// Header, dot, claims: what is signed.
    pub message: &'a str,
    pub signature: &'a str,
}

impl<'a> Parts<'a> {
    pub fn new(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Refusal::Malformed)?;
        if claims.contains('.') || header.is_empty() || claims.is_empty() {
            return Err(Refusal::Malformed);
        }
        Ok(Self { header, claims, message, signature })
    }
}

/// Header members of our tokens: exactly `alg`, `kid`, `typ`.
pub(super) struct TokenHeader {
    pub alg: String,
    pub kid: Kid,
}

impl TokenHeader {
    pub fn new(encoded: &str) -> Result<Self, Refusal> {
        let mut members = json_part(encoded)?;
        if members.contains_key("crit") {
            return Err(Refusal::Critical);
        }
        let mut text = |name| match members.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::Malformed),
            None => Ok(None),
        };
        let (alg, kid, typ) = (text("alg")?, text("kid")?, text("typ")?);
        if !members.is_empty() {
            return Err(Refusal::UnexpectedHeader);
        }
        if typ.as_deref() != Some(TOKEN_TYPE) {
            return Err(Refusal::UnknownType);
        }
        let alg = alg.ok_or(Refusal::Algorithm)?;
        if !["EdDSA", "ES256", "RS256"].contains(&alg.as_str()) {
            return Err(Refusal::Algorithm);
        }
        let kid = kid.and_then(|kid| kid.parse().ok()).ok_or(Refusal::UnknownKey)?;
        Ok(Self { alg, kid })
    }
}

/// A JSON object in base64url without padding, in its one spelling.
pub(super) fn json_part(encoded: &str) -> Result<Map<String, Value>, Refusal> {
    strict_json::object(&URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Refusal::Malformed)?)
}
