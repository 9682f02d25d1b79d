//! A plain client of the API server with the administrator's certificate and as many calls at a time as the operator has workers.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

/// Calls at a time.
const CONCURRENCY: usize = 16;
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
            json!({
                "apiVersion": "tenantry.io/v1alpha1",
                "kind": "Organization",
                "metadata": { "name": format!("org-{number:05}") },
                "spec": { "displayName": format!("Organization {number}") },
            })
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
        let url = format!("{}{path}", self.server);
        stream::iter(0..count)
            .map(|number| self.create(&url, body(number)))
            .buffer_unordered(CONCURRENCY)
            .try_collect::<()>()
            .await
    }

    async fn create(&self, url: &str, body: Value) -> anyhow::Result<()> {
        let answer = self.http.post(url).json(&body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{url}: {status} {text}");
        Ok(())
    }
}

fn is_ready(resource: &Value) -> bool {
    let conditions = resource["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
