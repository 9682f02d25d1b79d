//! Makes the world match the Backends and Organizations of a cluster.
//!
//! A reconcile reads as its story: observe, plan, apply, report. [`stores`] are where things are kept, each behind one trait, so that
//! the simulation and the real ones are driven by the same planner.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod authority;
pub mod backend;
pub mod certificates;
pub mod conditions;
pub mod content;
pub mod export;
pub mod injection;
pub mod leader;
pub mod marks;
pub mod metrics;
pub mod names;
pub mod organization;
pub mod release;
pub mod run;
pub mod settings;
pub mod stores;
pub mod telemetry;
pub mod token;
pub mod trouble;
