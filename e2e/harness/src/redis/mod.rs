//! A Redis server for tests as Tenantry's users are told to run theirs: TLS only, nobody in without a name, users in
//! an ACL file.

use crate::{
    certificates::Authority,
    process::{PartError, Watchdog, accepts, blocking, find, free_port, on_free_ports, random_password, run},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(30);
const SERVER: &str = "redis";
/// The user that may do anything.
const ADMIN: &str = "admin";

/// A running Redis server on 127.0.0.1; gone on drop. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Redis(Arc<Server>);

#[derive(Debug)]
struct Server {
    watchdog: Watchdog,
    port: u16,
    password: String,
}

impl Redis {
    /// Starts a server (about 0.2 s).
    pub async fn start() -> Result<Self, PartError> {
        blocking(Server::start).await.map(|server| Self(Arc::new(server)))
    }

    /// The administrator's URL, `rediss://admin:<password>@127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("rediss://{ADMIN}:{}@127.0.0.1:{}", self.0.password, self.0.port)
    }

    /// The port the server listens on.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The administrator's password; the user is `admin`.
    pub fn password(&self) -> &str {
        &self.0.password
    }

    /// The certificate authority that signed the server's certificate, as a PEM file.
    pub fn ca_path(&self) -> PathBuf {
        self.0.watchdog.file("ca.pem")
    }

    /// The file that `ACL SAVE` writes.
    pub fn acl_path(&self) -> PathBuf {
        self.0.watchdog.file("users.acl")
    }

    /// Runs redis-cli as administrator and returns what it printed. An answer that is an error is an error.
    pub async fn cli(&self, args: &[&str]) -> Result<String, PartError> {
        self.cli_as(ADMIN, &self.0.password, args).await
    }

    /// As [`Redis::cli`], as another user.
    pub async fn cli_as(&self, user: &str, password: &str, args: &[&str]) -> Result<String, PartError> {
        let program = program("redis-cli", "install it with: apt-get install redis-tools")?;
        let mut command = Command::new(program);
        // -e: an error in the answer is an exit status.
        command.args(["-e", "--tls", "--cacert"]).arg(self.ca_path());
        command.args(["-h", "127.0.0.1", "-p", &self.0.port.to_string(), "--user", user]);
        command.args(args).env("REDISCLI_AUTH", password);
        run(command, String::new()).await.map(|text| text.trim_end().to_owned())
    }

    /// Takes the server away, as a crash does.
    pub async fn stop(&self) -> Result<(), PartError> {
        let server = Arc::clone(&self.0);
        blocking(move || server.watchdog.stop(SERVER, "KILL")).await
    }

    /// Brings it back on the same port with the same data. Users that were not saved with `ACL SAVE` are lost, as they
    /// are in every restart of Redis.
    pub async fn start_again(&self) -> Result<(), PartError> {
        let server = Arc::clone(&self.0);
        blocking(move || {
            server.watchdog.start_again(SERVER)?;
            server.wait()
        })
        .await
    }
}

impl Server {
    fn start() -> Result<Self, PartError> {
        on_free_ports(Self::attempt)
    }

    fn attempt() -> Result<Self, PartError> {
        let program = program("redis-server", "install it with: apt-get install redis-server")?;
        let watchdog = Watchdog::new("tenantry-redis-")?;
        let password = random_password().map_err(PartError::io("/dev/urandom"))?;
        let port = free_port().map_err(PartError::io("127.0.0.1:0"))?;
        let authority = Authority::new("Tenantry test authority")?;
        let signed = authority.server(&[])?;
        watchdog.write("ca.pem", authority.pem())?;
        watchdog.write("server.crt", signed.certificate)?;
        watchdog.write("server.key", signed.key)?;
        // Without its line the user `default` is on, without a password and with every right.
        let users = format!("user default off\nuser {ADMIN} on >{password} ~* &* +@all\n");
        watchdog.write("users.acl", users)?;
        let config = watchdog.write("redis.conf", config(watchdog.folder(), port))?;
        let mut command = Command::new(program);
        command.arg(config);
        watchdog.start(SERVER, &command)?;
        let server = Self { watchdog, port, password };
        server.wait()?;
        Ok(server)
    }

    fn wait(&self) -> Result<(), PartError> {
        self.watchdog.wait_for(SERVER, PATIENCE, || accepts(self.port))
    }
}

fn config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    [
        "bind 127.0.0.1".to_owned(),
        "port 0".to_owned(),
        format!("tls-port {port}"),
        format!("tls-cert-file {folder}/server.crt"),
        format!("tls-key-file {folder}/server.key"),
        format!("tls-ca-cert-file {folder}/ca.pem"),
        "tls-auth-clients no".to_owned(),
        format!("aclfile {folder}/users.acl"),
        format!("dir {folder}"),
        "save \"\"".to_owned(),
        // The data outlives the process, which is all that a test takes away.
        "appendonly yes".to_owned(),
        "appendfsync no".to_owned(),
        "daemonize no".to_owned(),
        String::new(),
    ]
    .join("\n")
}

fn program(name: &str, remedy: &'static str) -> Result<PathBuf, PartError> {
    find(name).ok_or_else(|| PartError::NotInstalled { program: name.to_owned(), remedy })
}
