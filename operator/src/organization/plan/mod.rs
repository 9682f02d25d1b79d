//! What to do next: a pure function of what is wanted, what stands there and the time. [`claim`] while the manifest owns no rows,
//! [`keep`] while it does ([`projections`] being its Secrets, [`vault`] its entry in AWS, [`foreign`] whose else that may be),
//! [`deletion`] once it is going.
//!
//! A plan goes only as far as what was seen allows; after its steps the stores are looked at again, until nothing is left to do.

mod claim;
pub(super) mod deletion;
mod foreign;
mod keep;
mod keys;
pub(crate) mod projections;
pub(crate) mod vault;

use chrono::{DateTime, Utc};

use super::desired::{Desired, VaultPlace};
use super::observed::Observed;
use crate::content::Content;
use crate::stores::Store;
use crate::stores::rows::Provision;
use crate::stores::secrets::{SecretView, SecretWanted};
use crate::stores::vault::Tags;
use crate::trouble::Trouble;

/// One write.
#[derive(Clone, Debug)]
pub enum Step {
    /// Makes the rows as they are to be.
    Provision(Box<Provision>),
    /// Adds our finalizer.
    AddFinalizer,
    /// Lets the manifest go.
    RemoveFinalizer,
    /// Makes a Secret.
    CreateSecret(SecretWanted),
    /// Writes over a Secret of ours.
    ReplaceSecret(SecretWanted, SecretView),
    /// Deletes a Secret of ours.
    DeleteSecret(String, SecretView),
    /// Makes an entry of the vault.
    CreateEntry(VaultPlace, Content),
    /// Puts the content of an entry right; the version that it follows.
    PutEntry(VaultPlace, Content, String),
    /// Puts its tags right.
    TagEntry(VaultPlace, Tags),
    /// Puts its KMS key right.
    KeyEntry(VaultPlace, String),
    /// Takes its scheduled deletion back.
    RestoreEntry(VaultPlace),
    /// Schedules its deletion.
    DeleteEntry(VaultPlace),
    /// Closes the organization and keeps it.
    Retain,
    /// Revokes its credentials.
    Bury,
    /// Removes its rows.
    Purge,
    /// Gives its rows up as they are.
    GiveUp,
}

impl Step {
    /// Where it writes.
    pub fn store(&self) -> Store {
        match self {
            Self::AddFinalizer | Self::RemoveFinalizer => Store::Manifests,
            Self::Provision(_) | Self::Retain | Self::Bury | Self::Purge | Self::GiveUp => Store::Database,
            Self::CreateSecret(_) | Self::ReplaceSecret(..) | Self::DeleteSecret(..) => Store::Secrets,
            _ => Store::Aws,
        }
    }
}

/// What to do, and what stands in the way of more.
#[derive(Debug, Default)]
pub struct Plan {
    /// In this order. A step that fails stops the later ones of its store, and those that need it.
    pub steps: Vec<Step>,
    /// What is wrong with the rows.
    pub database: Option<Trouble>,
    /// What is wrong with the Secrets.
    pub secrets: Option<Trouble>,
    /// What is wrong with the entry of the vault.
    pub vault: Option<Trouble>,
    /// What is wrong with the administrator.
    pub admin: Option<Trouble>,
    /// What keeps a deletion from ending.
    pub deletion: Option<Trouble>,
    /// Somebody asked for nothing to be written, and this many steps wait.
    pub paused: Option<usize>,
}

impl Plan {
    fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Everything that stands in the way.
    pub fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        [&self.database, &self.secrets, &self.vault, &self.admin, &self.deletion].into_iter().flatten()
    }
}

/// Plans the next steps for one manifest.
pub fn plan(desired: &Desired, observed: &Observed, now: DateTime<Utc>) -> Plan {
    if desired.deleting {
        return deletion::plan(desired, observed);
    }
    let mut plan = Plan::default();
    match &observed.rows {
        Err(trouble) => plan.database = Some(trouble.clone()),
        Ok(rows) => match &rows.mine {
            None => claim::plan(desired, observed, &rows.slug, &mut plan),
            Some(row) => keep::plan(desired, observed, row, now, &mut plan),
        },
    }
    if desired.paused {
        plan.paused = Some(plan.steps.len());
        plan.steps.clear();
    }
    plan
}
