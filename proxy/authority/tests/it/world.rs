//! An authority on SQLite in a temporary folder, and a client that speaks as a gate does.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tenantry_authority::{Authority, AuthorityConfig, MostConnections, OneCredential, Policy, Running};
use tenantry_directory::settings::{PublicUrl, Upstream, UpstreamProtocol};
use tenantry_directory::{BackendSettings, Role, Timestamp};
use tenantry_harness::{Database, Postgres};
use tenantry_rules::clock::ManualClock;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;
use tenantry_store::{Options, Store, backend};

pub const CREDENTIAL: &str = "a-gate-credential-of-this-test";
pub const PASSWORD: &str = "demo-sensor-api-key";

pub struct World {
    pub authority: Running,
    pub client: reqwest::Client,
    pub clock: Arc<ManualClock>,
    pub store: Store,
    folder: tempfile::TempDir,
    _database: Option<Database>,
}

/// When tests begin: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// An answer: its status, its JSON (null where it is none) and its headers.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub fn text(&self, pointer: &str) -> String {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer}: {self:?}"))
            .to_owned()
    }
}

pub fn settings() -> BackendSettings {
    let roles = ["viewer", "analyst", "soc_lead", "admin"].map(|role| role.parse::<Role>().unwrap());
    let upstream = Upstream { address: "127.0.0.1:9".to_owned(), protocol: UpstreamProtocol::Http1 };
    let public_url: PublicUrl = "https://tenantry.localhost:8443".parse().unwrap();
    BackendSettings::new("default/incidents", public_url, upstream, roles.to_vec())
}

impl World {
    pub async fn new() -> Self {
        Self::with(Policy { registration_open: true, ..Policy::default() }).await
    }

    pub async fn with(policy: Policy) -> Self {
        Self::build(policy, None, MostConnections::default()).await
    }

    /// On PostgreSQL, over TLS with a checked certificate.
    pub async fn postgres() -> Self {
        let database = Postgres::shared().await.unwrap().create_database().await.unwrap();
        let policy = Policy { registration_open: true, ..Policy::default() };
        Self::build(policy, Some(database), MostConnections::default()).await
    }

    /// With so many places for connections.
    pub async fn crowded(connections: MostConnections) -> Self {
        Self::build(Policy::default(), None, connections).await
    }

    async fn build(policy: Policy, database: Option<Database>, connections: MostConnections) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = format!("sqlite://{}/tenantry.db", folder.path().display());
        let url = database.as_ref().map_or(sqlite, Database::url);
        let keyring = Keyring::generate("k1", &SystemRandom).unwrap();
        let keyring = Keyring::from_json(secrecy::ExposeSecret::expose_secret(&keyring)).unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let store = Store::open(Options {
            url: url.into(),
            ca: database.as_ref().map(Database::ca_path).map(Into::into),
            connections: 4,
            keyring,
            backend: "default/incidents".to_owned(),
            cluster: "test".to_owned(),
            clock: Some(clock.clone()),
        })
        .await
        .unwrap();
        let mut tx = store.write().await.unwrap();
        backend::set_settings(&mut tx, &settings()).await.unwrap();
        tx.commit().await.unwrap();
        let authority = Authority::start(AuthorityConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            stream: Some(([127, 0, 0, 1], 0).into()),
            admin: Some(([127, 0, 0, 1], 0).into()),
            tls: None,
            connections,
            gates: Arc::new(OneCredential::new(SecretString::from(CREDENTIAL))),
            store: store.clone(),
            policy,
            limiter: None,
            random: None,
        })
        .unwrap();
        // Another test of this binary may have been first.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let world = Self { authority, client, clock, store, folder, _database: database };
        for _ in 0..100 {
            if world.get("/-/login", None).await.status == StatusCode::OK {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world
    }

    /// Where the embedded database is.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.authority.addresses().requests);
        self.client
            .request(method, url)
            .header("x-tenantry-gate", CREDENTIAL)
            .header("x-forwarded-for", "192.0.2.7")
            .header("x-forwarded-proto", "https")
            .header("x-request-id", "r1")
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    pub async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await
    }

    /// Registers `name` with an administrator `admin@<name without spaces>.example`; the answer's body.
    pub async fn register(&self, name: &str) -> Value {
        let email = format!("admin@{}.example", name.replace(' ', ""));
        let body = json!({"organization_name": name, "admin_email": email, "admin_password": PASSWORD, "admin_name": "An Admin"});
        let answer = self.post("/api/auth/register", None, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/login", None, json!({"email": email, "password": password})).await
    }
}
