//! What stands for an authority: made once, put right where somebody changes it, gone with its Backend.

use serde_json::json;

use super::{OBJECTS, SELECTOR, decided, stands, waits_for_pods, world};
use crate::operator::world::{AUTHORITY, World, reviewers};

/// The binding of all authorities, which no namespace holds.
fn binding(world: &World) -> String {
    let account = format!("{}-tenantry-operator", world.namespace);
    format!("ClusterRoleBinding/{}", reviewers(&account, &world.namespace))
}

async fn look_again(world: &World, value: &str) {
    world
        .kubectl(&["annotate", "--overwrite", "backend/app", &format!("tenantry.io/reconcile={value}")])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_authority_needs_is_put_right_whatever_somebody_does_to_it() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    for (what, patch) in [
        ("ServiceAccount/app-authority", json!({ "metadata": { "labels": null } })),
        (
            "Role/app-authority",
            json!({ "rules": [{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] }] }),
        ),
        (
            "RoleBinding/app-authority",
            json!({ "subjects": [{ "kind": "ServiceAccount", "name": "default", "namespace": "default" }] }),
        ),
        ("NetworkPolicy/app-authority", json!({ "spec": { "ingress": [{}] } })),
        (
            "NetworkPolicy/app-gates",
            json!({ "spec": { "podSelector": { "matchLabels": { "more": "labels" } } } }),
        ),
        ("Service/app-authority", json!({ "spec": { "selector": { "app": "theirs" } } })),
        ("PodDisruptionBudget/app-authority", json!({ "spec": { "maxUnavailable": 2 } })),
        ("Deployment/app-authority", json!({ "spec": { "replicas": 0 } })),
        ("ConfigMap/tenantry-trust-app", json!({ "data": { "ca.crt": "theirs" } })),
        ("ConfigMap/tenantry-gates-trust-app", json!({ "data": { "ca.crt": "theirs" } })),
    ] {
        let before = stands(&world, what).await;
        for act in ["edited", "deleted"] {
            match act {
                "edited" => {
                    world.kubectl(&["patch", what, "--type=merge", "-p", &patch.to_string()]).await;
                }
                _ => {
                    world.kubectl(&["delete", what, "--wait=false"]).await;
                }
            }
            look_again(&world, &format!("{act}-{}", what.replace('/', "-"))).await;
            world
                .wait(&format!("{what} as it was, {act}"), async || {
                    let found = world.get(what).await?;
                    (found["metadata"]["deletionTimestamp"].is_null() && decided(&found) == before)
                        .then_some(())
                })
                .await;
        }
    }
    let told = world.event("backend/app", "DriftRepaired").await;
    assert!(told.contains("was not as it should be and was put right"), "{told}");

    let named = binding(&world);
    world.kubectl(&["patch", &named, "--type=merge", "-p", r#"{"subjects":null}"#]).await;
    look_again(&world, "subjects").await;
    world.wait("its authority among the reviewers", async || is_reviewer(&world).await.then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_with_certificates_are_put_right_and_the_authority_that_signed_them_stays() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    let trusted = world.get("ConfigMap/tenantry-trust-app").await.unwrap()["data"]["ca.crt"].clone();
    for name in
        ["tenantry-ca-app", "tenantry-gates-ca-app", "tenantry-authority-app-tls", "tenantry-gate-app-tls"]
    {
        let before = world.secret(name).await.unwrap();
        assert!(before["ca.crt"].starts_with("-----BEGIN CERTIFICATE-----"), "{name}");
        let is_good = async || {
            let now = world.secret(name).await?;
            // One that only shows can be made anew; what was signed with has to be as it was.
            let keeps = before.get("ca.key") == now.get("ca.key") && before["ca.crt"] == now["ca.crt"];
            (keeps && now.values().all(|text| text.starts_with("-----BEGIN "))).then_some(())
        };
        let damage = r#"{"stringData":{"ca.key":"x","tls.key":"x"}}"#;
        world.kubectl(&["patch", "secret", name, "--type=merge", "-p", damage]).await;
        let is_damaged =
            async || world.secret(name).await.is_none_or(|now| now.values().any(|text| text == "x"));
        world.wait(name, async || (!is_damaged().await).then_some(())).await;
        world.wait(name, is_good).await;
        world.kubectl(&["delete", "secret", name]).await;
        world.wait(name, is_good).await;
    }
    let after = world.get("ConfigMap/tenantry-trust-app").await.unwrap();
    assert_eq!(after["data"]["ca.crt"], trusted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_lost_is_never_made_anew_behind_the_backs_of_gates_that_pinned_it() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    let (ca, shown) =
        (world.secret("tenantry-ca-app").await.unwrap(), world.secret("tenantry-authority-app-tls").await);
    let copy = world.kubectl(&["get", "secret", "tenantry-ca-app", "-o", "json"]).await;
    // Nobody remembers it.
    world.kill();
    world.kubectl(&["delete", "secret", "tenantry-ca-app"]).await;
    world.start_again();
    let said = world.reason("backend/app", "AuthorityReady", "CaMissing").await;
    assert!(said.contains("put it back from a copy"), "{said}");
    world.until("backend/app", "Stalled", "True").await;
    assert_eq!(world.secret("tenantry-authority-app-tls").await, shown, "gates go on trusting it");

    let mut copy: serde_json::Value = serde_json::from_str(&copy).unwrap();
    for field in ["resourceVersion", "uid", "creationTimestamp"] {
        copy["metadata"].as_object_mut().unwrap().remove(field);
    }
    world.apply(&copy.to_string()).await;
    waits_for_pods(&world).await;
    assert_eq!(world.secret("tenantry-ca-app").await, Some(ca));
    assert_eq!(world.secret("tenantry-authority-app-tls").await, shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_leaked_is_replaced_by_deleting_what_the_page_names_and_does_not_come_back() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    let leaked = world.secret("tenantry-ca-app").await.unwrap();
    // As docs/authority.md has it, under an operator that goes on.
    world.kubectl(&["delete", "configmap/tenantry-trust-app", "secret/tenantry-ca-app"]).await;
    let replaced = world
        .wait("another authority", async || {
            world.secret("tenantry-ca-app").await.filter(|now| *now != leaked)
        })
        .await;
    world
        .wait("another bundle", async || {
            let trust = world.get("ConfigMap/tenantry-trust-app").await?;
            (trust["data"]["ca.crt"] == replaced["ca.crt"].as_str()).then_some(())
        })
        .await;
    world.looked_again(&["backend/app"]).await;
    assert_eq!(world.secret("tenantry-ca-app").await, Some(replaced));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_somebody_swaps_is_told() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    let other = world.secret("tenantry-gates-ca-app").await.unwrap();
    let patch = json!({ "stringData": { "ca.crt": other["ca.crt"], "ca.key": other["ca.key"] } });
    world.kubectl(&["patch", "secret/tenantry-ca-app", "--type=merge", "-p", &patch.to_string()]).await;
    let told = world.event("backend/app", "CaReplaced").await;
    assert!(told.contains("tenantry-ca-app"), "{told}");
    // The key of another one is no authority, and what was there is put back.
    let key = world.secret("tenantry-authority-app-tls").await.unwrap()["tls.key"].clone();
    let patch = json!({ "stringData": { "ca.key": key } });
    world.kubectl(&["patch", "secret/tenantry-ca-app", "--type=merge", "-p", &patch.to_string()]).await;
    let back = async || (world.secret("tenantry-ca-app").await? == other).then_some(());
    world.wait("the authority with its own key", back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_beside_the_one_with_the_keys_and_all_that_could_take_it_over_goes() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    let before = stands(&world, "Deployment/app-authority").await;
    let beside = json!({ "name": "beside", "image": "example.com/beside" });
    let template = |spec: serde_json::Value| json!({ "spec": { "template": { "spec": spec } } });
    for (what, patch) in [
        ("a container", template(json!({ "containers": [beside] }))),
        ("a command", template(json!({ "containers": [{ "name": "authority", "command": ["sh"] }] }))),
        (
            "more variables",
            template(
                json!({ "containers": [{ "name": "authority", "env": [{ "name": "X", "value": "1" }] }] }),
            ),
        ),
        ("an init container", template(json!({ "initContainers": [beside] }))),
        ("the host's network", template(json!({ "hostNetwork": true }))),
        ("a pause", json!({ "spec": { "paused": true } })),
    ] {
        let patched = ["patch", "deployment/app-authority", "--type=strategic", "-p", &patch.to_string()];
        world.kubectl(&patched).await;
        let changed = stands(&world, "Deployment/app-authority").await;
        look_again(&world, &what.replace(' ', "-").replace('\'', "")).await;
        let back = async || {
            let now = world.get("Deployment/app-authority").await?;
            (decided(&now)["spec"] == before["spec"]).then_some(())
        };
        world.wait(&format!("no more {what}: {changed}"), back).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_closed_before_a_database_is_ever_reached() {
    let world = world().await;
    world.backend_on("app", &world.database, "postgres://nobody@127.0.0.1:1/nothing", SELECTOR).await;
    world.until("backend/app", "DatabaseReady", "False").await;
    stands(&world, "NetworkPolicy/app-gates").await;
    assert!(world.get("Deployment/app-authority").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_somebody_elses_is_told_and_never_overwritten() {
    let world = world().await;
    world.kubectl(&["create", "service", "clusterip", "app-authority", "--tcp=80:80"]).await;
    let theirs = stands(&world, "Service/app-authority").await;
    world.backend(SELECTOR).await;
    let said = world.reason("backend/app", "AuthorityReady", "ForeignObject").await;
    assert!(said.contains("app-authority") && said.ends_with("rename or delete it"), "{said}");
    assert_eq!(stands(&world, "Service/app-authority").await, theirs);
    assert!(world.get("Deployment/app-authority").await.is_none());
    world.until("backend/app", "DatabaseReady", "True").await;
    world.kubectl(&["delete", "service", "app-authority"]).await;
    look_again(&world, "1").await;
    waits_for_pods(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_closed_to_what_goes_past_their_gates_for_as_long_as_they_are_selected() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    let policy = world.get("NetworkPolicy/app-gates").await.unwrap();
    let ports = |port: i32| json!({ "port": port, "protocol": "TCP" });
    assert_eq!(
        policy["spec"],
        json!({
            "podSelector": { "matchLabels": { "app": "app" } },
            "policyTypes": ["Ingress"],
            "ingress": [{ "ports": [ports(8443), ports(9090)] }],
        })
    );
    let authority = world.get("NetworkPolicy/app-authority").await.unwrap();
    let from = json!([{ "podSelector": { "matchLabels": { "app": "app" } } }]);
    assert_eq!(authority["spec"]["ingress"][0]["from"], from);

    world
        .kubectl(&["patch", "backend/app", "--type=merge", "-p", r#"{"spec":{"selector":{"app":"moved"}}}"#])
        .await;
    let moved = async || {
        let policy = world.get("NetworkPolicy/app-gates").await?;
        (policy["spec"]["podSelector"]["matchLabels"] == json!({ "app": "moved" })).then_some(())
    };
    world.wait("the moved pods", moved).await;
    world.kubectl(&["patch", "backend/app", "--type=merge", "-p", r#"{"spec":{"selector":null}}"#]).await;
    world.gone("NetworkPolicy/app-gates").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_backend_keeps_its_authority_as_it_is() {
    let world = world().await;
    world.backend("").await;
    waits_for_pods(&world).await;
    world.kubectl(&["annotate", "backend/app", "tenantry.io/paused=true"]).await;
    world.kubectl(&["delete", "Service/app-authority"]).await;
    look_again(&world, "1").await;
    let said = world.reason("backend/app", "AuthorityReady", "Paused").await;
    assert!(said.contains("the Service"), "{said}");
    assert!(world.get("Service/app-authority").await.is_none());
    world.kubectl(&["annotate", "backend/app", "tenantry.io/paused-"]).await;
    stands(&world, "Service/app-authority").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_goes_with_the_backend_and_one_of_the_same_name_has_the_same_authority() {
    let world = world().await;
    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    let deployment = world.get("Deployment/app-authority").await.unwrap();
    let template = &deployment["spec"]["template"]["spec"];
    assert_eq!(template["containers"][0]["image"], AUTHORITY);
    assert_eq!(template["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
    let status = world.get("backend/app").await.unwrap()["status"].clone();
    assert_eq!(status["authorityUrl"], format!("https://app-authority.{}.svc:8444", world.namespace));
    assert!(is_reviewer(&world).await);
    let ca = world.secret("tenantry-ca-app").await;

    world.kubectl(&["delete", "backend/app", "--wait=false"]).await;
    world.gone("backend/app").await;
    for what in
        OBJECTS.into_iter().chain(["secret/tenantry-authority-app-tls", "secret/tenantry-gate-app-tls"])
    {
        world.gone(what).await;
    }
    assert!(!is_reviewer(&world).await);
    assert_eq!(world.secret("tenantry-ca-app").await, ca, "pods that run trust it");

    world.backend(SELECTOR).await;
    waits_for_pods(&world).await;
    for what in OBJECTS {
        stands(&world, what).await;
    }
    assert_eq!(world.secret("tenantry-ca-app").await, ca);
}

async fn is_reviewer(world: &World) -> bool {
    let binding = world.get(&binding(world)).await.unwrap();
    let ours = json!({ "kind": "ServiceAccount", "name": "app-authority", "namespace": world.namespace });
    binding["subjects"].as_array().is_some_and(|subjects| subjects.contains(&ours))
}
