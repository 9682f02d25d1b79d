//! Looks now and then after rows whose manifest vanished without its finalizer, and counts Organizations by state.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tenantry_crds::Backend;

use super::context::Context;
use super::pauses;
use crate::conditions;
use crate::metrics::InState;
use crate::organization::sweep;
use crate::stores::rows::Place;

/// How often Organizations are counted.
const COUNT: Duration = Duration::from_secs(10);

/// Sweeps and counts for good.
pub async fn run(context: Arc<Context>) {
    let mut next_sweep = tokio::time::Instant::now() + COUNT;
    loop {
        count(&context);
        if tokio::time::Instant::now() >= next_sweep && context.leadership.leads() {
            for backend in context.backends.all() {
                one(&context, &backend).await;
            }
            next_sweep = tokio::time::Instant::now() + pauses::jittered(context.resync);
        }
        tokio::time::sleep(COUNT).await;
    }
}

async fn one(context: &Context, backend: &Backend) {
    let key = (backend.namespace().to_owned(), backend.name().to_owned());
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

fn count(context: &Context) {
    let mut states: HashMap<&'static str, i64> = ["ready", "reconciling", "stalled", "suspended", "deleting"]
        .into_iter()
        .map(|state| (state, 0))
        .collect();
    let mut blocked = 0;
    for organization in context.organizations.all() {
        let conditions =
            organization.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        blocked += i64::from(conditions::holds(conditions, conditions::DELETION_BLOCKED));
        let state = if organization.metadata.deletion_timestamp.is_some() {
            "deleting"
        } else if conditions::holds(conditions, conditions::STALLED) {
            "stalled"
        } else if !conditions::holds(conditions, conditions::READY) {
            "reconciling"
        } else if organization.spec.suspended {
            "suspended"
        } else {
            "ready"
        };
        *states.entry(state).or_default() += 1;
    }
    for (state, count) in states {
        context.metrics.organizations.get_or_create(&InState { state }).set(count);
    }
    context.metrics.deletion_blocked.set(blocked);
}
