//! Looks now and then after rows whose manifest vanished without its finalizer.

use std::sync::Arc;
use std::time::Duration;

use tenantry_crds::Backend;

use super::context::Context;
use super::pauses;
use crate::backend::registry::key_of;
use crate::organization::sweep;
use crate::stores::rows::Place;

/// How often it is seen whether it is time to look.
const GLANCE: Duration = Duration::from_secs(10);

/// Sweeps for good.
pub async fn run(context: Arc<Context>) {
    let mut next_sweep = tokio::time::Instant::now() + GLANCE;
    loop {
        if tokio::time::Instant::now() >= next_sweep && context.leadership.leads() {
            for backend in context.backends.all() {
                one(&context, &backend).await;
            }
            next_sweep = tokio::time::Instant::now() + pauses::jittered(context.resync);
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn one(context: &Context, backend: &Backend) {
    let key = key_of(backend);
    let Ok(open) = context.registry.get(&key) else { return };
    let exists = |place: &Place| context.organizations.may_exist(place);
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
