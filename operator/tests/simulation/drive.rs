//! Lets a history happen, then lets the operators finish, and checks.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, Utc};
use serde_json::json;
use tenantry_crds::Organization;
use tenantry_crds::backend::Aws;
use tenantry_operator::names;
use tenantry_operator::organization::reconcile::Reconciled;
use tenantry_operator::organization::{Desired, Outcome, Stores, reconcile, sweep};
use tenantry_operator::stores::Store;
use tenantry_operator::stores::rows::Place;
use tenantry_operator::stores::secrets::SecretView;

use crate::check;
use crate::history::{CALLS, Event, PLACES};
use crate::world::{Actor, Script, State, keys};

const SLUGS: [&str; 3] = ["red", "green", "blue"];

type Running = Pin<Box<dyn Future<Output = Option<Reconciled>>>>;

/// An operator that stopped in the middle of its work.
struct Frozen {
    script: Arc<Script>,
    work: Running,
}

/// A history as it happens.
struct History {
    state: Arc<Mutex<State>>,
    backup: Option<crate::world::Database>,
    frozen: Vec<Frozen>,
}

/// Runs a history to its end; what did not hold.
pub fn run(events: &[Event]) -> Result<(), String> {
    let mut history = History { state: Arc::new(Mutex::new(State::new())), backup: None, frozen: Vec::new() };
    for event in events {
        history.happen(event);
    }
    history.settle()
}

/// Lets a history happen; everything that was written and told.
pub fn log(events: &[Event]) -> Vec<String> {
    let mut history = History { state: Arc::new(Mutex::new(State::new())), backup: None, frozen: Vec::new() };
    for event in events {
        history.happen(event);
    }
    history.state(|state| std::mem::take(&mut state.log))
}

pub fn place(index: usize) -> Place {
    let (cluster, namespace, name) = PLACES[index];
    Place { cluster: cluster.into(), namespace: namespace.into(), name: name.into() }
}

impl History {
    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    #[allow(clippy::too_many_lines, reason = "an arm an event")]
    fn happen(&mut self, event: &Event) {
        self.state(|state| state.log.push(format!("-- {event:?}")));
        match *event {
            Event::Create { place: at, slug, delete, adopt, admin } => {
                self.create(at, slug, delete, adopt, admin);
            }
            Event::Rename { place: at, name } => {
                self.edit(at, |manifest| manifest.spec.display_name = format!("Name {name}"));
            }
            Event::Suspend { place: at, suspended } => {
                self.edit(at, |manifest| manifest.spec.suspended = suspended);
            }
            Event::Policy { place: at, delete } => {
                self.edit(at, |manifest| manifest.spec.deletion_policy = policy(delete));
            }
            Event::Rotate { place: at, value } => {
                self.annotate(at, names::annotation::ROTATE, Some(value.to_string()));
            }
            Event::Pause { place: at, paused } => {
                self.annotate(at, names::annotation::PAUSED, paused.then(|| "true".to_owned()));
            }
            Event::Delete { place: at } => self.delete(at),
            Event::DropSecret { place: at } => self.state(|state| {
                let place = place(at);
                let name = names::organization_secret(&place.name);
                state.secrets.remove(&(place.cluster.clone(), place.namespace.clone(), name));
                state.must_keep.remove(&place);
            }),
            Event::EditSecret { place: at } => self.on_secret(at, |secret| {
                secret.content = secret.content.clone().with("ORGANIZATION_SLUG", "edited");
            }),
            Event::StripLabels { place: at } => self.on_secret(at, |secret| secret.owner = None),
            Event::ForeignSecret { place: at } => self.state(|state| {
                let place = place(at);
                let key = (place.cluster, place.namespace, names::organization_secret(&place.name));
                let content = tenantry_operator::content::Content::default().with("theirs", "theirs");
                let view = SecretView { uid: "theirs".into(), version: "1".into(), owner: None, content };
                state.secrets.entry(key).or_insert(view);
            }),
            Event::ScheduleEntry { place: at } => self.state(|state| {
                if let Some(entry) = state.vault.get_mut(&entry_name(&place(at))) {
                    entry.scheduled = true;
                }
            }),
            Event::EditEntry { place: at } => self.state(|state| {
                let (version, now) = (state.next().to_string(), state.now);
                if let Some(entry) = state.vault.get_mut(&entry_name(&place(at))) {
                    let content = entry.versions.get(&entry.current).cloned();
                    let content = content.as_ref().and_then(tenantry_operator::content::Content::from_json);
                    let content = content.unwrap_or_default().with("ORGANIZATION_SLUG", "edited").to_json();
                    entry.versions.insert(version.clone(), content);
                    entry.previous = std::mem::replace(&mut entry.current, version);
                    entry.changed_at = now;
                }
            }),
            Event::UntagEntry { place: at } => self.state(|state| {
                if let Some(entry) = state.vault.get_mut(&entry_name(&place(at))) {
                    entry.tags.clear();
                }
            }),
            Event::EditRow { place: at } => self.state(|state| {
                let place = place(at);
                for kept in
                    state.database.rows.values_mut().filter(|kept| kept.owner.as_ref() == Some(&place))
                {
                    kept.row.name = "edited".into();
                }
            }),
            Event::Reference { place: at, refers } => self.state(|state| {
                let place = place(at);
                let rows = state.database.rows.values();
                let ids: Vec<i64> =
                    rows.filter(|kept| kept.owner.as_ref() == Some(&place)).map(|kept| kept.row.id).collect();
                for id in ids {
                    if refers {
                        state.database.referenced.insert(id);
                    } else {
                        state.database.referenced.remove(&id);
                    }
                }
            }),
            Event::WipeRows => self.lose_rows(crate::world::Database::default()),
            Event::Backup => self.backup = Some(self.state(|state| state.database.clone())),
            Event::RestoreBackup => {
                if let Some(backup) = self.backup.clone() {
                    self.lose_rows(backup);
                }
            }
            Event::WipeSecrets => self.state(|state| {
                state.secrets.clear();
                state.must_keep.clear();
            }),
            Event::WipeVault => self.state(|state| state.vault.clear()),
            Event::Down { store, down } => self.state(|state| {
                let store = [Store::Manifests, Store::Database, Store::Secrets, Store::Aws][store];
                if down {
                    state.down.insert(store);
                } else {
                    state.down.remove(&store);
                }
            }),
            Event::Work { place: at } => {
                self.work(at, Script::default());
            }
            Event::WorkCut { place: at, call, fault } => {
                self.work(at, Script { fault: Some((usize::from(call), fault)), ..Script::default() });
            }
            Event::Freeze { place: at, call } => self.freeze(at, usize::from(call)),
            Event::Thaw => self.thaw(),
            Event::Minutes(minutes) => self.state(|state| state.pass(minutes.into())),
        }
    }

    fn create(&self, at: usize, slug: usize, delete: bool, adopt: bool, admin: bool) {
        self.state(|state| {
            let place = place(at);
            if state.manifests.contains_key(&place) {
                return;
            }
            let mut spec = json!({
                "displayName": "Name 0",
                "slug": SLUGS[slug],
                "deletionPolicy": if delete { "Delete" } else { "Retain" },
                "adoptionPolicy": if adopt { "Adopt" } else { "Fail" },
            });
            if admin {
                spec["admin"] = json!({ "email": "admin@example.com", "name": "Admin" });
            }
            let mut manifest = Organization::new(&place.name, serde_json::from_value(spec).unwrap());
            manifest.metadata.namespace = Some(place.namespace.clone());
            manifest.metadata.uid = Some(format!("uid-{}", state.next()));
            manifest.metadata.resource_version = Some(state.next().to_string());
            manifest.metadata.generation = Some(1);
            state.manifests.insert(place, manifest);
        });
    }

    fn edit(&self, at: usize, change: impl FnOnce(&mut Organization)) {
        self.state(|state| {
            let version = state.next().to_string();
            if let Some(manifest) = state.manifests.get_mut(&place(at)) {
                change(manifest);
                manifest.metadata.generation = manifest.metadata.generation.map(|generation| generation + 1);
                manifest.metadata.resource_version = Some(version);
            }
        });
    }

    fn annotate(&self, at: usize, name: &str, value: Option<String>) {
        self.state(|state| {
            let version = state.next().to_string();
            if let Some(manifest) = state.manifests.get_mut(&place(at)) {
                let annotations = manifest.metadata.annotations.get_or_insert_default();
                match value {
                    Some(value) => annotations.insert(name.to_owned(), value),
                    None => annotations.remove(name),
                };
                manifest.metadata.resource_version = Some(version);
            }
        });
    }

    fn delete(&self, at: usize) {
        self.state(|state| {
            let place = place(at);
            let version = state.next().to_string();
            state.must_keep.remove(&place);
            let Some(manifest) = state.manifests.get_mut(&place) else { return };
            if manifest.metadata.finalizers.iter().flatten().next().is_none() {
                state.manifests.remove(&place);
            } else if manifest.metadata.deletion_timestamp.is_none() {
                manifest.metadata.deletion_timestamp =
                    serde_json::from_value(json!("2026-01-01T00:00:00Z")).ok();
                manifest.metadata.generation = manifest.metadata.generation.map(|generation| generation + 1);
                manifest.metadata.resource_version = Some(version);
            }
        });
    }

    fn on_secret(&self, at: usize, change: impl FnOnce(&mut SecretView)) {
        self.state(|state| {
            let place = place(at);
            let version = state.next().to_string();
            state.must_keep.remove(&place);
            if let Some(secret) = state.secret(&place, &names::organization_secret(&place.name)) {
                change(secret);
                secret.version = version;
            }
        });
    }

    /// The rows are replaced by older ones or none; what projections show of live manifests must come back.
    fn lose_rows(&self, instead: crate::world::Database) {
        self.state(|state| {
            let next_id = state.database.next_id;
            state.database = instead;
            // Ids are drawn from a sequence that a restored backup continues, and a new database begins elsewhere.
            state.database.next_id = state.database.next_id.max(next_id);
            let live: Vec<Place> = state
                .manifests
                .iter()
                .filter(|(_, manifest)| manifest.metadata.deletion_timestamp.is_none())
                .map(|(place, _)| place.clone())
                .collect();
            for place in live {
                let row = state.database.rows.values().find(|kept| kept.owner.as_ref() == Some(&place));
                let row = row.map(|kept| (kept.row.id, kept.row.buried));
                let owner = tenantry_operator::stores::secrets::SecretOwner::Organization(place.name.clone());
                let Some(secret) = state.secret(&place, &names::organization_secret(&place.name)) else {
                    continue;
                };
                let same = secret
                    .content
                    .get("ORGANIZATION_ID")
                    .map(|id| secrecy::ExposeSecret::expose_secret(id).to_owned());
                let edited = secret
                    .content
                    .get("ORGANIZATION_SLUG")
                    .is_some_and(|slug| secrecy::ExposeSecret::expose_secret(slug) == "edited");
                let comes_back =
                    row.is_none_or(|(id, buried)| !buried && same == Some(id.to_string()) && !edited);
                if secret.owner == Some(owner) && comes_back {
                    let keys = keys(&secret.content);
                    state.must_keep.insert(place, keys);
                } else {
                    state.must_keep.remove(&place);
                }
            }
        });
    }

    fn actor(&self, cluster: &str, script: Script) -> Actor {
        let generation = self.state(|state| *state.leader.entry(cluster.to_owned()).or_insert(1));
        Actor { state: self.state.clone(), cluster: cluster.to_owned(), generation, script: Arc::new(script) }
    }

    /// One reconcile of one place, until it ends or the process does.
    fn work(&mut self, at: usize, script: Script) -> Option<Outcome> {
        let actor = self.actor(PLACES[at].0, script);
        let mut work = reconcile_at(actor.clone(), place(at));
        loop {
            match poll(&mut work) {
                Poll::Ready(reconciled) => {
                    let calls = actor.script.calls.load(Ordering::Relaxed);
                    assert!(calls <= usize::from(CALLS), "{calls} calls: raise CALLS");
                    return reconciled.map(|reconciled| reconciled.outcome);
                }
                Poll::Pending if actor.script.crashed.load(Ordering::Relaxed) => return None,
                Poll::Pending => {}
            }
        }
    }

    fn freeze(&mut self, at: usize, call: usize) {
        let cluster = PLACES[at].0;
        let actor = self.actor(cluster, Script { freeze_at: Some(call), ..Script::default() });
        let mut work = reconcile_at(actor.clone(), place(at));
        while poll(&mut work).is_pending() {
            if actor.script.frozen.load(Ordering::Relaxed) {
                self.state(|state| *state.leader.entry(cluster.to_owned()).or_insert(1) += 1);
                self.frozen.push(Frozen { script: actor.script.clone(), work });
                return;
            }
        }
    }

    fn thaw(&mut self) {
        for mut frozen in std::mem::take(&mut self.frozen) {
            let before = self.state(|state| state.writes);
            frozen.script.frozen.store(false, Ordering::Relaxed);
            while poll(&mut frozen.work).is_pending() {}
            self.state(|state| {
                if state.writes != before {
                    state.violations.push("an operator that had lost its lease wrote".to_owned());
                }
            });
        }
    }

    /// Everything works again and the operators look at everything until nothing changes any more.
    fn settle(mut self) -> Result<(), String> {
        self.thaw();
        self.state(|state| {
            state.down.clear();
            state.database.referenced.clear();
            for manifest in state.manifests.values_mut() {
                if let Some(annotations) = &mut manifest.metadata.annotations {
                    annotations.remove(names::annotation::PAUSED);
                }
            }
        });
        for _ in 0..12 {
            self.pass();
        }
        let before = self.state(|state| {
            state.log.push("-- a second pass".to_owned());
            state.writes
        });
        self.pass();
        self.state(|state| {
            let mut wrong = std::mem::take(&mut state.violations);
            if state.writes != before {
                wrong.push("a second pass wrote".to_owned());
            }
            wrong.extend(check::check(state));
            if wrong.is_empty() {
                Ok(())
            } else {
                Err(format!("{}\n{}", wrong.join("\n"), state.log.join("\n")))
            }
        })
    }

    fn pass(&mut self) {
        self.state(|state| state.pass(20));
        for at in 0..PLACES.len() {
            self.work(at, Script::default());
        }
        for cluster in ["west", "east"] {
            let actor = self.actor(cluster, Script::default());
            let manifests: Vec<Place> = self.state(|state| state.manifests.keys().cloned().collect());
            let mut work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move {
                sweep(&actor, &actor.cluster, &|place| manifests.contains(place)).await.unwrap();
            });
            while poll(&mut work).is_pending() {}
        }
    }
}

fn poll<T>(work: &mut Pin<Box<dyn Future<Output = T>>>) -> Poll<T> {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

pub fn entry_name(place: &Place) -> String {
    format!("tenantry/app/{}", place.name)
}

fn policy(delete: bool) -> tenantry_crds::organization::DeletionPolicy {
    if delete {
        tenantry_crds::organization::DeletionPolicy::Delete
    } else {
        tenantry_crds::organization::DeletionPolicy::Retain
    }
}

fn reconcile_at(actor: Actor, place: Place) -> Running {
    Box::pin(async move {
        let (manifest, now): (Option<Organization>, DateTime<Utc>) = {
            let state = actor.lock();
            (state.manifests.get(&place).cloned(), state.now)
        };
        let aws: Aws =
            serde_json::from_value(json!({ "region": "us-east-1", "prefix": "tenantry" })).unwrap();
        let cluster = actor.cluster.clone();
        let desire =
            move |manifest: &Organization| Desired::new(manifest, &cluster, "app", Some(&aws), false);
        let stores = Stores { rows: &actor, secrets: &actor, vault: Some(&actor) };
        Some(reconcile(&actor, stores, Arc::new(manifest?), &desire, now).await)
    })
}
