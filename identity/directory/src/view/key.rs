use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};

use crate::{KeyAlgorithm, Kid, OrganizationId, Timestamp};

/// Shortest RSA modulus in bytes: 2048 bits (RFC 7518 §3.3).
const MIN_RSA_MODULUS: usize = 256;
/// Longest: 4096 bits, so that no key makes verification slow.
const MAX_RSA_MODULUS: usize = 512;

/// A public key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Numbers that are no key of its type.
    #[error("a public key is malformed")]
    Malformed,
    /// The key id is not the key's thumbprint.
    #[error("a key id is not its key's thumbprint")]
    Thumbprint,
}

/// A public key as a JWK (RFC 7517) of a kind that signs access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicJwk {
    /// Ed25519 (RFC 8037).
    #[serde(rename = "OKP")]
    Okp {
        /// Always `Ed25519`.
        crv: Ed25519Name,
        /// The 32 bytes of the key, base64url.
        x: String,
    },
    /// ECDSA on P-256.
    #[serde(rename = "EC")]
    Ec {
        /// Always `P-256`.
        crv: P256Name,
        /// 32 bytes, base64url.
        x: String,
        /// 32 bytes, base64url.
        y: String,
    },
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus, base64url.
        n: String,
        /// Exponent, base64url.
        e: String,
    },
}

/// The one curve of an OKP key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ed25519Name {
    /// RFC 8037.
    Ed25519,
}

/// The one curve of an EC key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum P256Name {
    /// NIST P-256.
    #[serde(rename = "P-256")]
    P256,
}

impl PublicJwk {
    /// An Ed25519 key from its 32 bytes.
    pub fn ed25519(key: &[u8; 32]) -> Self {
        Self::Okp { crv: Ed25519Name::Ed25519, x: URL_SAFE_NO_PAD.encode(key) }
    }

    /// A P-256 key from its coordinates.
    pub fn p256(x: &[u8; 32], y: &[u8; 32]) -> Self {
        Self::Ec { crv: P256Name::P256, x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
    }

    /// An RSA key from modulus and exponent, big-endian without leading zeros.
    pub fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self::Rsa { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) }
    }

    /// The one algorithm this key verifies.
    pub fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Okp { .. } => KeyAlgorithm::EdDsa,
            Self::Ec { .. } => KeyAlgorithm::Es256,
            Self::Rsa { .. } => KeyAlgorithm::Rs256,
        }
    }

    /// RFC 7638 thumbprint.
    pub fn thumbprint(&self) -> Kid {
        let canonical = match self {
            Self::Okp { x, .. } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            Self::Ec { x, y, .. } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        };
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, canonical.as_bytes()).as_ref());
        Kid::from_thumbprint(bytes)
    }

    fn decoding_key(&self) -> Result<DecodingKey, InvalidKey> {
        let sized = |text: &str, least: usize, most: usize| {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey::Malformed)?;
            if (least..=most).contains(&bytes.len()) { Ok(bytes) } else { Err(InvalidKey::Malformed) }
        };
        match self {
            Self::Okp { x, .. } => Ok(DecodingKey::from_ed_der(&sized(x, 32, 32)?)),
            Self::Ec { x, y, .. } => {
                let mut point = vec![0x04];
                point.extend(sized(x, 32, 32)?);
                point.extend(sized(y, 32, 32)?);
                Ok(DecodingKey::from_ec_der(&point))
            }
            Self::Rsa { n, e } => Ok(DecodingKey::from_rsa_raw_components(
                &sized(n, MIN_RSA_MODULUS, MAX_RSA_MODULUS)?,
                &sized(e, 1, 8)?,
            )),
        }
    }
}

/// A public key on the wire: whose it is, and until when it verifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The one organization whose tokens it signs.
    pub organization: OrganizationId,
    /// The key.
    pub jwk: PublicJwk,
    /// When the last token it signed has expired; `None` while that is not fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_until: Option<Timestamp>,
}

/// A public key, ready to verify.
#[derive(Clone)]
pub struct VerifyingKey {
    /// Its name.
    pub kid: Kid,
    /// As it came.
    pub public: PublicKey,
    decoding: DecodingKey,
}

impl VerifyingKey {
    /// Checks that the key is one of its type and that its name is its thumbprint.
    pub fn new(kid: Kid, public: PublicKey) -> Result<Self, InvalidKey> {
        let decoding = public.jwk.decoding_key()?;
        if public.jwk.thumbprint() != kid {
            return Err(InvalidKey::Thumbprint);
        }
        Ok(Self { kid, public, decoding })
    }

    /// The one organization whose tokens it signs.
    pub fn organization(&self) -> OrganizationId {
        self.public.organization
    }

    /// The one algorithm it verifies.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.public.jwk.algorithm()
    }

    /// Whether it still verifies.
    pub fn verifies_at(&self, now: Timestamp) -> bool {
        self.public.verify_until.is_none_or(|until| now < until)
    }

    /// Whether `signature` (base64url) over `message` is this key's.
    pub(crate) fn verifies(&self, message: &str, signature: &str) -> bool {
        let algorithm = self.algorithm().into();
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.decoding, algorithm)
            .unwrap_or(false)
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.public == other.public
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
