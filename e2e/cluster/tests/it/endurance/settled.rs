//! Once everything is as the manifests say, the operator goes on looking and writes nothing but its Lease.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::operator::world::{Wanted, World, organization};
use crate::operator::writes::{is_lease, is_write, no_audit_log};

const ORGANIZATIONS: usize = 300;
/// How long they may take to be made on a busy machine.
const MADE_WITHIN: Duration = Duration::from_mins(8);
const REST: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_settled_organizations_are_looked_at_and_left_alone() {
    let wanted = Wanted { vault: true, own_postgres: true, resync: Some("40s"), ..Wanted::default() };
    let world = World::start(wanted).await;
    world.no_vacuum().await;
    world.backend("").await;
    let mut documents = String::new();
    for number in 0..ORGANIZATIONS {
        let spec =
            format!("  settings: {{ plan: gold, seats: {number} }}\n  suspended: {}\n", number % 10 == 0);
        writeln!(documents, "---\n{}", organization(&format!("org-{number:03}"), &spec)).unwrap();
    }
    let began = Instant::now();
    world.apply(&documents).await;
    while !world.everything_is_said(ORGANIZATIONS).await {
        assert!(began.elapsed() < MADE_WITHIN, "{}", world.operator.log("operator"));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    note(&format!("{ORGANIZATIONS} Organizations were ready after {:?}", began.elapsed()));

    world.rested(Duration::from_secs(3)).await;
    let mark = world.mark().await;
    let audit = world.cluster.audit_mark();
    let rows = rows_written(&world).await;
    tokio::time::sleep(REST).await;

    assert_eq!(world.written_since(&mark).await, Vec::<String>::new());
    assert_eq!(rows_written(&world).await, rows);
    let Some(events) = world.cluster.audit_since(audit) else { return no_audit_log() };
    let of_us: Vec<_> = events.iter().filter(|event| world.is_operators(event)).collect();
    let looked = of_us.iter().filter(|event| event.verb == "get" && event.resource == "secrets").count();
    assert!(looked >= 2 * ORGANIZATIONS, "it looked at Secrets {looked} times only");
    let leases: Vec<&str> = of_us
        .iter()
        .filter(|event| is_lease(event) && is_write(event))
        .map(|event| event.verb.as_str())
        .collect();
    assert!(leases.len() >= 30 && leases.iter().all(|verb| *verb == "update"), "{leases:?}");
}

/// Rows inserted, changed and deleted by anybody; sessions tell the server of theirs within ten seconds.
async fn rows_written(world: &World) -> String {
    tokio::time::sleep(Duration::from_secs(11)).await;
    world.psql("SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_user_tables").await
}

#[allow(clippy::print_stderr, reason = "a figure that the log of a run keeps")]
fn note(text: &str) {
    eprintln!("{text}");
}
