//! A start, in order: data folder, keyring, database, manifests, authority, gate. Whatever stands in the way is a sentence,
//! and nothing that was there is changed by a start that fails.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use secrecy::{ExposeSecret as _, SecretString};
use tenantry_authority::{
    Authority, AuthorityConfig, LocalLimiter, MostConnections, OneCredential, Quotas,
    Running as RunningAuthority,
};
use tenantry_gate::{
    AuthorityEndpoint, Connecting, Credential, Gate, GateClock, GateConfig, Opened, Running as RunningGate,
    TlsSource,
};
use tenantry_store::Store;
use tokio::net::TcpStream;
use url::Url;
use zeroize::Zeroizing;

use crate::data::{Addresses, DataFolder};
use crate::database::{self, Wanted};
use crate::manifests::{Applier, CLUSTER, FollowSettings, Follower, ServedBackend, say};
use crate::settings::Settings;
use tenantry_process::Failure;

/// How long the gate may take to hear of the directory.
const READY: Duration = Duration::from_secs(10);

/// Everything that runs.
pub(super) struct Parts {
    pub data: Arc<DataFolder>,
    pub store: Store,
    pub authority: Arc<RunningAuthority>,
    pub gate: RunningGate,
    settings: FollowSettings,
    applier: Applier,
    quotas: Quotas,
}

impl Parts {
    /// What keeps the manifests true from now on.
    pub fn follower(&self) -> Follower {
        Follower {
            settings: self.settings.clone(),
            applier: self.applier.clone(),
            authority: Arc::clone(&self.authority),
            quotas: self.quotas,
            limiter: |_, quotas| Box::new(LocalLimiter::new(quotas)),
        }
    }
}

pub(super) async fn start(settings: &Settings) -> Result<Parts, Failure> {
    if settings.manifests.is_none() && settings.upstream.is_none() {
        return Err(Failure::usage(
            "nothing says which backend to serve",
            "Name it with --upstream http://127.0.0.1:9000, or name a folder of manifests with --manifests.",
        ));
    }
    let listen = reserve(settings)?;
    let follow = FollowSettings {
        manifests: settings.manifests.clone(),
        upstream: settings.upstream.clone(),
        public_url: public_url(settings, listen),
    };
    let read = follow.read();
    say(&read);
    let Some(served) = read.backend.clone() else {
        return Err(Failure::new(
            "the manifests hold no Backend that can be served",
            "Correct what is named above; `tenantry-proxy check FOLDER` names every problem.",
        ));
    };
    let data = Arc::new(DataFolder::open(&settings.data)?);
    let store = database::open(Wanted {
        url: settings.database.clone(),
        ca: settings.database_ca.clone(),
        keyring: settings.sealing_keyring.clone(),
        data: Some(&data),
        backend: served.settings.audience.clone(),
        cluster: CLUSTER.to_owned(),
    })
    .await?;
    let applier = Applier { store: store.clone(), data: Arc::clone(&data) };
    let applied = applier.apply(&read).await.map_err(|error| {
        Failure::new(
            format!("the manifests cannot be applied: {error}"),
            "See to the database, then start again.",
        )
    })?;
    // Now, and not when all has started: a start that fails below has made the administrators all the same.
    applied.tell();

    let credential = credential()?;
    let authority = Authority::start(AuthorityConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        stream: None,
        admin: None,
        tls: None,
        connections: MostConnections::default(),
        gates: Arc::new(OneCredential::new(credential.clone())),
        store: store.clone(),
        policy: served.policy.clone(),
        limiter: Some(Box::new(LocalLimiter::new(served.quotas))),
        random: None,
    })
    .map_err(|error| Failure::new(error.to_string(), ""))?;
    let authority = Arc::new(authority);
    let gate = start_gate(settings, listen, &data, &served, &authority, &credential)?;
    if !(authority.wait_ready(READY).await && gate.wait_ready(READY).await) {
        tracing::warn!("the directory could not be read yet; protected paths answer 503 until it can be");
    }
    let addresses = gate.addresses();
    data.write_addresses(&Addresses {
        https: addresses.tls.clone(),
        plain: addresses.plain.clone(),
        admin: addresses.admin,
        public_url: served.settings.public_url.origin().to_owned(),
        pid: std::process::id(),
    })?;
    greet(&served, &gate).await;
    Ok(Parts { data, store, authority, gate, settings: follow, applier, quotas: served.quotas })
}

/// Without manifests the public URL names the port that is really listened on, so a free one is chosen before.
fn reserve(settings: &Settings) -> Result<SocketAddr, Failure> {
    if settings.listen.port() != 0 || settings.manifests.is_some() || settings.public_url.is_some() {
        return Ok(settings.listen);
    }
    let bound = TcpListener::bind(settings.listen).and_then(|listener| listener.local_addr());
    bound.map_err(|error| {
        Failure::new(
            format!("cannot listen on {}: {error}", settings.listen),
            "Choose another address with --listen.",
        )
    })
}

fn public_url(settings: &Settings, listen: SocketAddr) -> Option<Url> {
    let assumed = || Url::parse(&format!("https://tenantry.localhost:{}", listen.port())).ok();
    match (&settings.public_url, &settings.manifests) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(_)) => None,
        (None, None) => assumed(),
    }
}

/// 256 bits that prove to the authority who is a gate, for the life of this process.
fn credential() -> Result<SecretString, Failure> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::fill(bytes.as_mut_slice())
        .map_err(|_| Failure::new("the system has no random bytes", "Check the machine's random source."))?;
    Ok(hex::encode(bytes.as_slice()).into())
}

fn start_gate(
    settings: &Settings,
    listen: SocketAddr,
    data: &DataFolder,
    served: &ServedBackend,
    authority: &Arc<RunningAuthority>,
    credential: &SecretString,
) -> Result<RunningGate, Failure> {
    let tls = match &settings.tls {
        Some(files) => TlsSource::Files { certificate: files.certificate.clone(), key: files.key.clone() },
        None => TlsSource::Folder {
            folder: data.path().join("tls"),
            names: vec![served.settings.public_url.host().to_owned()],
        },
    };
    let directory = Arc::clone(authority);
    let config = GateConfig {
        listen: vec![listen],
        plain: plain(settings),
        admin: Some(settings.admin),
        tls,
        workers: settings.workers.unwrap_or(0),
        authority: AuthorityEndpoint {
            address: authority.addresses().requests.to_string(),
            tls: None,
            credential: Credential::fixed(credential.expose_secret())
                .map_err(|error| Failure::new(error.to_string(), ""))?,
        },
        // What it would go on from is in this process: a snapshot costs nothing.
        directory: Arc::new(move |_| -> Connecting {
            let asked_at = Instant::now();
            let opened = Opened::here(asked_at, Box::new(directory.follow()));
            Box::pin(std::future::ready(Ok(opened)))
        }),
        assertion_folder: Some(data.path().join("assertion")),
        clock: GateClock::system(),
    };
    Gate::start(config).map_err(|error| Failure::to_mend(&error))
}

/// An address that nobody asked for by name is left out where the machine has no such address.
fn plain(settings: &Settings) -> Vec<SocketAddr> {
    let exists = |address: &SocketAddr| TcpListener::bind(SocketAddr::new(address.ip(), 0)).is_ok();
    settings.plain.iter().copied().filter(|address| !settings.plain_is_default || exists(address)).collect()
}

/// Says where to go, and whether the backend answers.
async fn greet(served: &ServedBackend, gate: &RunningGate) {
    let upstream = &served.settings.upstream.address;
    let connected = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(upstream)).await;
    if !matches!(connected, Ok(Ok(_))) {
        tracing::warn!("the backend at {upstream} does not answer yet; requests get 502 until it is started");
    }
    let plain: Vec<String> =
        gate.addresses().plain.iter().map(|address| format!("http://localhost:{}", address.port())).collect();
    tracing::info!(
        upstream,
        plain = plain.first().map_or("off", String::as_str),
        registration = if served.policy.registration_open { "open" } else { "closed" },
        "serving {}",
        served.settings.public_url.origin()
    );
}
