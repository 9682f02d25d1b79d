//! Where a lease is kept: an object that is written by compare-and-swap of its version.

use async_trait::async_trait;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};

/// Why a lease was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another version of it is there by now.
    #[error("somebody else wrote it first")]
    Conflict,
    /// The call did not end well, and may have had its effect.
    #[error(transparent)]
    Failed(kube::Error),
}

/// One lease.
#[async_trait]
pub(super) trait Leases: Send + Sync {
    /// The lease, where there is one.
    async fn get(&self) -> Result<Option<Lease>, LeaseError>;
    /// Makes it where there is none.
    async fn create(&self, lease: &Lease) -> Result<Lease, LeaseError>;
    /// Writes it over the version that it bears.
    async fn replace(&self, lease: &Lease) -> Result<Lease, LeaseError>;
}

/// The lease of this name in the API server.
pub(super) struct InCluster {
    leases: Api<Lease>,
    name: String,
}

impl InCluster {
    pub(super) fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self { leases: Api::namespaced(client, namespace), name: name.to_owned() }
    }
}

#[async_trait]
impl Leases for InCluster {
    async fn get(&self) -> Result<Option<Lease>, LeaseError> {
        Ok(self.leases.get_opt(&self.name).await?)
    }

    async fn create(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        Ok(self.leases.create(&PostParams::default(), lease).await?)
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        Ok(self.leases.replace(&self.name, &PostParams::default(), lease).await?)
    }
}

impl From<kube::Error> for LeaseError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 409 => Self::Conflict,
            other => Self::Failed(other),
        }
    }
}
