//! A Backend's authority in its cluster: pods that hold the keys, and all that they and the gates need.
//!
//! [`close`] keeps the network policy of the backend's pods, before all else and even without a database. [`keep()`] tells the rest:
//! [`certificates`], then the [`objects`] that are the authority, one after the other, then that it may ask whose a token is. [`covers`] says whether what stands is what is wanted, so that at rest nothing is written.

mod certificates;
mod covers;
mod keep;
mod objects;
mod reviewers;

pub use keep::{For, close, keep, read};
pub use reviewers::withdraw;
