//! Pods that are not let in, and what is said to whoever made them.

use serde_json::{Value, json};

use super::{Guarded, deployment, has_gate, labels, pod};

/// Why a pod is refused that is like others but for this.
async fn refused(guarded: &Guarded, place: &str, value: Value) -> String {
    let mut pod = pod("refused");
    let (parent, name) = place.rsplit_once('/').unwrap();
    pod.pointer_mut(parent).unwrap()[name] = value;
    let said = guarded.shown(&pod).await.unwrap_err();
    assert!(said.contains("admission webhook \"inject.tenantry.io\" denied the request: "), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_guarded_is_refused_with_what_to_change() {
    let guarded = Guarded::start().await;
    let said = refused(&guarded, "/spec/hostNetwork", json!(true)).await;
    assert!(said.contains("the pod has spec.hostNetwork") && said.contains("take it out"), "{said}");
    let said = refused(&guarded, "/spec/containers/0/ports", json!([])).await;
    assert!(said.contains("ports: [{ name: http, containerPort: 8000 }]"), "{said}");
    let said = refused(&guarded, "/metadata/labels/app", json!("other")).await;
    assert!(said.contains("no Backend of the namespace"), "{said}");
    let said = refused(&guarded, "/metadata/annotations", json!({ "tenantry.io/backend": "nobody" })).await;
    assert!(said.contains("\"nobody\"") && said.contains("no such Backend"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_was_just_made_is_known_at_once_and_waits_for_what_its_gates_trust() {
    let guarded = Guarded::start().await;
    guarded.backend("new", "app: new").await;
    let said = refused(&guarded, "/metadata/labels/app", json!("new")).await;
    assert!(said.contains("the ConfigMap tenantry-trust-new has no certificate"), "{said}");
    guarded.trust("new").await;
    let mut pod = pod("new");
    pod["metadata"]["labels"]["app"] = json!("new");
    assert!(has_gate(&guarded.shown(&pod).await.unwrap()));

    guarded.backend("second", "app: new").await;
    let said = refused(&guarded, "/metadata/labels/app", json!("new")).await;
    assert!(said.contains("several Backends match the pod (new, second)"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_webhook_is_down_pods_that_ask_for_a_gate_wait_and_say_why_and_others_start() {
    let guarded = Guarded::start().await;
    guarded.world.kill();
    guarded.apply(&deployment("asks", &labels())).await;
    guarded.apply(&deployment("plain", &json!({ "app": "plain" }))).await;
    let plain = async || guarded.all("pods", "app=plain").await.pop();
    guarded.world.wait("the pod that asks for nothing", plain).await;
    let told = async || {
        let events = guarded.read("events?fieldSelector=reason=FailedCreate").await?;
        let events = events["items"].as_array()?;
        events.iter().find_map(|event| {
            let (on, said) = (event["involvedObject"]["kind"].as_str()?, event["message"].as_str()?);
            (on == "ReplicaSet" && said.contains("inject.tenantry.io")).then(|| said.to_owned())
        })
    };
    let said = guarded.world.wait("an event on the ReplicaSet", told).await;
    assert!(said.contains("failed calling webhook"), "{said}");
    assert!(guarded.all("pods", "app=xdr").await.is_empty());

    guarded.world.start_again();
    let made = async || guarded.all("pods", "app=xdr").await.pop();
    assert!(has_gate(&guarded.world.wait("the pod that waited", made).await));
}
