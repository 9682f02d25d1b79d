//! What is worth an audit event. The names are stored for ever and read by people and machines: they are never
//! renamed and never used for something else.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// The kind of an audit event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AuditKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl AuditKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The stored name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// A manifest made the organization.
    OrganizationProvisioned = "organization.provisioned",
    /// Somebody registered it.
    OrganizationRegistered = "organization.registered",
    /// Its name, limits or declared settings changed.
    OrganizationChanged = "organization.changed",
    /// A hold was placed on it.
    OrganizationHeld = "organization.held",
    /// A hold was lifted.
    OrganizationReleased = "organization.released",
    /// Its tombstone was set.
    OrganizationDeleted = "organization.deleted",
    /// Its rows were removed.
    OrganizationPurged = "organization.purged",
    /// Its manifest gave it up as it is.
    OrganizationGivenUp = "organization.given_up",
    /// A data key was found in a Secret and kept.
    DataKeyImported = "data_key.imported",
    /// A new data key was made.
    DataKeyRotated = "data_key.rotated",
    /// Its first administrator was created.
    AdminCreated = "user.admin_created",
    /// A user came to be by accepting an invitation.
    UserCreated = "user.created",
    /// A role changed.
    UserRoleChanged = "user.role_changed",
    /// A user was deactivated.
    UserDeactivated = "user.deactivated",
    /// A user was activated again.
    UserActivated = "user.activated",
    /// A user was removed.
    UserDeleted = "user.deleted",
    /// Somebody changed a user's row by hand or through the application.
    UserChangedOutside = "user.changed_outside",
    /// A sign-in with the right password.
    LoginSucceeded = "login.succeeded",
    /// A sign-in with a wrong password.
    LoginFailed = "login.failed",
    /// Too many wrong passwords: the account is locked for a while.
    LoginLocked = "login.locked",
    /// The user logged out, or ended one session.
    SessionEnded = "session.ended",
    /// A refresh token was used again after its grace: the session was ended.
    SessionReused = "session.reused",
    /// Every other session of a user was ended.
    SessionsEnded = "session.all_ended",
    /// A user changed the password.
    PasswordChanged = "password.changed",
    /// A stored hash was replaced by a stronger one of the same password.
    PasswordRehashed = "password.rehashed",
    /// An administrator invited an address.
    InvitationSent = "invitation.sent",
    /// A newer invitation to the same address replaced it.
    InvitationSuperseded = "invitation.superseded",
    /// It was withdrawn.
    InvitationRevoked = "invitation.revoked",
    /// It was accepted.
    InvitationAccepted = "invitation.accepted",
    /// A signing key was made.
    KeyCreated = "key.created",
    /// A signing key began to sign.
    KeyActivated = "key.activated",
    /// A signing key is past its last token and was dropped.
    KeyDropped = "key.dropped",
    /// A signing key was revoked at once.
    KeyRevoked = "key.revoked",
    /// A secret of the backend or an organization was made.
    SecretCreated = "secret.created",
    /// Sealed rows were sealed again under a newer key.
    SecretsResealed = "secret.resealed",
    /// Missing change triggers were made again and everything was read anew.
    TriggersRestored = "directory.triggers_restored",
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row names a kind that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a known kind of audit event")]
pub struct UnknownAuditKind(String);

impl FromStr for AuditKind {
    type Err = UnknownAuditKind;
    fn from_str(text: &str) -> Result<Self, UnknownAuditKind> {
        let known = Self::ALL.iter().copied().find(|kind| kind.name() == text);
        known.ok_or_else(|| UnknownAuditKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_its_own_and_reads_back() {
        let names: BTreeSet<_> = AuditKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), AuditKind::ALL.len());
        for kind in AuditKind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn a_name_is_a_subject_and_what_happened_to_it() {
        for kind in AuditKind::ALL {
            let (subject, event) = kind.name().split_once('.').unwrap();
            for word in [subject, event] {
                assert!(
                    word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !word.is_empty(),
                    "{kind}"
                );
            }
        }
    }

    #[test]
    fn a_kind_of_a_newer_version_is_named_in_the_error() {
        let error = "user.cloned".parse::<AuditKind>().unwrap_err();
        assert_eq!(error.to_string(), "\"user.cloned\" is not a known kind of audit event");
    }
}
