use serde_json::{Map, Value};

use super::parse::{Parts, TokenHeader, json_part};
use super::{ACCESS, CLOCK_LEEWAY, EXPIRY_LEEWAY, Identity, Refusal, check_current};
use crate::{AccessClaims, Timestamp, VerifyingKey, View};

/// Verifies a token whole: [`verify_signature_and_claims`], then [`check_current`].
pub fn verify(token: &str, view: &View, now: Timestamp) -> Result<Identity, Refusal> {
    let identity = verify_signature_and_claims(token, view, now)?;
    check_current(&identity, view, now)?;
    Ok(identity)
}

/// Verifies what does not change about a token: its form, key, signature and claims. The result may be cached by the
/// whole token while the view's `backend` is the same (issuer and audience come from it), and needs
/// [`check_current`] at each use.
pub fn verify_signature_and_claims(token: &str, view: &View, now: Timestamp) -> Result<Identity, Refusal> {
    let parts = Parts::new(token)?;
    let header = TokenHeader::new(parts.header)?;
    let key = view.keys.get(&header.kid).filter(|key| key.verifies_at(now)).ok_or(Refusal::UnknownKey)?;
    if key.algorithm().name() != header.alg {
        return Err(Refusal::Algorithm);
    }
    let members = json_part(parts.claims)?;
    // An expired token costs no signature check; an unsigned `exp` can only ever refuse.
    if members.get("exp").and_then(Value::as_i64).is_some_and(|exp| has_expired(exp, now)) {
        return Err(Refusal::Expired);
    }
    if !key.verifies(parts.message, parts.signature) {
        return Err(Refusal::Signature);
    }
    let claims = AccessClaims::from_members(members)?;
    check_claims(&claims, key, view, now)?;
    Ok(Identity::new(claims, key))
}

fn check_claims(
    claims: &AccessClaims,
    key: &VerifyingKey,
    view: &View,
    now: Timestamp,
) -> Result<(), Refusal> {
    if claims.kind != ACCESS {
        return Err(Refusal::NotAccess);
    }
    if claims.organization_id != key.organization() {
        return Err(Refusal::WrongOrganization);
    }
    if !is_issuer(claims, view, now) {
        return Err(Refusal::WrongIssuer);
    }
    if claims.aud != view.backend.audience {
        return Err(Refusal::WrongAudience);
    }
    if has_expired(claims.exp, now) {
        return Err(Refusal::Expired);
    }
    let latest = now.plus(CLOCK_LEEWAY);
    if Timestamp::from_secs(claims.nbf) > latest || Timestamp::from_secs(claims.iat) > latest {
        return Err(Refusal::NotYetValid);
    }
    if claims.exp <= claims.iat || claims.sub.parse() != Ok(claims.user_id) {
        return Err(Refusal::ClaimType);
    }
    // An unknown organization is `check_current`'s to refuse.
    match view.organizations.get(&claims.organization_id) {
        Some(organization) if organization.slug != claims.organization_slug => {
            Err(Refusal::WrongOrganization)
        }
        _ => Ok(()),
    }
}

fn is_issuer(claims: &AccessClaims, view: &View, now: Timestamp) -> bool {
    let backend = &view.backend;
    backend.public_url.is_issuer(&claims.iss, claims.organization_id)
        || backend.earlier_public_urls.iter().any(|earlier| {
            now < earlier.until && earlier.public_url.is_issuer(&claims.iss, claims.organization_id)
        })
}

fn has_expired(exp: i64, now: Timestamp) -> bool {
    now >= Timestamp::from_secs(exp).plus(EXPIRY_LEEWAY)
}

impl Identity {
    fn new(claims: AccessClaims, key: &VerifyingKey) -> Self {
        Self {
            organization_id: claims.organization_id,
            organization_slug: claims.organization_slug,
            user_id: claims.user_id,
            email: claims.email,
            email_verified: claims.email_verified,
            name: claims.name,
            role: claims.role,
            session_id: claims.sid,
            epoch: claims.epoch,
            token_id: claims.jti,
            issued_at: Timestamp::from_secs(claims.iat),
            expires_at: Timestamp::from_secs(claims.exp),
            key: key.kid,
        }
    }
}

impl AccessClaims {
    /// Claims with their exact types: no number as text, no fraction, no list for a single value.
    fn from_members(mut members: Map<String, Value>) -> Result<Self, Refusal> {
        let mut claims = Claims(&mut members);
        Ok(Self {
            iss: claims.text("iss")?,
            aud: claims.text("aud")?,
            client_id: claims.text("client_id")?,
            sub: claims.text("sub")?,
            iat: claims.number("iat")?,
            nbf: claims.number("nbf")?,
            exp: claims.number("exp")?,
            jti: claims.text("jti")?,
            sid: claims.parsed("sid")?,
            epoch: claims.number("epoch")?,
            kind: claims.text("type")?,
            user_id: crate::UserId(claims.id("user_id")?),
            organization_id: crate::OrganizationId(claims.id("organization_id")?),
            organization_slug: claims.text("organization_slug")?,
            email: claims.text("email")?,
            email_verified: claims.truth("email_verified")?,
            name: claims.any_text("name")?,
            role: claims.parsed("role")?,
        })
    }
}

struct Claims<'a>(&'a mut Map<String, Value>);

impl Claims<'_> {
    fn take(&mut self, name: &str) -> Result<Value, Refusal> {
        self.0.remove(name).ok_or(Refusal::MissingClaim)
    }

    fn any_text(&mut self, name: &str) -> Result<String, Refusal> {
        match self.take(name)? {
            Value::String(text) => Ok(text),
            _ => Err(Refusal::ClaimType),
        }
    }

    fn text(&mut self, name: &str) -> Result<String, Refusal> {
        self.any_text(name).and_then(|text| if text.is_empty() { Err(Refusal::ClaimType) } else { Ok(text) })
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Result<T, Refusal> {
        self.text(name)?.parse().map_err(|_| Refusal::ClaimType)
    }

    /// A whole number, not negative; `Value::as_i64` is `None` for anything with a fraction or exponent.
    fn number(&mut self, name: &str) -> Result<i64, Refusal> {
        self.take(name)?.as_i64().filter(|n| *n >= 0).ok_or(Refusal::ClaimType)
    }

    fn id(&mut self, name: &str) -> Result<i64, Refusal> {
        self.number(name).and_then(|id| if id > 0 { Ok(id) } else { Err(Refusal::ClaimType) })
    }

    fn truth(&mut self, name: &str) -> Result<bool, Refusal> {
        self.take(name)?.as_bool().ok_or(Refusal::ClaimType)
    }
}
