//! Where things are kept, each store behind one trait, so that the planner drives the real ones and the simulation's alike: the
//! resources themselves ([`manifests`]), the database ([`rows`]), Kubernetes Secrets ([`secrets`]) and other objects ([`objects`]), AWS Secrets Manager ([`vault`]).
//! The real ones: [`database`], [`kubernetes`], [`aws`].

pub mod aws;
pub mod database;
pub mod kubernetes;
pub mod manifests;
pub mod objects;
pub mod rows;
pub mod secrets;
pub mod vault;

use std::fmt;

/// One of the stores, as metrics and events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// The resources.
    Manifests,
    /// The database.
    Database,
    /// Kubernetes Secrets.
    Secrets,
    /// AWS Secrets Manager.
    Aws,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifests => "kubernetes",
            Self::Database => "database",
            Self::Secrets => "secrets",
            Self::Aws => "aws",
        })
    }
}
