use std::sync::Arc;

use async_trait::async_trait;
use tenantry_crds::{Organization, OrganizationStatus};
use tenantry_operator::names;
use tenantry_operator::organization::desired::place;
use tenantry_operator::stores::Store;
use tenantry_operator::stores::manifests::{Manifests, Note};
use tenantry_operator::trouble::Trouble;

use super::Actor;

#[async_trait]
impl Manifests<Organization, OrganizationStatus> for Actor {
    async fn set_finalizer(
        &self,
        organization: &Organization,
        present: bool,
    ) -> Result<Arc<Organization>, Trouble> {
        let place = place(organization, &self.cluster);
        self.call(Store::Manifests, true, |state| {
            let version = state.next().to_string();
            let gone = || Trouble::passing("Conflict", "the manifest changed in between");
            let found = state.manifests.get_mut(&place).ok_or_else(gone)?;
            if found.metadata.resource_version != organization.metadata.resource_version
                || found.metadata.uid != organization.metadata.uid
            {
                return Err(gone());
            }
            found.metadata.finalizers = present.then(|| vec![names::FINALIZER.to_owned()]);
            found.metadata.resource_version = Some(version);
            let found = found.clone();
            if !present && found.metadata.deletion_timestamp.is_some() {
                state.manifests.remove(&place);
            }
            state.wrote(format!("finalizer of {place:?}: {present}"));
            Ok(Arc::new(found))
        })
        .await
    }

    async fn report(&self, organization: &Organization, status: &OrganizationStatus) -> Result<(), Trouble> {
        let place = place(organization, &self.cluster);
        self.call(Store::Manifests, true, |state| {
            let version = state.next().to_string();
            if let Some(found) = state.manifests.get_mut(&place)
                && found.metadata.uid == organization.metadata.uid
            {
                found.status = Some(status.clone());
                found.metadata.resource_version = Some(version);
                state.wrote(format!("status of {place:?}"));
            }
            Ok(())
        })
        .await
    }

    async fn note(&self, organization: &Organization, note: Note) {
        let mut state = self.lock();
        if state.leader.get(&self.cluster) != Some(&self.generation) {
            return;
        }
        let name = organization.metadata.name.clone().unwrap_or_default();
        state.wrote(format!("event of {}/{name}: {} {}", self.cluster, note.reason, note.message));
    }
}
