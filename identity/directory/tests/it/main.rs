//! What a gate decides by this crate alone: attacks, named after the class of BYPASS they belong to, and properties.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod clocks;
mod forged_claims;
mod forged_headers;
mod paths;
mod provenance;
mod revocation;
mod route_properties;
mod route_table;
mod speed;
mod stream_properties;
mod tokens;
