use jsonwebtoken::{EncodingKey, Header};

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
    /// From a private key in DER: PKCS#8 for `EdDSA` and `ES256`, PKCS#8 or PKCS#1 for `RS256`. The name is the thumbprint of
    /// the public half; nothing here checks that the halves belong together, verification does.
    pub fn from_der(kid: Kid, algorithm: KeyAlgorithm, private: &[u8]) -> Self {
        let key = match algorithm {
            KeyAlgorithm::EdDsa => EncodingKey::from_ed_der(private),
            KeyAlgorithm::Es256 => EncodingKey::from_ec_der(private),
            KeyAlgorithm::Rs256 => EncodingKey::from_rsa_der(private),
        };
        Self { kid, algorithm, key }
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
