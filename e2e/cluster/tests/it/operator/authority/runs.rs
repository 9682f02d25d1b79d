//! Authorities that run as their Deployment says: who may follow the directory, what they show, and that nothing is written at rest.

use std::process::Command;
use std::time::Duration;

use tenantry_harness::process::{Watchdog, run};

use super::{SELECTOR, world};
use crate::apart::reviewed::{AUDIENCE, stream_answers, token};
use crate::operator::node::{Node, Running};
use crate::operator::world::{Wanted, World, url};

/// How many pods there are.
const PODS: usize = 2;

async fn ready(world: &World, node: &Node) -> Vec<Running> {
    world
        .wait("the authority's pods", async || {
            let ready = node.ready();
            (ready.len() == PODS).then_some(ready)
        })
        .await
}

/// What a pod answers on its stream's port to whoever shows a token and trusts these authorities alone.
async fn answers(world: &World, pod: &Running, ca: &str, token: &str) -> Result<String, String> {
    let folder = Watchdog::new("asks").unwrap();
    let ca = folder.write("ca.crt", ca).unwrap();
    let host = format!("app-authority.{}.svc", world.namespace);
    let answer = stream_answers((&host, pod.ports["stream"]), &ca, token).await;
    answer.map_err(|error| error.to_string())
}

async fn trusted(world: &World) -> String {
    let trust = world.get("ConfigMap/tenantry-trust-app").await.unwrap();
    trust["data"]["ca.crt"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_run_as_they_were_made_and_let_in_the_gates_of_their_backend_alone() {
    let wanted = Wanted { authority: Some(""), own_postgres: true, ..Wanted::default() };
    let world = World::start(wanted).await;
    world.no_vacuum().await;
    let node = Node::within(world.cluster.clone(), Some(world.namespace.clone()));
    world.backend(SELECTOR).await;
    world.until("backend/app", "AuthorityReady", "True").await;
    world.ready("backend/app").await;
    let pods = ready(&world, &node).await;
    let ca = trusted(&world).await;
    world.kubectl(&["create", "serviceaccount", "other"]).await;
    let of = async |pod: &str, account: &str| token(&world, &world.namespace, account, AUDIENCE, pod).await;
    let (gate, other) = (of("gate", "default").await, of("other", "other").await);
    for pod in &pods {
        for (token, status) in [(&gate, "200"), (&other, "403"), (&"none".to_owned(), "401")] {
            let answer = answers(&world, pod, &ca, token).await;
            assert_eq!(answer.as_deref(), Ok(status), "{}", node.logs());
        }
        let other = world.secret("tenantry-gates-ca-app").await.unwrap()["ca.crt"].clone();
        let refused = answers(&world, pod, &other, &gate).await.unwrap_err();
        assert!(refused.contains("certificate"), "{refused}");
    }

    // Another user of the database: pods that know the old one are replaced.
    let before: Vec<String> = pods.iter().map(|pod| pod.pod.clone()).collect();
    let second = format!("{}?application_name=second", url(&world.database));
    let patch = serde_json::json!({ "stringData": { "DATABASE_URL": second } });
    world.kubectl(&["patch", "secret/app-db", "--type=merge", "-p", &patch.to_string()]).await;
    world.kubectl(&["annotate", "backend/app", "tenantry.io/reconcile=1"]).await;
    world
        .wait("pods with the other URL", async || {
            let now = node.ready();
            (now.len() == PODS && now.iter().all(|pod| !before.contains(&pod.pod))).then_some(())
        })
        .await;
    world.until("backend/app", "AuthorityReady", "True").await;
    assert_eq!(answers(&world, &node.ready()[0], &ca, &gate).await.as_deref(), Ok("200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_is_written_for_an_authority() {
    let wanted = Wanted { authority: Some(""), own_postgres: true, ..Wanted::default() };
    let world = World::start(wanted).await;
    world.no_vacuum().await;
    world.backend(SELECTOR).await;
    super::waits_for_pods(&world).await;
    world.rested(Duration::from_secs(5)).await;
    let mark = world.mark().await;
    for _ in 0..3 {
        world.looked_again(&["backend/app"]).await;
    }
    world.kill();
    world.start_again();
    world.waits_for_the_lease().await;
    world.looked_again(&["backend/app"]).await;
    let written = world.written_since(&mark).await;
    // A new leader fences the database, and says so there.
    let written: Vec<_> = written.iter().filter(|what| !what.starts_with("transactions")).collect();
    assert_eq!(written, Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pinned_a_ca_trusts_what_its_successor_signs() {
    let world = world().await;
    let folder = Watchdog::new("ca").unwrap();
    let (certificate, key) = (folder.file("ca.crt"), folder.file("ca.key"));
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "300",
        ])
        .args(["-subj", "/CN=a year before its end", "-addext", "keyUsage=critical,keyCertSign", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    run(openssl, String::new()).await.unwrap();
    let [old, key] = [&certificate, &key].map(|file| std::fs::read_to_string(file).unwrap());
    let secret = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "tenantry-ca-app", "labels": {
            "app.kubernetes.io/managed-by": "tenantry-operator", "tenantry.io/backend": "app",
        } },
        "stringData": { "ca.crt": old, "ca.key": key },
    });
    world.apply(&secret.to_string()).await;
    let node = Node::within(world.cluster.clone(), Some(world.namespace.clone()));
    world.backend(SELECTOR).await;
    world.until("backend/app", "AuthorityReady", "True").await;
    let bundle = trusted(&world).await;
    assert!(bundle.starts_with(&old) && bundle.matches("BEGIN CERTIFICATE").count() == 2, "{bundle}");
    let next = bundle.strip_prefix(&old).unwrap();
    for pod in ready(&world, &node).await {
        for (whom, ca) in
            [("the old one alone", old.as_str()), ("the next one alone", next), ("both", &bundle)]
        {
            let answer = answers(&world, &pod, ca, "none").await;
            assert_eq!(answer.as_deref(), Ok("401"), "who trusts {whom}: {}", node.logs());
        }
    }
}
