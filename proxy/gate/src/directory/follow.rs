//! Reads frames, and asks for them again where the stream ends: from where it is, or with a snapshot where what it holds cannot be
//! continued. Meanwhile the gate goes on with what it knows, and its age grows. A stream whose life is over makes way for another
//! that was opened before, so that nothing ages.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use tenantry_directory::{Follower, Freshness, Step};
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::ended::Ended;
use super::lines::Lines;
use super::renewal::Renewal;
use super::source::{DirectorySource, Opened};
use crate::said::Said;
use crate::shared::Shared;

/// Longest that opening a stream may take.
const OPENING: Duration = Duration::from_secs(10);
/// Longest that opening the next may take while a stream stands; what is known stays fresh meanwhile.
const RENEWING: Duration = Duration::from_secs(1);
/// Between two prunings of what is over.
const PRUNE: Duration = Duration::from_mins(1);

/// Runs for the life of the gate.
pub(crate) async fn follow(shared: Arc<Shared>, source: Arc<dyn DirectorySource>) {
    let mut follower = Follower::new();
    let (mut backoff, mut said) = (Backoff::default(), Said::default());
    loop {
        let mut was_useful = false;
        let Err(ended) = stream(&shared, source.as_ref(), &mut follower, &mut was_useful).await;
        if was_useful {
            backoff.reset();
        }
        let reason = ended.reason();
        shared.metrics.directory_ended(reason);
        // Whoever is trusted now is asked at once.
        if matches!(ended, Ended::Withdrawn) {
            tracing::info!(reason, "the directory stream is left: a CA was withdrawn");
            continue;
        }
        let sentence = ended.to_string();
        if said.is_news(&sentence, Instant::now()) {
            tracing::warn!(reason, "no directory stream: {sentence}. The gate goes on with what it knows");
        } else {
            tracing::debug!(reason, "no directory stream: {sentence}");
        }
        tokio::time::sleep(backoff.pause(chance())).await;
    }
}

/// Any byte; without a random source all gates wait the longest.
fn chance() -> u8 {
    let mut byte = [u8::MAX];
    if rand::fill(&mut byte).is_err() {
        byte = [u8::MAX];
    }
    byte[0]
}

async fn stream(
    shared: &Shared,
    source: &dyn DirectorySource,
    follower: &mut Follower,
    was_useful: &mut bool,
) -> Result<Infallible, Ended> {
    let mut open = open(source, follower, OPENING).await?;
    let mut pruned = Instant::now();
    loop {
        let asked_at = open.asked_at;
        let line = open.next().await?;
        let now = Instant::now();
        let step = follower.take(line, asked_at, now);
        if let Ok(Step::Replaced(view) | Step::Advanced(view)) = &step
            && !view.unusable_keys.is_empty()
        {
            let keys = view.unusable_keys.len();
            tracing::warn!(keys, "keys of the directory cannot be used; tokens signed with them are refused");
        }
        if pruned.elapsed() >= PRUNE {
            follower.prune(shared.now());
            pruned = Instant::now();
        }
        // Also what was not understood: it may have closed what is known.
        publish(shared, follower);
        step?;
        *was_useful = true;
        let is_fresh = follower.freshness(now) == Freshness::Fresh;
        let Some(renewal) = &mut open.renewal else { continue };
        if !is_fresh {
            renewal.not_fresh(now, chance());
        }
        // Now, when something was just heard, what is known is as young as it gets.
        if renewal.is_due(now) {
            match self::open(source, follower, RENEWING).await {
                Ok(next) => {
                    shared.metrics.directory_ended("renewed");
                    open = next;
                }
                Err(failed) => {
                    tracing::debug!("the directory stream is not renewed yet: {failed}");
                    renewal.failed(Instant::now(), chance());
                }
            }
        }
    }
}

/// A stream that is read.
struct Open {
    lines: Lines,
    asked_at: Instant,
    renewal: Option<Renewal>,
    withdrawn: CancellationToken,
}

async fn open(source: &dyn DirectorySource, follower: &Follower, within: Duration) -> Result<Open, Ended> {
    let connecting = timeout(within, source.connect(follower.since())).await;
    let Opened { frames, asked_at, life, withdrawn } =
        connecting.map_err(|_| Ended::Late)?.map_err(Ended::Unopened)?;
    let renewal = life.map(|life| Renewal::new(life, asked_at, chance()));
    Ok(Open { lines: Lines::new(frames), asked_at, renewal, withdrawn })
}

impl Open {
    async fn next(&mut self) -> Result<&[u8], Ended> {
        let Self { lines, renewal, withdrawn, .. } = self;
        let over = async {
            match renewal {
                Some(renewal) => sleep_until(renewal.over().into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = withdrawn.cancelled() => Err(Ended::Withdrawn),
            () = over => Err(Ended::Old),
            line = lines.next() => line,
        }
    }
}

fn publish(shared: &Shared, follower: &Follower) {
    if let Some(known) = follower.known() {
        shared.metrics.directory_version.set(known.view.version);
        shared.known.store(Some(Arc::new(known.clone())));
    }
}
