//! The pages of somebody who installs the operator, upgrades it and takes it away, with Helm or with Argo CD. Each begins in an empty
//! cluster; its pods run as the chart says.

use serde_json::Value;
use tenantry_harness::process::run;
use tenantry_harness::{Cluster, ClusterOptions, Database, Postgres};

use super::EXAMPLES;
use super::Node;
use super::page::{Block, blocks};
use super::reader::Reader;
use crate::repository;

pub const PAGES: &[&str] =
    &["README.md", "charts/tenantry-crds/README.md", "docs/aws.md", "docs/gitops.md", "docs/install.md"];

const INSTALL: &str =
    "helm install tenantry-crds charts/tenantry-crds --namespace tenantry-system --create-namespace
helm install tenantry charts/tenantry --namespace tenantry-system
kubectl --namespace tenantry-system rollout status --timeout=2m deployment/tenantry-operator";

/// Organizations in every state that Argo CD tells apart.
const STATES: &str = "kubectl config set-context --current --namespace=mini-xdr
kubectl apply -f - <<'END'
apiVersion: tenantry.io/v1alpha1
kind: Organization
metadata: { name: taken }
spec: { displayName: Taken, slug: mini-corp }
---
apiVersion: tenantry.io/v1alpha1
kind: Organization
metadata: { name: waits }
spec: { displayName: Waits, backendRef: { name: nobody } }
END
reason() { kubectl wait --for=jsonpath='{.status.conditions[?(@.type==\"Ready\")].reason}'=$2 --timeout=2m organization/$1; }
reason taken SlugTaken
reason waits BackendMissing
kubectl patch organization mini-corp --type=merge -p '{\"spec\":{\"suspended\":true}}'
reason mini-corp Suspended
kubectl annotate organization harbor-lights tenantry.io/paused=true";

/// A cluster without anything, and a database.
struct Bare {
    cluster: Cluster,
    node: Node,
    database: Database,
    reader: Reader,
}

impl Bare {
    async fn start() -> Self {
        let cluster = Cluster::start(ClusterOptions::default()).await.unwrap();
        let database = Postgres::shared().await.unwrap().create_database().await.unwrap();
        let reader = Reader::new(&cluster, &database, Vec::new()).await;
        Self { node: Node::of(cluster.clone()), cluster, database, reader }
    }

    /// Runs the blocks of a page; what comes before one that begins so is run first.
    async fn read(&self, page: &str, before: &[(&str, &str)]) {
        let mut left: Vec<&(&str, &str)> = before.iter().collect();
        for Block { place, text, .. } in blocks(page) {
            if let Some(at) = left.iter().position(|(start, _)| text.starts_with(start)) {
                self.run(&format!("before {place}"), left.remove(at).1).await;
            }
            self.run(&place, &text).await;
        }
        assert!(left.is_empty(), "no block of {page} begins with {left:?}");
    }

    async fn run(&self, place: &str, block: &str) {
        if let Err(error) = self.reader.run(block).await {
            let everything = ["get", "backends,organizations", "--all-namespaces", "--output", "yaml"];
            let state = self.cluster.kubectl(&everything).await.unwrap_or_else(|error| error.to_string());
            panic!("{place}: {error}\n{state}\n{}", self.node.logs());
        }
    }

    async fn rows(&self) -> String {
        self.database.psql("SELECT slug, status FROM organizations ORDER BY slug").await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_installed_upgraded_and_taken_away() {
    let bare = Bare::start().await;
    let again = format!("{INSTALL}\n{EXAMPLES}");
    let gone_first = format!(
        "{again}\nhelm uninstall tenantry --namespace tenantry-system --wait
kubectl --namespace mini-xdr delete organization mini-corp --wait=false"
    );
    let gone_again = "kubectl apply -f examples/kubernetes/
kubectl --namespace mini-xdr wait --for=condition=Ready --timeout=2m organization/mini-corp
helm uninstall tenantry --namespace tenantry-system --wait
kubectl delete namespace mini-xdr --wait=false";
    bare.read(
        "docs/install.md",
        &[
            ("helm install tenantry charts/tenantry --namespace tenantry-system\n", &gone_first),
            ("tenantry-operator release --all", gone_again),
        ],
    )
    .await;
    assert_eq!(
        bare.rows().await,
        "harbor-lights|active\nmini-corp|active",
        "what was let go stays as it was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_lets_nothing_go_while_it_works_and_what_is_named_afterwards() {
    let bare = Bare::start().await;
    bare.run("before", &format!("{INSTALL}\n{EXAMPLES}")).await;
    bare.run(
        "while it works",
        "if tenantry-operator release --all 2> said; then exit 1; fi\ngrep 'works' said",
    )
    .await;
    bare.run(
        "afterwards",
        "helm uninstall tenantry --namespace tenantry-system --wait
until tenantry-operator release mini-xdr/mini-corp; do sleep 1; done
kubectl delete organization mini-corp --timeout=10s
kubectl delete organization harbor-lights --wait=false
test \"$(kubectl get organization harbor-lights -o jsonpath='{.metadata.finalizers[0]}')\" = tenantry.io/cleanup
if tenantry-operator release mini-corp 2> said; then exit 1; fi
grep 'NAMESPACE/NAME' said
if tenantry-operator release mini-xdr/nobody 2> said; then exit 1; fi
grep 'Organization mini-xdr/nobody' said",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_installed_as_the_readme_says_and_looked_after_by_argo_cd() {
    let bare = Bare::start().await;
    bare.read("README.md", &[]).await;
    bare.read("charts/tenantry-crds/README.md", &[]).await;
    let argo = run(std::process::Command::new(repository("tools/argocd.sh")), String::new()).await.unwrap();
    let argo = format!(
        "kubectl create namespace argocd
kubectl --namespace argocd create configmap argocd-cm --from-literal=url=https://argocd.example.com --dry-run=client -o yaml | kubectl apply -f -
kubectl apply --server-side -f {}
until kubectl get applications.argoproj.io,applicationsets.argoproj.io; do sleep 0.5; done",
        argo.trim()
    );
    let files = "mkdir -p production/organizations
cp examples/kubernetes/3-backend.yaml production/backend.yaml
cp examples/kubernetes/[45]*.yaml production/organizations/";
    bare.read(
        "docs/gitops.md",
        &[("kubectl --namespace argocd patch configmap", &argo), ("kubectl apply --dry-run=server", files)],
    )
    .await;
    let config = bare
        .cluster
        .kubectl(&["get", "configmap", "argocd-cm", "--namespace", "argocd", "--output", "json"])
        .await;
    let config: Value = serde_json::from_str(&config.unwrap()).unwrap();
    assert_eq!(config["data"]["url"], "https://argocd.example.com", "what was there stays");
    bare.argo_shows(&config["data"], "backend/mini-xdr", "Healthy", "Ready: ").await;
    bare.argo_shows(&config["data"], "organization/mini-corp", "Healthy", "Provisioned: ").await;

    bare.run("organizations in every state", STATES).await;
    bare.argo_shows(&config["data"], "organization/taken", "Degraded", "SlugTaken: ").await;
    bare.argo_shows(&config["data"], "organization/waits", "Progressing", "BackendMissing: ").await;
    bare.argo_shows(&config["data"], "organization/mini-corp", "Healthy", "Suspended: ").await;
    bare.argo_shows(&config["data"], "organization/harbor-lights", "Suspended", "tenantry.io/paused: ").await;
    bare.read("docs/aws.md", &[]).await;
}

impl Bare {
    /// Asks the health check that Argo CD was given, as it does, of a resource as it stands.
    async fn argo_shows(&self, checks: &Value, what: &str, status: &str, message: &str) {
        let object = self
            .cluster
            .kubectl(&["get", what, "--namespace", "mini-xdr", "--output", "json"])
            .await
            .unwrap();
        let object: Value = serde_json::from_str(&object).unwrap();
        let kind = object["kind"].as_str().unwrap();
        let check = checks[format!("resource.customizations.health.tenantry.io_{kind}")].as_str().unwrap();
        let asked = format!(
            "cat > asked.lua <<'LUA'\nobj = {}\nlocal function check()\n{check}\nend\nlocal health = check()\nprint(health.status .. \" \" .. health.message)\nLUA
glua asked.lua | tee said\ngrep -F -- '{status} {message}' said",
            lua(&object)
        );
        self.run(&format!("{what} in Argo CD"), &asked).await;
    }
}

/// A value as a Lua program writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            format!("{{{}}}", items.iter().map(|item| lua(item) + ",").collect::<String>())
        }
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, item)| format!("[{name:?}]={}", lua(item))).collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}
