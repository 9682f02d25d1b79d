//! A namespace with its own operator, under the chart's roles, on a database of its own, and perhaps a vault.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tenantry_harness::process::{Watchdog, built, free_port, run};
use tenantry_harness::{Cluster, Database, Postgres, Vault};
use tokio::sync::{Mutex, OnceCell};

use crate::repository;

/// What a test wants.
#[derive(Default)]
pub struct Wanted {
    /// A Secrets Manager endpoint.
    pub vault: bool,
    /// A database server of its own, to be taken away.
    pub own_postgres: bool,
    /// A database that stands already.
    pub database: Option<Database>,
    /// Another id of the cluster than the namespace's name.
    pub cluster_id: Option<String>,
    /// Namespaces that are watched besides its own.
    pub also_watch: Vec<String>,
    /// How often the operator looks at everything, where not every 20 s.
    pub resync: Option<&'static str>,
    /// Rights in every namespace, as the chart gives them without `watchNamespaces`; they outlive a namespace.
    pub rights_everywhere: bool,
    /// An authority for each Backend, with more of its settings.
    pub authority: Option<&'static str>,
    /// The webhook, for pods of the namespaces of `also_watch`, with more of its settings.
    pub injection: Option<&'static str>,
}

pub struct World {
    pub cluster: Cluster,
    pub namespace: String,
    pub database: Database,
    pub postgres: Option<Postgres>,
    pub vault: Option<Vault>,
    pub operator: Watchdog,
    /// Where the operator serves its metrics.
    pub metrics: SocketAddr,
    /// How the operator was started.
    pub command: Command,
}

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

impl World {
    pub async fn start(wanted: Wanted) -> Self {
        let cluster = Cluster::shared().await.unwrap().clone();
        let namespace = cluster.namespace("app").await.unwrap();
        Self::start_in(cluster, namespace, wanted).await
    }

    pub async fn start_in(cluster: Cluster, namespace: String, wanted: Wanted) -> Self {
        let mut watched = vec![namespace.clone()];
        watched.extend(wanted.also_watch);
        let granted = if wanted.rights_everywhere { &[][..] } else { &watched };
        let [metrics, webhook] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port().unwrap())));
        install(&cluster, &namespace, granted, wanted.authority.is_some(), wanted.injection.map(|_| webhook))
            .await;
        let postgres = if wanted.own_postgres { Some(Postgres::start().await.unwrap()) } else { None };
        let database = match (wanted.database, &postgres) {
            (Some(database), _) => database,
            (None, Some(postgres)) => postgres.create_database().await.unwrap(),
            (None, None) => Postgres::shared().await.unwrap().create_database().await.unwrap(),
        };
        let vault = if wanted.vault { Some(Vault::start().await.unwrap()) } else { None };
        let account = format!("{namespace}-tenantry-operator");
        let kubeconfig = cluster.service_account_kubeconfig(&namespace, &account).await.unwrap();
        let operator = Watchdog::new("operator").unwrap();
        let settings = settings(&account, &namespace, wanted.authority, wanted.injection);
        let mut command = Command::new(built("tenantry-operator").unwrap());
        command
            .args(["run", "--log-format", "text", "--log", "info,tenantry_operator=debug"])
            .args(["--resync", wanted.resync.unwrap_or("20s")])
            .args(["--watch-namespaces", &watched.join(","), "--namespace", &namespace])
            .args(["--metrics-listen", &metrics.to_string(), "--injection-listen", &webhook.to_string()])
            .args(["--cluster-id", wanted.cluster_id.as_ref().unwrap_or(&namespace)])
            .env("KUBECONFIG", kubeconfig)
            .env("TENANTRY_CONFIG", operator.write("operator.yaml", settings).unwrap());
        if let Some(vault) = &vault {
            command.envs(vault.environment());
        }
        let world = Self { cluster, namespace, database, postgres, vault, operator, metrics, command };
        world.operator.start("operator", &world.command).unwrap();
        world
    }

    pub async fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).await.unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    pub async fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        let mut all = vec!["--namespace", &self.namespace];
        all.extend(args);
        self.cluster.kubectl(&all).await.map_err(|error| error.to_string())
    }

    pub async fn apply(&self, yaml: &str) {
        self.cluster
            .kubectl_stdin(&["--namespace", &self.namespace, "apply", "-f", "-"], yaml)
            .await
            .unwrap_or_else(|error| panic!("{yaml}\n{error}"));
    }

    /// A Backend called `app` on the database, with a Secret of its URL.
    pub async fn backend(&self, more: &str) {
        self.backend_on("app", &self.database, &url(&self.database), more).await;
    }

    /// A Backend on a database that is reached by this URL, with a Secret of it.
    pub async fn backend_on(&self, name: &str, database: &Database, url: &str, more: &str) {
        self.backend_trusting(name, &std::fs::read_to_string(database.ca_path()).unwrap(), url, more).await;
    }

    /// The same, with the authority that is trusted in PEM.
    pub async fn backend_trusting(&self, name: &str, ca: &str, url: &str, more: &str) {
        self.apply(&self.backend_document(name, "", ca, url, more)).await;
    }

    /// The Backend called `app`, with an annotation.
    pub async fn backend_annotated(&self, annotation: &str) {
        let ca = std::fs::read_to_string(self.database.ca_path()).unwrap();
        self.apply(&self.backend_document("app", annotation, &ca, &url(&self.database), "")).await;
    }

    fn backend_document(&self, name: &str, annotation: &str, ca: &str, url: &str, more: &str) -> String {
        let ca = ca.replace('\n', "\n    ");
        let aws = self.vault.as_ref().map_or_else(String::new, |vault| {
            format!("  aws: {{ region: us-east-1, prefix: tenantry, endpoint: \"{}\" }}\n", vault.endpoint())
        });
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{ name: {name}-db }}\nstringData:\n  DATABASE_URL: {url}\n  ca.crt: |\n    {ca}\n---\n\
             apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: {{ name: {name}, annotations: {{ {annotation} }} }}\nspec:\n  \
             publicUrl: https://app.example.com\n  upstream: {{ url: \"http://127.0.0.1:8000\" }}\n  database:\n    \
             urlSecretRef: {{ name: {name}-db, key: DATABASE_URL }}\n    caSecretRef: {{ name: {name}-db, key: ca.crt }}\n{aws}{more}"
        )
    }

    /// An Organization; `spec` is more of it, a line each, indented by two.
    pub async fn organization(&self, name: &str, spec: &str) {
        self.apply(&organization(name, spec)).await;
    }

    pub async fn ready(&self, what: &str) {
        self.until(what, "Ready", "True").await;
    }

    /// Waits for a condition; the resource.
    pub async fn until(&self, what: &str, condition: &str, status: &str) -> Value {
        self.wait(&format!("{what}: {condition}={status}"), async || {
            let found = self.get(what).await?;
            let is = find(&found, condition)?["status"] == status;
            is.then_some(found)
        })
        .await
    }

    /// Waits for a condition with this reason; its message.
    pub async fn reason(&self, what: &str, condition: &str, reason: &str) -> String {
        self.wait(&format!("{what}: {condition} because of {reason}"), async || {
            let found = self.get(what).await?;
            let condition = find(&found, condition)?;
            (condition["reason"] == reason)
                .then(|| condition["message"].as_str().unwrap_or_default().to_owned())
        })
        .await
    }

    /// Whether so many Organizations are all that there are and ready, and the Backend says so of them: it tells what it counts up to
    /// half a minute later.
    pub async fn everything_is_said(&self, organizations: usize) -> bool {
        let (backends, members) = (self.list("backend", "").await, self.list("org", "").await);
        let [backend] = &backends[..] else { panic!("{backends:?}") };
        let ready = |item: &&Value| find(item, "Ready").is_some_and(|ready| ready["status"] == "True");
        members.len() == organizations
            && members.iter().chain([backend]).filter(ready).count() == organizations + 1
            && backend["status"]["organizations"] == organizations
            && (self.vault.is_none()
                || find(backend, "AwsSecretsReady").is_some_and(|aws| aws["reason"] == "Complete"))
    }

    pub async fn gone(&self, what: &str) {
        let path = self.path_of(what);
        let is_gone = async || matches!(self.cluster.read(&path).await, Ok(None)).then_some(());
        self.wait(&format!("{what}: gone"), is_gone).await;
    }

    pub async fn get(&self, what: &str) -> Option<Value> {
        self.cluster.read(&self.path_of(what)).await.ok()?
    }

    /// Where the API server has what is called `KIND/NAME`.
    fn path_of(&self, what: &str) -> String {
        let (kind, name) = what.split_once('/').unwrap();
        format!("{}/{name}", self.path(kind))
    }

    /// All of a kind in the namespace. `chosen` is a query.
    pub async fn list(&self, kind: &str, chosen: &str) -> Vec<Value> {
        let read = self.cluster.read(&format!("{}?{chosen}", self.path(kind))).await;
        let list = read.unwrap_or_else(|error| panic!("{error}"));
        list.unwrap_or_else(|| panic!("the API server knows no {kind}"))["items"].as_array().unwrap().clone()
    }

    /// Where the API server has what is of a kind.
    fn path(&self, kind: &str) -> String {
        let (group, plural) = match kind {
            "namespace" => return "/api/v1/namespaces".to_owned(),
            "ClusterRole" => return "/apis/rbac.authorization.k8s.io/v1/clusterroles".to_owned(),
            "ClusterRoleBinding" => {
                return "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings".to_owned();
            }
            "Role" => ("apis/rbac.authorization.k8s.io/v1", "roles"),
            "RoleBinding" => ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
            "Deployment" => ("apis/apps/v1", "deployments"),
            "PodDisruptionBudget" => ("apis/policy/v1", "poddisruptionbudgets"),
            "NetworkPolicy" => ("apis/networking.k8s.io/v1", "networkpolicies"),
            "Service" => ("api/v1", "services"),
            "ServiceAccount" => ("api/v1", "serviceaccounts"),
            "ConfigMap" => ("api/v1", "configmaps"),
            "backend" => ("apis/tenantry.io/v1alpha1", "backends"),
            "org" => ("apis/tenantry.io/v1alpha1", "organizations"),
            "lease" => ("apis/coordination.k8s.io/v1", "leases"),
            "secret" => ("api/v1", "secrets"),
            "event" => ("api/v1", "events"),
            _ => panic!("where is a {kind}?"),
        };
        format!("/{group}/namespaces/{}/{plural}", self.namespace)
    }

    /// The texts of a Secret.
    pub async fn secret(&self, name: &str) -> Option<std::collections::BTreeMap<String, String>> {
        let secret = self.get(&format!("secret/{name}")).await?;
        secret["data"].is_object().then(|| texts(&secret))
    }

    pub async fn psql(&self, sql: &str) -> String {
        self.database.psql(sql).await.unwrap().trim().to_owned()
    }

    /// Waits for an event with this reason; its message.
    pub async fn event(&self, what: &str, reason: &str) -> String {
        self.wait(&format!("{what}: an event {reason}"), async || self.events(what, reason).await.pop()).await
    }

    /// The messages of the events with this reason, in no order.
    pub async fn events(&self, what: &str, reason: &str) -> Vec<String> {
        let name = what.rsplit('/').next().unwrap();
        let chosen = format!("fieldSelector=reason={reason},involvedObject.name={name}");
        let events = self.list("event", &chosen).await;
        events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    /// How often a resource of this kind was reconciled, whatever came of it, as the metrics say.
    pub async fn reconciles(&self, kind: &str) -> u64 {
        let counted = format!("reconciles_total{{resource=\"{kind}\"");
        let text = self.scrape().await;
        let lines = text.lines().filter(|line| line.contains(&counted));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Waits until the operator has read the definitions, which it does last before it asks for the lease.
    pub async fn waits_for_the_lease(&self) {
        let ready =
            async || asked(self.metrics, "/readyz").await.ok()?.starts_with("HTTP/1.1 200").then_some(());
        self.wait("an operator that is ready", ready).await;
    }

    /// Has the operator look again, and waits until it has.
    pub async fn looked_again(&self, resources: &[&str]) {
        for resource in resources {
            let kind = if resource.starts_with("org/") { "organization" } else { "backend" };
            let before = self.reconciles(kind).await;
            let now = format!("tenantry.io/reconcile={before}-times-before");
            self.kubectl(&["annotate", "--overwrite", resource, &now]).await;
            let looked = async || (self.reconciles(kind).await > before).then_some(());
            self.wait(&format!("{resource}: looked at again"), looked).await;
        }
    }

    /// Waits until the metrics say that a store of the Backend `app` answers, or does not.
    pub async fn store_answers(&self, store: &str, answers: bool) {
        let series = format!("store_up{{backend=\"{}/app\",store=\"{store}\"}}", self.namespace);
        let line = format!("{series} {}", i32::from(answers));
        self.wait(&line, async || self.scrape().await.contains(&line).then_some(())).await;
    }

    async fn scrape(&self) -> String {
        asked(self.metrics, "/metrics").await.unwrap()
    }

    /// Looks until there is an answer.
    pub async fn wait<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if began.elapsed() > PATIENCE {
                let state = self.try_kubectl(&["get", "tenantry", "-o", "yaml"]).await;
                panic!(
                    "{what} did not come true\n{}\n{}",
                    state.unwrap_or_default(),
                    self.operator.log("operator")
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Takes away what the chart lets the operator do in a namespace.
    pub async fn forbid(&self, namespace: &str) {
        let binding = format!("{}-tenantry-operator", self.namespace);
        self.cluster.kubectl(&["--namespace", namespace, "delete", "rolebinding", &binding]).await.unwrap();
    }

    /// Gives it back.
    pub async fn permit(&self, namespace: &str) {
        let name = format!("{}-tenantry-operator", self.namespace);
        let (role, account) =
            (format!("--role={name}"), format!("--serviceaccount={}:{name}", self.namespace));
        let create = ["--namespace", namespace, "create", "rolebinding", &name, &role, &account];
        self.cluster.kubectl(&create).await.unwrap();
    }

    /// Ends the operator at once, as a crash does.
    pub fn kill(&self) {
        self.operator.stop("operator", "KILL").unwrap();
    }

    pub fn start_again(&self) {
        self.operator.start_again("operator").unwrap();
    }
}

/// The whole answer, its head included, to a GET of a path from a part that speaks plain HTTP.
pub async fn asked(address: impl tokio::net::ToSocketAddrs, path: &str) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

pub fn find<'a>(resource: &'a Value, condition: &str) -> Option<&'a Value> {
    resource["status"]["conditions"].as_array()?.iter().find(|found| found["type"] == condition)
}

/// A database's URL, without what only psql understands.
pub fn url(database: &Database) -> String {
    database.url().split('?').next().unwrap().to_owned()
}

/// The texts of a Secret, as the API server gives it.
pub fn texts(secret: &Value) -> std::collections::BTreeMap<String, String> {
    let read = |value: &Value| {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let data = secret["data"].as_object().unwrap();
    data.iter().map(|(key, value)| (key.clone(), read(value))).collect()
}

pub fn organization(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: tenantry.io/v1alpha1\nkind: Organization\nmetadata: {{ name: {name} }}\nspec:\n  displayName: {name}\n{spec}"
    )
}

/// A command that is Helm.
pub async fn helm() -> Command {
    static HELM: OnceCell<PathBuf> = OnceCell::const_new();
    let find = async || {
        let path = run(Command::new(repository("tools/helm.sh")), String::new()).await.unwrap();
        PathBuf::from(path.trim())
    };
    Command::new(HELM.get_or_init(find).await)
}

/// What a chart makes, as YAML.
async fn chart(chart: &str, release: &str, more: &[&str]) -> String {
    let mut command = helm().await;
    command.arg("template").arg(release).arg(repository("charts").join(chart)).args(more);
    run(command, String::new()).await.unwrap()
}

/// The definitions, and what the chart makes for an operator in this namespace, but for the pods.
async fn install(
    cluster: &Cluster,
    namespace: &str,
    watched: &[String],
    authority: bool,
    webhook: Option<SocketAddr>,
) {
    // A cluster keeps the definitions; who takes them away brings them back.
    static DONE: Mutex<BTreeSet<PathBuf>> = Mutex::const_new(BTreeSet::new());
    let mut done = DONE.lock().await;
    if !done.contains(cluster.kubeconfig()) {
        definitions(cluster).await;
        done.insert(cluster.kubeconfig().to_owned());
    }
    drop(done);
    let watch = format!("watchNamespaces={{{}}}", watched.join(","));
    let injection = format!("injection.enabled={}", webhook.is_some());
    let authority = format!("authority.enabled={authority}");
    let only = ["--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccount.yaml"];
    let mut more = vec![
        "--namespace",
        namespace,
        "--set",
        "rbac.aggregate=false",
        "--set",
        injection.as_str(),
        "--set",
        &authority,
    ];
    more.extend(only);
    if !watched.is_empty() {
        more.extend(["--set", watch.as_str()]);
    }
    if webhook.is_some() {
        more.extend(["--show-only", "templates/webhook.yaml"]);
    }
    let made = chart("tenantry", namespace, &more).await;
    cluster.apply(&webhook.map_or(made.clone(), |address| asking(&made, address))).await.unwrap();
}

/// What the chart makes, with the API server asking this address in place of a Service: it is in no pod network here.
fn asking(made: &str, address: SocketAddr) -> String {
    let (before, rest) = made.split_once("      service:\n").unwrap();
    let (_, after) = rest.split_once("        port: 443\n").unwrap();
    format!("{before}      url: https://{address}/inject\n{after}")
}

/// The operator's settings, named as the chart names things.
fn settings(account: &str, namespace: &str, authority: Option<&str>, injection: Option<&str>) -> String {
    let injection = injection.map_or_else(String::new, |more| {
        let webhook = format!("webhook: {account}.{namespace}, secret: {account}-webhook");
        format!("injection: {{ names: [127.0.0.1], {webhook}, gate: {{ image: {GATE} }}, {more} }}\n")
    });
    let authority = authority.map_or_else(String::new, |more| {
        let reviewers = reviewers(account, namespace);
        format!("authority: {{ image: {AUTHORITY}, reviewers: \"{reviewers}\", {more} }}\n")
    });
    format!("lease: {{ name: {account} }}\n{authority}{injection}")
}

/// The `ClusterRoleBinding` of the authorities that an operator of this account runs.
pub fn reviewers(account: &str, namespace: &str) -> String {
    format!("{account}:{namespace}-reviewers")
}

/// The image of the authorities' pods.
pub const AUTHORITY: &str = "registry.example.com/tenantry-proxy:1";

/// The image of the gate that pods get.
pub const GATE: &str = "registry.example.com/tenantry-gate:1";

/// Installs the definitions, and waits until they are served.
pub async fn definitions(cluster: &Cluster) {
    let crds = chart("tenantry-crds", "definitions", &[]).await;
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    cluster.kubectl_stdin(&apply, &crds).await.unwrap();
    established(cluster, &["crd/backends.tenantry.io", "crd/organizations.tenantry.io"]).await;
}

/// Waits until definitions are served; `which` is how kubectl is told of them.
pub async fn established(cluster: &Cluster, which: &[&str]) {
    let began = Instant::now();
    let wait = [&["wait", "--for=condition=Established", "--timeout=1m"][..], which].concat();
    // It gives up on one that has no conditions yet.
    while let Err(error) = cluster.kubectl(&wait).await {
        assert!(began.elapsed() < PATIENCE, "{error}");
    }
}
