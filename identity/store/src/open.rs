//! Opening a store: connect, migrate, look whether everything can be worked with, or refuse with a sentence.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls_pki_types::UnixTime;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tenantry_rules::clock::Clock;
use tenantry_rules::sealing::Keyring;

use crate::error::with_causes;
use crate::fence::Fence;
use crate::schema::{migrate, triggers};
use crate::sql::{self, Dialect, Shared};
use crate::{Authorities, StoreError, Tx, backend, sealed};

/// What a store is opened with.
pub struct Options {
    /// `sqlite://<path>` or `postgres://…`. PostgreSQL is spoken to over TLS with a checked certificate and host
    /// name, whatever the URL says of it.
    pub url: SecretString,
    /// Certificate authorities for PostgreSQL; `None`: those of the URL, or the public ones.
    pub ca: Option<Authorities>,
    /// Most connections at a time.
    pub connections: u32,
    /// Seals and opens secrets.
    pub keyring: Keyring,
    /// `<namespace>/<name>` of the Backend that the database belongs to.
    pub backend: String,
    /// Which cluster, or stand-alone folder, this is.
    pub cluster: String,
    /// Where "now" comes from; `None`, in production: the database.
    pub clock: Option<Arc<dyn Clock>>,
}

/// Why a store was not opened. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL of a database we speak.
    #[error(
        "the database URL cannot be used: {0}; write sqlite:///path/to/file or postgres://user@host/database"
    )]
    Url(String),
    /// SQLite's file.
    #[error(
        "the database file {path} could not be opened; check that it is a Tenantry database and that this user may write it and its folder"
    )]
    File {
        /// Which.
        path: String,
        /// What SQLite or the system said.
        source: sqlx::Error,
    },
    /// Nobody answered, or not as asked.
    #[error(
        "the database could not be reached; check its host and port, and that it is up and takes connections"
    )]
    Unreachable(#[source] sqlx::Error),
    /// The server does not accept the user or the password.
    #[error("the database refused the user or the password of the URL; check both")]
    Credentials(#[source] sqlx::Error),
    /// There is no such database.
    #[error("the database that the URL names does not exist on its server; create it, or correct the URL")]
    NoDatabase(#[source] sqlx::Error),
    /// Its certificate is not to be trusted.
    #[error(
        "the TLS certificate of the database is not accepted: {0}; check its validity and host name, \
         and that the certificate authority given is the one that signed it"
    )]
    Certificate(String),
    /// A newer program was here.
    #[error(
        "the database was written by a newer Tenantry (schema {applied}, this program knows {known}); \
         run the newer program, or restore a backup made before it"
    )]
    NewerDatabase {
        /// The schema found.
        applied: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// Tables that cannot be worked with.
    #[error("{problem}; {remedy}")]
    Unusable {
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The user of the URL may not do what is needed.
    #[error("the user of the database URL may not do what is needed; run as the owner: {statement}")]
    Rights {
        /// What gives the right.
        statement: String,
        /// What the database said.
        source: StoreError,
    },
    /// It was to be left as it is, and cannot be worked with so.
    #[error("the database is not prepared for this program, which was told to change nothing in it")]
    Unprepared(#[source] StoreError),
    /// Another Backend's database.
    #[error(
        "the database belongs to the Backend {found}, not to {wanted}; give each Backend a database of its own"
    )]
    OtherBackend {
        /// Whose it is.
        found: String,
        /// Who asked.
        wanted: String,
    },
    /// Sealed rows cannot be read.
    #[error(
        "secrets in the database are sealed with the key {key:?}, which the sealing keyring does not have; \
         restore that keyring file (secrets are never made anew)"
    )]
    SealingKeyMissing {
        /// Its id.
        key: String,
    },
    /// Sealed rows do not open with the key of that name.
    #[error(
        "secrets in the database do not open with the key {key:?} of the sealing keyring; \
         it is not the key they were sealed with: restore the keyring file of this database"
    )]
    SealingKeyWrong {
        /// Its id.
        key: String,
        /// What the opening said.
        source: StoreError,
    },
    /// A statement failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The connections of a store.
#[derive(Clone)]
pub(crate) enum Pool {
    Postgres(PgPool),
    /// One connection writes, so that our own transactions queue up here and not as `SQLITE_BUSY`.
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
}

/// A database of organizations, users and everything that follows. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    shared: Arc<Shared>,
    fence: Option<Fence>,
}

const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
/// How long a write waits for other programs that write to the same file.
const SQLITE_BUSY: Duration = Duration::from_secs(10);
/// How often switching a file to the write-ahead log is tried.
const ATTEMPTS: u32 = 40;

impl Store {
    /// Connects, brings the schema up to date and checks what can be checked. Two that open at once do not
    /// disturb each other.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let (store, cluster) = Self::connected(options).await?;
        let mut tx = store.write().await.map_err(not_begun)?;
        prepare(&mut tx, &cluster).await?;
        tx.commit().await?;
        tracing::debug!(database = store.shared.dialect.name(), "opened the store");
        Ok(store)
    }

    /// Connects and checks what can be checked, and changes nothing: a database that would have to be changed first is refused with
    /// [`OpenError::Unprepared`].
    pub async fn open_as_it_is(options: Options) -> Result<Self, OpenError> {
        let (store, cluster) = Self::connected(options).await?;
        let mut tx = store.read().await.map_err(not_begun)?;
        match prepare(&mut tx, &cluster).await {
            Err(OpenError::Store(error)) if error.is_a_refused_write() => Err(OpenError::Unprepared(error)),
            Err(error) => Err(error),
            Ok(()) => Ok(store),
        }
    }

    async fn connected(options: Options) -> Result<(Self, String), OpenError> {
        let (pool, dialect) = connect(&options).await?;
        let Options { keyring, backend, clock, cluster, .. } = options;
        let shared = Arc::new(Shared { dialect, keyring, backend, clock });
        Ok((Self { pool, shared, fence: None }, cluster))
    }

    /// A transaction that may write. On SQLite there is one at a time: whoever holds one must not ask for another.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        let mut tx = sql::begin_write(&self.pool, &self.shared).await?;
        if let Some(fence) = &self.fence {
            fence.check(&mut tx).await?;
        }
        Ok(tx)
    }

    /// A handle whose writes count only while no operator of a higher generation has begun to write for the cluster.
    /// Refused with [`StoreError::Fenced`] where one has already.
    pub async fn fenced(&self, cluster: &str, generation: i64) -> Result<Self, StoreError> {
        let mut tx = sql::begin_write(&self.pool, &self.shared).await?;
        let fence = Fence::raise(&mut tx, cluster, generation).await?;
        tx.commit().await?;
        Ok(Self { fence: Some(fence), ..self.clone() })
    }

    /// A transaction that sees one state of the database and writes nothing.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        sql::begin_read(&self.pool, &self.shared).await
    }

    /// Looks for the change triggers and makes those that are gone again; whether any was. Meant for every 10 s.
    pub async fn restore_triggers(&self) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let restored = triggers::restore(&mut tx).await?;
        tx.commit().await?;
        Ok(restored)
    }

    /// Closes every connection, once the transactions that are open have ended.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
        }
    }
}

/// Everything that a store needs, made where it is missing.
async fn prepare(tx: &mut Tx, cluster: &str) -> Result<(), OpenError> {
    migrate::migrate(tx).await?;
    backend::claim(tx, cluster).await?;
    sealed::check(tx).await
}

fn not_begun(error: StoreError) -> OpenError {
    match error {
        StoreError::Database(source) => unreachable(source),
        other => other.into(),
    }
}

async fn connect(options: &Options) -> Result<(Pool, Dialect), OpenError> {
    let url = options.url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok((sqlite(path.strip_prefix("//").unwrap_or(path), options).await?, Dialect::Sqlite));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((postgres(url, options).await?, Dialect::Postgres));
    }
    // Only the scheme: the rest may hold a password.
    let scheme = url.split_once(':').map_or("it has no scheme", |(scheme, _)| scheme);
    Err(OpenError::Url(format!("{scheme:?} is neither sqlite nor postgres")))
}

/// What kept a connection from coming to be.
fn unreachable(error: sqlx::Error) -> OpenError {
    match &error {
        sqlx::Error::Tls(source) => OpenError::Certificate(with_causes(source.as_ref())),
        sqlx::Error::Io(source) if source.kind() == std::io::ErrorKind::InvalidData => {
            OpenError::Certificate(with_causes(source))
        }
        sqlx::Error::Database(source) => match source.code().as_deref() {
            Some("28P01" | "28000" | "42501") => OpenError::Credentials(error),
            Some("3D000") => OpenError::NoDatabase(error),
            _ => OpenError::Unreachable(error),
        },
        _ => OpenError::Unreachable(error),
    }
}

async fn postgres(url: &str, options: &Options) -> Result<Pool, OpenError> {
    let mut connect = PgConnectOptions::from_str(url)
        .map_err(|_| OpenError::Url("it is not a valid postgres:// URL".to_owned()))?
        .ssl_mode(PgSslMode::VerifyFull)
        .application_name("tenantry");
    if let Some(ca) = &options.ca {
        connect = connect.ssl_root_cert_from_pem(ca.in_force(UnixTime::now())?);
    }
    let pool = PgPoolOptions::new()
        .max_connections(options.connections.max(2))
        .acquire_timeout(ACQUIRE_WITHIN)
        .connect_with(connect)
        .await
        .map_err(unreachable)?;
    Ok(Pool::Postgres(pool))
}

async fn sqlite(path: &str, options: &Options) -> Result<Pool, OpenError> {
    if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
        return Err(OpenError::Url("sqlite:// must be followed by the path of a file alone".to_owned()));
    }
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    keep_private(path).map_err(|error| failed(sqlx::Error::Io(error)))?;
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY);
    let pool =
        |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(SQLITE_BUSY);
    let mut attempt = 1;
    let writer = loop {
        match pool(1).connect_with(connect.clone()).await {
            // Switching to the write-ahead log waits for nobody: another that opens the file at once is in the way.
            Err(error) if attempt < ATTEMPTS && is_busy(&error) => {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            result => break result.map_err(failed)?,
        }
    };
    let reader = pool(options.connections.max(1))
        .connect_with(connect.pragma("query_only", "ON"))
        .await
        .map_err(failed)?;
    Ok(Pool::Sqlite { writer, reader })
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["5", "261", "517"].contains(&code.as_ref()))
}

/// Makes the file, if it is not there, for its owner alone: it holds password hashes. SQLite's own side files take
/// its mode over. A file that is there is never opened here: closing it would drop the locks that SQLite holds on it
/// in this process (POSIX advisory locks go with any descriptor), and with them the log of other connections.
fn keep_private(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    match std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop),
    }
}
