//! How a Backend stands, for people and for `kubectl wait`.

use chrono::{DateTime, Utc};
use tenantry_crds::{Backend, BackendStatus};

use crate::conditions::{self, Conditions};
use crate::trouble::{Trouble, gravest};

/// The Organizations that belong to a Backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// How many.
    pub all: usize,
    /// How many have all their secrets in AWS.
    pub in_aws: usize,
    /// Whether every namespace that the Backend lets in was read.
    pub known: bool,
    /// The namespaces that are watched and were not read: what was made in the Backend while it let them in is not counted.
    pub unread: Vec<String>,
}

/// What is wrong with a Backend.
#[derive(Debug, Default)]
pub struct Findings {
    /// With its database.
    pub database: Option<Trouble>,
    /// With its Secrets.
    pub secrets: Option<Trouble>,
    /// With its entries of the vault.
    pub vault: Option<Trouble>,
    /// Where its authority is, and what is wrong with it; `None`: it has none.
    pub authority: Option<(String, Result<(), Trouble>)>,
    /// What keeps its deletion from ending.
    pub deletion: Option<Trouble>,
}

impl Findings {
    /// Everything that is wrong, the gravest cause first.
    pub fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        let authority = self.authority.as_ref().and_then(|(_, stands)| stands.as_ref().err());
        let all = [&self.deletion, &self.database, &self.secrets, &self.vault];
        all.into_iter().flatten().chain(authority)
    }
}

/// The status.
pub fn status(
    backend: &Backend,
    findings: &Findings,
    members: &Members,
    now: DateTime<Utc>,
) -> BackendStatus {
    let old = backend.status.clone().unwrap_or_default();
    let mut conditions = Conditions::after(&old.conditions, backend.metadata.generation, now);
    match gravest(findings.troubles()) {
        None => conditions.set(
            conditions::READY,
            Some(true),
            "Ready",
            "its database is open and its keys are kept",
        ),
        Some(trouble) => conditions.set_not_ready(trouble),
    }
    if backend.metadata.deletion_timestamp.is_none() {
        let mut store = |kind: &str, trouble: Option<&Trouble>, good: &str| match trouble {
            Some(trouble) => conditions.set(kind, Some(false), trouble.reason, &trouble.message),
            None => conditions.set(kind, Some(true), "Written", good),
        };
        store(
            conditions::DATABASE,
            findings.database.as_ref(),
            "it is open, over TLS with a checked certificate",
        );
        store(
            conditions::SECRETS,
            findings.secrets.as_ref().or(findings.database.as_ref()),
            "as the database says",
        );
        match &findings.authority {
            Some((_, Ok(()))) => conditions.set(conditions::AUTHORITY, Some(true), "Available", "it answers"),
            Some((_, Err(trouble))) => {
                conditions.set(conditions::AUTHORITY, Some(false), trouble.reason, &trouble.message);
            }
            None if old.authority_url.is_some() => {
                let why = "the database comes first";
                conditions.set(conditions::AUTHORITY, None, "WaitsForDatabase", why);
            }
            None => {}
        }
        if backend.spec.aws.is_some() {
            aws(&mut conditions, findings, members);
        }
    }
    if let Some(trouble) = &findings.deletion {
        conditions.set(conditions::DELETION_BLOCKED, Some(true), trouble.reason, &trouble.message);
    }
    BackendStatus {
        observed_generation: backend.metadata.generation,
        organizations: Some(i64::try_from(members.all).unwrap_or(i64::MAX)),
        authority_url: findings.authority.as_ref().map_or(old.authority_url, |(url, _)| Some(url.clone())),
        conditions: conditions.into_list(),
    }
}

/// One condition that says whether every secret of the Backend and its Organizations is in AWS.
fn aws(conditions: &mut Conditions<'_>, findings: &Findings, members: &Members) {
    let count = format!("{} of {} Organizations have their secrets there", members.in_aws, members.all);
    match findings.vault.as_ref().or(findings.database.as_ref()) {
        Some(trouble) => conditions.set(conditions::AWS, Some(false), trouble.reason, &trouble.message),
        None if members.in_aws < members.all => {
            conditions.set(conditions::AWS, Some(false), "Incomplete", &count);
        }
        None => conditions.set(conditions::AWS, Some(true), "Complete", &count),
    }
}
