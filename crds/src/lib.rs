//! The two resources a person writes, `Backend` and `Organization` (group `tenantry.io`, `v1alpha1`), with the rules they must keep.
//!
//! In the order data flows: [`folder`] reads manifests as kubectl would, the YAML tree with its line numbers is held against the schema of the
//! types ([`backend`], [`organization`]), then against the rules no schema can say; whatever is refused becomes a [`Problem`].
//! [`crd`] makes of the same types and rules what an API server judges by; `src/bin/crdgen.rs` writes it into the chart.
// Two printer columns may well have the same type.
#![allow(clippy::duplicated_attributes)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod backend;
mod definition;
pub mod folder;
pub mod forms;
mod nearest;
pub mod organization;
mod period;
mod problem;
mod rules;
mod schema;
mod yaml;

pub use backend::{Backend, BackendSpec, BackendStatus};
pub use definition::{SCHEMA_ANNOTATION, chart_template, crd, schema_digest};
pub use folder::{Loaded, SecretValue, Secrets};
pub use organization::{Organization, OrganizationSpec, OrganizationStatus};
pub use period::{Period, PeriodError};
pub use problem::Problem;
pub use rules::{Broken, Rule, Ruled, broken, immutable};

/// The API group of both resources.
pub const GROUP: &str = "tenantry.io";
/// The version of both resources.
pub const VERSION: &str = "v1alpha1";
/// The namespace of a document that names none.
pub const DEFAULT_NAMESPACE: &str = "default";
