use kube::core::admission::{META_API_VERSION_V1, META_KIND};
use kube::runtime::reflector;
use kube::{Client, Config};
use serde_json::{Value, json};

use super::*;
use crate::leader::Leadership;
use crate::run::Caches;
use crate::settings::{Gate, PullPolicy, Resources};

/// Of a process that knows no Backend and reaches no API server.
fn cut_off() -> Arc<Asked> {
    let client = Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let gate = Gate {
        image: "gate:1".into(),
        image_pull_policy: PullPolicy::IfNotPresent,
        resources: Resources::default(),
    };
    let decider = Decider::new(client, Caches::new(&[], vec![reflector::store().0]), gate, false);
    Arc::new(Asked { decider, metrics: Metrics::new(Leadership::default()) })
}

/// What is answered, and what was counted by then.
async fn answered(body: Vec<u8>) -> (StatusCode, Value, String) {
    let asked = cut_off();
    let response = answer(State(Arc::clone(&asked)), Body::from(body)).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), LARGEST).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default(), asked.metrics.text())
}

fn review(labels: &Value) -> Vec<u8> {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "labels": labels }, "spec": { "containers": [] } });
    let kind = json!({ "group": "", "version": "v1", "kind": "Pod" });
    let resource = json!({ "group": "", "version": "v1", "resource": "pods" });
    let request = json!({
        "uid": "one", "kind": kind, "resource": resource, "namespace": "a", "operation": "CREATE", "userInfo": {}, "object": pod,
    });
    json!({ "apiVersion": META_API_VERSION_V1, "kind": META_KIND, "request": request })
        .to_string()
        .into_bytes()
}

#[tokio::test]
async fn what_cannot_be_found_out_is_refused() {
    let (status, said, counted) = answered(review(&json!({ "tenantry.io/inject": "true" }))).await;
    assert_eq!(
        (status, &said["response"]["uid"], &said["response"]["allowed"]),
        (StatusCode::OK, &json!("one"), &json!(false))
    );
    let message = said["response"]["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("whether the pod can get its gate is not known: the Backends of the namespace a"),
        "{message}"
    );
    assert!(counted.contains("injections_total{outcome=\"undecided\"} 1"), "{counted}");
}

#[tokio::test]
async fn a_pod_that_asks_for_nothing_is_let_in_as_it_is() {
    for labels in [json!({}), json!({ "tenantry.io/inject": "false" })] {
        let (_, said, counted) = answered(review(&labels)).await;
        assert_eq!((&said["response"]["allowed"], &said["response"]["patch"]), (&json!(true), &Value::Null));
        assert!(counted.contains("injections_total{outcome=\"unchanged\"} 1"), "{counted}");
    }
}

#[tokio::test]
async fn a_question_that_is_none_or_too_large_lets_nothing_in() {
    let asks_nothing = json!({ "apiVersion": META_API_VERSION_V1, "kind": META_KIND }).to_string();
    for body in ["", "{}", "[]", &asks_nothing] {
        let (status, said, _) = answered(body.into()).await;
        assert_eq!((status, &said["response"]["allowed"]), (StatusCode::OK, &json!(false)), "{body}");
    }
    let (status, ..) = answered(vec![b' '; LARGEST + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
