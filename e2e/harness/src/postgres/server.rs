//! The server process, held by a watchdog that outlives the test by as long as it takes to clean up.

use super::{Database, StartError, binaries, certificates};
use crate::certificates::Signed;
use crate::process::{free_port, random_password};
use std::{
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

const WATCHDOG: &str = include_str!("watchdog.sh");
/// A free port may be taken between looking and binding; more than a few such losses are another fault.
const ATTEMPTS: u32 = 5;

/// A running PostgreSQL server on 127.0.0.1; stopped on drop. Cloning shares the server.
#[derive(Clone, Debug)]
pub struct Postgres(Arc<Server>);

type Pipes = (ChildStdin, BufReader<ChildStdout>);

#[derive(Debug)]
struct Server {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
    password: String,
    watchdog: Child,
    pipes: Mutex<Option<Pipes>>,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts a server of its own (about 1.5 s). Most tests want [`Postgres::shared`].
    pub async fn start() -> Result<Self, StartError> {
        tokio::task::spawn_blocking(Server::start)
            .await
            .map_err(|_| StartError::Cancelled)?
            .map(|server| Self(Arc::new(server)))
    }

    /// The one server of this test process, started by the first caller and stopped when the process ends.
    pub async fn shared() -> Result<&'static Self, StartError> {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// An empty database that nobody else uses, in about 50 ms.
    pub async fn create_database(&self) -> Result<Database, StartError> {
        let number = self.0.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.psql(&format!("CREATE DATABASE {name}")).await?;
        Ok(Database::new(self.clone(), name))
    }

    /// The superuser's URL of the database `postgres`, for TLS with a checked certificate and host name.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The certificate authority that signed the server's certificate, as a PEM file.
    pub fn ca_path(&self) -> PathBuf {
        self.0.folder.path().join("ca.pem")
    }

    /// The port the server listens on.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Runs `sql` with psql in the database `postgres`, the way a person would, and returns its unaligned output.
    pub async fn psql(&self, sql: &str) -> Result<String, StartError> {
        self.psql_in("postgres", sql).await
    }

    /// Takes the server away, as a crash does: what was committed stays. Not for a shared server.
    pub async fn stop(&self) -> Result<(), StartError> {
        self.order("stop").await
    }

    /// Brings the server back on the same port with the same data, and waits until it is ready.
    pub async fn start_again(&self) -> Result<(), StartError> {
        self.order("start").await
    }

    /// Has it show another certificate to whoever connects from now on. Those who trust [`Postgres::ca_path`] do not accept it.
    pub async fn show(&self, certificate: &Signed) -> Result<(), StartError> {
        // Written over, they keep their owner and mode.
        for (name, content) in [("server.crt", &certificate.certificate), ("server.key", &certificate.key)] {
            let path = self.0.folder.path().join(name);
            std::fs::write(&path, content).map_err(StartError::io(path))?;
        }
        self.order("reload").await
    }

    async fn order(&self, order: &'static str) -> Result<(), StartError> {
        let server = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || server.order(Some(order)))
            .await
            .map_err(|_| StartError::Cancelled)?
    }

    pub(super) fn url_of(&self, database: &str) -> String {
        let (password, port) = (&self.0.password, self.0.port);
        format!(
            "postgres://postgres:{password}@127.0.0.1:{port}/{database}?sslmode=verify-full&sslrootcert={}",
            self.ca_path().display()
        )
    }

    pub(super) async fn psql_in(&self, database: &str, sql: &str) -> Result<String, StartError> {
        let program = self.0.bin.join("psql");
        let mut command = Command::new(&program);
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &self.url_of(database),
            "-c",
            sql,
        ]);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .map_err(|_| StartError::Cancelled)?
            .map_err(StartError::io(program))?;
        if !output.status.success() {
            return Err(StartError::Sql(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

impl Server {
    fn start() -> Result<Self, StartError> {
        let bin = binaries::folder()?;
        let mut last = StartError::NotInstalled;
        for _ in 0..ATTEMPTS {
            match Self::attempt(&bin) {
                Err(StartError::DidNotStart(log)) if log.contains("Address already in use") => {
                    last = StartError::DidNotStart(log);
                }
                other => return other,
            }
        }
        Err(last)
    }

    fn attempt(bin: &Path) -> Result<Self, StartError> {
        let folder = tempfile::Builder::new()
            .prefix("tenantry-postgres-")
            // User postgres has to reach its keys and data; both are protected by their own modes.
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .map_err(StartError::io(std::env::temp_dir()))?;
        certificates::write(folder.path())?;
        let password = random_password().map_err(StartError::io("/dev/urandom"))?;
        let file = folder.path().join("password");
        std::fs::write(&file, &password).map_err(StartError::io(file))?;
        let port = free_port().map_err(StartError::io("127.0.0.1:0"))?;

        let mut watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "tenantry-postgres-watchdog"])
            .arg(folder.path())
            .arg(bin)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(StartError::io("/bin/sh"))?;
        let pipes = Mutex::new(watchdog.stdin.take().zip(watchdog.stdout.take().map(BufReader::new)));
        let databases = AtomicU32::new(0);
        let server = Self { folder, bin: bin.to_owned(), port, password, watchdog, pipes, databases };
        server.order(None).map(|()| server)
    }

    /// Gives the watchdog an order, or none, and waits for its answer.
    fn order(&self, order: Option<&str>) -> Result<(), StartError> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = String::new();
        if let Some((stdin, stdout)) = pipes.as_mut() {
            order
                .map_or(Ok(()), |order| writeln!(stdin, "{order}"))
                .and_then(|()| stdout.read_line(&mut line))
                .map_err(StartError::io("watchdog"))?;
        }
        if line.trim() == "ready" {
            return Ok(());
        }
        let log = self.folder.path().join("log");
        Err(StartError::DidNotStart(std::fs::read_to_string(log).unwrap_or_default()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.pipes.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Err(error) = self.watchdog.wait() {
            note(&error);
        }
    }
}

#[allow(clippy::print_stderr, reason = "a test's only log")]
fn note(error: &std::io::Error) {
    eprintln!("waiting for PostgreSQL to stop failed: {error}");
}
