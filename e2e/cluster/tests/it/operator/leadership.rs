//! Two operators and one Lease: one of them writes, and when it cannot, the other does.

use std::time::{Duration, Instant};

use tenantry_harness::process::free_port;

use super::world::{Wanted, World, organization};
use super::writes::{is_lease, is_write, told};

const FIRST: &str = "operator";
const SECOND: &str = "second";

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_moves_within_fifteen_seconds_of_a_crash_and_at_once_when_it_is_given_up() {
    let world = pair(Wanted { own_postgres: true, ..Wanted::default() }).await;
    world.organization("one", "").await;
    world.ready("org/one").await;

    world.kill();
    let crash = moved(&world, SECOND).await;
    assert!(crash < Duration::from_secs(15), "{crash:?}");
    world.organization("two", "").await;
    world.ready("org/two").await;

    world.start_again();
    world.waits_for_the_lease().await;
    world.operator.stop(SECOND, "TERM").unwrap();
    let given = moved(&world, FIRST).await;
    // One that has to run out takes ten.
    assert!(given < Duration::from_secs(7), "{given:?}");
    let began = Instant::now();
    world.organization("three", "").await;
    world.ready("org/three").await;
    let works = began.elapsed();
    // It waits for nothing but what it reads.
    assert!(works < Duration::from_secs(8), "{works:?}");
    note(&format!(
        "the lease moved {crash:?} after a crash, {given:?} after SIGTERM; an Organization was ready {works:?} later"
    ));
    one_writer(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_stopped_for_longer_than_its_lease_writes_nothing_when_it_goes_on() {
    let world = pair(Wanted { vault: true, own_postgres: true, ..Wanted::default() }).await;
    world.no_vacuum().await;
    // Slow calls, so that it stops in the middle of several, repetitions among them.
    world.vault.as_ref().unwrap().delay(Duration::from_millis(700));
    world.apply(&many(0..30)).await;
    let begun = async || (world.psql("SELECT count(*) FROM organizations").await != "0").then_some(());
    world.wait("the first rows", begun).await;
    world.operator.signal(FIRST, "STOP").unwrap();
    world.vault.as_ref().unwrap().delay(Duration::ZERO);
    moved(&world, SECOND).await;
    world.kubectl(&["patch", "org/org-0", "--type=merge", "-p", r#"{"spec":{"suspended":true}}"#]).await;
    all_ready(&world, 30).await;
    // The rightful leader has told everything too.
    world.wait("the Backend's count", async || world.everything_is_said(30).await.then_some(())).await;
    world.rested(Duration::from_secs(8)).await;

    let mark = world.mark().await;
    world.operator.signal(FIRST, "CONT").unwrap();
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(world.written_since(&mark).await, Vec::<String>::new());
    assert!(holder(&world).await.starts_with(SECOND), "it gave way");

    // And it is still good for the next time.
    world.operator.stop(SECOND, "TERM").unwrap();
    moved(&world, FIRST).await;
    world.organization("last", "").await;
    world.ready("org/last").await;
    one_writer(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_stopped_in_the_middle_of_a_transaction_does_not_hold_up_the_next_one() {
    let world = pair(Wanted { own_postgres: true, ..Wanted::default() }).await;
    world.organization("one", "").await;
    world.ready("org/one").await;
    // Somebody holds the row that the transaction needs next.
    let held = world.database.clone();
    let lock = "BEGIN; SELECT 1 FROM organizations FOR UPDATE; SELECT pg_sleep(4); COMMIT";
    let lock = tokio::spawn(async move { held.psql(lock).await.unwrap() });
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    world.wait("the lock", async || (world.psql(asleep).await == "1").then_some(())).await;
    world.kubectl(&["patch", "org/one", "--type=merge", "-p", r#"{"spec":{"suspended":true}}"#]).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    world.wait("the transaction", async || (world.psql(waiting).await == "1").then_some(())).await;
    world.operator.signal(FIRST, "STOP").unwrap();
    let stopped = Instant::now();
    lock.await.unwrap();

    world.reason("org/one", "Ready", "Suspended").await;
    let waited = stopped.elapsed();
    assert!(waited < Duration::from_secs(40), "the next one could work only after {waited:?}");
    assert!(holder(&world).await.starts_with(SECOND));
    world.kubectl(&["patch", "org/one", "--type=merge", "-p", r#"{"spec":{"suspended":false}}"#]).await;
    world.reason("org/one", "Ready", "Provisioned").await;
    world.operator.signal(FIRST, "CONT").unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.psql("SELECT status FROM organizations").await, "active");
    note(&format!("a transaction of a stopped leader held the next one up for {waited:?}"));
    one_writer(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_deleted_by_hand_again_and_again_never_makes_two_writers() {
    let world = pair(Wanted { own_postgres: true, ..Wanted::default() }).await;
    world.organization("org-0", "").await;
    world.ready("org/org-0").await;
    for round in 0..8 {
        world.apply(&many(round * 4..round * 4 + 4)).await;
        tokio::time::sleep(Duration::from_millis(300 * u64::from(round % 5))).await;
        world.kubectl(&["delete", "leases", "--all"]).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    all_ready(&world, 32).await;
    one_writer(&world);
}

/// A world with a Backend and a second operator, which the API server tells from the first. The first leads.
async fn pair(wanted: Wanted) -> World {
    let world = World::start(wanted).await;
    begin(&world, FIRST, &format!("{}-tenantry-operator", world.namespace)).await;
    moved(&world, FIRST).await;
    world.backend("").await;
    world.ready("backend/app").await;
    same_rights(&world, SECOND).await;
    begin(&world, SECOND, SECOND).await;
    world
}

/// Starts an operator under an account; its name begins with the program's.
async fn begin(world: &World, program: &str, account: &str) {
    let kubeconfig = world.cluster.service_account_kubeconfig(&world.namespace, account).await.unwrap();
    let mut command = std::process::Command::new(world.command.get_program());
    let mut args = world.command.get_args();
    while let Some(arg) = args.next() {
        command.arg(arg);
        if arg == "--metrics-listen" && program != FIRST {
            args.next();
            command.arg(format!("127.0.0.1:{}", free_port().unwrap()));
        }
    }
    command.envs(world.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("KUBECONFIG", kubeconfig).env("POD_NAME", program);
    if program == FIRST {
        world.kill();
        world.kubectl(&["delete", "leases", "--all"]).await;
    }
    world.operator.start(program, &command).unwrap();
}

/// An account with what the chart gives to the operator's.
async fn same_rights(world: &World, account: &str) {
    world.kubectl(&["create", "serviceaccount", account]).await;
    let of_chart = format!("{}-tenantry-operator", world.namespace);
    let bindings = world.kubectl(&["get", "rolebinding,clusterrolebinding", "-o", "json"]).await;
    let bindings: serde_json::Value = serde_json::from_str(&bindings).unwrap();
    for binding in bindings["items"].as_array().unwrap() {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        let mut subjects = subjects.filter(|subject| {
            subject["name"] == of_chart.as_str() && subject["namespace"] == world.namespace.as_str()
        });
        if subjects.next().is_none() {
            continue;
        }
        let kind = binding["kind"].as_str().unwrap().to_lowercase();
        let name = format!("{}-{account}", binding["metadata"]["name"].as_str().unwrap());
        let role_kind = binding["roleRef"]["kind"].as_str().unwrap().to_lowercase();
        let role = format!("--{role_kind}={}", binding["roleRef"]["name"].as_str().unwrap());
        let account = format!("--serviceaccount={}:{account}", world.namespace);
        world.kubectl(&["create", &kind, &name, &role, &account]).await;
    }
}

/// Waits until the named one leads; how long that took.
async fn moved(world: &World, to: &str) -> Duration {
    let began = Instant::now();
    world.wait(&format!("{to} leads"), async || holder(world).await.starts_with(to).then_some(())).await;
    began.elapsed()
}

async fn holder(world: &World) -> String {
    let lease = world.get(&format!("lease/{}-tenantry-operator", world.namespace)).await;
    lease.and_then(|lease| Some(lease["spec"]["holderIdentity"].as_str()?.to_owned())).unwrap_or_default()
}

fn many(numbers: std::ops::Range<u32>) -> String {
    let all: Vec<String> = numbers.map(|number| organization(&format!("org-{number}"), "")).collect();
    all.join("---\n")
}

async fn all_ready(world: &World, count: u32) {
    for number in 0..count {
        world.ready(&format!("org/org-{number}")).await;
    }
}

/// That nobody wrote while another led. Who makes a Lease in place of one that was deleted leads only after it has stood for as long as
/// it lasts, ten seconds and some for what the API server needs; until then the other may not have noticed.
fn one_writer(world: &World) {
    const WAITS: chrono::TimeDelta = chrono::TimeDelta::milliseconds(9_500);
    let Some(events) = world.cluster.audit() else { return };
    let mut leader = String::new();
    let mut claim: Option<(String, chrono::DateTime<chrono::FixedOffset>)> = None;
    let mut wrong = Vec::new();
    for event in events.iter().filter(|event| world.is_operators(event) && is_write(event)) {
        if !(200..300).contains(&event.code) {
            continue;
        }
        let at = chrono::DateTime::parse_from_rfc3339(&event.timestamp).unwrap();
        if let Some((user, _)) = claim.take_if(|(_, made)| at - *made >= WAITS) {
            leader = user;
        }
        if !is_lease(event) {
            if event.user != leader {
                wrong.push(told(event));
            }
        } else if event.verb == "create" && !leader.is_empty() && event.user != leader {
            claim = Some((event.user.clone(), at));
        } else if claim.as_ref().is_none_or(|(user, _)| *user != event.user) {
            (leader, claim) = (event.user.clone(), None);
        }
    }
    assert!(wrong.is_empty(), "written without the lease:\n{}", wrong.join("\n"));
}

#[allow(clippy::print_stderr, reason = "a figure that the log of a run keeps")]
fn note(text: &str) {
    eprintln!("{text}");
}
