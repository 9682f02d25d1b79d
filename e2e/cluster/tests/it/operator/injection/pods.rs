//! What pods get.

use serde_json::json;

use tenantry_harness::certificates::Authority;

use super::super::world::{GATE, Wanted, asked};
use super::{Guarded, deployment, has_gate, labels, pod};

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_asks_for_a_gate_gets_it_and_no_other_is_touched() {
    let guarded = Guarded::start().await;
    guarded.apply(&pod("own").to_string()).await;
    let own = guarded.read("pods/own").await.unwrap();
    assert!(has_gate(&own), "{own}");
    let (gate, app) = (&own["spec"]["initContainers"][0], &own["spec"]["containers"][0]);
    assert_eq!((&gate["image"], &gate["restartPolicy"]), (&json!(GATE), &json!("Always")));
    assert_eq!(gate["ports"][0], json!({ "name": "http", "containerPort": 8443, "protocol": "TCP" }));
    assert_eq!(app["ports"], json!([{ "containerPort": 8000, "protocol": "TCP" }]));
    assert_eq!(app["readinessProbe"]["httpGet"]["port"], 8000);
    assert_eq!(app["readinessProbe"]["timeoutSeconds"], 7);
    let pin =
        gate["env"].as_array().unwrap().iter().find(|one| one["name"] == "TENANTRY_AUTHORITY_CA_SHA256");
    assert_eq!(pin.unwrap()["value"].as_str().unwrap().len(), 64);

    // As it stands, it asks for nothing more.
    let mut again = own.clone();
    again["metadata"] = json!({ "name": "again", "labels": labels() });
    again["status"] = json!(null);
    let again = guarded.shown(&again).await.unwrap();
    assert_eq!(again["spec"]["initContainers"], own["spec"]["initContainers"]);
    assert_eq!(again["spec"]["containers"], own["spec"]["containers"]);

    guarded.apply(&deployment("of-many", &labels())).await;
    let made = async || guarded.all("pods", "pod-template-hash").await.pop();
    let made = guarded.world.wait("the Deployment's pod", made).await;
    assert!(has_gate(&made), "{made}");

    for (name, value) in
        [("no-label", json!({ "app": "xdr" })), ("other-value", json!({ "tenantry.io/inject": "false" }))]
    {
        let mut other = pod(name);
        other["metadata"]["labels"] = value;
        let other = guarded.shown(&other).await.unwrap();
        assert!(
            other["spec"]["initContainers"].is_null()
                && other["spec"]["containers"][0]["ports"][0]["name"] == "http"
        );
    }
    let counted = asked(guarded.world.metrics, "/metrics").await.unwrap();
    for outcome in ["injected", "unchanged"] {
        let series = format!("tenantry_operator_injections_total{{outcome=\"{outcome}\"}} ");
        assert!(counted.contains(&series), "{outcome} is not counted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_somebody_adds_to_what_gates_are_told_is_pinned_in_no_pod() {
    let wanted = Wanted { authority: Some(""), ..Wanted::default() };
    let guarded = Guarded::start_with(wanted, "").await;
    let pin = async || {
        let shown = guarded.shown(&pod("one")).await?;
        let variables = shown["spec"]["initContainers"][0]["env"].as_array().unwrap().clone();
        let pin = variables.into_iter().find(|one| one["name"] == "TENANTRY_AUTHORITY_CA_SHA256");
        Ok::<_, String>(pin.unwrap()["value"].clone())
    };
    let before = pin().await.unwrap();
    let told = guarded.read("configmaps/tenantry-trust-xdr").await.unwrap();
    let theirs = Authority::new("theirs").unwrap();
    let both = format!("{}{}", told["data"]["ca.crt"].as_str().unwrap(), theirs.pem());
    guarded.tell("xdr", &both).await;
    assert_eq!(pin().await.unwrap(), before);
    // A Secret that nobody made for the Backend is not believed either.
    let unlabelled = ["label", "secret", "tenantry-ca-xdr", "tenantry.io/backend-"];
    guarded.kubectl(&unlabelled).await;
    let refused = pin().await.unwrap_err();
    assert!(refused.contains("tenantry-trust-xdr"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_names_the_port_reaches_the_gate() {
    let guarded = Guarded::start().await;
    // The pod is on no node, which is no hindrance to addresses that are published in any case.
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "by-name" }, "spec": {
        "selector": { "app": "xdr" },
        "ports": [{ "port": 80, "targetPort": "http" }],
        "publishNotReadyAddresses": true,
    } });
    guarded.apply(&service.to_string()).await;
    guarded.apply(&pod("own").to_string()).await;
    // What a node would tell.
    let status = json!({ "status": {
        "phase": "Running",
        "podIP": "10.1.2.3",
        "podIPs": [{ "ip": "10.1.2.3" }],
        "conditions": [{ "type": "Ready", "status": "True" }],
    } });
    guarded
        .kubectl(&["patch", "pod", "own", "--subresource=status", "--type=merge", "-p", &status.to_string()])
        .await;
    let reached = async || {
        let slice = guarded.all("endpointslices", "kubernetes.io/service-name=by-name").await.pop()?;
        (slice["endpoints"][0]["addresses"][0] == "10.1.2.3").then(|| slice["ports"][0]["port"].clone())
    };
    assert_eq!(guarded.world.wait("the Service's endpoint", reached).await, 8443);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_gate_and_leaves_nothing() {
    let guarded = Guarded::start().await;
    let mark = guarded.world.cluster.audit_mark();
    let mut shown = pod("dry");
    shown["metadata"]["annotations"] =
        json!({ "tenantry.io/gate-cpu-request": "0.1", "tenantry.io/gate-image": "other:2" });
    let shown = guarded.shown(&shown).await.unwrap();
    let gate = &shown["spec"]["initContainers"][0];
    assert_eq!((&gate["image"], &gate["resources"]["requests"]["cpu"]), (&json!("other:2"), &json!("100m")));
    assert!(guarded.all("pods", "").await.is_empty());
    let events = guarded.world.cluster.audit_since(mark).unwrap_or_default();
    let written = events.iter().filter(|event| guarded.world.is_operators(event));
    let written =
        written.filter(|event| ["configmaps", "secrets", "pods"].contains(&event.resource.as_str()));
    assert!(written.into_iter().all(|event| event.verb == "get"), "a dry run had effects");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_keeps_to_the_restricted_pod_security_standard() {
    let guarded = Guarded::start().await;
    let standard = "pod-security.kubernetes.io/enforce=restricted";
    guarded.kubectl(&["label", "namespace", &guarded.namespace, standard]).await;
    let mut own = pod("own");
    own["spec"]["securityContext"] =
        json!({ "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } });
    own["spec"]["containers"][0]["securityContext"] =
        json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    assert!(has_gate(&guarded.shown(&own).await.unwrap()));
    // The standard is held to there.
    assert!(guarded.shown(&pod("loose")).await.unwrap_err().contains("violates PodSecurity"));
}
