//! Authorities that run as their Deployment says: who may follow the directory, what they show, and that nothing is written at rest.

use std::process::Command;
use std::time::Duration;

use tenantry_harness::process::{Watchdog, run};

use super::{SELECTOR, world};
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
    let (host, port) = (format!("app-authority.{}.svc", world.namespace), pod.ports["stream"]);
    let mut curl = Command::new("sh");
    // A stream that begins has no end: curl gives up then, and has told the status.
    curl.args(["-c", "\"$@\" || [ $? -eq 28 ]", "sh", "curl", "--silent", "--show-error", "--max-time", "2"])
        .args(["--output", "/dev/null", "--write-out", "%{http_code}", "--cacert"])
        .arg(ca)
        .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
        .args(["--header", &format!("x-tenantry-gate: {token}")])
        .arg(format!("https://{host}:{port}/internal/directory?stream=1"));
    run(curl, String::new()).await.map_err(|error| error.to_string())
}

async fn trusted(world: &World) -> String {
    let trust = world.get("ConfigMap/tenantry-trust-app").await.unwrap();
    trust["data"]["ca.crt"].as_str().unwrap().to_owned()
}

/// A token of a pod, for the authority.
async fn token(world: &World, pod: &str, account: &str) -> String {
    let manifest = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {pod} }}\nspec:\n  serviceAccountName: {account}\n  \
         containers: [{{ name: app, image: example.com/app }}]\n"
    );
    let apply = async || {
        let given = ["--namespace", &world.namespace, "apply", "-f", "-"];
        world.cluster.kubectl_stdin(&given, &manifest).await.ok()
    };
    world.wait("a pod", apply).await;
    let of = ["get", "pod", pod, "--output=jsonpath={.metadata.uid}"];
    let uid = format!("--bound-object-uid={}", world.kubectl(&of).await);
    let (named, audience) = (format!("--bound-object-name={pod}"), "--audience=tenantry-authority");
    let args = ["create", "token", account, audience, "--bound-object-kind=Pod", &named, &uid];
    world.kubectl(&args).await.trim().to_owned()
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
    let (gate, other) = (token(&world, "gate", "default").await, token(&world, "other", "other").await);
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
