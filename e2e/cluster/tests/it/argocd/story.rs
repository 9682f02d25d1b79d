//! From the first sync to the last customer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::world::World;

const APPLICATIONS: [&str; 3] = ["tenantry-crds", "tenantry", "mini-xdr"];
/// For how long nothing may happen; a comparison comes every 5 s.
const AT_REST: Duration = Duration::from_mins(1);

/// The database's Secret and a customer's password, which something else than Argo CD makes.
const SECRETS: &str = "kubectl apply -f examples/kubernetes/2-database.yaml
sed '/^---$/,$d' examples/kubernetes/5-harbor-lights.yaml | kubectl apply -f -";

/// An Organization that wants the slug of another.
const TAKEN: &str = "cat > production/organizations/taken.yaml <<'END'
apiVersion: tenantry.io/v1alpha1
kind: Organization
metadata: { name: taken, namespace: mini-xdr }
spec: { displayName: Taken, slug: mini-corp }
END";

#[tokio::test(flavor = "multi_thread")]
async fn argo_cd_brings_customers_tells_how_they_are_and_takes_them_away() {
    let world = World::start().await;
    let began = Instant::now();
    let tell = |what: &str| note(&format!("{:>4} s  {what}", began.elapsed().as_secs()));

    world.follow_the_page().await;
    world.shows("tenantry-crds", "Healthy").await;
    world.shows("tenantry", "Healthy").await;
    tell("the definitions and the operator are synced and Healthy");

    customers_wait_for_their_backend(&world).await;
    tell("the organizations waited for their Backend, and are Healthy");
    nothing_happens_at_rest(&world).await;
    tell("nothing happened in a minute at rest");
    a_stalled_organization_is_degraded_until_a_commit_mends_it(&world).await;
    tell("a stalled Organization was Degraded, and Healthy once mended");
    a_change_by_hand_is_put_back(&world).await;
    tell("a change by hand was put back");
    a_file_that_goes_takes_the_customer_along(&world).await;
    tell("a file that went took its customer along");
    a_folder_is_a_customer(&world).await;
    tell("a folder became an Application, and went");
    nothing_happens_at_rest(&world).await;
    tell("nothing happened in another minute");
}

async fn customers_wait_for_their_backend(world: &World) {
    let reason = async || condition(&world.tenantry("backends/mini-xdr").await?, "Ready", "reason");
    let waits = async || (reason().await? == "SecretMissing").then_some(());
    world.until("a Backend that waits for its Secret", waits).await;
    let shown = world.health_of("backend/mini-xdr").await;
    assert!(shown.starts_with("STATUS: Progressing\nMESSAGE: SecretMissing: "), "{shown}");
    // Longer than two comparisons.
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        let application = world.argo.application("mini-xdr").await.unwrap();
        assert_eq!(application["status"]["operationState"]["phase"], "Running", "{application:#}");
        for name in ["mini-corp", "harbor-lights"] {
            assert_eq!(
                world.tenantry(&format!("organizations/{name}")).await,
                None,
                "it came before its Backend"
            );
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    world.run(SECRETS).await;
    let application = world.shows("mini-xdr", "Healthy").await;
    assert_eq!(application["status"]["operationState"]["phase"], "Succeeded");
    let backend = world.tenantry("backends/mini-xdr").await.unwrap();
    let ready = condition(&backend, "Ready", "lastTransitionTime").unwrap();
    for (name, shown) in [("mini-corp", "Healthy"), ("harbor-lights", "Healthy")] {
        let what = format!("organization/{name}");
        let organization = world.tenantry(&format!("organizations/{name}")).await.unwrap();
        let made = organization["metadata"]["creationTimestamp"].as_str().unwrap();
        assert!(
            made >= &ready[..made.len() - 1],
            "{name} was made at {made}, and the Backend ready at {ready}"
        );
        let said = world.health_of(&what).await;
        assert!(said.starts_with(&format!("STATUS: {shown}\nMESSAGE: Provisioned: ")), "{said}");
    }
    let said = world.health_of("backend/mini-xdr").await;
    assert!(said.starts_with("STATUS: Healthy\nMESSAGE: Ready: "), "{said}");
    assert_eq!(world.rows().await, "harbor-lights|active\nmini-corp|active");
}

/// Although the operator wrote into what Argo CD made.
async fn nothing_happens_at_rest(world: &World) {
    for application in APPLICATIONS {
        world.shows(application, "Healthy").await;
    }
    for what in ["backends/mini-xdr", "organizations/mini-corp"] {
        let found = world.tenantry(what).await.unwrap();
        assert_eq!(found["metadata"]["finalizers"], json!(["tenantry.io/cleanup"]));
        assert_eq!(found["status"]["observedGeneration"], found["metadata"]["generation"]);
    }
    let webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    let webhooks = world.cluster.read(webhooks).await.unwrap().unwrap();
    let trusted = webhooks["items"][0]["webhooks"][0]["clientConfig"]["caBundle"].as_str();
    assert!(trusted.is_some_and(|bundle| !bundle.is_empty()), "the operator wrote no caBundle: {webhooks:#}");
    let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    let bindings = world.cluster.read(bindings).await.unwrap().unwrap();
    let reviewers = bindings["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|binding| binding["metadata"]["name"].as_str().unwrap().ends_with("-reviewers"));
    let subjects = &reviewers.unwrap()["subjects"];
    assert_eq!(subjects.as_array().map(Vec::len), Some(1), "the operator wrote no subjects: {subjects}");

    // What was done to come here may still be on its way into the audit log.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (mark, before, until) = (world.cluster.audit_mark(), done(world).await, Instant::now() + AT_REST);
    while Instant::now() < until {
        assert_eq!(done(world).await, before, "Argo CD did something, or saw a difference");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let events = world.cluster.audit_since(mark).unwrap();
    let by_argo: Vec<_> = events.iter().filter(|event| event.user_agent.starts_with("argocd")).collect();
    let compared = by_argo.iter().filter(|event| event.resource == "applications" && event.verb == "patch");
    assert!(compared.count() > 6, "Argo CD compares nothing");
    let writes = by_argo.iter().filter(|event| {
        ["create", "update", "patch", "delete"].contains(&&*event.verb)
            && event.group != "argoproj.io"
            && event.resource != "events"
    });
    let writes: Vec<_> = writes.collect();
    assert!(writes.is_empty(), "{writes:#?}");
}

/// How all Applications stand, but for when they were last compared.
async fn done(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for name in APPLICATIONS {
        let application = world.argo.application(name).await.unwrap();
        let status = &application["status"];
        all.push(json!({
            "name": name,
            "sync": status["sync"]["status"],
            "health": status["health"]["status"],
            "history": status["history"],
            "operation": [&application["operation"], &status["operationState"]],
            "conditions": status["conditions"],
        }));
    }
    all
}

async fn a_stalled_organization_is_degraded_until_a_commit_mends_it(world: &World) {
    world.commit("Bring one who wants the slug of another", TAKEN).await;
    world.shows("mini-xdr", "Degraded").await;
    let said = world.health_of("organization/taken").await;
    assert!(said.starts_with("STATUS: Degraded\nMESSAGE: SlugTaken: "), "{said}");
    let said = world.health_of("organization/mini-corp").await;
    assert!(said.starts_with("STATUS: Healthy\n"), "the others stay as they are: {said}");
    let change = "sed -i 's/slug: mini-corp/slug: own/' production/organizations/taken.yaml";
    world.commit("Change what cannot be changed", change).await;
    let refused = async || {
        let application = world.argo.application("mini-xdr").await?;
        let state = &application["status"]["operationState"];
        (state["phase"] == "Running" && state["message"].as_str()?.contains("spec.slug")).then_some(())
    };
    world.until("a sync that is refused, and tried again", refused).await;
    let mend = "git rm --quiet --force production/organizations/taken.yaml
sed 's/mini-corp/own/; s/mini corp/Own/; s/minicorp/own/' production/organizations/mini-corp.yaml > production/organizations/own.yaml";
    world.commit("Make another one in its place", mend).await;
    world.shows("mini-xdr", "Healthy").await;
    assert_eq!(world.tenantry("organizations/taken").await, None);
    let said = world.health_of("organization/own").await;
    assert!(said.starts_with("STATUS: Healthy\nMESSAGE: Provisioned: "), "{said}");
    assert_eq!(world.rows().await, "harbor-lights|active\nmini-corp|active\nown|active");
    succeeded(world).await;
}

/// Waits until Argo CD has nothing more to do.
async fn succeeded(world: &World) {
    let ended = async || {
        let application = world.argo.application("mini-xdr").await?;
        let phase = &application["status"]["operationState"]["phase"];
        (phase == "Succeeded" && application["operation"].is_null()).then_some(())
    };
    world.until("a sync that succeeds", ended).await;
}

async fn a_change_by_hand_is_put_back(world: &World) {
    let limit = async || {
        world.tenantry("organizations/mini-corp").await.map(|found| found["spec"]["limits"]["users"].clone())
    };
    assert_eq!(limit().await, Some(json!(50)));
    let patch = ["patch", "organization", "mini-corp", "--namespace", "mini-xdr", "--type=merge", "-p"];
    world.kubectl(&[&patch[..], &[r#"{"spec":{"limits":{"users":7}}}"#]].concat()).await;
    world.until("the limit of the manifest", async || (limit().await? == 50).then_some(())).await;
    world.shows("mini-xdr", "Healthy").await;
}

async fn a_file_that_goes_takes_the_customer_along(world: &World) {
    let finalizers = world.tenantry("organizations/harbor-lights").await.unwrap();
    assert_eq!(finalizers["metadata"]["finalizers"], json!(["tenantry.io/cleanup"]));
    let remove =
        "git rm --quiet production/organizations/harbor-lights.yaml production/organizations/own.yaml";
    world.commit("Two customers leave", remove).await;
    for name in ["harbor-lights", "own"] {
        let path = format!("organizations/{name}");
        let gone = async || world.tenantry(&path).await.is_none().then_some(());
        world.until(&format!("{name}: gone"), gone).await;
    }
    world.shows("mini-xdr", "Healthy").await;
    succeeded(world).await;
    // One is deleted for good, as its manifest said; the other is kept, closed.
    let rows = world.rows().await;
    assert_eq!(
        rows.lines().map(|row| row.split('|').next().unwrap()).collect::<Vec<_>>(),
        ["mini-corp", "own"],
        "{rows}"
    );
    assert!(!rows.contains("own|active"), "{rows}");
}

async fn a_folder_is_a_customer(world: &World) {
    world.run("kubectl apply -f examples/argocd/folder-per-customer/").await;
    let add = "mkdir -p customers/old-mill
sed 's/mini-corp/old-mill/; s/mini corp/Old Mill/; s/minicorp/oldmill/' production/organizations/mini-corp.yaml > customers/old-mill/organization.yaml";
    world.commit("A customer in a folder", add).await;
    world.run("kubectl --namespace argocd annotate --overwrite applicationset customers argocd.argoproj.io/application-set-refresh=true").await;
    let application = world.shows("customer-old-mill", "Healthy").await;
    assert_eq!(application["spec"]["source"]["path"], "customers/old-mill");
    let said = world.health_of("organization/old-mill").await;
    assert!(said.starts_with("STATUS: Healthy\nMESSAGE: Provisioned: "), "{said}");
    world.commit("No folder", "git rm --quiet -r customers").await;
    world.run("kubectl --namespace argocd annotate --overwrite applicationset customers argocd.argoproj.io/application-set-refresh=true").await;
    let gone = async || world.argo.application("customer-old-mill").await.is_none().then_some(());
    world.until("customer-old-mill: gone", gone).await;
    let kept = world.tenantry("organizations/old-mill").await.expect("the customer of a folder that went");
    assert_eq!(kept["metadata"]["deletionTimestamp"], Value::Null);
}

fn condition(resource: &Value, kind: &str, field: &str) -> Option<String> {
    let conditions = resource["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind)?;
    found[field].as_str().map(str::to_owned)
}

/// Told at once, as it takes minutes.
fn note(text: &str) {
    use std::io::Write as _;
    _ = writeln!(std::io::stderr(), "{text}");
}
