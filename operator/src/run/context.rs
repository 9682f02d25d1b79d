//! What a reconcile finds around it, and the reconciles themselves as the controllers call them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store as Cache};
use tenantry_crds::backend::NamespacesFrom;
use tenantry_crds::{Backend, Organization, OrganizationStatus};
use tokio::sync::mpsc::UnboundedSender;

use super::known::{self, Caches};
use super::pauses::{self, Pauses};
use super::turns::Turns;
use crate::backend::registry::{Registry, key_of};
use crate::backend::report::Members;
use crate::backend::{self, resolve};
use crate::conditions;
use crate::leader::Leadership;
use crate::marks;
use crate::metrics::{Metrics, OfStore};
use crate::organization::{Desired, Outcome, Stores, reconcile, report};
use crate::settings;
use crate::stores::kubernetes::Cluster;
use crate::stores::manifests::{ABANDONED, Manifests, Note, say};
use crate::stores::vault::Vault;
use crate::trouble::Trouble;

/// Makes the connection to AWS that a Backend asks for.
pub type ConnectVault = Arc<
    dyn Fn(&tenantry_crds::backend::Aws) -> futures_util::future::BoxFuture<'static, Arc<dyn Vault>>
        + Send
        + Sync,
>;

/// How often a Backend's database and what it refers to are looked at.
const BACKEND_PERIOD: Duration = Duration::from_secs(30);

/// How long an Organization waits for its Backend's first look without being told.
const UNTOLD: Duration = Duration::from_secs(15);

/// What a reconcile finds around it.
pub struct Context {
    /// The cluster's id.
    pub cluster_id: String,
    /// The cluster.
    pub cluster: Cluster,
    /// Who writes.
    pub leadership: Leadership,
    /// Backends that are open.
    pub registry: Registry,
    /// What is counted.
    pub metrics: Metrics,
    /// How many Organizations of a Backend are worked on at a time.
    pub turns: Turns,
    /// How many connections to a Backend's database there may be at a time.
    pub connections: u32,
    /// The authority that each Backend has.
    pub authority: Option<settings::Authority>,
    /// Failures in a row.
    pub pauses: Pauses,
    /// How often everything is looked at again.
    pub resync: Duration,
    /// Makes connections to AWS.
    pub connect_vault: ConnectVault,
    /// All Backends that are watched.
    pub backends: Caches<Backend>,
    /// All Organizations that are watched.
    pub organizations: Caches<Organization>,
    /// All namespaces.
    pub namespaces: Cache<PartialObjectMeta<Namespace>>,
    /// Until when all these are waited for.
    pub known_by: tokio::time::Instant,
    /// Organizations that have to look again.
    pub tell: UnboundedSender<ObjectRef<Organization>>,
}

/// A reconcile never fails: what goes wrong is in its outcome.
pub type Never = std::convert::Infallible;

impl Context {
    fn labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        self.namespaces.get(&ObjectRef::new(namespace))?.metadata.labels.clone()
    }

    fn namespace_ends(&self, namespace: &str) -> bool {
        let namespace = self.namespaces.get(&ObjectRef::new(namespace));
        namespace.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_some())
    }

    /// The Backend of an Organization.
    pub fn backend_of(&self, organization: &Organization) -> Result<Arc<Backend>, Trouble> {
        let there = resolve::namespace_of(organization);
        if self.backends.of(there).is_some_and(|cache| !known::is_known(cache)) {
            let message = format!(
                "the Backends of the namespace {there}, where its own is, could not be read yet: see the operator's log"
            );
            return Err(Trouble::passing("BackendUnknown", message));
        }
        resolve::backend_of(organization, &self.backends.all(), |namespace| self.labels(namespace))
    }

    /// The Organizations of a Backend.
    pub fn members(&self, backend: &Backend) -> Vec<Arc<Organization>> {
        let backends = self.backends.all();
        let mut members = self.organizations.all();
        members.retain(|organization| {
            resolve::is_member(organization, backend, &backends, |namespace| self.labels(namespace))
        });
        members
    }

    /// Whether the labels are known by which a Backend chooses its namespaces, where it does so.
    fn knows_labels_for(&self, backend: &Backend) -> bool {
        backend.spec.allowed_namespaces.from != NamespacesFrom::Selector || known::is_known(&self.namespaces)
    }

    /// The Organizations of the namespaces that a Backend lets in, or may let in once their labels are known.
    fn organizations_for(&self, backend: &Backend) -> Vec<&Cache<Organization>> {
        let any = !self.knows_labels_for(backend);
        self.organizations.of_those(|namespace| {
            any || resolve::admits(backend, namespace, |namespace| self.labels(namespace))
        })
    }

    fn count(&self, backend: &Backend, members: &[Arc<Organization>]) -> Members {
        let in_aws = members.iter().filter(|organization| {
            let status = organization.status.as_ref();
            status.is_some_and(|status| conditions::holds(&status.conditions, conditions::AWS))
        });
        let mut admitted = self.organizations_for(backend).into_iter();
        Members {
            all: members.len(),
            in_aws: in_aws.count(),
            known: self.knows_labels_for(backend) && admitted.all(known::is_known),
            unread: self.organizations.unread(),
        }
    }

    fn action(&self, key: &str, outcome: &Outcome, resync: Duration) -> Action {
        match outcome {
            Outcome::Gone => {
                self.pauses.succeeded(key);
                Action::await_change()
            }
            Outcome::Settled => {
                self.pauses.succeeded(key);
                Action::requeue(pauses::jittered(resync))
            }
            Outcome::After(after) => Action::requeue(*after + Duration::from_secs(1)),
            Outcome::Stalled => Action::requeue(Pauses::stalled().min(resync)),
            Outcome::Retry => Action::requeue(self.pauses.after_failure(key, resync)),
        }
    }
}

/// Reconciles one Organization.
pub async fn organization(organization: Arc<Organization>, context: Arc<Context>) -> Result<Action, Never> {
    let key = format!("Organization/{}/{}", organization.namespace(), organization.name());
    let there = resolve::namespace_of(&organization);
    known::wait(context.backends.of(there).as_slice(), context.known_by).await;
    known::wait(&[&context.namespaces], context.known_by).await;
    let backend = context.backend_of(&organization).ok();
    let turn = match &backend {
        Some(backend) => Some(context.turns.of(key_of(backend)).await),
        None => None,
    };
    if !context.leadership.leads() {
        return Ok(Action::requeue(Duration::from_secs(1)));
    }
    // It may have changed while it waited for its turn.
    let reference = ObjectRef::from_obj(organization.as_ref());
    let cache = context.organizations.of(organization.namespace());
    let Some(organization) = cache.and_then(|cache| cache.get(&reference)) else {
        context.pauses.succeeded(&key);
        return Ok(Action::await_change());
    };
    let began = Instant::now();
    // What an Organization needs while it is worked on is not kept for the thousands that wait for their turn.
    let outcome = Box::pin(one_organization(organization, &context)).await;
    drop(turn);
    context.metrics.reconciled("organization", &outcome, began.elapsed());
    Ok(context.action(&key, &outcome, context.resync))
}

async fn one_organization(organization: Arc<Organization>, context: &Context) -> Outcome {
    let found = context.backend_of(&organization);
    let backend = match found {
        Ok(backend) => backend,
        Err(trouble) => return without_backend(&organization, &trouble, context).await,
    };
    if let Some(trouble) = resolve::moved(&organization, &backend) {
        return without_backend(&organization, &trouble, context).await;
    }
    let key = key_of(&backend);
    if !context.registry.knows(&key) {
        // A new leader looks at the Backend first, and tells; until then nothing is known to be wrong.
        return Outcome::After(UNTOLD);
    }
    let open = match context.registry.get(&key) {
        Ok(open) => open,
        Err(trouble) => return without_backend(&organization, &trouble, context).await,
    };
    let ends = context.namespace_ends(organization.namespace());
    let aws = backend.spec.aws.clone();
    let desire = |organization: &Organization| {
        Desired::new(organization, &context.cluster_id, &backend.audience(), aws.as_ref(), ends)
    };
    let stores = Stores { rows: &open.rows, secrets: &context.cluster, vault: open.vault.as_deref() };
    let done = reconcile(&context.cluster, stores, organization, &desire, Utc::now()).await;
    for store in done.repaired {
        context.metrics.drift_repairs.get_or_create(&OfStore { store: store.to_string() }).inc();
    }
    for (store, kind) in done.failed {
        context.metrics.failed(store, kind);
    }
    done.outcome
}

/// There is no Backend to work with: says so, and on a deletion what keeps it.
async fn without_backend(organization: &Arc<Organization>, trouble: &Trouble, context: &Context) -> Outcome {
    let deleting = organization.metadata.deletion_timestamp.is_some();
    if deleting && !marks::has_finalizer(&organization.metadata) {
        return Outcome::Gone;
    }
    let desired = Desired::new(organization, &context.cluster_id, "", None, false);
    if deleting && desired.abandoned {
        let gone = let_go(organization, context).await;
        return if gone { Outcome::Gone } else { Outcome::Retry };
    }
    let manifests: &dyn Manifests<Organization, OrganizationStatus> = &context.cluster;
    let status = report::without_stores(organization, &desired, trouble, Utc::now());
    let old = organization.status.as_ref();
    if say(manifests, organization.as_ref(), old, &status, |status| &status.conditions).await.is_err() {
        return Outcome::Retry;
    }
    if trouble.needs_person() { Outcome::Stalled } else { Outcome::Retry }
}

async fn let_go(organization: &Organization, context: &Context) -> bool {
    let manifests: &dyn Manifests<Organization, OrganizationStatus> = &context.cluster;
    manifests.note(organization, Note::warning("Abandoned", ABANDONED)).await;
    manifests.set_finalizer(organization, false).await.is_ok()
}

/// Reconciles one Backend.
pub async fn backend(backend: Arc<Backend>, context: Arc<Context>) -> Result<Action, Never> {
    if !context.leadership.leads() {
        return Ok(Action::requeue(Duration::from_secs(1)));
    }
    let began = Instant::now();
    let key = format!("Backend/{}/{}", backend.namespace(), backend.name());
    known::wait(&[&context.namespaces], context.known_by).await;
    known::wait(&context.organizations_for(&backend), context.known_by).await;
    let members = context.members(&backend);
    let vault = match &backend.spec.aws {
        Some(aws) => Some((context.connect_vault)(aws).await),
        None => None,
    };
    let world = backend::reconcile::World {
        cluster: &context.cluster_id,
        manifests: &context.cluster,
        secrets: &context.cluster,
        objects: &context.cluster,
        authority: context.authority.as_ref(),
        vault,
        registry: &context.registry,
        leadership: &context.leadership,
        connections: context.connections,
        members: context.count(&backend, &members),
    };
    let done = backend::reconcile::reconcile(&world, Arc::clone(&backend), Utc::now()).await;
    if done.tell_members {
        // Those too that came while it was opened: they found it unknown.
        for member in context.members(&backend) {
            // Nobody listens once another operator leads.
            if context.tell.send(ObjectRef::from_obj(member.as_ref())).is_err() {
                break;
            }
        }
    }
    context.metrics.reconciled("backend", &done.outcome, began.elapsed());
    Ok(context.action(&key, &done.outcome, BACKEND_PERIOD.min(context.resync)))
}
