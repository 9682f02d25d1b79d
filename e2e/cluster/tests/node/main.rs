//! The whole story where pods really run: `make e2e-cluster` brings the cluster, the images and the database.
//!
//! [`world`] installs the charts and applies the examples as a reader has edited them, [`client`] is somebody in another pod who asks,
//! [`story`] is what such a client, and one who means ill, gets, [`replaced`] what it notices while everything is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod client;
mod replaced;
mod story;
mod world;
