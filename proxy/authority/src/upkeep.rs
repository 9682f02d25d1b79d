//! What happens beside the requests: key rotation, checks of the change triggers, sealing anew, forgetting.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::keys;
use crate::state::AppState;

const KEYS: Duration = Duration::from_secs(30);
const TRIGGERS: Duration = Duration::from_secs(10);
const PRUNE: Duration = Duration::from_mins(10);
const FORGET: Duration = Duration::from_mins(1);

/// Runs until `stop`. A failure is logged and tried again at the next turn.
pub(crate) async fn run(state: AppState, stop: CancellationToken) {
    let every = |period| {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let (mut keys, mut triggers, mut prune, mut forget) =
        (every(KEYS), every(TRIGGERS), every(PRUNE), every(FORGET));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = keys.tick() => {
                if let Err(problem) = keys::rotate_all(&state).await {
                    tracing::debug!(problem = problem.code(), "keys not looked after this time");
                }
            }
            _ = triggers.tick() => match state.store.restore_triggers().await {
                Ok(true) => tracing::warn!("change triggers were missing and have been made again; a migration tool may have re-created a table"),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "change triggers not checked"),
            },
            _ = prune.tick() => {
                match state.store.reseal().await {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "sealed anew with the newest sealing key"),
                    Err(error) => tracing::warn!(%error, "not sealed anew"),
                }
                if let Err(error) = state.store.prune().await {
                    tracing::warn!(%error, "nothing forgotten");
                }
            }
            _ = forget.tick() => state.limiter.load().forget_idle(),
        }
    }
}
