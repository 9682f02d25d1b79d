//! A plain client of the API server with the administrator's certificate and as many calls at a time as the operator has workers.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

/// Calls at a time.
const CONCURRENCY: usize = 16;
/// Forms of what is sent.
const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
/// What an Organization is to the API server.
const VERSION: &str = "tenantry.io/v1alpha1";
const KIND: &str = "Organization";
/// Resources a page of a list.
const PAGE: usize = 500;

pub struct Client {
    http: reqwest::Client,
    server: String,
}

impl Client {
    /// Reads an administrator's kubeconfig that names files.
    pub fn new(kubeconfig: &Path) -> anyhow::Result<Self> {
        let config: Value = serde_json::from_slice(&std::fs::read(kubeconfig)?)
            .context("only a cluster of our own can be measured: unset KUBECONFIG")?;
        let file = |path: &Value| {
            std::fs::read(path.as_str().context("the kubeconfig names no file")?).map_err(anyhow::Error::from)
        };
        let (cluster, user) = (&config["clusters"][0]["cluster"], &config["users"][0]["user"]);
        let mut identity = file(&user["client-certificate"])?;
        identity.extend(file(&user["client-key"])?);
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&file(&cluster["certificate-authority"])?)?])
            .identity(reqwest::Identity::from_pem(&identity)?)
            .http1_only()
            .timeout(Duration::from_mins(1))
            .build()?;
        let server = cluster["server"].as_str().context("the kubeconfig names no server")?.to_owned();
        Ok(Self { http, server })
    }

    /// Makes Organizations.
    pub async fn organizations(&self, namespace: &str, count: usize) -> anyhow::Result<()> {
        let path = format!("/apis/tenantry.io/v1alpha1/namespaces/{namespace}/organizations");
        self.create_all(&path, count, |number| {
            organization(&format!("org-{number:05}"), &format!("Organization {number}"))
        })
        .await
    }

    /// Makes `ConfigMap`s of about the size of what the operator writes.
    pub async fn config_maps(&self, namespace: &str, count: usize) -> anyhow::Result<()> {
        let text = "x".repeat(200);
        self.create_all(&format!("/api/v1/namespaces/{namespace}/configmaps"), count, |number| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": format!("plain-{number:06}") },
                "data": { "text": text },
            })
        })
        .await
    }

    /// Makes Organizations with everything that an operator writes for one, a call at a time for each: the finalizer, a Secret, an
    /// event, the status.
    pub async fn same_calls(&self, namespace: &str, count: usize) -> anyhow::Result<()> {
        each(count, |number| self.same_calls_of(namespace, format!("same-{number:05}"))).await
    }

    async fn same_calls_of(&self, namespace: &str, name: String) -> anyhow::Result<()> {
        let organizations = format!("/apis/tenantry.io/v1alpha1/namespaces/{namespace}/organizations");
        self.send(Method::POST, &organizations, JSON, &organization(&name, &name)).await?;
        let finalizer = json!({ "metadata": { "finalizers": ["tenantry.io/cleanup"] } });
        self.send(Method::PATCH, &format!("{organizations}/{name}"), MERGE, &finalizer).await?;
        let text = "x".repeat(60);
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": format!("tenantry-org-{name}") },
            "stringData": { "ORGANIZATION_ID": "1", "ORGANIZATION_SLUG": name, "DATA_KEY": text, "DATA_KEYS": text } });
        self.send(Method::POST, &format!("/api/v1/namespaces/{namespace}/secrets"), JSON, &secret).await?;
        let now = chrono::Utc::now();
        let event = json!({ "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": format!("{name}.1") },
            "regarding": { "apiVersion": VERSION, "kind": KIND, "name": name, "namespace": namespace },
            "eventTime": now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true), "type": "Normal", "reason": "Created", "action": "Reconcile",
            "note": text, "reportingController": "bench", "reportingInstance": "bench" });
        let events = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        self.send(Method::POST, &events, JSON, &event).await?;
        let condition = |kind: &str| {
            json!({ "type": kind, "status": "True", "reason": "Written", "message": "as the manifest says",
                "lastTransitionTime": now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true), "observedGeneration": 1 })
        };
        let conditions: Vec<Value> = ["Ready", "DatabaseReady", "SecretsReady"].map(condition).into();
        let status = json!({ "apiVersion": VERSION, "kind": KIND, "metadata": { "name": name }, "status": {
            "observedGeneration": 1, "organizationId": 1, "slug": name, "secretName": name, "conditions": conditions } });
        let path = format!("{organizations}/{name}/status?fieldManager=bench&force=true");
        self.send(Method::PATCH, &path, APPLY, &status).await
    }

    /// How many Organizations are Ready.
    pub async fn ready(&self, namespace: &str) -> anyhow::Result<usize> {
        let path = format!("/apis/tenantry.io/v1alpha1/namespaces/{namespace}/organizations");
        let (mut ready, mut next) = (0, String::new());
        loop {
            let url = format!("{}{path}?limit={PAGE}&continue={next}", self.server);
            let page: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
            ready += page["items"].as_array().into_iter().flatten().filter(|item| is_ready(item)).count();
            page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut next);
            if next.is_empty() {
                return Ok(ready);
            }
        }
    }

    async fn create_all(
        &self,
        path: &str,
        count: usize,
        body: impl Fn(usize) -> Value,
    ) -> anyhow::Result<()> {
        each(count, |number| {
            let body = body(number);
            async move { self.send(Method::POST, path, JSON, &body).await }
        })
        .await
    }

    async fn send(&self, method: Method, path: &str, form: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.http.request(method, format!("{}{path}", self.server));
        let request = request.header("content-type", form).body(serde_json::to_vec(body)?);
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(())
    }
}

/// So many calls, as many at a time as the operator has workers.
async fn each<C: Future<Output = anyhow::Result<()>>>(
    count: usize,
    call: impl Fn(usize) -> C,
) -> anyhow::Result<()> {
    stream::iter(0..count).map(call).buffer_unordered(CONCURRENCY).try_collect::<()>().await
}

fn organization(name: &str, display: &str) -> Value {
    json!({ "apiVersion": VERSION, "kind": KIND, "metadata": { "name": name }, "spec": { "displayName": display } })
}

fn is_ready(resource: &Value) -> bool {
    let conditions = resource["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
