//! Who is a gate. Only a gate may talk to the authority, follow the directory, and have its word on a client taken.
//!
//! A gate shows a credential with every request (`proof`). [`OneCredential`] knows the gate of its own process, [`TokenFile`] gates
//! outside a cluster, [`Reviews`] those in one.

mod one;
mod proof;
mod reviews;
mod token_file;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use aws_lc_rs::digest::{SHA256, digest};

pub use one::OneCredential;
pub(crate) use proof::{Asked, GateProof, check, credential_of, only_a_gate, turned_away};
pub use reviews::{Bearer, Reviewing, Reviews, ServiceAccounts, TokenReviewer};
pub use token_file::{TokenFile, TokenFileError};

/// The header that carries a gate's credential.
pub const GATE_HEADER: &str = "x-tenantry-gate";

/// A pending decision on a credential.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Result<(), NotAGate>> + Send + 'a>>;

/// Decides who is a gate.
pub trait Gates: Send + Sync {
    /// Decides on what a peer showed; asked at each request, so that it remembers what costs a call.
    fn check<'a>(&'a self, credential: &'a str) -> Checking<'a>;
}

/// Why a peer is not taken for a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAGate {
    /// Nobody vouches for the credential: it is unknown, expired, or of a pod that is gone.
    Unknown,
    /// It is somebody's, who may not be a gate. The sentence says what to change.
    NotListed(String),
    /// Nobody could be asked.
    Unavailable(String),
}

impl fmt::Display for NotAGate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => out.write_str("the credential is unknown, expired or of a pod that is gone"),
            Self::NotListed(why) | Self::Unavailable(why) => out.write_str(why),
        }
    }
}

/// What is kept of a credential in place of it.
type Fingerprint = [u8; 32];

fn fingerprint(credential: &str) -> Fingerprint {
    let mut print = [0; 32];
    print.copy_from_slice(digest(&SHA256, credential.as_bytes()).as_ref());
    print
}

fn equal_in_constant_time(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}
