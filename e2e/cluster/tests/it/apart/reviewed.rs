//! Who may follow the directory in a cluster: pods of the ServiceAccounts that the Backend lists, and nobody else. The API server says
//! whose a token is.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tenantry_harness::Cluster;
use tenantry_harness::certificates::Authority;
use tenantry_harness::process::{PartError, Watchdog, built, free_port, run};

use crate::client::ask;
use crate::operator::world::{Wanted, World, url};

/// An authority for the world's Backend, as the operator starts it.
struct Started {
    process: Watchdog,
    stream: SocketAddr,
    ca: PathBuf,
}

impl Started {
    async fn new(world: &World) -> Self {
        let process = Watchdog::new("authority").unwrap();
        let authority = Authority::new("the authority of this test").unwrap();
        let signed = authority.server(&[]).unwrap();
        let ca = process.write("ca.crt", authority.pem()).unwrap();
        let certificate = process.write("tls.crt", &signed.certificate).unwrap();
        let key = process.write("tls.key", &signed.key).unwrap();
        let text = &world.secret("tenantry-keyring-app").await.unwrap()["keyring.json"];
        let keyring = process.write_private("keyring.json", text).unwrap();
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let (stream, admin) = (address(), address());
        let mut command = Command::new(built("tenantry-proxy").unwrap());
        command
            .args(["authority", "--backend", &format!("{}/app", world.namespace)])
            .args(["--cluster-id", &world.namespace])
            .args(["--listen", &address().to_string(), "--stream", &stream.to_string()])
            .args(["--admin", &admin.to_string(), "--log-format", "json"])
            .arg("--sealing-keyring")
            .arg(&keyring)
            .arg("--tls-cert")
            .arg(certificate)
            .arg("--tls-key")
            .arg(key)
            .arg("--database-ca")
            .arg(world.database.ca_path())
            .env("TENANTRY_DATABASE", url(&world.database))
            .env("KUBECONFIG", account(world).await);
        process.start("authority", &command).unwrap();
        world
            .wait("an authority that is ready", async || {
                let (status, _) = ask(admin, "GET", "/readyz", "", None).await.ok()?;
                (status == 200).then_some(())
            })
            .await;
        Self { process, stream, ca }
    }

    /// What the stream answers to whoever shows a token; 200 where it begins.
    async fn answers(&self, token: &str) -> String {
        let answer = stream_answers(("localhost", self.stream.port()), &self.ca, token).await;
        answer.unwrap_or_else(|error| panic!("{error}\n{}", self.process.log("authority")))
    }
}

/// What an authority's stream on this machine answers to whoever calls it by this name, trusts these CAs alone and shows a token; 200
/// where it begins.
pub async fn stream_answers((host, port): (&str, u16), ca: &Path, token: &str) -> Result<String, PartError> {
    let mut curl = Command::new("sh");
    // A stream that begins has no end: curl gives up then, and has told the status.
    curl.args(["-c", "\"$@\" || [ $? -eq 28 ]", "sh", "curl", "--silent", "--show-error", "--max-time", "2"])
        .args(["--output", "/dev/null", "--write-out", "%{http_code}", "--cacert"])
        .arg(ca)
        .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
        .args(["--header", &format!("x-tenantry-gate: {token}")])
        .arg(format!("https://{host}:{port}/internal/directory?stream=1"));
    run(curl, String::new()).await
}

/// An account with what an authority needs: to read its Backend, and to have tokens reviewed.
async fn account(world: &World) -> PathBuf {
    let (namespace, name) = (world.namespace.as_str(), "authority");
    world.kubectl(&["create", "serviceaccount", name]).await;
    let who = format!("--serviceaccount={namespace}:{name}");
    let role = ["create", "role", name, "--verb=get,list,watch", "--resource=backends.tenantry.io"];
    world.kubectl(&role).await;
    world.kubectl(&["create", "rolebinding", name, "--role=authority", &who]).await;
    let binding = format!("{namespace}-{name}");
    world
        .kubectl(&[
            "create",
            "clusterrole",
            &binding,
            "--verb=create",
            "--resource=tokenreviews.authentication.k8s.io",
        ])
        .await;
    world
        .kubectl(&["create", "clusterrolebinding", &binding, &format!("--clusterrole={binding}"), &who])
        .await;
    world.cluster.service_account_kubeconfig(namespace, name).await.unwrap()
}

/// A token of an account in a namespace, bound to a pod unless that is empty.
pub async fn token(world: &World, namespace: &str, account: &str, audience: &str, pod: &str) -> String {
    let audience = format!("--audience={audience}");
    let mut args = vec!["--namespace", namespace, "create", "token", account, &audience];
    let (name, uid);
    if !pod.is_empty() {
        let manifest = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {pod}, namespace: {namespace} }}\nspec:\n  serviceAccountName: {account}\n  \
             containers: [{{ name: app, image: example.com/app }}]\n"
        );
        world.cluster.apply(&manifest).await.unwrap();
        name = format!("--bound-object-name={pod}");
        let of_pod = ["--namespace", namespace, "get", "pod", pod, "--output=jsonpath={.metadata.uid}"];
        uid = format!("--bound-object-uid={}", world.cluster.kubectl(&of_pod).await.unwrap());
        args.extend(["--bound-object-kind=Pod", &name, &uid]);
    }
    world.cluster.kubectl(&args).await.unwrap().trim().to_owned()
}

pub const AUDIENCE: &str = "tenantry-authority";

#[tokio::test(flavor = "multi_thread")]
async fn only_pods_of_listed_accounts_follow_the_directory_and_only_while_they_live() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.ready("backend/app").await;
    let authority = Started::new(&world).await;
    let elsewhere = Cluster::shared().await.unwrap().namespace("elsewhere").await.unwrap();
    for namespace in [&world.namespace, &elsewhere] {
        let default = ["--namespace", namespace.as_str(), "get", "serviceaccount", "default"];
        world.wait("the account", async || world.cluster.kubectl(&default).await.ok().map(drop)).await;
    }
    world.kubectl(&["create", "serviceaccount", "other"]).await;
    let here = world.namespace.as_str();

    let gate = token(&world, here, "default", AUDIENCE, "app").await;
    let other = token(&world, here, "other", AUDIENCE, "other").await;
    let foreign = token(&world, &elsewhere, "default", AUDIENCE, "app").await;
    let unbound = token(&world, here, "default", AUDIENCE, "").await;
    let for_others = token(&world, here, "default", "https://example.com", "second").await;
    // In its middle: of the last letter some bits do not count.
    let (before, after) = gate.split_at(gate.len() - 20);
    let altered = format!("{before}{}{}", if after.starts_with('A') { "B" } else { "A" }, &after[1..]);
    assert_eq!(authority.answers(&gate).await, "200");
    for (why, token, status) in [
        ("an account that is not listed", &other, "403"),
        ("an account of another namespace", &foreign, "403"),
        ("a token of no pod", &unbound, "403"),
        ("a token for another audience", &for_others, "401"),
        ("a token with another signature", &altered, "401"),
        ("no token", &String::new(), "401"),
    ] {
        assert_eq!(authority.answers(token).await, status, "{why}");
    }

    // The list is followed at once.
    let patch = r#"{"spec":{"gates":{"serviceAccounts":["other"]}}}"#;
    world.kubectl(&["patch", "backend/app", "--type=merge", "-p", patch]).await;
    let listed = async || (authority.answers(&other).await == "200").then_some(());
    world.wait("the account that is listed now", listed).await;
    assert_eq!(authority.answers(&gate).await, "403");

    world.kubectl(&["delete", "pod", "other", "--force", "--grace-period=0"]).await;
    let refused = async || (authority.answers(&other).await == "401").then_some(());
    world.wait("the token of a pod that is gone", refused).await;
}
