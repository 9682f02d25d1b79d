//! `tenantry-operator release`: lets manifests go that nobody looks after any more, because the operator was uninstalled before them.
//! What stands in the stores stays there; the same manifests find it again.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;
use tenantry_crds::{Backend, Organization};

use crate::marks;
use crate::names::{self, label};

const GLANCE: Duration = Duration::from_secs(1);

/// What is let go.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct What {
    /// Every Organization and Backend of the cluster
    #[arg(long)]
    pub all: bool,
    /// Organizations, as NAMESPACE/NAME
    #[arg(value_name = "NAMESPACE/NAME")]
    pub organizations: Vec<String>,
}

/// Takes our finalizer off; how many manifests had it.
pub async fn release(client: &Client, what: &What) -> anyhow::Result<usize> {
    refuse_while_one_works(client).await?;
    if !what.all {
        let mut count = 0;
        for place in &what.organizations {
            let Some((namespace, name)) = place.split_once('/') else {
                bail!("{place:?} is not of the form NAMESPACE/NAME");
            };
            let api: Api<Organization> = Api::namespaced(client.clone(), namespace);
            let found =
                api.get(name).await.with_context(|| format!("the Organization {place} cannot be read"))?;
            count += usize::from(let_go(client, &found).await?);
        }
        return Ok(count);
    }
    // Organizations before their Backends, as the operator itself does it.
    Ok(all::<Organization>(client).await? + all::<Backend>(client).await?)
}

/// An operator that works would put the finalizers on again, and must not be surprised. Wherever it is and whatever it is called, it
/// renews its Lease; one that was uninstalled a moment ago may have left a Lease that has yet to run out.
async fn refuse_while_one_works(client: &Client) -> anyhow::Result<()> {
    let ours = ListParams::default().labels(&format!("{}={}", label::MANAGED_BY, names::MANAGER));
    let leases: Api<Lease> = Api::all(client.clone());
    let mut seen: Option<Vec<Held>> = None;
    loop {
        let found = leases.list(&ours).await.context("the operators' Leases cannot be listed")?;
        let held: Vec<Held> = found.into_iter().filter_map(Held::of).collect();
        if held.is_empty() {
            return Ok(());
        }
        let before = seen.get_or_insert_with(|| held.clone());
        if let Some(works) = held.iter().find(|held| !before.contains(held)) {
            bail!(
                "the operator {} in the namespace {} works: uninstall it first, or delete the resources with kubectl and let it finish",
                works.holder,
                works.namespace
            );
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// A Lease that has not run out.
#[derive(Clone, PartialEq, Eq)]
struct Held {
    namespace: String,
    holder: String,
    renewed: i64,
}

impl Held {
    fn of(lease: Lease) -> Option<Self> {
        let namespace = lease.namespace()?;
        let spec = lease.spec?;
        let holder = spec.holder_identity.filter(|holder| !holder.is_empty())?;
        let renewed = spec.renew_time?.0.as_second();
        let lasts = i64::from(spec.lease_duration_seconds.unwrap_or(15));
        (renewed + lasts > Utc::now().timestamp()).then_some(Self { namespace, holder, renewed })
    }
}

async fn all<R>(client: &Client) -> anyhow::Result<usize>
where
    R: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let kind = R::kind(&());
    let found = Api::<R>::all(client.clone()).list(&ListParams::default()).await;
    let mut count = 0;
    for resource in found.with_context(|| format!("the {kind}s cannot be listed"))? {
        count += usize::from(let_go(client, &resource).await?);
    }
    Ok(count)
}

async fn let_go<R>(client: &Client, resource: &R) -> anyhow::Result<bool>
where
    R: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    if !marks::has_finalizer(resource.meta()) {
        return Ok(false);
    }
    let finalizers = marks::others_finalizers(resource.meta());
    let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
    let api: Api<R> = Api::namespaced(client.clone(), &namespace);
    let patch =
        json!({ "metadata": { "resourceVersion": resource.resource_version(), "finalizers": finalizers } });
    let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(&name, &params, &Patch::Merge(&patch)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        Err(error) => Err(error).with_context(|| format!("{} {namespace}/{name}", R::kind(&()))),
    }
}
