//! Conditions as kstatus reads them. One that says nothing new keeps its time.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use crate::stores::manifests::Note;
use crate::trouble::Trouble;

/// Everything is as the resource says.
pub const READY: &str = "Ready";
/// It is being worked on.
pub const RECONCILING: &str = "Reconciling";
/// Somebody has to do something.
pub const STALLED: &str = "Stalled";
/// The database is as the resource says.
pub const DATABASE: &str = "DatabaseReady";
/// The Secrets are.
pub const SECRETS: &str = "SecretsReady";
/// Its authority answers.
pub const AUTHORITY: &str = "AuthorityReady";
/// AWS Secrets Manager is.
pub const AWS: &str = "AwsSecretsReady";
/// Something differs and is not put right for now.
pub const DRIFTED: &str = "Drifted";
/// The deletion cannot end.
pub const DELETION_BLOCKED: &str = "DeletionBlocked";

/// The conditions of a resource, made from those that it has.
pub struct Conditions<'a> {
    before: &'a [Condition],
    now: Vec<Condition>,
    generation: Option<i64>,
    at: DateTime<Utc>,
}

impl<'a> Conditions<'a> {
    /// Begins a new list.
    pub fn after(before: &'a [Condition], generation: Option<i64>, at: DateTime<Utc>) -> Self {
        Self { before, now: Vec::new(), generation, at }
    }

    /// Adds one. `None`: it is not known.
    pub fn set(&mut self, kind: &str, holds: Option<bool>, reason: &str, message: &str) {
        let status = match holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let before = self.before.iter().find(|before| before.type_ == kind && before.status == status);
        let since = before.map_or_else(
            || Time(Timestamp::from_second(self.at.timestamp()).unwrap_or_default()),
            |before| before.last_transition_time.clone(),
        );
        self.now.push(Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            observed_generation: self.generation,
            last_transition_time: since,
        });
    }

    /// Adds that it is not ready, and whether it is being worked on or somebody has to do something.
    pub fn set_not_ready(&mut self, trouble: &Trouble) {
        self.set(READY, Some(false), trouble.reason, &trouble.message);
        let kind = if trouble.needs_person() { STALLED } else { RECONCILING };
        self.set(kind, Some(true), trouble.reason, &trouble.message);
    }

    /// The list.
    pub fn into_list(self) -> Vec<Condition> {
        self.now
    }
}

/// The condition of this type.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

/// Whether the condition of this type holds.
pub fn holds(conditions: &[Condition], kind: &str) -> bool {
    find(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// What a change of conditions is worth telling: that it is ready for another reason, or is not.
pub fn news(old: &[Condition], new: &[Condition]) -> Option<Note> {
    let ready = find(new, READY)?;
    let before = find(old, READY);
    if before.is_some_and(|before| before.status == ready.status && before.reason == ready.reason) {
        return None;
    }
    let warning = ready.status != "True" && ready.reason != "Deleting";
    Some(Note { warning, reason: ready.reason.clone(), message: ready.message.clone() })
}
