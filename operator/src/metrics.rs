//! What an operator tells Prometheus, and the probes of its pod.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::leader::Leadership;
use crate::organization::Outcome;
use crate::stores::Store;

#[cfg(test)]
mod tests;

/// Labels of a reconcile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reconcile {
    /// `backend` or `organization`.
    pub resource: &'static str,
    /// `ok`, `retry` or `stalled`.
    pub outcome: &'static str,
}

/// The label of a kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Resource {
    /// `backend` or `organization`.
    pub resource: &'static str,
}

/// Labels of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Failure {
    /// Which store.
    pub store: String,
    /// The reason, as conditions have it.
    pub kind: &'static str,
}

/// The label of a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfStore {
    /// Which.
    pub store: String,
}

/// Whether a Backend's store answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfBackend {
    /// `<namespace>/<name>`.
    pub backend: String,
    /// Which store.
    pub store: String,
}

/// The states of an Organization.
pub const STATES: [&str; 5] = ["ready", "reconciling", "stalled", "suspended", "deleting"];

/// The label of a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct InState {
    /// One of [`STATES`].
    pub state: &'static str,
}

/// The label of what became of a pod that the webhook was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Injected {
    /// `injected`, `unchanged`, `refused`, or `undecided`, which is refused as well.
    pub outcome: &'static str,
}

/// Everything that is counted.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    leadership: Leadership,
    leader: Gauge,
    /// Reconciles by outcome.
    pub reconciles: Family<Reconcile, Counter>,
    /// How long they take, in seconds.
    pub seconds: Family<Resource, Histogram, fn() -> Histogram>,
    /// Organizations by state.
    pub organizations: Family<InState, Gauge>,
    store_up: Family<OfBackend, Gauge>,
    /// What `store_up` has.
    stores: Arc<Mutex<HashSet<OfBackend>>>,
    /// Steps and looks that failed.
    pub store_errors: Family<Failure, Counter>,
    /// Times that something was put right which somebody had changed.
    pub drift_repairs: Family<OfStore, Counter>,
    /// Deletions that cannot end.
    pub deletion_blocked: Gauge,
    /// Manifests that vanished without their finalizer.
    pub vanished: Counter,
    /// Pods that the webhook was asked about.
    pub injections: Family<Injected, Counter>,
}

impl Metrics {
    /// Registers everything.
    pub fn new(leadership: Leadership) -> Self {
        let mut registry = Registry::with_prefix("tenantry_operator");
        let histogram: fn() -> Histogram =
            || Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
        let leader = Gauge::<i64, std::sync::atomic::AtomicI64>::default();
        let reconciles = Family::default();
        let seconds = Family::new_with_constructor(histogram);
        let organizations = Family::default();
        let store_up = Family::default();
        let store_errors = Family::default();
        let drift_repairs = Family::default();
        let deletion_blocked = Gauge::<i64, std::sync::atomic::AtomicI64>::default();
        let vanished = Counter::<u64, AtomicU64>::default();
        let injections = Family::default();
        registry.register("leader", "Whether this process leads", leader.clone());
        registry.register("reconciles", "Reconciles by resource and outcome", reconciles.clone());
        registry.register("reconcile_seconds", "How long reconciles take", seconds.clone());
        registry.register("organizations", "Organizations by state", organizations.clone());
        registry.register("store_up", "Whether a Backend's store answers", store_up.clone());
        registry.register(
            "store_errors",
            "Steps and looks that failed, by store and reason",
            store_errors.clone(),
        );
        registry.register("drift_repairs", "Times that a store was put right", drift_repairs.clone());
        registry.register("deletion_blocked", "Deletions that cannot end", deletion_blocked.clone());
        registry.register("vanished", "Manifests that vanished without their finalizer", vanished.clone());
        registry.register(
            "injections",
            "Pods that the webhook was asked about, by outcome",
            injections.clone(),
        );
        Self {
            registry: Arc::new(registry),
            leadership,
            leader,
            reconciles,
            seconds,
            organizations,
            store_up,
            stores: Arc::default(),
            store_errors,
            drift_repairs,
            deletion_blocked,
            vanished,
            injections,
        }
    }

    /// Counts one reconcile.
    pub fn reconciled(&self, resource: &'static str, outcome: &Outcome, took: std::time::Duration) {
        let outcome = match outcome {
            Outcome::Settled | Outcome::Gone => "ok",
            Outcome::Retry | Outcome::After(_) => "retry",
            Outcome::Stalled => "stalled",
        };
        self.reconciles.get_or_create(&Reconcile { resource, outcome }).inc();
        self.seconds.get_or_create(&Resource { resource }).observe(took.as_secs_f64());
    }

    /// Counts a failure of a store.
    pub fn failed(&self, store: Store, kind: &'static str) {
        self.store_errors.get_or_create(&Failure { store: store.to_string(), kind }).inc();
    }

    /// Tells which stores answer, and no more of those that are not among them.
    pub fn tell_stores(&self, answers: &HashMap<OfBackend, bool>) {
        let mut told = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|store| answers.contains_key(store) || !self.store_up.remove(store));
        for (store, answer) in answers {
            self.store_up.get_or_create(store).set(i64::from(*answer));
            told.insert(store.clone());
        }
    }

    /// Everything, in the text format of Prometheus.
    pub fn text(&self) -> String {
        self.leader.set(i64::from(self.leadership.leads()));
        let mut out = String::new();
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(_) => String::new(),
        }
    }
}

/// Whether the process works, for its pod's probes.
#[derive(Clone)]
pub struct Health(Arc<Waits>);

/// What is waited for.
struct Waits {
    start: AtomicBool,
    certificate: AtomicBool,
}

impl Health {
    /// Of a process that has just begun. One that serves the webhook is ready once it has its certificate as well.
    pub fn new(serves_webhook: bool) -> Self {
        Self(Arc::new(Waits { start: AtomicBool::new(true), certificate: AtomicBool::new(serves_webhook) }))
    }

    /// The API server answered, and the definitions are installed.
    pub fn is_ready(&self) {
        self.0.start.store(false, Ordering::Relaxed);
    }

    /// The webhook has a certificate to show.
    pub fn has_certificate(&self) {
        self.0.certificate.store(false, Ordering::Relaxed);
    }

    fn waits(&self) -> bool {
        self.0.start.load(Ordering::Relaxed) || self.0.certificate.load(Ordering::Relaxed)
    }
}

/// Serves metrics and probes for good.
pub async fn serve(listener: TcpListener, metrics: Metrics, health: Health) -> std::io::Result<()> {
    let app = Router::new()
        .route(
            "/metrics",
            get(|State((metrics, _)): State<(Metrics, Health)>| async move {
                (
                    [("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")],
                    metrics.text(),
                )
            }),
        )
        .route("/livez", get(|| async { "ok" }))
        .route(
            "/readyz",
            get(|State((_, health)): State<(Metrics, Health)>| async move {
                if health.waits() {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready yet: see the log").into_response()
                } else {
                    (StatusCode::OK, "ok").into_response()
                }
            }),
        )
        .with_state((metrics, health));
    axum::serve(listener, app).await
}
