use std::time::Duration;

use super::*;

const ALERTS: &str = include_str!("../../../charts/tenantry/files/alerts.yaml");
const WORLDS: &str = include_str!("../../../charts/tenantry/tests/alerts.yaml");

fn of_backend(store: Store) -> OfBackend {
    OfBackend { backend: "t/x".to_owned(), store: store.to_string() }
}

/// What is told once everything happened that can.
fn told() -> String {
    let metrics = Metrics::new(Leadership::default());
    for resource in ["backend", "organization"] {
        let after = Outcome::After(Duration::from_secs(1));
        for outcome in [Outcome::Settled, Outcome::Gone, Outcome::Retry, after, Outcome::Stalled] {
            metrics.reconciled(resource, &outcome, Duration::from_secs(1));
        }
    }
    for store in [Store::Manifests, Store::Database, Store::Secrets, Store::Aws] {
        metrics.failed(store, "Unsettled");
        metrics.drift_repairs.get_or_create(&OfStore { store: store.to_string() }).inc();
    }
    for state in STATES {
        metrics.organizations.get_or_create(&InState { state }).inc();
    }
    let answering = [Store::Database.to_string(), Store::Aws.to_string(), "authority".to_owned()];
    let answers = answering.map(|store| (OfBackend { backend: "t/x".to_owned(), store }, true));
    metrics.tell_stores(&HashMap::from(answers));
    metrics.text()
}

/// The metrics that a file asks the operator for and nobody tells, each with the labels that it asks for.
fn untold(file: &str) -> Vec<String> {
    let told = told();
    let asked = file.match_indices("tenantry_").map(|(at, _)| {
        let rest = &file[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        (name, rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(labels, _)| labels))
    });
    let untold = asked.filter(|(name, labels)| !told.lines().any(|line| tells(line, name, labels)));
    untold.map(|(name, labels)| format!("{name}{{{labels}}}")).collect()
}

/// Whether a line is of this metric and has all these labels.
fn tells(line: &str, name: &str, labels: &str) -> bool {
    // Prometheus knows these by itself, and a Backend has any name.
    let from_scrape = |label: &str| {
        ["job=", "namespace=", "instance=", "backend="].iter().any(|known| label.starts_with(known))
    };
    line.split(['{', ' ']).next() == Some(name)
        && labels.split(',').map(str::trim).filter(|label| !label.is_empty() && !from_scrape(label)).all(
            |label| match label.split_once("!=") {
                Some((name, other)) => {
                    line.contains(&format!("{name}=")) && !line.contains(&format!("{name}={other}"))
                }
                None => line.contains(label),
            },
        )
}

#[test]
fn alerts_and_their_tests_ask_for_nothing_that_is_never_told() {
    assert_eq!(untold(ALERTS), [""; 0]);
    assert_eq!(untold(WORLDS), [""; 0]);
}

#[test]
fn what_is_never_told_is_found_by_its_name_and_by_its_labels() {
    let alerts = r#"
        rate(tenantry_operator_reconcile_total{outcome="ok"}[10m])
        rate(tenantry_operator_reconciles_total{outcome="error", job="op"}[10m])
        rate(tenantry_operator_reconciles_total{job="op", outcome="retry"}[10m])
        tenantry_operator_vanished > 0 and tenantry_operator_store_up{store="redis"} == 0"#;
    assert_eq!(
        untold(alerts),
        [
            r#"tenantry_operator_reconcile_total{outcome="ok"}"#,
            r#"tenantry_operator_reconciles_total{outcome="error", job="op"}"#,
            "tenantry_operator_vanished{}",
            r#"tenantry_operator_store_up{store="redis"}"#,
        ]
    );
}

#[test]
fn nothing_is_told_of_a_store_whose_backend_is_gone() {
    let metrics = Metrics::new(Leadership::default());
    let (database, aws) = (of_backend(Store::Database), of_backend(Store::Aws));
    metrics.tell_stores(&HashMap::from([(database.clone(), false), (aws, true)]));
    metrics.tell_stores(&HashMap::from([(database, false)]));
    let told = metrics.text();
    assert!(told.contains(r#"store_up{backend="t/x",store="database"} 0"#), "{told}");
    assert!(!told.contains(r#"store="aws""#), "{told}");
    metrics.tell_stores(&HashMap::new());
    assert!(!metrics.text().contains("store_up{"), "{}", metrics.text());
}
