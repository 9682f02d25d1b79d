//! Keys, tokens and views for tests, hostile tokens too. The world: Backend `mini-xdr/mini-xdr` at
//! `https://xdr.example.com`, organizations 7 "mini-corp" and 8 "other-corp", a key each, user 42 of organization 7.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::settings::{Upstream, UpstreamProtocol};
use crate::token::{ACCESS, CLIENT_ID, TOKEN_TYPE};
use crate::{
    AccessClaims, BackendSettings, Digest, KeyAlgorithm, Kid, Organization, OrganizationId,
    OrganizationStatus, PublicJwk, PublicKey, SessionId, SigningKey, Snapshot, Timestamp, UserId, View,
};

/// The moment at which tests live unless they pass another: 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
/// "mini-corp", whose tokens [`claims`] are for.
pub const ORGANIZATION: OrganizationId = OrganizationId(7);
/// "other-corp", the neighbour.
pub const OTHER_ORGANIZATION: OrganizationId = OrganizationId(8);
/// A user of [`ORGANIZATION`].
pub const USER: UserId = UserId(42);
/// The session of [`claims`].
pub const SESSION: SessionId = SessionId::from_bytes(*b"a test's session");

/// An Ed25519 key made from a seed, so that every test of every crate has the same.
pub struct TestKey {
    pair: Ed25519KeyPair,
}

impl TestKey {
    /// The key of a seed: 7 is [`ORGANIZATION`]'s, 8 is [`OTHER_ORGANIZATION`]'s, others are unknown to [`view`].
    pub fn new(seed: u8) -> Self {
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    /// Its public half.
    pub fn jwk(&self) -> PublicJwk {
        PublicJwk::ed25519(self.pair.public_key().as_ref().try_into().unwrap())
    }

    /// Its name.
    pub fn kid(&self) -> Kid {
        self.jwk().thumbprint()
    }

    /// Its public half as the directory carries it.
    pub fn public(&self, organization: OrganizationId) -> PublicKey {
        PublicKey { organization, jwk: self.jwk(), verify_until: None }
    }

    /// As the authority holds it.
    pub fn signing(&self) -> SigningKey {
        let pkcs8 = self.pair.to_pkcs8().unwrap();
        SigningKey::from_pkcs8(self.kid(), KeyAlgorithm::EdDsa, pkcs8.as_ref()).unwrap()
    }

    /// A token as the authority mints it.
    pub fn token(&self, claims: &AccessClaims) -> String {
        self.signing().mint(claims).unwrap()
    }

    /// The header of an honest token, to be spoiled.
    pub fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "kid": self.kid(), "typ": TOKEN_TYPE })
    }

    /// Signs any two JSON values as a token.
    pub fn sign_json(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs any two texts as a token, JSON or not: duplicate members and the like.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = unsigned(header, claims);
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// Header and claims of a token, without the last dot and the signature.
pub fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// The key of [`ORGANIZATION`].
pub fn key() -> TestKey {
    TestKey::new(7)
}

/// The key of [`OTHER_ORGANIZATION`].
pub fn other_key() -> TestKey {
    TestKey::new(8)
}

/// Claims that [`view`] accepts for 8 hours from `now`, under [`key`]: user 42, an analyst.
pub fn claims(now: Timestamp) -> AccessClaims {
    AccessClaims {
        iss: "https://xdr.example.com/o/7".into(),
        aud: "mini-xdr/mini-xdr".into(),
        client_id: CLIENT_ID.into(),
        sub: "42".into(),
        iat: now.secs(),
        nbf: now.secs(),
        exp: now.secs() + 8 * 60 * 60,
        jti: "a-token".into(),
        sid: SESSION,
        epoch: 3,
        kind: ACCESS.into(),
        user_id: USER,
        organization_id: ORGANIZATION,
        organization_slug: "mini-corp".into(),
        email: "ann@minicorp.example".into(),
        email_verified: true,
        name: "Ann Ångström".into(),
        role: "analyst".parse().unwrap(),
    }
}

/// A token that [`view`] accepts for 8 hours from `now`.
pub fn token(now: Timestamp) -> String {
    key().token(&claims(now))
}

/// The Backend with roles viewer, analyst, `soc_lead` and admin, and every default.
pub fn settings() -> BackendSettings {
    BackendSettings::new(
        "mini-xdr/mini-xdr",
        "https://xdr.example.com".parse().unwrap(),
        Upstream { address: "127.0.0.1:8000".into(), protocol: UpstreamProtocol::Http1 },
        ["viewer", "analyst", "soc_lead", "admin"].map(|role| role.parse().unwrap()).into(),
    )
}

/// An active organization.
pub fn organization(slug: &str, name: &str) -> Organization {
    Organization { slug: slug.into(), name: name.into(), status: OrganizationStatus::Active }
}

/// The world at version 1.
pub fn snapshot() -> Snapshot {
    Snapshot {
        version: 1,
        digest: Digest::genesis("mini-xdr/mini-xdr").next(1, "backend", "", "nonce-1"),
        read_at_ms: 0,
        critical: Vec::new(),
        backend: settings(),
        organizations: vec![
            (ORGANIZATION, organization("mini-corp", "mini corp")),
            (OTHER_ORGANIZATION, organization("other-corp", "Other Corp")),
        ],
        keys: vec![
            (key().kid(), key().public(ORGANIZATION)),
            (other_key().kid(), other_key().public(OTHER_ORGANIZATION)),
        ],
        users: Vec::new(),
        sessions: Vec::new(),
    }
}

/// The world, as a gate sees it.
pub fn view() -> View {
    View::from_snapshot(snapshot())
}
