//! The harness's own promises: parts are real, private to the test, and gone afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod postgres;
mod vault;
