//! Looks now and then after rows whose manifest vanished without its finalizer.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::reflector::Store as Cache;
use tenantry_crds::Backend;

use super::context::Context;
use super::{known, pauses};
use crate::organization::sweep;
use crate::stores::rows::Place;

/// How often it is seen whether it is time to look.
const GLANCE: Duration = Duration::from_secs(10);

/// Sweeps for good. `watched` are the namespaces that are watched, none being all.
pub async fn run(context: Arc<Context>, watched: Vec<String>) {
    let mut next_sweep = tokio::time::Instant::now() + GLANCE;
    loop {
        if tokio::time::Instant::now() >= next_sweep && context.leadership.leads() {
            for backend in context.backends.iter().flat_map(Cache::state) {
                one(&context, &backend, &watched).await;
            }
            next_sweep = tokio::time::Instant::now() + pauses::jittered(context.resync);
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn one(context: &Context, backend: &Backend, watched: &[String]) {
    let key = (backend.namespace().to_owned(), backend.name().to_owned());
    let Ok(open) = context.registry.get(&key) else { return };
    let exists = |place: &Place| known::may_exist(watched, &context.organizations, place);
    match sweep(&open.rows, &context.cluster_id, &exists).await {
        Ok(vanished) => {
            for place in vanished {
                context.metrics.vanished.inc();
                tracing::warn!(
                    namespace = place.namespace,
                    name = place.name,
                    "an Organization vanished without its finalizer: it was closed and its rows are kept"
                );
            }
        }
        Err(trouble) => {
            tracing::debug!(reason = trouble.reason, "rows without manifests were not looked for");
        }
    }
}
