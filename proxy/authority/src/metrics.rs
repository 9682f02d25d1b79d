//! What operators watch of an authority.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds; a password's hash takes some 0.25.
const DURATIONS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Listener {
    listener: &'static str,
}

/// Of one listener.
#[derive(Clone)]
pub(crate) struct Connections {
    /// Its name.
    pub listener: &'static str,
    /// Open now.
    pub open: Gauge,
    /// Closed because it was full.
    pub refused: Counter,
}

/// Counters, gauges and the duration of requests.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    duration: Histogram,
    connections: Family<Listener, Gauge>,
    refused: Family<Listener, Counter>,
    /// Peers that showed no gate's credential.
    pub strangers: Counter,
    /// Gates that follow the directory now.
    pub following: Gauge,
    version: Gauge,
    read_age: Gauge<f64, AtomicU64>,
    hashed: Gauge,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tenantry_authority");
        let answers = Family::<Answer, Counter>::default();
        let duration = Histogram::new(DURATIONS);
        let (strangers, following) = (Counter::default(), Gauge::default());
        let (version, read_age, hashed) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("requests", "Requests by route and status", answers.clone());
        registry.register_with_unit(
            "request_duration",
            "From a request to its answer",
            Unit::Seconds,
            duration.clone(),
        );
        let (connections, refused) =
            (Family::<Listener, Gauge>::default(), Family::<Listener, Counter>::default());
        registry.register("connections", "Connections open now, by listener", connections.clone());
        registry.register(
            "connections_refused",
            "Connections closed because the listener was full: the oldest without a gate's credential, or the new one",
            refused.clone(),
        );
        registry.register("strangers", "Peers that showed no gate's credential", strangers.clone());
        registry.register("gates_following", "Gates that follow the directory now", following.clone());
        registry.register("directory_version", "Version of the directory as published", version.clone());
        registry.register_with_unit(
            "directory_read_age",
            "Since the last good read of the database",
            Unit::Seconds,
            read_age.clone(),
        );
        registry.register("passwords_hashed", "Passwords hashed or compared since the start", hashed.clone());
        Self {
            registry,
            answers,
            duration,
            connections,
            refused,
            strangers,
            following,
            version,
            read_age,
            hashed,
        }
    }

    /// Those of one listener.
    pub fn connections(&self, listener: &'static str) -> Connections {
        let label = Listener { listener };
        let open = self.connections.get_or_create_owned(&label);
        Connections { listener, open, refused: self.refused.get_or_create_owned(&label) }
    }

    /// Counts an answer.
    pub fn answered(&self, route: &str, status: u16, took: Duration) {
        self.answers.get_or_create(&Answer { route: route.to_owned(), status }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// The text format of Prometheus, with what only a look can tell.
    pub fn text(&self, version: i64, read_age: Option<Duration>, hashed: u64) -> String {
        self.version.set(version);
        self.read_age.set(read_age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        self.hashed.set(i64::try_from(hashed).unwrap_or(i64::MAX));
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# {error}\n"),
        }
    }
}
