//! Making the keys that organizations sign access tokens with.

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use tenantry_directory::view::PublicJwk;
use tenantry_directory::{KeyAlgorithm, Kid};
use zeroize::Zeroizing;

/// The cryptographic library could not make a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library could not make a signing key")]
pub struct NoKey;

/// A key that was just made. The private half is wiped when dropped.
pub struct GeneratedKey {
    /// RFC 7638 thumbprint of the public half.
    pub kid: Kid,
    /// The public half.
    pub jwk: PublicJwk,
    /// The private half: PKCS#8 in DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// A fresh key: Ed25519, ECDSA on P-256, or RSA of 2048 bits.
pub fn generate(algorithm: KeyAlgorithm) -> Result<GeneratedKey, NoKey> {
    let (jwk, pkcs8) = match algorithm {
        KeyAlgorithm::EdDsa => ed25519()?,
        KeyAlgorithm::Es256 => p256()?,
        KeyAlgorithm::Rs256 => rsa()?,
    };
    Ok(GeneratedKey { kid: jwk.thumbprint(), jwk, pkcs8 })
}

type Halves = (PublicJwk, Zeroizing<Vec<u8>>);

fn ed25519() -> Result<Halves, NoKey> {
    let pair = Ed25519KeyPair::generate().map_err(|_| NoKey)?;
    let public = pair.public_key().as_ref().try_into().map_err(|_| NoKey)?;
    let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().map_err(|_| NoKey)?.as_ref().to_vec());
    Ok((PublicJwk::ed25519(public), pkcs8))
}

fn p256() -> Result<Halves, NoKey> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| NoKey)?;
    // An uncompressed point (SEC 1 §2.3.3): 0x04, then both coordinates.
    let [0x04, point @ ..] = pair.public_key().as_ref() else { return Err(NoKey) };
    let (x, y) = point.split_at_checked(32).ok_or(NoKey)?;
    let jwk = PublicJwk::p256(x.try_into().map_err(|_| NoKey)?, y.try_into().map_err(|_| NoKey)?);
    Ok((jwk, Zeroizing::new(pair.to_pkcs8v1().map_err(|_| NoKey)?.as_ref().to_vec())))
}

fn rsa() -> Result<Halves, NoKey> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
    let public = pair.public_key();
    let (n, e) = (
        public.modulus().big_endian_without_leading_zero(),
        public.exponent().big_endian_without_leading_zero(),
    );
    let jwk = PublicJwk::rsa(n, e);
    let pkcs8 = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
        .map_err(|_| NoKey)?;
    Ok((jwk, Zeroizing::new(pkcs8.as_ref().to_vec())))
}

#[cfg(test)]
mod tests {
    use tenantry_directory::OrganizationId;
    use tenantry_directory::SigningKey;
    use tenantry_directory::view::{PublicKey, VerifyingKey};

    use super::*;

    #[test]
    fn every_algorithm_makes_a_key_that_signs_and_whose_name_is_its_thumbprint() {
        for algorithm in [KeyAlgorithm::EdDsa, KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
            let key = generate(algorithm).unwrap();
            assert_eq!(key.jwk.algorithm(), algorithm);
            assert!(SigningKey::from_pkcs8(key.kid, algorithm, &key.pkcs8).is_ok(), "{algorithm:?}");
            let public = PublicKey { organization: OrganizationId(1), jwk: key.jwk, verify_until: None };
            assert!(VerifyingKey::new(key.kid, public).is_ok(), "{algorithm:?}");
        }
    }

    #[test]
    fn no_two_keys_are_the_same() {
        assert_ne!(generate(KeyAlgorithm::EdDsa).unwrap().kid, generate(KeyAlgorithm::EdDsa).unwrap().kid);
    }
}
