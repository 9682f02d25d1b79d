//! What a gate decides by this crate alone: attacks by the class of BYPASS they belong to, and properties.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
