//! Why something is not as it should be, as a condition will say it.

use std::time::Duration;

/// A reason in one word, a sentence that says what to do, and whether waiting helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// One word in capitals and small letters, as reasons of conditions are.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// What helps.
    pub cure: Cure,
}

/// What helps against a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// Trying again, with growing pauses.
    Retry,
    /// Trying again after exactly so long.
    After(Duration),
    /// A person; still looked at now and then.
    Person,
}

impl Trouble {
    /// A trouble that may pass.
    pub fn passing(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), cure: Cure::Retry }
    }

    /// A trouble that passes after so long.
    pub fn until(reason: &'static str, after: Duration, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), cure: Cure::After(after) }
    }

    /// A trouble that somebody has to end.
    pub fn standing(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), cure: Cure::Person }
    }

    /// Whether it is a right that the operator lacks, which says nothing of what could not be looked at.
    pub fn is_forbidden(&self) -> bool {
        self.reason == "RbacMissing"
    }

    /// Whether somebody has to end it.
    pub fn needs_person(&self) -> bool {
        self.cure == Cure::Person
    }
}

/// The trouble that a condition tells of several: the first that somebody has to end, or else the first.
pub fn gravest<'a>(troubles: impl Iterator<Item = &'a Trouble>) -> Option<&'a Trouble> {
    let mut first = None;
    for trouble in troubles {
        if trouble.needs_person() {
            return Some(trouble);
        }
        first = first.or(Some(trouble));
    }
    first
}
