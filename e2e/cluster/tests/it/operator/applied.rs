//! Who applies manifests: Helm, kubectl on the server's side, and the operator with its finalizer and status, all to the same resource.

use std::time::Duration;

use tenantry_harness::process::run;

use super::world::{Wanted, World, helm, organization};

#[tokio::test(flavor = "multi_thread")]
async fn helm_and_kubectl_apply_the_same_organization_and_nobody_undoes_the_others_work() {
    let world = World::start(Wanted { own_postgres: true, ..Wanted::default() }).await;
    world.no_vacuum().await;
    world.backend("").await;
    let chart = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(chart.path().join(file), text).unwrap();
    write("Chart.yaml", "apiVersion: v2\nname: customers\nversion: 1.0.0\n");
    std::fs::create_dir(chart.path().join("templates")).unwrap();
    let manifest = organization("acme", "  limits: { users: 7 }\n");
    write("templates/acme.yaml", &manifest);
    let release = async |words: &[&str]| {
        let mut command = helm().await;
        command.args(words).arg("customers").arg(chart.path());
        command.args(["--namespace", &world.namespace, "--kubeconfig"]).arg(world.cluster.kubeconfig());
        // Caches and plugins of whoever runs the tests are not looked at.
        command.env("HELM_CACHE_HOME", chart.path()).env("HELM_CONFIG_HOME", chart.path());
        run(command, String::new()).await.unwrap_or_else(|error| panic!("helm {}: {error}", words.join(" ")))
    };
    release(&["install"]).await;
    world.ready("org/acme").await;
    world.wait("everything said", async || world.everything_is_said(1).await.then_some(())).await;
    world.rested(Duration::from_secs(3)).await;
    let before = world.get("org/acme").await.unwrap();
    let mark = world.mark().await;

    let apply = ["--namespace", &world.namespace, "apply", "--server-side", "-f", "-"];
    for _ in 0..2 {
        world.cluster.kubectl_stdin(&apply, &manifest).await.unwrap();
        release(&["upgrade"]).await;
    }
    world.looked_again(&["org/acme"]).await;
    let after = world.get("org/acme").await.unwrap();
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["status"], before["status"]);
    assert_eq!(after["metadata"]["finalizers"], before["metadata"]["finalizers"]);
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
    assert_eq!(
        world.written_since(&mark).await,
        Vec::<String>::new(),
        "the operator has nothing to put right"
    );
    let managers: Vec<&str> = after["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    for manager in ["helm", "kubectl", "tenantry-operator"] {
        assert!(managers.contains(&manager), "{managers:?}");
    }

    // What one of them changes is the manifest's, whoever else named it before.
    write("templates/acme.yaml", &manifest.replace("users: 7", "users: 8"));
    release(&["upgrade", "--force-conflicts"]).await;
    let limit = "SELECT max_users FROM organizations";
    world.wait("the limit", async || (world.psql(limit).await == "8").then_some(())).await;
}
