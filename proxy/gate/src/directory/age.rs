//! How old what is known is, told when it changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tenantry_directory::Freshness;

use crate::shared::Shared;

/// Between two looks. What changes is told when it is still so at the next.
const LOOK: Duration = Duration::from_secs(1);

/// [`Freshness`] without its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Fresh,
    Stale,
    Expired,
}

impl From<Option<Freshness>> for State {
    fn from(freshness: Option<Freshness>) -> Self {
        match freshness {
            None => Self::Unknown,
            Some(Freshness::Fresh) => Self::Fresh,
            Some(Freshness::Stale { .. }) => Self::Stale,
            Some(Freshness::Expired) => Self::Expired,
        }
    }
}

/// What was told, and what was seen at the last look.
struct Told {
    told: State,
    seen: State,
}

impl Told {
    /// Takes a look; the state, where it is to be told.
    fn look(&mut self, state: State) -> Option<State> {
        let stays = std::mem::replace(&mut self.seen, state) == state;
        (stays && std::mem::replace(&mut self.told, state) != state).then_some(state)
    }
}

/// Runs for the life of the gate.
pub(crate) async fn tell(shared: Arc<Shared>) {
    let mut told = Told { told: State::Unknown, seen: State::Unknown };
    loop {
        tokio::time::sleep(LOOK).await;
        let (known, now) = (shared.known(), Instant::now());
        let before = told.told;
        let Some(state) = told.look(known.as_ref().map(|known| known.freshness(now)).into()) else {
            continue;
        };
        let Some(known) = known else { continue };
        let age_seconds = known.age(now).unwrap_or_default().as_secs();
        let most_seconds = known.view.backend.max_staleness.as_secs();
        match state {
            State::Unknown => {}
            State::Fresh if before == State::Unknown => {
                tracing::info!(version = known.view.version, "the directory has been read");
            }
            State::Fresh => tracing::info!("the directory is fresh again"),
            State::Stale => tracing::warn!(
                age_seconds,
                most_seconds,
                "the directory is stale: the gate goes on with what it knows, and hears of no revocation"
            ),
            State::Expired => tracing::error!(
                age_seconds,
                most_seconds,
                "the directory is too old: protected routes answer 503 until the authority is heard again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_only_when_it_lasts() {
        use State::{Expired, Fresh, Stale, Unknown};
        let mut told = Told { told: Unknown, seen: Unknown };
        let looks =
            [Unknown, Fresh, Fresh, Stale, Fresh, Stale, Stale, Stale, Expired, Expired, Fresh, Fresh];
        let news: Vec<State> = looks.into_iter().filter_map(|state| told.look(state)).collect();
        assert_eq!(news, [Fresh, Stale, Expired, Fresh]);
    }
}
