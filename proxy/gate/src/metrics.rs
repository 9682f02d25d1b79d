//! What operators watch. Every counter of the hot path is resolved at start, so that counting takes no lock.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tenantry_directory::Freshness;

/// Upper bounds in seconds.
const DURATIONS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct To {
    to: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// Counters, gauges and the duration of requests.
pub(crate) struct Metrics {
    registry: Registry,
    refusals: Family<Reason, Counter>,
    pub to_backend: Counter,
    pub to_authority: Counter,
    pub answered_here: Counter,
    pub upstream_errors: Counter,
    pub duration: Histogram,
    pub connections: Gauge,
    pub cache_hits: Counter,
    pub cache_misses: Counter,
    pub directory_version: Gauge,
    reconnects: Family<Reason, Counter>,
    fresh: Gauge,
    states: Family<State, Gauge>,
    age: Gauge<f64, AtomicU64>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tenantry_gate");
        let refusals = Family::<Reason, Counter>::default();
        let requests = Family::<To, Counter>::default();
        let of = |to| requests.get_or_create_owned(&To { to });
        let metrics = Self {
            to_backend: of("backend"),
            to_authority: of("authority"),
            answered_here: of("gate"),
            upstream_errors: Counter::default(),
            duration: Histogram::new(DURATIONS),
            connections: Gauge::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            directory_version: Gauge::default(),
            reconnects: Family::default(),
            fresh: Gauge::default(),
            states: Family::default(),
            age: Gauge::default(),
            refusals,
            registry: Registry::default(),
        };
        registry.register("requests", "Requests by who answered them", requests);
        registry.register("refusals", "Requests refused, by reason", metrics.refusals.clone());
        registry.register(
            "upstream_errors",
            "Requests that the backend or authority did not answer",
            metrics.upstream_errors.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From a request's head to the head of its answer",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register("connections", "Client connections open now", metrics.connections.clone());
        registry.register("token_cache_hits", "Tokens that were verified before", metrics.cache_hits.clone());
        registry.register(
            "token_cache_misses",
            "Tokens whose signature was checked",
            metrics.cache_misses.clone(),
        );
        registry.register(
            "directory_version",
            "Version of the directory that decisions are made by",
            metrics.directory_version.clone(),
        );
        registry.register(
            "directory_reconnects",
            "Times the directory stream was begun anew, by why the last one ended or could not be opened",
            metrics.reconnects.clone(),
        );
        registry.register(
            "directory_fresh",
            "1 while the directory is less than two seconds old",
            metrics.fresh.clone(),
        );
        registry.register(
            "directory_state",
            "1 for how far the directory can be trusted: fresh, stale (decided by, and told), expired (protected routes closed)",
            metrics.states.clone(),
        );
        registry.register_with_unit(
            "directory_age",
            "Since the last good read of the database",
            Unit::Seconds,
            metrics.age.clone(),
        );
        Self { registry, ..metrics }
    }

    /// Counts a refusal; refusing is not the hot path.
    pub fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a directory stream that ended or could not be opened.
    pub fn directory_ended(&self, reason: &'static str) {
        self.reconnects.get_or_create(&Reason { reason }).inc();
    }

    /// The text format of Prometheus, with the freshness as it is now.
    pub fn text(&self, freshness: Freshness, age_seconds: f64) -> String {
        let state = match freshness {
            Freshness::Fresh => "fresh",
            Freshness::Stale { .. } => "stale",
            Freshness::Expired => "expired",
        };
        for one in ["fresh", "stale", "expired"] {
            self.states.get_or_create(&State { state: one }).set(i64::from(one == state));
        }
        self.fresh.set(i64::from(freshness == Freshness::Fresh));
        self.age.set(age_seconds);
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# {error}\n"),
        }
    }
}
