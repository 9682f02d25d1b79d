//! `tenantry-proxy standalone` in a folder of its own, in front of a backend that says what it was told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub const PASSWORD: &str = "demo-sensor-api-key";

/// A backend that records heads and answers with the organization it was told.
#[derive(Clone)]
pub struct Backend {
    pub address: SocketAddr,
    pub heads: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let backend = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = Arc::clone(&backend.heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heads = Arc::clone(&heads);
                std::thread::spawn(move || answer(stream, &heads));
            }
        });
        backend
    }
}

fn answer(mut stream: TcpStream, heads: &Mutex<Vec<String>>) {
    let mut raw = Vec::new();
    loop {
        let mut part = [0; 4096];
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(count) => raw.extend_from_slice(&part[..count]),
        }
        if !raw.ends_with(b"\r\n\r\n") {
            continue;
        }
        let head = String::from_utf8_lossy(&raw).into_owned();
        raw.clear();
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix("x-organization-id: "))
            .unwrap_or("none")
            .to_owned();
        heads.lock().unwrap().push(head);
        let body = format!("{{\"organization\":\"{line}\"}}");
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// The binary, not yet started.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry-proxy"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TENANTRY_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a start that must fail, and returns what it said.
pub fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = binary().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            child.kill().unwrap();
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// A folder with the data of one stand-alone, which may be started again and again.
pub struct World {
    pub folder: tempfile::TempDir,
    pub backend: Backend,
    arguments: Vec<String>,
}

/// A running stand-alone; killed when dropped.
pub struct Running {
    child: Child,
    pub plain: String,
    pub https: String,
    pub client: reqwest::Client,
    log: PathBuf,
}

impl World {
    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn with(arguments: &[&str]) -> Self {
        // Another test of this binary may have been first.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { folder: tempfile::tempdir().unwrap(), backend: Backend::start(), arguments }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn manifests(&self) -> PathBuf {
        self.folder.path().join("manifests")
    }

    pub fn write_manifest(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.manifests()).unwrap();
        std::fs::write(self.manifests().join(name), text).unwrap();
    }

    pub fn command(&self) -> Command {
        let mut command = binary();
        command.arg("standalone").arg("--data").arg(self.data());
        command.args(["--listen", "127.0.0.1:0", "--plain", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        if !self.arguments.iter().any(|argument| argument == "--upstream") {
            command.args(["--upstream", &format!("http://{}", self.backend.address)]);
        }
        if self.manifests().exists() {
            command.arg("--manifests").arg(self.manifests());
        }
        command.args(&self.arguments);
        command
    }

    pub async fn start(&self) -> Running {
        let log = self.folder.path().join("log");
        let to = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let addresses = self.data().join("addresses.json");
        drop(std::fs::remove_file(&addresses));
        let mut child = self.command().stdout(Stdio::null()).stderr(to).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        let found: Value = loop {
            if let Some(found) =
                std::fs::read(&addresses).ok().and_then(|text| serde_json::from_slice(&text).ok())
            {
                break found;
            }
            let gone = Instant::now() > until || child.try_wait().unwrap().is_some();
            assert!(!gone, "did not start: {}", std::fs::read_to_string(&log).unwrap());
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let port = |pointer: &str| {
            found.pointer(pointer).unwrap().as_str().unwrap().rsplit(':').next().unwrap().to_owned()
        };
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Running {
            child,
            plain: format!("http://127.0.0.1:{}", port("/plain/0")),
            https: format!("https://127.0.0.1:{}", port("/https/0")),
            client,
            log,
        }
    }

    /// Asks the embedded database, or changes it, as a person would.
    pub fn sqlite(&self, sql: &str) -> String {
        let path = self.data().join("tenantry.db");
        let done =
            Command::new("sqlite3").args(["-cmd", ".timeout 5000"]).arg(path).arg(sql).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

impl Running {
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.plain));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> (StatusCode, Value) {
        self.call(Method::GET, path, token, None).await
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, token, Some(body)).await
    }

    pub async fn login(&self, email: &str, password: &str) -> (StatusCode, String) {
        let (status, body) =
            self.post("/api/auth/login", None, json!({"email": email, "password": password})).await;
        (status, body["access_token"].as_str().unwrap_or_default().to_owned())
    }

    /// How long until this token no longer opens the backend.
    pub async fn until_refused(&self, token: &str) -> Duration {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if self.get("/api/incidents", Some(token)).await.0 == StatusCode::UNAUTHORIZED {
                return begun.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("still let in after ten seconds: {}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log says so.
    pub async fn until_logged(&self, text: &str) {
        let begun = Instant::now();
        while !self.log().contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(15), "never said {text:?}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already where a test ended it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn register_body(name: &str) -> Value {
    let email = format!("admin@{}.example", name.replace(' ', ""));
    json!({"organization_name": name, "admin_email": email, "admin_password": PASSWORD, "admin_name": "An Admin"})
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
