//! The strict assertion: a short statement of who is calling, signed with a key that this process made for itself. Its public
//! half is a JWKS file (RFC 7517) beside the backend; the private half never leaves the process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use tenantry_directory::{Identity, Organization, Timestamp};

use crate::start::StartError;

/// Whole life of an assertion in seconds; one is used again while half of it remains.
pub(crate) const LIFE_SECONDS: i64 = 60;
/// Who signs.
pub(crate) const ISSUER: &str = "tenantry-gate";

/// The gate's own key.
pub(crate) struct AssertionKey {
    pair: Ed25519KeyPair,
    /// Encoded `{alg, kid, typ}`.
    header: String,
    /// The key set as it is published.
    pub jwks: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    aud: &'a str,
    sub: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    sid: String,
    user_id: i64,
    organization_id: i64,
    organization_slug: &'a str,
    organization_name: &'a str,
    email: &'a str,
    email_verified: bool,
    name: &'a str,
    role: &'a str,
}

impl AssertionKey {
    /// Makes a key.
    pub fn generate() -> Result<Self, StartError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| StartError::Crypto)?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        // RFC 7638: the required members in order, without white space.
        let thumbprint = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, thumbprint.as_bytes()));
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"JWT"}}"#));
        let jwks = format!(
            r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{kid}","alg":"EdDSA","use":"sig"}}]}}"#
        );
        Ok(Self { pair, header, jwks })
    }

    /// Writes `jwks.json` into `folder`, in one step, so that a reader never sees half of it.
    pub fn publish(&self, folder: &Path) -> Result<(), StartError> {
        let path = folder.join("jwks.json");
        self.write(folder, &path).map_err(|source| StartError::AssertionFolder { path, source })
    }

    fn write(&self, folder: &Path, path: &PathBuf) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let beside = folder.join("jwks.json.new");
        fs::write(&beside, &self.jwks)?;
        fs::rename(&beside, path)
    }

    /// A statement for the backend `audience` about who is calling. `None` where the system has no random bytes.
    pub fn mint(
        &self,
        audience: &str,
        identity: &Identity,
        organization: &Organization,
        now: Timestamp,
    ) -> Option<String> {
        let mut jti = [0_u8; 12];
        rand::fill(&mut jti).ok()?;
        let iat = now.secs();
        let claims = Claims {
            iss: ISSUER,
            aud: audience,
            sub: identity.user_id.to_string(),
            iat,
            nbf: iat,
            exp: iat + LIFE_SECONDS,
            jti: URL_SAFE_NO_PAD.encode(jti),
            sid: identity.session_id.to_string(),
            user_id: identity.user_id.0,
            organization_id: identity.organization_id.0,
            organization_slug: &organization.slug,
            organization_name: &organization.name,
            email: &identity.email,
            email_verified: identity.email_verified,
            name: &identity.name,
            role: identity.role.as_str(),
        };
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).ok()?);
        let message = format!("{}.{claims}", self.header);
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        Some(format!("{message}.{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    use tenantry_directory::fixtures;

    use super::*;

    #[test]
    fn an_assertion_verifies_with_the_published_key_and_names_its_backend() {
        let key = AssertionKey::generate().unwrap();
        let view = fixtures::view();
        let identity =
            tenantry_directory::verify(&fixtures::token(fixtures::NOW), &view, fixtures::NOW).unwrap();
        let organization = &view.organizations[&identity.organization_id];
        let token = key.mint("default/incidents", &identity, organization, fixtures::NOW).unwrap();
        let set: JwkSet = serde_json::from_str(&key.jwks).unwrap();
        let decoding = DecodingKey::from_jwk(&set.keys[0]).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["default/incidents"]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false;
        let claims = decode::<serde_json::Value>(&token, &decoding, &validation).unwrap().claims;
        assert_eq!(claims["organization_id"], identity.organization_id.0);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), LIFE_SECONDS);
    }

    #[test]
    fn the_key_set_is_replaced_in_one_step() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("assertion");
        AssertionKey::generate().unwrap().publish(&folder).unwrap();
        let key = AssertionKey::generate().unwrap();
        key.publish(&folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join("jwks.json")).unwrap(), key.jwks);
    }
}
