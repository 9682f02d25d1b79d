//! The webhook itself: its certificate, whom the API server trusts, its replicas.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use tenantry_harness::process::free_port;

use super::super::world::{Wanted, texts};
use super::{Guarded, has_gate, pod};

impl Guarded {
    /// The certificates that are held, by their names in the Secret.
    async fn certificate(&self) -> std::collections::BTreeMap<String, String> {
        let (_, secret) = self.names();
        texts(&self.world.get(&format!("secret/{secret}")).await.unwrap())
    }

    async fn configuration(&self) -> Value {
        let (name, _) = self.names();
        let path = format!("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{name}");
        self.world.cluster.read(&path).await.unwrap().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pod_is_refused_while_certificate_and_authority_are_renewed() {
    let guarded = Guarded::start_with(Wanted::default(), "certificateLasts: 20s, authorityLasts: 80s").await;
    let (first, mut shown, mut made) = (guarded.certificate().await, BTreeSet::new(), 0);
    // Until the next authority alone is left, and its first certificate has been renewed.
    loop {
        let now = guarded.certificate().await;
        shown.insert(now["tls.crt"].clone());
        let pod = guarded.shown(&pod("one")).await;
        assert!(has_gate(&pod.unwrap_or_else(|error| panic!("after {made} pods: {error}"))));
        made += 1;
        assert!(made < 5_000, "the authority was not renewed");
        if now["ca.crt"] != first["ca.crt"] && !now.contains_key("next-ca.crt") && shown.len() > 5 {
            break;
        }
    }
    assert!(made > 10, "{made} pods");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_api_server_trusts_is_repaired_and_at_rest_nothing_is_written() {
    let guarded = Guarded::start().await;
    guarded.distrust().await;
    let mut emptied = guarded.configuration().await;
    emptied["webhooks"][0]["clientConfig"]["caBundle"].take();
    guarded.gets_a_gate().await;
    let repaired = guarded.configuration().await;
    let rules = |configuration: &Value| configuration["webhooks"][0]["rules"].clone();
    assert_eq!(rules(&repaired), rules(&emptied), "nothing else is ours");

    // A Secret that somebody deletes comes back as it was.
    let before = guarded.certificate().await;
    let (_, secret) = guarded.names();
    guarded.world.kubectl(&["delete", "secret", &secret]).await;
    let back = async || guarded.world.secret(&secret).await;
    assert_eq!(guarded.world.wait("the Secret", back).await, before);

    let mark = guarded.world.cluster.audit_mark();
    tokio::time::sleep(std::time::Duration::from_secs(25)).await;
    let events = guarded.world.cluster.audit_since(mark).unwrap_or_default();
    let written = events.iter().filter(|event| {
        let about = ["mutatingwebhookconfigurations", "secrets"].contains(&event.resource.as_str());
        guarded.world.is_operators(event) && about && event.verb != "get"
    });
    let written: Vec<_> = written.filter(|event| event.verb != "watch" && event.verb != "list").collect();
    assert!(written.is_empty(), "{written:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_does_not_lead_serves_as_well() {
    let guarded = Guarded::start().await;
    let [metrics, webhook] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port().unwrap()));
    let command = elsewhere(&guarded.world.command, &metrics, &webhook);
    guarded.world.operator.start("second", &command).unwrap();
    let patch = json!([{ "op": "replace", "path": "/webhooks/0/clientConfig/url", "value": format!("https://{webhook}/inject") }]);
    let (name, _) = guarded.names();
    guarded
        .kubectl(&["patch", "mutatingwebhookconfiguration", &name, "--type=json", "-p", &patch.to_string()])
        .await;
    guarded.gets_a_gate().await;
    // What the leader writes there is its own field alone.
    guarded.distrust().await;
    guarded.gets_a_gate().await;
    assert_eq!(
        guarded.configuration().await["webhooks"][0]["clientConfig"]["url"],
        format!("https://{webhook}/inject")
    );

    guarded.world.kill();
    assert!(has_gate(&guarded.shown(&pod("one")).await.unwrap()), "it needs no leader");
    guarded.distrust().await;
    guarded.gets_a_gate().await;
}

/// The operator's command with other addresses.
fn elsewhere(command: &Command, metrics: &str, webhook: &str) -> Command {
    let mut other = Command::new(command.get_program());
    let mut args = command.get_args();
    while let Some(arg) = args.next() {
        other.arg(arg);
        let address = match arg.to_str() {
            Some("--metrics-listen") => metrics,
            Some("--injection-listen") => webhook,
            _ => continue,
        };
        args.next();
        other.arg(address);
    }
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other.env("POD_NAME", "second");
    other
}
