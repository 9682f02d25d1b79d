use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};

use super::*;
use crate::fixtures::{self, NOW, ORGANIZATION};
use crate::{PublicJwk, PublicKey, View};

/// The fixtures' world, where organization 7 signs with another key.
fn world(jwk: &PublicJwk) -> View {
    let mut snapshot = fixtures::snapshot();
    let public = PublicKey { organization: ORGANIZATION, jwk: jwk.clone(), verify_until: None };
    snapshot.keys.push((jwk.thumbprint(), public));
    View::from_snapshot(snapshot)
}

fn mint_and_verify(jwk: &PublicJwk, pkcs8: &[u8]) -> Result<Identity, Refusal> {
    let signing = SigningKey::from_pkcs8(jwk.thumbprint(), jwk.algorithm(), pkcs8).unwrap();
    verify(&signing.mint(&fixtures::claims(NOW)).unwrap(), &world(jwk), NOW)
}

#[test]
fn a_token_says_who_calls() {
    let identity = verify(&fixtures::token(NOW), &fixtures::view(), NOW).unwrap();
    let claims = fixtures::claims(NOW);
    assert_eq!(
        identity,
        Identity {
            organization_id: ORGANIZATION,
            organization_slug: "mini-corp".into(),
            user_id: fixtures::USER,
            email: claims.email,
            email_verified: true,
            name: claims.name,
            role: claims.role,
            session_id: fixtures::SESSION,
            epoch: 3,
            token_id: claims.jti,
            issued_at: NOW,
            expires_at: NOW.plus(std::time::Duration::from_hours(8)),
            key: fixtures::key().kid(),
        }
    );
}

#[test]
fn es256_keys_sign_and_verify() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let jwk = PublicJwk::p256(point[1..33].try_into().unwrap(), point[33..].try_into().unwrap());
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    assert!(mint_and_verify(&jwk, pkcs8.as_ref()).is_ok());
}

#[test]
fn rs256_keys_sign_and_verify() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = pair.public_key();
    let jwk = PublicJwk::rsa(
        public.modulus().big_endian_without_leading_zero(),
        public.exponent().big_endian_without_leading_zero(),
    );
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    assert!(mint_and_verify(&jwk, pkcs8.as_ref()).is_ok());
}

#[test]
fn a_private_key_of_another_algorithm_mints_nothing() {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let kid = fixtures::key().kid();
    let signing = SigningKey::from_pkcs8(kid, KeyAlgorithm::EdDsa, pkcs8.as_ref()).unwrap();
    assert!(signing.mint(&fixtures::claims(NOW)).is_err());
    assert!(SigningKey::from_pkcs8(kid, KeyAlgorithm::Rs256, pkcs8.as_ref()).is_err());
}

#[test]
fn a_signing_key_shows_its_name_alone() {
    let debug = format!("{:?}", fixtures::key().signing());
    assert_eq!(debug, format!("SigningKey {{ kid: Kid({}), .. }}", fixtures::key().kid()));
}

#[test]
fn every_refusal_has_a_word_of_its_own() {
    let words: std::collections::HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    assert_eq!(words.len(), Refusal::ALL.len());
    assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
}
