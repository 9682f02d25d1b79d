//! Starting: the API server, the definitions, the metrics; then the lease, again and again.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, CustomResourceExt};
use tenantry_crds::backend::Aws;
use tenantry_crds::{Backend, Organization};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};

use super::context::{ConnectVault, Context};
use super::controllers::{self, Feeds, Scope};
use super::gauges;
use super::known::{self, Caches};
use super::pauses::Pauses;
use super::sweeper;
use super::turns::Turns;
use super::webhook::{Serving, Webhook};
use crate::backend::registry::Registry;
use crate::injection::certificate;
use crate::leader::{Keeper, Leadership, LeaseSettings};
use crate::metrics::{self, Health, Metrics};
use crate::names::annotation;
use crate::settings::{Overrides, Settings};
use crate::stores::aws::SecretsManager;
use crate::stores::kubernetes::Cluster;
use crate::stores::vault::{Fenced, Vault};

/// What a process has before it leads.
pub struct Started {
    client: Client,
    settings: Settings,
    cluster_id: String,
    instance: String,
    namespace: String,
    metrics: Metrics,
    leadership: Leadership,
    health: Health,
}

/// Connects to the API server and waits for the definitions.
pub async fn start(overrides: &Overrides, settings: Settings) -> anyhow::Result<Started> {
    let mut config =
        kube::Config::infer().await.context("no API server is known: run in a cluster, or set KUBECONFIG")?;
    // Watches end and begin anew within this; every other call has a time-out by it.
    config.read_timeout = Some(Duration::from_secs(295));
    config.connect_timeout = Some(Duration::from_secs(5));
    let client =
        Client::try_from(config).context("the API server's address or certificate cannot be used")?;
    let leadership = Leadership::default();
    let metrics = Metrics::new(leadership.clone());
    let health = Health::new(settings.injection.is_some());
    let listener = TcpListener::bind(settings.metrics_listen)
        .await
        .with_context(|| format!("metricsListen: {} cannot be listened on", settings.metrics_listen))?;
    tracing::info!(address = %listener.local_addr()?, "metrics and probes");
    tokio::spawn(metrics::serve(listener, metrics.clone(), health.clone()));
    let cluster_id = match settings.cluster_id.as_str() {
        "" => cluster_id(&client).await,
        id => id.to_owned(),
    };
    definition::<Backend>(&client).await;
    definition::<Organization>(&client).await;
    health.is_ready();
    Ok(Started {
        client,
        settings,
        cluster_id,
        instance: overrides.instance.clone(),
        namespace: overrides.namespace.clone(),
        metrics,
        leadership,
        health,
    })
}

async fn cluster_id(client: &Client) -> String {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    loop {
        match namespaces.get("kube-system").await {
            Ok(namespace) => return namespace.metadata.uid.unwrap_or_default(),
            Err(error) => {
                let problem = crate::stores::kubernetes::trouble(
                    "the namespace kube-system, whose UID names the cluster",
                    &error,
                );
                tracing::error!(reason = problem.reason, "{}", problem.message);
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Waits for a definition, and tells of one that another version made.
async fn definition<R: CustomResourceExt + tenantry_crds::Ruled>(client: &Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = R::crd_name();
    loop {
        match definitions.get_opt(name).await {
            Ok(Some(found)) => {
                let digest = found.metadata.annotations.as_ref().and_then(|all| all.get(annotation::SCHEMA));
                if digest.is_none_or(|digest| *digest != tenantry_crds::schema_digest::<R>()) {
                    tracing::warn!(
                        reason = "DefinitionDiffers",
                        "the definition {name} is another version's: upgrade the chart tenantry-crds to the operator's version"
                    );
                }
                return;
            }
            Ok(None) => tracing::error!(
                reason = "DefinitionMissing",
                "the definition {name} is not installed: helm install tenantry-crds charts/tenantry-crds"
            ),
            Err(error) => {
                let problem = crate::stores::kubernetes::trouble(&format!("the definition {name}"), &error);
                tracing::error!(reason = problem.reason, "{}", problem.message);
                if problem.is_forbidden() {
                    // The definition itself may well be there.
                    return;
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Leads whenever the lease is ours, until the process is asked to end.
pub async fn run(started: Started) -> anyhow::Result<()> {
    let mut identity = [0_u8; 6];
    tenantry_rules::random::Random::fill(&tenantry_rules::random::SystemRandom, &mut identity)?;
    let lease = LeaseSettings {
        namespace: started.namespace.clone(),
        name: started.settings.lease.name.clone(),
        duration: started.settings.lease.duration.0,
        identity: format!("{}_{}", started.instance, hex::encode(identity)),
    };
    let mut keeper = Keeper::new(started.client.clone(), lease, started.leadership.clone());
    let webhook = match &started.settings.injection {
        Some(injection) => Some(Webhook::start(injection, &serving(&started)).await?),
        None => None,
    };
    let ends = async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
        Ok::<(), std::io::Error>(())
    };
    tokio::select! {
        ended = ends => ended?,
        () = keeper.keep() => {}
        () = lead_again_and_again(&started) => {}
    }
    tracing::info!("ending: the lease is given up");
    // Its rights may have gone before it, as they do when it is uninstalled.
    if let Err(error) = keeper.release().await {
        tracing::warn!(%error, "the lease could not be given up; it runs out by itself");
    }
    if let Some(webhook) = webhook {
        webhook.end().await;
    }
    Ok(())
}

fn serving(started: &Started) -> Serving<'_> {
    Serving {
        client: &started.client,
        namespace: &started.namespace,
        watched: &started.settings.watch_namespaces,
        runs_authorities: started.settings.authority.is_some(),
        metrics: &started.metrics,
        health: &started.health,
    }
}

async fn lead_again_and_again(started: &Started) {
    loop {
        while !started.leadership.leads() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::select! {
            biased;
            () = lost(&started.leadership) => {
                tracing::warn!("another operator leads, or the lease could not be renewed: work stops here");
            }
            () = lead(started) => {}
        }
    }
}

/// Ends once this process leads no more, or leads anew. The clock is asked at every poll, so that work which is polled after this one
/// stands still the moment the lease has run out: a process that was stopped does not even repeat a call that it had begun.
async fn lost(leadership: &Leadership) {
    let generation = leadership.generation();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    std::future::poll_fn(|context| {
        if !leadership.leads() || leadership.generation() != generation {
            return Poll::Ready(());
        }
        while ticks.poll_tick(context).is_ready() {}
        Poll::Pending
    })
    .await;
}

async fn lead(started: &Started) {
    let (tell, told) = mpsc::unbounded_channel();
    let (spread, _) = broadcast::channel(65_536);
    let (namespaces, seen_namespaces) = controllers::namespaces(&started.client);
    let watched = &started.settings.watch_namespaces;
    let feeds: Vec<Feeds> = Scope::of(&started.client, watched)
        .into_iter()
        .map(|scope| Feeds { backends: scope.manifests(), organizations: scope.manifests(), scope })
        .collect();
    let context = Arc::new(Context {
        cluster_id: started.cluster_id.clone(),
        cluster: Cluster::new(started.client.clone(), started.leadership.clone(), &started.instance),
        leadership: started.leadership.clone(),
        registry: Registry::default(),
        metrics: started.metrics.clone(),
        turns: Turns::new(started.settings.workers),
        // Who works on an Organization never waits for another to give a connection back; the Backend itself has two.
        connections: u32::from(started.settings.workers) + 2,
        authority: started.settings.authority.clone(),
        pauses: Pauses::default(),
        resync: started.settings.resync.0,
        connect_vault: connect_vault(&started.leadership),
        backends: Caches::new(watched, feeds.iter().map(|feed| feed.backends.0.clone()).collect()),
        organizations: Caches::new(watched, feeds.iter().map(|feed| feed.organizations.0.clone()).collect()),
        namespaces,
        known_by: known::deadline(),
        tell,
    });
    let mut work: Vec<BoxFuture<'_, ()>> = vec![
        Box::pin(futures_util::StreamExt::for_each(seen_namespaces, |_| std::future::ready(()))),
        Box::pin(controllers::spread(told, spread.clone())),
        Box::pin(gauges::run(Arc::clone(&context))),
        Box::pin(sweeper::run(Arc::clone(&context))),
    ];
    if let Some(injection) = &started.settings.injection {
        let (client, namespace) = (&started.client, &started.namespace);
        let certificate = certificate::keep::Keeper::new(client, namespace, injection, &started.leadership);
        work.push(Box::pin(certificate.keep()));
    }
    for feed in feeds {
        work.push(Box::pin(controllers::run(feed, spread.subscribe(), Arc::clone(&context))));
    }
    futures_util::future::join_all(work).await;
}

/// Connections to AWS are made once a region and endpoint.
fn connect_vault(leadership: &Leadership) -> ConnectVault {
    type Known = std::collections::HashMap<(String, String), Arc<dyn Vault>>;
    let known: Arc<tokio::sync::Mutex<Known>> = Arc::default();
    let leadership = leadership.clone();
    Arc::new(move |aws: &Aws| {
        let (known, leadership) = (Arc::clone(&known), leadership.clone());
        let key = (aws.region.clone(), aws.endpoint.clone());
        Box::pin(async move {
            let mut known = known.lock().await;
            if let Some(vault) = known.get(&key) {
                return Arc::clone(vault);
            }
            let endpoint = (!key.1.is_empty()).then_some(key.1.as_str());
            let vault = SecretsManager::connect(&key.0, endpoint).await;
            let vault: Arc<dyn Vault> = Arc::new(Fenced { vault, leadership });
            known.insert(key, Arc::clone(&vault));
            vault
        })
    })
}
