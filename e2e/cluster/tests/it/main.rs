//! Tenantry in a cluster, as its operators meet it. The tests of one run share a control plane and keep apart by
//! namespaces; those that take parts of it away start one of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod access;
mod apart;
mod argocd;
mod cache;
mod charts;
mod client;
mod definitions;
mod endurance;
mod lifetime;
mod operator;
mod outside;
mod server;

use std::path::{Path, PathBuf};

/// A path of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
