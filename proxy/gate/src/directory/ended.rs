use std::io;

use tenantry_directory::NeedSnapshot;

/// Why there is no stream any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("it could not be opened in time")]
    Late,
    #[error("it could not be opened: {0}")]
    Unopened(#[source] io::Error),
    #[error("it stood for so long that its clock counts no longer, and no other could be opened")]
    Old,
    #[error("a CA was withdrawn")]
    Withdrawn,
    #[error("it went silent")]
    Silent,
    #[error("the authority closed it")]
    Closed,
    #[error("it was cut in the middle of a line")]
    Cut,
    #[error("it could not be read: {0}")]
    Unread(#[source] io::Error),
    #[error(transparent)]
    Unusable(#[from] NeedSnapshot),
}

impl Ended {
    /// A word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Late => "timeout",
            Self::Unopened(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => "refused",
                io::ErrorKind::InvalidData => "untrusted",
                io::ErrorKind::Unsupported => "no_directory",
                io::ErrorKind::Other | io::ErrorKind::InvalidInput => "failed",
                _ => "unreachable",
            },
            Self::Old => "old",
            Self::Withdrawn => "withdrawn",
            Self::Silent => "silent",
            Self::Closed | Self::Cut | Self::Unread(_) => "closed",
            Self::Unusable(_) => "unusable",
        }
    }
}
