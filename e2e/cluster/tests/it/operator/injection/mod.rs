//! Pods that ask for a gate, and the webhook that adds it: the API server asks the operator at its loopback address. There is no node, so
//! that pods stay pending, which is enough to see how they were made.

mod pods;
mod refusals;
mod webhook;

use serde_json::{Value, json};
use tenantry_harness::Cluster;
use tenantry_harness::certificates::Authority;

use super::world::{Wanted, World};

/// A namespace besides the operator's own, with a Backend called `xdr` and what its gates trust.
pub struct Guarded {
    pub world: World,
    pub namespace: String,
}

impl Guarded {
    pub async fn start() -> Self {
        Self::start_with(Wanted::default(), "").await
    }

    /// With more of the webhook's settings.
    pub async fn start_with(wanted: Wanted, settings: &'static str) -> Self {
        let cluster = Cluster::shared().await.unwrap();
        let namespace = cluster.namespace("guarded").await.unwrap();
        let wanted = Wanted { also_watch: vec![namespace.clone()], injection: Some(settings), ..wanted };
        let guarded = Self { world: World::start(wanted).await, namespace };
        guarded.backend("xdr", "app: xdr").await;
        guarded.trust("xdr").await;
        guarded
            .world
            .wait("the default account", async || guarded.read("serviceaccounts/default").await)
            .await;
        guarded.gets_a_gate().await;
        guarded
    }

    /// A Backend whose pods listen on port 8000.
    pub async fn backend(&self, name: &str, selector: &str) {
        self.apply(&format!(
            "apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: {{ name: {name} }}\nspec:\n  publicUrl: https://xdr.example.com\n  \
             upstream: {{ url: \"http://127.0.0.1:8000\" }}\n  selector: {{ {selector} }}\n"
        ))
        .await;
    }

    /// What the gates of a Backend trust, and what signs that.
    pub async fn trust(&self, backend: &str) {
        let authority = Authority::new(backend).unwrap();
        self.tell(backend, authority.pem()).await;
        let signs = json!({ "ca.crt": authority.pem(), "ca.key": authority.key() });
        let labels =
            json!({ "app.kubernetes.io/managed-by": "tenantry-operator", "tenantry.io/backend": backend });
        let meta = json!({ "name": format!("tenantry-ca-{backend}"), "labels": labels });
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": signs });
        self.apply(&secret.to_string()).await;
    }

    /// What gates are told to trust.
    pub async fn tell(&self, backend: &str, pem: &str) {
        let data = json!({ "ca.crt": pem });
        self.apply(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: tenantry-trust-{backend} }}\ndata: {data}\n"
        ))
        .await;
    }

    pub async fn apply(&self, yaml: &str) {
        self.given(&["apply", "-f", "-"], yaml).await.unwrap_or_else(|error| panic!("{yaml}\n{error}"));
    }

    pub async fn kubectl(&self, args: &[&str]) -> String {
        self.given(args, "").await.unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    /// What kubectl says that is given this.
    pub async fn given(&self, args: &[&str], input: &str) -> Result<String, String> {
        let all = [&["--namespace", &self.namespace][..], args].concat();
        self.world.cluster.kubectl_stdin(&all, input).await.map_err(|error| error.to_string())
    }

    /// What stands in the namespace, such as `pods/one`.
    pub async fn read(&self, what: &str) -> Option<Value> {
        let api = match what.split(['/', '?']).next().unwrap() {
            "deployments" | "replicasets" => "apis/apps/v1",
            "endpointslices" => "apis/discovery.k8s.io/v1",
            _ => "api/v1",
        };
        self.world.cluster.read(&format!("/{api}/namespaces/{}/{what}", self.namespace)).await.ok()?
    }

    /// All of a kind with these labels.
    pub async fn all(&self, kind: &str, labels: &str) -> Vec<Value> {
        let list = self.read(&format!("{kind}?labelSelector={labels}")).await.unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// A pod as it would be made.
    pub async fn shown(&self, pod: &Value) -> Result<Value, String> {
        let dry = ["create", "--dry-run=server", "--output", "json", "-f", "-"];
        self.given(&dry, &pod.to_string()).await.map(|text| serde_json::from_str(&text).unwrap())
    }

    /// Waits until pods that ask for a gate get it.
    pub async fn gets_a_gate(&self) {
        let shown = async || self.shown(&pod("one")).await.ok().filter(has_gate).map(drop);
        self.world.wait("a pod with its gate", shown).await;
    }

    /// The name of the webhook's configuration and of the Secret with its certificate.
    pub fn names(&self) -> (String, String) {
        let operator = format!("{}-tenantry-operator", self.world.namespace);
        (format!("{operator}.{}", self.world.namespace), format!("{operator}-webhook"))
    }

    /// Has the API server trust nobody who answers as the webhook.
    pub async fn distrust(&self) {
        let patch = r#"[{ "op": "remove", "path": "/webhooks/0/clientConfig/caBundle" }]"#;
        let (name, _) = self.names();
        self.kubectl(&["patch", "mutatingwebhookconfiguration", &name, "--type=json", "-p", patch]).await;
    }
}

/// A pod that asks for a gate.
pub fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": labels() },
        "spec": spec(),
    })
}

/// A Deployment of pods with these labels.
pub fn deployment(name: &str, labels: &Value) -> String {
    let template = json!({ "metadata": { "labels": labels }, "spec": spec() });
    let spec = json!({ "replicas": 1, "selector": { "matchLabels": labels }, "template": template });
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name }, "spec": spec })
        .to_string()
}

pub fn labels() -> Value {
    json!({ "app": "xdr", "tenantry.io/inject": "true" })
}

fn spec() -> Value {
    json!({ "containers": [{
        "name": "app",
        "image": "registry.example.com/xdr:1",
        "ports": [{ "name": "http", "containerPort": 8000 }],
        "readinessProbe": { "httpGet": { "path": "/health", "port": "http" }, "timeoutSeconds": 7 },
        "livenessProbe": { "grpc": { "port": 8000 } },
    }] })
}

pub fn has_gate(pod: &Value) -> bool {
    pod["spec"]["initContainers"][0]["name"] == "tenantry-gate"
}
