//! The chart grants what the operator needs, and nothing that it does not.

use std::collections::BTreeSet;

use serde_json::Value;
use tenantry_harness::AuditEvent;

use super::authority::OBJECTS;
use super::injection::Guarded;
use super::node::Node;
use super::world::{Wanted, World};
use super::writes::{no_audit_log, told};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_the_operator_asks_is_forbidden_and_everything_granted_is_used() {
    let wanted = Wanted { vault: true, authority: Some(""), ..Wanted::default() };
    let guarded = Guarded::start_with(wanted, "").await;
    let world = &guarded.world;
    name_the_cluster_as_the_chart_does(world);
    world.kubectl(&["delete", "leases", "--all"]).await;
    let mark = world.cluster.audit_mark();
    world.start_again();
    guarded.gets_a_gate().await;
    guarded.distrust().await;
    guarded.gets_a_gate().await;
    story(world).await;

    let Some(events) = world.cluster.audit_since(mark) else { return no_audit_log() };
    let ours: Vec<&AuditEvent> = events.iter().filter(|event| event.user == world.user()).collect();
    let forbidden: Vec<String> = ours
        .iter()
        .filter(|event| event.decision == "forbid" || event.code == 403)
        .map(|event| told(event))
        .collect();
    assert_eq!(forbidden, Vec::<String>::new());
    let mut uses: BTreeSet<String> = ours.iter().map(|event| used(event)).collect();
    // What is applied and was not there is made, which is a right of its own (KEP-555).
    uses.extend(ours.iter().filter(|event| event.verb == "patch" && event.code == 201).map(|event| {
        let made = AuditEvent { verb: "create".to_owned(), ..AuditEvent::clone(event) };
        used(&made)
    }));
    let mut granted = granted(world).await;
    assert!(granted.len() > 30, "{granted:?}");
    // Nobody asks for it: the API server looks for it where the subjects of a binding are written.
    assert!(granted.remove("bind rbac.authorization.k8s.io clusterroles"), "{granted:?}");
    let unused: Vec<_> = granted.difference(&uses).collect();
    assert!(unused.is_empty(), "granted and never used: {unused:?}");
}

/// Everything that an operator does in its life.
async fn story(world: &World) {
    let node = Node::within(world.cluster.clone(), Some(world.namespace.clone()));
    world.backend("  selector: { app: app }\n").await;
    world.organization("kept", "  admin: { email: a@kept.example, name: A }\n").await;
    world.organization("dropped", "  deletionPolicy: Delete\n").await;
    for what in ["backend/app", "org/kept", "org/dropped"] {
        world.ready(what).await;
    }
    // Twice, so that the same event is counted instead of published anew.
    for _ in 0..2 {
        let patch = r#"{"stringData":{"ORGANIZATION_SLUG":"edited"}}"#;
        world.kubectl(&["patch", "secret/tenantry-org-kept", "--type=merge", "-p", patch]).await;
        let repaired = async || {
            let secret = world.secret("tenantry-org-kept").await?;
            (secret["ORGANIZATION_SLUG"] == "kept").then_some(())
        };
        world.wait("the Secret's repair", repaired).await;
    }
    // What somebody takes its labels off is put right, of every kind.
    let no_labels = r#"{"metadata":{"labels":null}}"#;
    for what in OBJECTS {
        world.kubectl(&["patch", what, "--type=merge", "-p", no_labels]).await;
    }
    world.looked_again(&["backend/app"]).await;
    for what in OBJECTS {
        let labels = async || world.get(what).await?["metadata"]["labels"].is_object().then_some(());
        world.wait(&format!("the labels of {what}"), labels).await;
    }
    world.kubectl(&["patch", "backend/app", "--type=merge", "-p", r#"{"spec":{"selector":null}}"#]).await;
    world.gone("NetworkPolicy/app-gates").await;
    world.kubectl(&["delete", "secret/tenantry-backend-app"]).await;
    world.wait("the Backend's Secret", async || world.secret("tenantry-backend-app").await).await;
    for what in ["org/kept", "org/dropped", "backend/app"] {
        world.kubectl(&["delete", what, "--wait=false"]).await;
        world.gone(what).await;
    }
    world.operator.stop("operator", "TERM").unwrap();
    drop(node);
}

/// By the UID of kube-system, and not by a name that the test gives.
fn name_the_cluster_as_the_chart_does(world: &World) {
    world.kill();
    let mut command = std::process::Command::new(world.command.get_program());
    let mut args = world.command.get_args();
    while let Some(arg) = args.next() {
        if arg == "--cluster-id" {
            args.next();
        } else {
            command.arg(arg);
        }
    }
    command.envs(world.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    world.operator.start("operator", &command).unwrap();
    world.kill();
}

fn used(event: &AuditEvent) -> String {
    let resource = match event.subresource.as_str() {
        "" => event.resource.clone(),
        sub => format!("{}/{sub}", event.resource),
    };
    format!("{} {} {resource}", event.verb, event.group)
}

/// What the Roles and the `ClusterRole` that are bound to the operator grant, as [`used`] writes it.
async fn granted(world: &World) -> BTreeSet<String> {
    let text = world.kubectl(&["get", "rolebinding,clusterrolebinding", "-o", "json"]).await;
    let bindings: Value = serde_json::from_str(&text).unwrap();
    let account = format!("{}-tenantry-operator", world.namespace);
    let mut granted = BTreeSet::new();
    for binding in bindings["items"].as_array().unwrap() {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        let mut subjects =
            subjects.filter(|subject| subject["name"] == account && subject["namespace"] == world.namespace);
        if subjects.next().is_none() {
            continue;
        }
        let role = format!(
            "{}/{}",
            binding["roleRef"]["kind"].as_str().unwrap(),
            binding["roleRef"]["name"].as_str().unwrap()
        );
        let role = world.get(&role).await.unwrap();
        for rule in role["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    granted.extend(texts(&rule["verbs"]).map(|verb| format!("{verb} {group} {resource}")));
                }
            }
        }
    }
    granted
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}
