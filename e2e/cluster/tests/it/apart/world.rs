//! Authorities, gates and what stands between them.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantry_harness::certificates::{Authority, Signed};
use tenantry_harness::process::{Watchdog, built, free_port};
use tenantry_harness::{Database, Postgres};
use tokio::net::{TcpListener, TcpStream};

use crate::client::ask;
use crate::server::{header, serve};

pub const PASSWORD: &str = "demo-sensor-api-key";
const TOKEN: &str = "a-gate-token-of-this-test-and-no-other";
const PATIENCE: Duration = Duration::from_mins(1);

pub struct World {
    pub process: Watchdog,
    pub ca: Authority,
    /// What gates call: one address for all authorities' requests, one for their streams.
    pub requests: Service,
    pub stream: Service,
    pub gates: Vec<SocketAddr>,
    authorities: Mutex<Vec<Started>>,
    database: Database,
}

/// An authority that runs.
#[derive(Clone)]
struct Started {
    name: String,
    requests: SocketAddr,
    stream: SocketAddr,
    admin: SocketAddr,
}

impl World {
    /// So many authorities and gates.
    pub async fn start(authorities: usize, gates: usize) -> Self {
        let process = Watchdog::new("apart").unwrap();
        let database = Postgres::shared().await.unwrap().create_database().await.unwrap();
        let ca = Authority::new("the authorities of this test").unwrap();
        let folder = process.file("manifests");
        std::fs::create_dir(&folder).unwrap();
        let upstream = serve(|request| {
            let seen = json!({
                "organization": header(request, "x-organization-id"), "role": header(request, "x-user-role"),
            });
            ("application/json", seen.to_string())
        })
        .await;
        let backend = format!(
            "apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: {{ name: app, namespace: apps }}\nspec:\n  \
             publicUrl: https://app.example.com\n  upstream: {{ url: \"http://{upstream}\" }}\n  registration: open\n"
        );
        std::fs::write(folder.join("backend.yaml"), backend).unwrap();
        let world = Self {
            requests: Service::start().await,
            stream: Service::start().await,
            gates: Vec::new(),
            authorities: Mutex::default(),
            ca,
            database,
            process,
        };
        world.process.write_private("gates.tokens", TOKEN).unwrap();
        world.process.write_private("gate.token", TOKEN).unwrap();
        world.process.write("ca.crt", world.ca.pem()).unwrap();
        world.certificate("authority", &world.ca.server(&[]).unwrap());
        world.certificate("gate", &world.ca.server(&[]).unwrap());
        for number in 0..authorities {
            world.authority(&format!("authority{number}")).await;
        }
        let mut started = Vec::new();
        for number in 0..gates {
            started.push(world.gate(&format!("gate{number}"), "gate.token").await);
        }
        let world = Self { gates: started, ..world };
        for gate in &world.gates {
            world
                .wait("a gate that lets through", async || {
                    (ask(*gate, "GET", "/", "", None).await.ok()?.0 == 401).then_some(())
                })
                .await;
        }
        world
    }

    /// Puts a certificate where a program looks for it.
    pub fn certificate(&self, name: &str, signed: &Signed) {
        self.process.write_private(&format!("{name}.key"), &signed.key).unwrap();
        self.process.write(&format!("{name}.crt"), &signed.certificate).unwrap();
    }

    /// Starts an authority and sends gates to it once it is ready.
    pub async fn authority(&self, name: &str) {
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let started =
            Started { name: name.to_owned(), requests: address(), stream: address(), admin: address() };
        let mut command = Command::new(built("tenantry-proxy").unwrap());
        command
            .arg("authority")
            .args(["--listen", &started.requests.to_string(), "--stream", &started.stream.to_string()])
            .args(["--admin", &started.admin.to_string(), "--linger", "2", "--log-format", "json"])
            .arg("--manifests")
            .arg(self.process.file("manifests"))
            .arg("--data")
            .arg(self.process.file(&format!("{name}_data")))
            .arg("--sealing-keyring")
            .arg(self.process.file("keyring.json"))
            .arg("--gate-tokens")
            .arg(self.process.file("gates.tokens"))
            .arg("--tls-cert")
            .arg(self.process.file("authority.crt"))
            .arg("--tls-key")
            .arg(self.process.file("authority.key"))
            .arg("--database-ca")
            .arg(self.database.ca_path())
            .env("TENANTRY_DATABASE", self.database.url());
        self.process.start(name, &command).unwrap();
        self.ready(name, started.admin).await;
        self.authorities.lock().unwrap().push(started);
        self.route();
    }

    /// Ends an authority as a rollout does: no new connections are sent to it from now on, and it is asked to end.
    pub fn retire(&self, name: &str) {
        self.authorities.lock().unwrap().retain(|authority| authority.name != name);
        self.route();
        self.process.stop(name, "TERM").unwrap();
    }

    fn route(&self) {
        let all = self.authorities.lock().unwrap();
        self.requests.to(all.iter().map(|authority| authority.requests).collect());
        self.stream.to(all.iter().map(|authority| authority.stream).collect());
    }

    /// Starts a gate that shows the token of a file; where it takes plain HTTP.
    pub async fn gate(&self, name: &str, token: &str) -> SocketAddr {
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let (plain, admin) = (address(), address());
        let mut command = Command::new(built("tenantry-gate").unwrap());
        command
            .args(["--listen", &address().to_string(), "--plain", &plain.to_string()])
            .args(["--admin", &admin.to_string(), "--workers", "1", "--log-format", "json"])
            .args(["--authority", &format!("https://localhost:{}", self.requests.address.port())])
            .args(["--directory", &format!("https://localhost:{}", self.stream.address.port())])
            .arg("--authority-ca")
            .arg(self.process.file("ca.crt"))
            .arg("--token-file")
            .arg(self.process.file(token))
            .arg("--tls-cert")
            .arg(self.process.file("gate.crt"))
            .arg("--tls-key")
            .arg(self.process.file("gate.key"));
        self.process.start(name, &command).unwrap();
        if token == "gate.token" {
            self.ready(name, admin).await;
        }
        plain
    }

    async fn ready(&self, name: &str, admin: SocketAddr) {
        self.wait(&format!("{name} is ready: {}", self.process.log(name)), async || {
            let (status, _) = ask(admin, "GET", "/readyz", "", None).await.ok()?;
            (status == 200).then_some(())
        })
        .await;
    }

    /// Waits for something.
    pub async fn wait<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks the first gate.
    pub async fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        ask(self.gates[0], method, path, token, body).await.unwrap()
    }

    /// Registers an organization; its administrator's access token.
    pub async fn register(&self, name: &str) -> String {
        let body = json!({
            "organization_name": name, "admin_email": format!("admin@{name}.example"), "admin_password": PASSWORD,
            "admin_name": "An Admin",
        });
        let (status, answer) = self.ask("POST", "/api/auth/register", "", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Signs in.
    pub async fn login(&self, email: &str, password: &str) -> (u16, Value) {
        self.ask("POST", "/api/auth/login", "", Some(json!({ "email": email, "password": password }))).await
    }

    /// Runs SQL.
    pub async fn psql(&self, sql: &str) -> String {
        self.database.psql(sql).await.unwrap()
    }
}

/// One address for several: each new connection goes to the next of those that are there.
pub struct Service {
    pub address: SocketAddr,
    targets: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let targets: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let (known, next) = (Arc::clone(&targets), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let target = {
                    let known = known.lock().unwrap();
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    known.get(turn % known.len().max(1)).copied()
                };
                tokio::spawn(async move {
                    // Nobody there: the connection is closed.
                    let Some(target) = target else { return };
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
                });
            }
        });
        Self { address, targets }
    }

    /// Sends new connections there.
    pub fn to(&self, targets: Vec<SocketAddr>) {
        *self.targets.lock().unwrap() = targets;
    }
}
