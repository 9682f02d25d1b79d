//! The stores in memory. Every call can be interrupted; every write is counted and belongs to the operator that holds the lease.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use chrono::{DateTime, Duration, Utc};
use secrecy::SecretString;
use tenantry_crds::Organization;
use tenantry_operator::content::Content;
use tenantry_operator::stores::Store;
use tenantry_operator::stores::rows::Place;
use tenantry_operator::stores::secrets::SecretView;
use tenantry_operator::stores::vault::Tags;
use tenantry_operator::trouble::Trouble;

use crate::history::Fault;

mod manifests;
mod rows;
mod secrets;
mod vault;

/// An organization's rows.
#[derive(Clone, Debug)]
pub struct Kept {
    pub row: tenantry_operator::stores::rows::Row,
    pub owner: Option<Place>,
}

/// What a backup holds.
#[derive(Clone, Debug, Default)]
pub struct Database {
    pub rows: BTreeMap<i64, Kept>,
    pub next_id: i64,
    /// Organizations that the application's rows refer to.
    pub referenced: BTreeSet<i64>,
}

/// An entry of the vault.
#[derive(Clone, Debug)]
pub struct Entry {
    pub versions: BTreeMap<String, SecretString>,
    pub current: String,
    pub previous: String,
    pub tags: Tags,
    pub changed_at: DateTime<Utc>,
    pub scheduled: bool,
}

/// Everything there is.
pub struct State {
    pub manifests: BTreeMap<Place, Organization>,
    pub secrets: BTreeMap<(String, String, String), SecretView>,
    pub database: Database,
    pub vault: BTreeMap<String, Entry>,
    pub down: BTreeSet<Store>,
    pub now: DateTime<Utc>,
    pub leader: BTreeMap<String, u64>,
    pub writes: usize,
    pub counter: u64,
    pub violations: Vec<String>,
    /// Keys that projections showed when the rows were lost: they must come back.
    pub must_keep: BTreeMap<Place, Vec<String>>,
    pub log: Vec<String>,
}

/// What disturbs one run of an operator.
#[derive(Default)]
pub struct Script {
    pub calls: AtomicUsize,
    pub fault: Option<(usize, Fault)>,
    pub freeze_at: Option<usize>,
    pub frozen: AtomicBool,
    pub crashed: AtomicBool,
}

/// One operator at work in one cluster.
#[derive(Clone)]
pub struct Actor {
    pub state: Arc<Mutex<State>>,
    pub cluster: String,
    pub generation: u64,
    pub script: Arc<Script>,
}

impl State {
    pub fn new() -> Self {
        Self {
            manifests: BTreeMap::new(),
            secrets: BTreeMap::new(),
            database: Database { next_id: 1, ..Database::default() },
            vault: BTreeMap::new(),
            down: BTreeSet::new(),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            leader: BTreeMap::new(),
            writes: 0,
            counter: 0,
            violations: Vec::new(),
            must_keep: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    /// A number that was not there before.
    pub fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A key that was not there before, of the form that keys have.
    pub fn key(&mut self) -> String {
        use base64::Engine as _;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        base64::engine::general_purpose::URL_SAFE.encode(bytes)
    }

    pub fn wrote(&mut self, what: impl Into<String>) {
        self.writes += 1;
        self.log.push(what.into());
    }

    /// The Secret with the keys of a place.
    pub fn secret(&mut self, place: &Place, name: &str) -> Option<&mut SecretView> {
        self.secrets.get_mut(&(place.cluster.clone(), place.namespace.clone(), name.to_owned()))
    }

    pub fn pass(&mut self, minutes: i64) {
        self.now += Duration::minutes(minutes);
    }
}

/// The keys in a content.
pub fn keys(content: &Content) -> Vec<String> {
    use secrecy::ExposeSecret as _;
    content.list("DATA_KEYS").iter().map(|key| key.expose_secret().to_owned()).collect()
}

impl Actor {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Runs one call with whatever the script does to it.
    pub async fn call<T>(
        &self,
        store: Store,
        write: bool,
        effect: impl FnOnce(&mut State) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let number = self.script.calls.fetch_add(1, Ordering::Relaxed);
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending })
            .await;
        if self.script.freeze_at == Some(number) {
            self.script.frozen.store(true, Ordering::Relaxed);
            poll_fn(
                |_| {
                    if self.script.frozen.load(Ordering::Relaxed) { Poll::Pending } else { Poll::Ready(()) }
                },
            )
            .await;
        }
        let fault = self.script.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::Fails) => return Err(Trouble::passing("Fails", "it failed")),
            _ => {}
        }
        let result = {
            let mut state = self.lock();
            if state.down.contains(&store) {
                return Err(Trouble::passing("Down", "it is down"));
            }
            if write && state.leader.get(&self.cluster) != Some(&self.generation) {
                return Err(Trouble::passing("LeaseLost", "another operator leads"));
            }
            effect(&mut state)
        };
        match fault {
            Some(Fault::CrashAfter) => self.crash().await,
            Some(Fault::AnswerLost) => return Err(Trouble::passing("AnswerLost", "no answer came")),
            _ => {}
        }
        result
    }

    async fn crash(&self) {
        self.script.crashed.store(true, Ordering::Relaxed);
        pending::<()>().await;
    }
}
