//! The authority over a real loopback listener, on a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod story;
mod world;
