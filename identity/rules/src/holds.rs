//! Why an organization is closed. Each writer places and lifts only its own hold; the status in the row follows
//! from all of them, so that lifting one never re-opens what another closed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One reason to keep an organization closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// `spec.suspended` of its manifest.
    Manifest,
    /// An operator of the service suspended it.
    Admin,
    /// Its manifest is gone and its data retained.
    Retained,
    /// Somebody wrote the status by hand, or through the application.
    External,
}

impl Hold {
    /// Every kind of hold.
    pub const ALL: [Self; 4] = [Self::Manifest, Self::Admin, Self::Retained, Self::External];

    /// The name stored in a row.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Admin => "admin",
            Self::Retained => "retained",
            Self::External => "external",
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row names a hold that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a hold: manifest, admin, retained or external")]
pub struct UnknownHold(String);

impl FromStr for Hold {
    type Err = UnknownHold;
    fn from_str(text: &str) -> Result<Self, UnknownHold> {
        Self::ALL.into_iter().find(|hold| hold.name() == text).ok_or_else(|| UnknownHold(text.to_owned()))
    }
}

/// The `status` column of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its users may sign in.
    Active,
    /// Every token of it is refused; nothing is deleted.
    Suspended,
    /// A tombstone.
    Deleted,
}

impl Status {
    /// The name stored in the row.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the column. What is not exactly `active` or `deleted` keeps the organization closed: an application may
    /// have states of its own, and an unknown one must not let anybody in.
    pub fn from_column(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "deleted" => Self::Deleted,
            _ => Self::Suspended,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The holds on one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holds(u8);

impl Holds {
    /// No hold: open.
    pub const NONE: Self = Self(0);

    const fn bit(hold: Hold) -> u8 {
        match hold {
            Hold::Manifest => 1,
            Hold::Admin => 2,
            Hold::Retained => 4,
            Hold::External => 8,
        }
    }

    /// These and `hold`.
    #[must_use]
    pub const fn with(self, hold: Hold) -> Self {
        Self(self.0 | Self::bit(hold))
    }

    /// These without `hold`.
    #[must_use]
    pub const fn without(self, hold: Hold) -> Self {
        Self(self.0 & !Self::bit(hold))
    }

    /// Whether `hold` is among them.
    pub const fn contains(self, hold: Hold) -> bool {
        self.0 & Self::bit(hold) != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Hold> {
        Hold::ALL.into_iter().filter(move |hold| self.contains(*hold))
    }

    /// What the row's status must say.
    pub const fn status(self) -> Status {
        if self.0 == 0 { Status::Active } else { Status::Suspended }
    }

    /// The holds after somebody else wrote `written` into the row. Closing it by hand is a hold like any other;
    /// opening it by hand lifts that one alone, and the status of the remaining holds is written back.
    #[must_use]
    pub fn after_writing_by_hand(self, written: Status) -> Self {
        match written {
            Status::Active => self.without(Hold::External),
            _ if written == self.status() => self,
            _ => self.with(Hold::External),
        }
    }
}

impl FromIterator<Hold> for Holds {
    fn from_iter<I: IntoIterator<Item = Hold>>(holds: I) -> Self {
        holds.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    #[test]
    fn lifting_one_hold_leaves_the_others_closed() {
        let holds = Holds::NONE.with(Hold::Manifest).with(Hold::Admin);
        assert_eq!(holds.without(Hold::Manifest).status(), Status::Suspended);
        assert_eq!(holds.without(Hold::Manifest).without(Hold::Admin).status(), Status::Active);
        assert_eq!(holds.iter().collect::<Vec<_>>(), [Hold::Manifest, Hold::Admin]);
    }

    #[test]
    fn a_status_written_by_hand_is_a_hold_of_its_own() {
        let closed = Holds::NONE.after_writing_by_hand(Status::Suspended);
        assert!(closed.contains(Hold::External));
        assert_eq!(closed.after_writing_by_hand(Status::Active), Holds::NONE);
        assert_eq!(Holds::NONE.after_writing_by_hand(Status::Deleted).status(), Status::Suspended);
    }

    #[test]
    fn opening_by_hand_does_not_lift_the_manifests_hold() {
        let holds = Holds::NONE.with(Hold::Manifest);
        assert_eq!(holds.after_writing_by_hand(Status::Active), holds);
        assert_eq!(
            holds.after_writing_by_hand(Status::Suspended),
            holds,
            "our own status read back is no news"
        );
    }

    #[test]
    fn an_unknown_status_lets_nobody_in() {
        for text in ["", "ACTIVE", "active ", "trial", "suspended"] {
            assert_eq!(Status::from_column(text), Status::Suspended, "{text:?}");
        }
        assert_eq!(Status::from_column("active"), Status::Active);
        assert_eq!(Status::from_column("deleted"), Status::Deleted);
    }

    #[test]
    fn names_are_stable() {
        for hold in Hold::ALL {
            assert_eq!(hold.name().parse(), Ok(hold));
            assert_eq!(serde_json::to_value(hold).unwrap(), hold.name());
        }
        assert!("Manifest".parse::<Hold>().is_err());
    }

    proptest! {
        #[test]
        fn an_organization_is_open_exactly_while_nothing_holds_it(
            steps in prop::collection::vec((any::<bool>(), select(Hold::ALL.to_vec())), 0..20)
        ) {
            let mut holds = Holds::NONE;
            let mut model = std::collections::BTreeSet::new();
            for (place, hold) in steps {
                if place { holds = holds.with(hold); model.insert(hold); } else { holds = holds.without(hold); model.remove(&hold); }
                prop_assert_eq!(holds.status() == Status::Active, model.is_empty());
                prop_assert_eq!(holds, model.iter().copied().collect());
            }
        }
    }
}
