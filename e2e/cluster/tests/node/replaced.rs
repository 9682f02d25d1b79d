//! What a client that asks all the time notices while everything behind the Service is replaced.

use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, HOME, SERVICE};
use super::world::{NAMESPACE, SYSTEM, World};

/// What the client's pod runs.
const LOAD: &str = include_str!("load.py");
/// Requests a second at the backend, and at the authority through the gate.
const RATES: [(&str, u32, u32); 2] = [("/api/incidents", 120, 24), ("/api/auth/me", 6, 2)];
const BACKEND: (&str, &str) = (NAMESPACE, "mini-xdr");
const AUTHORITY: (&str, &str) = (NAMESPACE, "mini-xdr-authority");
const OPERATOR: (&str, &str) = (SYSTEM, "tenantry-operator");

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make e2e-cluster runs it"]
async fn while_everything_is_replaced_no_request_fails_but_on_a_connection_that_ended() {
    let world = World::start().await;
    let client = Client::start(&world).await;
    let mut load = Load::start(&world, &client).await;
    let mut during = |what: &str| {
        world.tell(what);
        load.say(what);
    };

    during("at rest");
    tokio::time::sleep(Duration::from_secs(10)).await;
    for (of, deployment) in [("backend", BACKEND), ("authority", AUTHORITY), ("operator", OPERATOR)] {
        during(&format!("{of} restarted"));
        let (namespace, name) = deployment;
        let name = format!("deployment/{name}");
        world.kubectl(&["--namespace", namespace, "rollout", "restart", &name]).await;
        settled(&world, deployment).await;
        during(&format!("a pod of the {of} deleted"));
        delete_a_pod(&world, deployment).await;
        settled(&world, deployment).await;
    }
    let phases = load.end();
    for phase in &phases {
        world.tell(&format!(
            "{}: {}, the slowest after {} s",
            phase["name"], phase["counts"], phase["slowest"]
        ));
    }
    let is_failure = |kind: &&String| !["answered", "killed"].contains(&kind.as_str());
    let failed: Vec<&Value> = phases
        .iter()
        .filter(|phase| phase["counts"].as_object().unwrap().keys().any(|kind| is_failure(&kind)))
        .collect();
    assert!(failed.is_empty(), "requests failed on connections that lived: {failed:#?}");
}

/// Requests from the client's pod that go on until their end.
struct Load(Child);

impl Load {
    async fn start(world: &World, client: &Client<'_>) -> Self {
        let mut members = Vec::new();
        for (organization, token) in
            [("mini-corp", client.mini_corp().await), ("harbor-lights", client.harbor_lights().await)]
        {
            let resource = world.get(&format!("organization/{organization}")).await;
            members.push(json!({ "token": token, "organization": resource["status"]["organizationId"] }));
        }
        let streams =
            RATES.map(|(path, rate, workers)| json!({ "path": path, "rate": rate, "workers": workers }));
        let wanted = json!({
            "ca": client.ca, "host": SERVICE, "port": 443, "name": SERVICE, "patience": 10,
            "members": members, "streams": streams,
        });
        let mut command = world.command();
        command.args(["--namespace", HOME, "exec", "--stdin", "client", "--", "python3", "-c", LOAD]);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut load = Self(process);
        load.say(&wanted.to_string());
        load
    }

    /// What it is told first is what to ask; every other line begins a phase.
    fn say(&mut self, line: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends the requests and tells what came of them, phase by phase.
    fn end(mut self) -> Vec<Value> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Waits until all pods of a Deployment are of its last revision and ready, and those before them are gone.
async fn settled(world: &World, (namespace, name): (&str, &str)) {
    world.rolled_out(namespace, &format!("deployment/{name}")).await;
    world
        .wait(&format!("{name} has no pod that ends"), async || {
            let (ready, all) = pods(world, (namespace, name)).await;
            (ready.len() == all).then_some(())
        })
        .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
}

async fn delete_a_pod(world: &World, deployment: (&str, &str)) {
    let (ready, _) = pods(world, deployment).await;
    world.kubectl(&["--namespace", deployment.0, "delete", "pod", &ready[0], "--wait=false"]).await;
    world
        .wait("the pod is seen to end", async || {
            let (now, _) = pods(world, deployment).await;
            (!now.contains(&ready[0])).then_some(())
        })
        .await;
}

/// The names of a Deployment's pods that are ready and stay, and how many there are of any kind.
async fn pods(world: &World, (namespace, name): (&str, &str)) -> (Vec<String>, usize) {
    let read = async |kind: &str| -> Value {
        let text = world.kubectl(&["--namespace", namespace, "get", kind, "--output", "json"]).await;
        serde_json::from_str(&text).unwrap()
    };
    let deployment = read(&format!("deployment/{name}")).await;
    let labels = deployment["spec"]["selector"]["matchLabels"].as_object().unwrap().clone();
    let all = read("pods").await;
    let own = |pod: &&Value| labels.iter().all(|(label, value)| pod["metadata"]["labels"][label] == *value);
    let own: Vec<&Value> = all["items"].as_array().unwrap().iter().filter(own).collect();
    let stays = |pod: &&&Value| {
        let conditions = pod["status"]["conditions"].as_array();
        let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.is_some_and(|conditions| conditions.iter().any(is_ready))
    };
    let ready = own.iter().filter(stays).map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned());
    (ready.collect(), own.len())
}
