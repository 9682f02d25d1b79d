//! The real binary: started, used, killed and started again.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod canary;
mod crash;
mod manifests;
mod refusals;
mod standalone;
mod world;
