use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use zeroize::Zeroizing;

use super::{AccessClaims, KeyAlgorithm, TOKEN_TYPE};
use crate::Kid;

/// A private key that signs access tokens. Zeroized when dropped; its `Debug` shows its name alone.
pub struct SigningKey {
    kid: Kid,
    algorithm: KeyAlgorithm,
    key: EncodingKey,
}

/// A token could not be signed: the private key is not one of its algorithm.
#[derive(Debug, thiserror::Error)]
#[error("signing an access token failed")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

impl SigningKey {
    /// From a private key as PKCS#8 in DER. The name is the thumbprint of the public half; that the halves belong together
    /// shows when a token verifies.
    pub fn from_pkcs8(kid: Kid, algorithm: KeyAlgorithm, private: &[u8]) -> Result<Self, MintError> {
        let key = match algorithm {
            KeyAlgorithm::EdDsa => EncodingKey::from_ed_der(private),
            KeyAlgorithm::Es256 => EncodingKey::from_ec_der(private),
            // The DER form for RSA would be PKCS#1; the PEM form takes PKCS#8.
            KeyAlgorithm::Rs256 => EncodingKey::from_rsa_pem(pem(private).as_bytes())?,
        };
        Ok(Self { kid, algorithm, key })
    }

    /// Its name.
    pub fn kid(&self) -> Kid {
        self.kid
    }

    /// What it signs with.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The compact form of a token with these claims and the header `{alg, kid, typ: "at+jwt"}`.
    pub fn mint(&self, claims: &AccessClaims) -> Result<String, MintError> {
        let mut header = Header::new(self.algorithm.into());
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(self.kid.to_string());
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn pem(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    for (i, c) in body.char_indices() {
        pem.push(c);
        if i % 64 == 63 {
            pem.push('\n');
        }
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    pem
}
