//! A Backend's authority in its cluster: pods that hold the keys, and all that they and the gates need.
//!
//! [`keep()`] tells the story: the network policy of the backend's pods first, then [`certificates`], then the [`objects`] that are the
//! authority, one after the other. [`covers`] says whether what stands is what is wanted, so that at rest nothing is written.

mod certificates;
mod covers;
mod keep;
mod objects;
mod reviewers;

pub use keep::{For, keep, read};
pub use reviewers::withdraw;
