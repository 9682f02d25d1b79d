//! The manifests as they change: read, applied, and told to the parts. What is refused is said once, not at every look.

use std::sync::Arc;

use tenantry_authority::{Limiter, Quotas, Running as RunningAuthority};
use tenantry_store::Store;
use tokio_util::sync::CancellationToken;

use super::{Applier, FollowSettings, Read, watch};

/// What keeps the manifests true.
pub(crate) struct Follower {
    pub settings: FollowSettings,
    pub applier: Applier,
    pub authority: Arc<RunningAuthority>,
    pub quotas: Quotas,
    /// Makes a limiter for other quotas.
    pub limiter: fn(Store, Quotas) -> Box<dyn Limiter>,
}

/// Runs until `stop`; at once over where there is no folder.
pub(crate) async fn follow(mut follower: Follower, stop: CancellationToken) {
    let Some(folder) = follower.settings.manifests.clone() else { return };
    let mut changes = watch(&folder);
    let mut said: Vec<String> = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = changes.next() => {}
        }
        let settings = follower.settings.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || settings.read()).await else { continue };
        let sentences = follower.take(&read).await;
        for sentence in sentences.iter().filter(|sentence| !said.contains(sentence)) {
            tracing::error!("{sentence}");
        }
        if sentences.is_empty() && !said.is_empty() {
            tracing::info!("the manifests are in order again");
        }
        said = sentences;
    }
}

impl Follower {
    /// Applies one reading; everything that was refused.
    async fn take(&mut self, read: &Read) -> Vec<String> {
        let mut sentences = read.problems.clone();
        match self.applier.apply(read).await {
            Ok(applied) => {
                if let Some(served) = &read.backend {
                    self.authority.set_policy(served.policy.clone());
                    if std::mem::replace(&mut self.quotas, served.quotas) != served.quotas {
                        let limiter = (self.limiter)(self.applier.store.clone(), served.quotas);
                        self.authority.set_limiter(limiter);
                    }
                }
                if applied.changed {
                    tracing::info!("the manifests changed and have been applied");
                    self.authority.changed();
                }
                for note in applied.notes {
                    tracing::info!("{note}");
                }
                sentences.extend(applied.problems);
            }
            Err(error) => {
                sentences.push(format!("the manifests could not be applied, and will be again: {error}"));
            }
        }
        sentences
    }
}
