//! What a gate must know to decide alone, and how it decides: routes, organizations, public keys, revocations,
//! their freshness, and strict verification of access tokens into an [`Identity`]. No I/O, no database, no clock.
//!
//! In the order data flows:
//! - [`ids`], [`Timestamp`]: the words everything else is written in
//! - [`settings`]: what a gate must know of its Backend
//! - [`routes`]: path and method to access decision
//! - [`view`]: an immutable picture of the directory; [`Snapshot`] and [`Change`] make the next one
//! - [`stream`]: the picture on the wire, and the [`Follower`] that keeps up with it and knows how fresh it is
//! - [`token`]: access tokens, minted and verified from one definition
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod ids;
pub mod routes;
pub mod settings;
pub mod stream;
mod timestamp;
pub mod token;
pub mod view;

pub use ids::{Kid, OrganizationId, Role, SessionId, UserId};
pub use routes::{Access, Decision, PathRefusal, Route, RouteError, RouteTable};
pub use settings::{BackendSettings, PublicUrl};
pub use stream::{
    Follower, Frame, FrameError, Freshness, Known, NeedSnapshot, Position, Step, decode, encode,
};
pub use timestamp::Timestamp;
pub use token::{
    AccessClaims, Identity, KeyAlgorithm, Refusal, SigningKey, check_current, is_ours, verify,
    verify_signature_and_claims,
};
pub use view::{
    ApplyError, Change, ChangeState, Digest, MinEpoch, Organization, OrganizationStatus, PublicJwk,
    PublicKey, Snapshot, VerifyingKey, View,
};
