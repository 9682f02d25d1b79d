//! The authority over a real loopback listener, on a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod browser;
mod crowd;
mod isolation;
mod login;
mod members;
mod pages;
mod refresh;
mod register;
mod story;
mod stream;
mod tokens;
mod wire;
mod world;
