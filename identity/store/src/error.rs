use tenantry_rules::random::NoRandomness;
use tenantry_rules::sealing::SealError;

/// A call to the store that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("the database did not carry out a statement")]
    Database(#[source] sqlx::Error),
    /// A value that somebody wrote makes no sense here.
    #[error("the column {column} {problem}")]
    Corrupt {
        /// The column it stands in.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More than one account answers to this address; which one is meant cannot be guessed.
    #[error("more than one account has this e-mail address in different spellings")]
    AmbiguousEmail,
    /// A sealed value did not open.
    #[error("a sealed value could not be opened or made")]
    Sealing(#[source] SealError),
    /// Another operator has begun to write for this cluster.
    #[error("another operator leads by now (number {leader}, this one has {ours}): nothing was written")]
    Fenced {
        /// The number of whoever leads.
        leader: i64,
        /// Ours.
        ours: i64,
    },
    /// No secret could be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl StoreError {
    pub(crate) fn corrupt(column: &str, problem: impl Into<String>) -> Self {
        Self::Corrupt { column: column.to_owned(), problem: problem.into() }
    }

    /// Whether a constraint said no because the value is already there.
    pub fn is_duplicate(&self) -> bool {
        self.database().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }

    /// Whether the same call may well succeed a moment later: a lock, a lost connection, an overload.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_)) => true,
            // PostgreSQL: serialization, deadlock, lock and statement time-out, shutting down, out of
            // connections. SQLite: BUSY and LOCKED.
            _ => self.has_code(&[
                "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "5", "6", "261",
                "517",
            ]),
        }
    }

    /// Whether PostgreSQL's user may not do it (`insufficient_privilege`).
    pub fn lacks_rights(&self) -> bool {
        self.has_code(&["42501"])
    }

    /// Whether it was a write in a transaction that is only to read (PostgreSQL), or over a connection that is (SQLite).
    pub(crate) fn is_a_refused_write(&self) -> bool {
        self.has_code(&["25006", "8"])
    }

    /// Whether the database's own code for it is one of these.
    fn has_code(&self, codes: &[&str]) -> bool {
        let code = self.database().and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| codes.contains(&code.as_ref()))
    }

    fn database(&self) -> Option<&dyn sqlx::error::DatabaseError> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        Self::Sealing(error)
    }
}

/// An error with its causes, each once, for whoever has only one line to tell it.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
