//! The binary: what it says of itself, what it refuses, how it ends.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tenantry_harness::certificates::Authority as Ca;
use tokio::net::TcpStream;

use crate::remote::{remote, server::Remote};
use crate::world::{Recorder, exchange, status};

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry-gate"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TENANTRY_")) {
        command.env_remove(name);
    }
    command
}

/// A folder with everything a start needs.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(ca: &Ca, token: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let server = ca.server(&[]).unwrap();
        world.write("ca.crt", ca.pem());
        world.write("tls.crt", &server.certificate);
        world.write("tls.key", &server.key);
        world.write("token", token);
        world
    }

    fn write(&self, name: &str, text: &str) {
        let mut file = std::fs::OpenOptions::new();
        let file = file.create(true).truncate(true).write(true).mode(0o600).open(self.path(name));
        std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, authority: &str) -> Command {
        let mut command = binary();
        for (flag, file) in [
            ("--tls-cert", "tls.crt"),
            ("--tls-key", "tls.key"),
            ("--authority-ca", "ca.crt"),
            ("--token-file", "token"),
            ("--assertion-dir", "assertion"),
        ] {
            command.arg(flag).arg(self.path(file));
        }
        command.args(["--listen", "127.0.0.1:0", "--plain", "127.0.0.1:0,[::1]:0", "--admin", "127.0.0.1:0"]);
        command.args(["--authority", authority, "--directory", authority, "--log-format", "json"]);
        command
    }

    /// Runs a start that must fail; its exit code and what it said.
    fn refused(&self, change: impl FnOnce(&mut Command)) -> (Option<i32>, String) {
        let mut command = self.command("https://127.0.0.1:1");
        change(&mut command);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > Duration::from_secs(20) {
                // It started after all.
                child.kill().unwrap();
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let done = child.wait_with_output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    }

    async fn start(&self, authority: &str, more: &[&str]) -> Started {
        let log = self.path("log");
        let to = std::fs::File::create(&log).unwrap();
        let child = self.command(authority).args(more).stdout(Stdio::null()).stderr(to).spawn().unwrap();
        let mut started = Started { child, log, plain: String::new(), admin: String::new() };
        started.until_logged("\"serving").await;
        let said = started.said();
        let between = |from: &str, to: char| {
            said.split_once(from).and_then(|(_, rest)| rest.split(to).next()).unwrap().to_owned()
        };
        started.plain = between("\"plain\":\"[", ',');
        started.admin = between("\"admin\":\"", '"');
        started
    }
}

/// A gate that runs; killed when dropped.
struct Started {
    child: Child,
    log: PathBuf,
    plain: String,
    admin: String,
}

impl Started {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    async fn until_logged(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.said().contains(text) {
            let gone = self.child.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(20);
            assert!(!gone, "never said {text:?}: {}", self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn terminate(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        (code, self.said())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Ended already where a test ended it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn get(address: &str, path: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    status(&exchange(&mut stream, request.as_bytes()).await)
}

fn url(remote: &Remote) -> String {
    format!("https://{}", remote.address)
}

#[test]
fn help_says_what_it_does_and_shows_how() {
    let done = binary().arg("--help").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(0));
    for part in ["Examples:", "--authority https://", "TENANTRY_TOKEN_FILE", "[default: 0.0.0.0:8443]", "503"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(binary().arg("--version").output().unwrap().status.code(), Some(0));
}

#[test]
fn what_is_asked_for_wrongly_is_said_with_exit_code_2() {
    let world = World::new(&Ca::new("ca").unwrap(), "token");
    for (arguments, expected) in [
        (&["--authority", "http://10.0.0.1:8444"][..], "in clear"),
        (&["--plain", "0.0.0.0:8000"], "plain HTTP is for this machine alone"),
        (&["--authority-ca-sha256", "abc"], "64 hexadecimal digits"),
        (&["--workers", "0"], "workers is 0"),
        (&["--log", "a=b=c"], "the log filter"),
        (&["--lisen", "x"], "--listen"),
    ] {
        // A flag may be given once.
        let (code, said) = world.refused(|command| {
            if arguments[0] == "--authority" || arguments[0] == "--plain" {
                *command = binary();
                command.args([
                    "--tls-cert",
                    "c",
                    "--tls-key",
                    "k",
                    "--token-file",
                    "t",
                    "--authority-ca",
                    "ca",
                ]);
            }
            command.args(arguments);
        });
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let (code, said) = world.refused(|command| {
        command.env("TENANTRY_TOKEN_FIL", "x");
    });
    assert!(code == Some(2) && said.contains("Did you mean TENANTRY_TOKEN_FILE?"), "{said}");
    let done = binary().output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(2) && said.contains("Give --authority https://HOST:8444"), "{said}");
}

#[test]
fn files_that_stand_in_the_way_are_named_with_exit_code_1_and_what_to_do() {
    let (ca, other) = (Ca::new("ca").unwrap(), Ca::new("other").unwrap());
    for (name, text, expected) in [
        ("token", None, "mount the projected ServiceAccount token"),
        ("token", Some(""), "write the token into it"),
        ("ca.crt", None, "name a readable file with the CA"),
        ("ca.crt", Some("nothing"), "holds no certificate"),
        ("tls.crt", None, "cannot use"),
        ("tls.key", Some("nothing"), "holds no private key"),
    ] {
        let world = World::new(&ca, "token");
        match text {
            Some(text) => world.write(name, text),
            None => std::fs::remove_file(world.path(name)).unwrap(),
        }
        let (code, said) = world.refused(|_| {});
        assert!(code == Some(1) && said.contains(expected), "{name} {text:?}: {said}");
        assert!(said.contains(&*Path::new(name).to_string_lossy()), "{said}");
    }
    let world = World::new(&ca, "token");
    let pin = {
        use rustls_pki_types::{CertificateDer, pem::PemObject as _};
        let der = CertificateDer::from_pem_slice(other.pem().as_bytes()).unwrap();
        tenantry_gate::Fingerprint::of(&der).to_string()
    };
    let (code, said) = world.refused(|command| {
        command.args(["--authority-ca-sha256", &pin]);
    });
    assert!(code == Some(1) && said.contains("no certificate of"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_waits_for_an_authority_that_is_away_and_sigterm_ends_it_with_0() {
    let world = World::new(&Ca::new("ca").unwrap(), "token");
    let mut gate = world.start("https://127.0.0.1:1", &[]).await;
    assert_eq!(get(&gate.admin, "/healthz").await, 200);
    assert_eq!(get(&gate.admin, "/readyz").await, 503);
    assert_eq!(get(&gate.plain, "/x").await, 503);
    assert!(world.path("assertion/jwks.json").exists());
    gate.until_logged("it could not be opened").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (code, said) = gate.terminate();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("it could not be opened").count(), 1, "the same is said once: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_is_told_to_leave_says_so_to_probes_and_serves_on() {
    let (ca, backend) = (Ca::new("ca").unwrap(), Recorder::start().await);
    let authority = remote(&ca, &backend, |_| {}).await;
    let world = World::new(&ca, "token");
    let mut gate = world.start(&url(&authority), &[]).await;
    gate.until_logged("\"the directory has been read\"").await;
    let leave = |process: &str| {
        let mut command = binary();
        // In a pod they are there for the gate itself.
        command.env("TENANTRY_LISTEN", "0.0.0.0:8443").args(["leave", "--process", process]);
        command.output().unwrap()
    };
    for (process, expected) in [("0", 2), ("-1", 2), ("999999999", 1)] {
        assert_eq!(leave(process).status.code(), Some(expected), "{process}");
    }
    assert_eq!(get(&gate.admin, "/readyz").await, 200);
    assert_eq!(leave(&gate.child.id().to_string()).status.code(), Some(0));
    gate.until_logged("leaving: clients are sent elsewhere").await;
    assert_eq!(get(&gate.admin, "/readyz").await, 503);
    assert_eq!(get(&gate.plain, "/public/a").await, 200);
    assert_eq!(gate.terminate().0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_serves_with_an_authority_elsewhere_and_its_token_is_in_no_log() {
    let (ca, backend) = (Ca::new("ca").unwrap(), Recorder::start().await);
    let authority = remote(&ca, &backend, |_| {}).await;
    let world = World::new(&ca, "canary-token-4711");
    let mut gate = world.start(&url(&authority), &["--log", "trace"]).await;
    gate.until_logged("\"the directory has been read\"").await;
    assert_eq!(get(&gate.admin, "/readyz").await, 200);
    assert_eq!(get(&gate.plain, "/x").await, 401);
    assert_eq!(get(&gate.plain, "/public/a").await, 200);
    assert_eq!(get(&gate.plain, "/api/auth/me").await, 200);
    for request in authority.take() {
        assert_eq!(request.all("x-tenantry-gate"), ["canary-token-4711"]);
    }
    let (code, said) = gate.terminate();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("canary-token"), "the token is in the log");
}
