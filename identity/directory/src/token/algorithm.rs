use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};

/// What signs access tokens. HS256 is not among them: who could verify could also mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// Ed25519 (RFC 8037).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl KeyAlgorithm {
    /// As `alg` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl From<KeyAlgorithm> for Algorithm {
    fn from(algorithm: KeyAlgorithm) -> Self {
        match algorithm {
            KeyAlgorithm::EdDsa => Self::EdDSA,
            KeyAlgorithm::Es256 => Self::ES256,
            KeyAlgorithm::Rs256 => Self::RS256,
        }
    }
}
