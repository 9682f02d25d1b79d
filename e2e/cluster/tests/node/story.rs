//! The whole story: what the clients of two customers get at a backend that has a gate because of one label, and what somebody gets
//! who looks for a way around it.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, Ask, Client, asked_inside};
use super::world::{SYSTEM, World};

/// The backend's pods.
const PODS: &str = "app=mini-xdr,tenantry.io/inject=true";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make e2e-cluster runs it"]
async fn one_label_puts_a_gate_in_front_of_a_backend_and_nobody_gets_around_it() {
    let world = World::start().await;
    let client = Client::start(&world).await;

    world.tell("every pod runs with its gate, and the Service is as it was");
    every_pod_runs_with_its_gate_and_the_service_is_as_it_was(&world).await;
    world.tell("members of two organizations see their own, and nobody else sees anything");
    members_of_two_organizations_see_their_own_and_nobody_else_sees_anything(&world, &client).await;
    world.tell("a client that says who it is gains nothing");
    a_client_that_says_who_it_is_gains_nothing(&world, &client).await;
    world.tell("the backend's own port is closed to other pods");
    the_backends_own_port_is_closed_to_other_pods(&world, &client).await;
    world.tell("a pod without the label is closed and not open");
    a_pod_without_the_label_is_closed_and_not_open(&world, &client).await;
    world.tell("a suspension is felt at every gate");
    a_suspension_is_felt_at_every_gate(&world, &client).await;
    world.tell("while the operator is down, pods that ask for a gate wait and others start");
    while_the_operator_is_down_pods_that_ask_for_a_gate_wait_and_others_start(&world, &client).await;
}

async fn every_pod_runs_with_its_gate_and_the_service_is_as_it_was(world: &World) {
    let shown = world
        .wait("two pods, and none that still ends", async || {
            let shown = world.in_namespace(&["get", "pods", "--no-headers", "--selector", PODS]).await;
            (shown.lines().count() == 2).then_some(shown)
        })
        .await;
    for pod in shown.lines() {
        let columns: Vec<&str> = pod.split_whitespace().collect();
        assert_eq!(columns[1..3], ["2/2", "Running"], "{shown}");
    }
    for pod in world.list("pods", PODS).await {
        assert_eq!(pod["spec"]["initContainers"][0]["name"], "tenantry-gate");
        assert_eq!(pod["spec"]["containers"].as_array().unwrap().len(), 1);
    }
    // What nobody but its author has touched differs in nothing from what was written.
    let file = super::world::repository("examples/kubernetes/7-service.yaml");
    assert_eq!(world.kubectl(&["diff", "--filename", file.to_str().unwrap()]).await, "");
}

async fn members_of_two_organizations_see_their_own_and_nobody_else_sees_anything(
    world: &World,
    client: &Client<'_>,
) {
    let refused = client.ask(Ask::get("/api/incidents")).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(refused.headers["www-authenticate"].as_str().unwrap().starts_with("Bearer"), "{refused:?}");
    assert_eq!(client.ask(Ask::get("/health")).await.status, 200, "what the Backend calls public is");

    let members = [("mini-corp", client.mini_corp().await), ("harbor-lights", client.harbor_lights().await)];
    for (organization, token) in members {
        let id = organization_id(world, organization).await;
        // Often enough to meet both pods.
        let asks = (0..12).map(|_| Ask::get("/api/incidents").by(&token)).collect();
        for answer in client.ask_all(asks).await {
            assert_eq!(organizations_in(&answer), [id], "{organization}: {answer:?}");
        }
        let summary = client.ask(Ask::get("/api/admin/summary").by(&token)).await;
        assert_eq!((summary.status, &summary.body["organization_id"]), (200, &json!(id)), "{summary:?}");
        let me = client.ask(Ask::get("/api/auth/me").by(&token)).await;
        assert_eq!((me.status, &me.body["organization"]["slug"]), (200, &json!(organization)), "{me:?}");
    }
}

async fn a_client_that_says_who_it_is_gains_nothing(world: &World, client: &Client<'_>) {
    let (own, other) =
        (organization_id(world, "mini-corp").await, organization_id(world, "harbor-lights").await);
    let token = client.mini_corp().await;
    let claiming = |ask: Ask| {
        ask.with("X-Organization-Id", &other.to_string())
            .with("x_organization_slug", "harbor-lights")
            .with("X-User-Id", "1")
            .with("X-User-Role", "admin")
            .with("X-Tenantry-Assertion", "eyJhbGciOiJub25lIn0.e30.")
    };
    let anonymous = client.ask(claiming(Ask::get("/api/incidents"))).await;
    assert_eq!(anonymous.status, 401, "{anonymous:?}");
    let member = client.ask(claiming(Ask::get("/api/incidents")).by(&token)).await;
    assert_eq!(organizations_in(&member), [own], "{member:?}");
    // The backend takes a bad assertion for an attack: where nobody signs in, none may arrive.
    let agent = client.ask(claiming(Ask::new("POST", "/api/agents/ping"))).await;
    assert_eq!((agent.status, &agent.body["organization_id"]), (200, &Value::Null), "{agent:?}");
}

async fn the_backends_own_port_is_closed_to_other_pods(world: &World, client: &Client<'_>) {
    for pod in world.list("pods", PODS).await {
        let (name, address) = (name(&pod), pod["status"]["podIP"].as_str().unwrap());
        assert!(asked_inside(world, name).await.contains("ok"), "beside it, it answers");
        let through = client.ask(Ask::get("/health").at(address, 8443)).await;
        assert_eq!(through.status, 200, "{name}: {through:?}");
        let past = client.ask(Ask::get("/health").in_plain().at(address, 8000)).await;
        assert!(is_closed(&past), "{name}: {past:?}");
    }
}

/// A copy of the backend's pods that has not been given a gate, as the Service finds it.
async fn a_pod_without_the_label_is_closed_and_not_open(world: &World, client: &Client<'_>) {
    let deployment = world.get("deployment/mini-xdr").await;
    let copy = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "unlabelled", "namespace": "mini-xdr", "labels": { "app": "mini-xdr" } },
        "spec": deployment["spec"]["template"]["spec"],
    });
    world.apply(&copy.to_string()).await;
    world.in_namespace(&["wait", "--for=condition=Ready", "--timeout=2m", "pod/unlabelled"]).await;
    let pod = world.get("pod/unlabelled").await;
    assert_eq!(pod["spec"]["initContainers"], Value::Null, "it has no gate");
    let address = pod["status"]["podIP"].as_str().unwrap();
    world
        .wait("the Service sends to the copy", async || {
            let slices = world.list("endpointslices", "kubernetes.io/service-name=mini-xdr").await;
            let of_copy = |slice: &&Value| {
                slice["ports"][0]["port"] == 8000 && slice["endpoints"][0]["addresses"][0] == address
            };
            slices.iter().find(of_copy).map(|_| ())
        })
        .await;
    // The node's own tables follow within a second or two.
    tokio::time::sleep(Duration::from_secs(3)).await;

    let direct = client.ask(Ask::get("/health").in_plain().at(address, 8000)).await;
    assert!(is_closed(&direct), "{direct:?}");
    let through = (0..20).map(|_| Ask::get("/health").in_plain().at(super::client::SERVICE, 443)).collect();
    let through = client.ask_all(through).await;
    assert!(through.iter().all(|answer| answer.status != 200), "{through:?}");
    assert!(through.iter().any(is_closed), "the Service never sent anybody to the copy: {through:?}");
    world.in_namespace(&["delete", "pod", "unlabelled"]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
}

async fn a_suspension_is_felt_at_every_gate(world: &World, client: &Client<'_>) {
    let (mini_corp, harbor_lights) = (client.mini_corp().await, client.harbor_lights().await);
    suspend(world, true).await;
    let everywhere = |token: String| async move {
        let asks = (0..12).map(|_| Ask::get("/api/incidents").by(&token)).collect();
        let mut seen: Vec<u16> = client.ask_all(asks).await.into_iter().map(|answer| answer.status).collect();
        seen.dedup();
        seen
    };
    let refused = async || {
        let seen = everywhere(harbor_lights.clone()).await;
        matches!(seen[..], [401 | 403]).then_some(())
    };
    world.wait("a suspension at both gates", refused).await;
    assert_eq!(everywhere(mini_corp).await, [200], "the other organization is not concerned");
    suspend(world, false).await;
    let back = async || (everywhere(client.harbor_lights().await).await == [200]).then_some(());
    world.wait("a suspension that has ended", back).await;
}

async fn while_the_operator_is_down_pods_that_ask_for_a_gate_wait_and_others_start(
    world: &World,
    client: &Client<'_>,
) {
    let scale = ["--namespace", SYSTEM, "scale", "deployment/tenantry-operator"];
    world.kubectl(&[&scale[..], &["--replicas=0"]].concat()).await;
    let chosen = "--selector=app.kubernetes.io/name=tenantry";
    world.kubectl(&["--namespace", SYSTEM, "wait", "--for=delete", "--timeout=2m", "pod", chosen]).await;

    world.in_namespace(&["rollout", "restart", "deployment/mini-xdr"]).await;
    world
        .wait("an event that says why no pod is made", async || {
            let chosen =
                ["--field-selector", "reason=FailedCreate", "--output", "jsonpath={.items[*].message}"];
            let said = world.in_namespace(&[&["get", "events"], &chosen[..]].concat()).await;
            said.contains(r#"failed calling webhook "inject.tenantry.io""#).then_some(())
        })
        .await;
    let pods = world.in_namespace(&["get", "pods", "--no-headers", "--selector", PODS]).await;
    assert_eq!(
        pods.lines().filter(|pod| pod.contains("2/2")).count(),
        2,
        "those that ran still run:\n{pods}"
    );
    let token = client.mini_corp().await;
    assert_eq!(client.ask(Ask::get("/api/incidents").by(&token)).await.status, 200, "and are of use");

    let other = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "other", "namespace": "mini-xdr" },
        "spec": world.get("deployment/mini-xdr").await["spec"]["template"]["spec"],
    });
    world.apply(&other.to_string()).await;
    world.in_namespace(&["wait", "--for=condition=Ready", "--timeout=2m", "pod/other"]).await;
    world.in_namespace(&["delete", "pod", "other"]).await;

    world.kubectl(&[&scale[..], &["--replicas=2"]].concat()).await;
    world.rolled_out(SYSTEM, "deployment/tenantry-operator").await;
    // Nobody asks again: the pods come by themselves.
    world.rolled_out(super::world::NAMESPACE, "deployment/mini-xdr").await;
    every_pod_runs_with_its_gate_and_the_service_is_as_it_was(world).await;
}

async fn suspend(world: &World, suspended: bool) {
    let patch = format!(r#"{{"spec":{{"suspended":{suspended}}}}}"#);
    world.in_namespace(&["patch", "organization/harbor-lights", "--type=merge", "--patch", &patch]).await;
}

async fn organization_id(world: &World, name: &str) -> i64 {
    world.get(&format!("organization/{name}")).await["status"]["organizationId"].as_i64().unwrap()
}

/// Whose incidents an answer has.
fn organizations_in(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let rows = answer.body.as_array().unwrap();
    let mut found: Vec<i64> = rows.iter().map(|row| row["organization_id"].as_i64().unwrap()).collect();
    found.dedup();
    found
}

/// Whether nobody was there to answer.
fn is_closed(answer: &Answer) -> bool {
    let why = answer.body.as_str().unwrap_or_default();
    answer.status == 0 && ["TimeoutError", "ConnectionRefusedError"].iter().any(|kind| why.starts_with(kind))
}

fn name(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().unwrap()
}
