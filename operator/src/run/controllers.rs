//! The controllers, a pair for each watched namespace, or one for all. What they watch of a resource is what people write: our own
//! status is no news. Secrets are watched by label and metadata alone.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, future, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::core::{NamespaceResourceScope, ObjectMeta, PartialObjectMeta};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{self, ObjectRef, Store as Cache};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tenantry_crds::{Backend, Organization};
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedReceiver;

use super::context::{self, Context, Never};
use crate::names::{self, label};
use crate::stores::kubernetes::{Cluster, belongs_to, trouble};
use crate::{conditions, marks};

/// Watches of one namespace, or of all.
pub struct Scope {
    client: Client,
    /// `None`: all.
    namespace: Option<String>,
}

type Seen<K> = Result<K, watcher::Error>;
type Boxed<K> = stream::BoxStream<'static, Seen<K>>;

impl Scope {
    /// A scope for each namespace, or one for all.
    pub fn of(client: &Client, namespaces: &[String]) -> Vec<Self> {
        if namespaces.is_empty() {
            return vec![Self { client: client.clone(), namespace: None }];
        }
        let scope = |namespace: &String| Self { client: client.clone(), namespace: Some(namespace.clone()) };
        namespaces.iter().map(scope).collect()
    }

    /// Watches the manifests of a kind into a cache.
    pub fn manifests<K>(&self) -> (Cache<K>, Boxed<K>)
    where
        K: Kept
            + Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let (cache, writer) = reflector::store();
        let seen = watcher(self.api::<K>(), watcher::Config::default())
            .inspect_err(self.unheard(K::kind(&())))
            .default_backoff()
            .modify(|manifest| lighten(manifest.meta_mut()))
            .reflect(writer)
            .applied_objects()
            .predicate_filter(|manifest: &K| Some(what_people_write(manifest)), PredicateConfig::default());
        (cache, seen.boxed())
    }

    /// Tells of Secrets of ours that somebody else touched, as the resources that they belong to.
    fn touched<K>(&self, cluster: &Cluster) -> impl Stream<Item = ObjectRef<K>> + Send + use<K>
    where
        K: Resource<DynamicType = ()> + Send + 'static,
    {
        let labels = format!("{}={},{}", label::MANAGED_BY, names::MANAGER, belonging::<K>());
        let cluster = cluster.clone();
        let seen =
            watcher(self.api::<PartialObjectMeta<Secret>>(), watcher::Config::default().labels(&labels));
        seen.inspect_err(self.unheard("Secret".into())).default_backoff().touched_objects().filter_map(
            move |seen| {
                let cluster = cluster.clone();
                async move {
                    let secret = seen.ok()?;
                    let name = belongs_to::<K>(&secret.metadata)?;
                    let told = ObjectRef::new(&name).within(&secret.namespace()?);
                    (!cluster.wrote(&secret.metadata).await).then_some(told)
                }
            },
        )
    }

    /// Logs why nothing is heard of a kind: no condition says it where the manifests themselves cannot be read.
    fn unheard(&self, kind: std::borrow::Cow<'static, str>) -> impl Fn(&watcher::Error) + Send + use<> {
        let place =
            self.namespace.as_ref().map_or_else(String::new, |name| format!(" in the namespace {name}"));
        move |error| {
            let (watcher::Error::InitialListFailed(cause)
            | watcher::Error::WatchStartFailed(cause)
            | watcher::Error::WatchFailed(cause)) = error
            else {
                return;
            };
            let problem = trouble(&format!("resources of the kind {kind}{place}"), cause);
            if problem.needs_person() {
                tracing::error!(reason = problem.reason, "{}", problem.message);
            }
        }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}

fn belonging<K: Resource<DynamicType = ()>>() -> &'static str {
    if K::kind(&()) == "Backend" { label::BACKEND } else { label::ORGANIZATION }
}

/// Leaves out what is long and never read, so that it fills no memory.
fn lighten(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// A digest of what people write on a manifest. Our finalizer is not among it, unless somebody took it off.
fn what_people_write<K: Kept>(manifest: &K) -> u64 {
    let meta = manifest.meta();
    let parts = [
        predicates::generation(manifest),
        predicates::annotations(manifest),
        meta.deletion_timestamp.as_ref().map(|_| 1),
        Some(u64::from(manifest.is_kept() && !marks::has_finalizer(meta))),
    ];
    let mut hasher = std::hash::DefaultHasher::new();
    parts.hash(&mut hasher);
    marks::others_finalizers(meta).hash(&mut hasher);
    meta.uid.hash(&mut hasher);
    hasher.finish()
}

/// A resource that bears our finalizer from the moment on that something is kept for it.
pub trait Kept: Resource<DynamicType = ()> {
    /// Whether its status says that something is kept for it.
    fn is_kept(&self) -> bool;
}

impl Kept for Organization {
    fn is_kept(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.organization_id.is_some())
    }
}

impl Kept for Backend {
    fn is_kept(&self) -> bool {
        self.status.as_ref().is_some_and(|status| conditions::holds(&status.conditions, conditions::READY))
    }
}

/// All namespaces, with their labels.
pub fn namespaces(
    client: &Client,
) -> (Cache<PartialObjectMeta<Namespace>>, Boxed<PartialObjectMeta<Namespace>>) {
    let (cache, writer) = reflector::store();
    let seen = watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), watcher::Config::default());
    let seen = seen.default_backoff().modify(|namespace| lighten(&mut namespace.metadata));
    (cache, seen.reflect(writer).applied_objects().boxed())
}

/// What a scope's controllers are fed with.
pub struct Feeds {
    /// The scope.
    pub scope: Scope,
    /// Its Backends.
    pub backends: (Cache<Backend>, Boxed<Backend>),
    /// Its Organizations.
    pub organizations: (Cache<Organization>, Boxed<Organization>),
}

/// Runs the controllers of one scope until they are dropped.
pub async fn run(feeds: Feeds, told: broadcast::Receiver<ObjectRef<Organization>>, context: Arc<Context>) {
    let Feeds { scope, backends, organizations } = feeds;
    let policy = |_: Arc<Backend>, never: &Never, _: Arc<Context>| -> Action { match *never {} };
    let backend_controller = Controller::for_stream(backends.1, backends.0)
        .with_config(Config::default().concurrency(16))
        .reconcile_on(scope.touched::<Backend>(&context.cluster))
        .run(context::backend, policy, Arc::clone(&context))
        .for_each(|_| future::ready(()));
    let policy = |_: Arc<Organization>, never: &Never, _: Arc<Context>| -> Action { match *never {} };
    let namespace = scope.namespace.clone();
    let told = stream::unfold(told, move |mut told| {
        let namespace = namespace.clone();
        async move {
            loop {
                match told.recv().await {
                    Ok(found) if namespace.is_none() || found.namespace == namespace => {
                        return Some((found, told));
                    }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        }
    });
    let organization_controller = Controller::for_stream(organizations.1, organizations.0)
        // Each waits for its turn among those of its Backend.
        .with_config(Config::default().concurrency(0))
        .reconcile_on(scope.touched::<Organization>(&context.cluster))
        .reconcile_on(told)
        .run(context::organization, policy, Arc::clone(&context))
        .for_each(|_| future::ready(()));
    future::join(backend_controller, organization_controller).await;
}

/// Hands what one channel tells to every scope.
pub async fn spread(
    mut from: UnboundedReceiver<ObjectRef<Organization>>,
    to: broadcast::Sender<ObjectRef<Organization>>,
) {
    while let Some(told) = from.recv().await {
        while to.len() > 50_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if to.send(told).is_err() {
            return;
        }
    }
}
