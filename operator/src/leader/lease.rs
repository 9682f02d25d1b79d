//! The Lease: taken and renewed by compare-and-swap of its resource version. Times of other machines are never compared with ours:
//! another holder's lease has run out once it was not renewed for as long as it lasts, by our own clock.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::ObjectMeta;

use super::Leadership;
use super::leases::{InCluster, LeaseError, Leases};
use crate::names::{self, label};

#[cfg(test)]
mod tests;

/// How a lease is kept.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How long it lasts without being renewed.
    pub duration: Duration,
    /// Who we are, different for every process.
    pub identity: String,
}

/// Takes and renews the lease.
pub struct Keeper {
    leases: Box<dyn Leases>,
    settings: LeaseSettings,
    leadership: Leadership,
    seen: Option<Seen>,
    /// Whether there ever was a lease, as far as this process knows.
    stood: bool,
    /// The highest number of a leader that was seen.
    newest: i32,
    /// How long the lease lasted that was seen last, or ours if that is longer.
    longest: Duration,
    claim: Claim,
}

/// A lease that was made in place of another's that was deleted. Its maker cannot know that the other is dead: the other may have made
/// its own again meanwhile, and lost it again, between two looks. So the maker leads only after the other must have noticed.
enum Claim {
    /// None is under way.
    No,
    /// It was sent; whether it stands is not known.
    Sent,
    /// It stood at this time.
    Since(Instant),
}

/// Another's lease as it was last seen.
struct Seen {
    version: String,
    since: Instant,
    lasts: Duration,
}

/// Stands for the version of a lease that is not there.
const ABSENT: &str = "";

impl Keeper {
    /// Keeps a lease for a process.
    pub fn new(client: Client, settings: LeaseSettings, leadership: Leadership) -> Self {
        let leases = InCluster::new(client, &settings.namespace, &settings.name);
        Self::of(Box::new(leases), settings, leadership)
    }

    fn of(leases: Box<dyn Leases>, settings: LeaseSettings, leadership: Leadership) -> Self {
        let longest = settings.duration;
        Self { leases, settings, leadership, seen: None, stood: false, newest: 0, longest, claim: Claim::No }
    }

    /// Takes the lease when it is free and renews it, for good.
    pub async fn keep(&mut self) {
        loop {
            if let Err(error) = self.turn().await {
                tracing::warn!(%error, "the lease could not be read or written");
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Until the next look: a fifth of what the lease lasts, or until another's has run out.
    fn pause(&self) -> Duration {
        let pause = self.settings.duration / 5;
        let (since, lasts) = match (&self.claim, &self.seen) {
            _ if self.leadership.leads() => return pause,
            (Claim::Since(since), _) => (*since, self.longest),
            (_, Some(seen)) => (seen.since, seen.lasts),
            (_, None) => return pause,
        };
        let left = lasts.saturating_sub(self.leadership.now() - since);
        // One that has run out already could not be taken, and is not to be asked for at once again and again.
        if left.is_zero() { pause } else { pause.min(left) }
    }

    /// Gives the lease up, so that the next one need not wait for it to run out.
    pub async fn release(&mut self) -> Result<(), LeaseError> {
        if !self.leadership.leads() {
            return Ok(());
        }
        self.leadership.resigns();
        let Some(mut lease) = self.leases.get().await? else { return Ok(()) };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_ref() == Some(&self.settings.identity) {
            spec.holder_identity = Some(String::new());
            self.leases.replace(&lease).await?;
        }
        Ok(())
    }

    /// One look at the lease, and what follows from it. A number of leaders that a database has seen is skipped.
    async fn turn(&mut self) -> Result<(), LeaseError> {
        let sent = self.leadership.now();
        let found = self.within(self.leases.get()).await?;
        let Some(mut lease) = found else { return self.make(sent).await };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let spec = lease.spec.clone().unwrap_or_default();
        self.stood = true;
        self.newest = self.newest.max(spec.lease_transitions.unwrap_or(0));
        self.longest = self.settings.duration.max(lasts(&spec).unwrap_or_default());
        let holder = spec.holder_identity.clone().unwrap_or_default();
        let is_ours = holder == self.settings.identity;
        if !is_ours {
            self.claim = Claim::No;
        }
        if !is_ours && !holder.is_empty() && !self.has_run_out(&version, &spec) {
            self.leadership.resigns();
            return Ok(());
        }
        let may_lead = self.claim_is_over();
        // Whoever let it run out begins anew: what it began before may have been followed by another's work.
        let anew = !is_ours || !self.leadership.leads();
        let transitions = spec.lease_transitions.unwrap_or(0) + i32::from(anew);
        let now = MicroTime(Timestamp::now());
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: i32::try_from(self.settings.duration.as_secs()).ok(),
            acquire_time: if anew { Some(now.clone()) } else { spec.acquire_time.clone() },
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..spec
        });
        match self.within(self.leases.replace(&lease)).await {
            Ok(written) if may_lead => self.leads(sent, &written),
            Ok(_) => {}
            Err(LeaseError::Conflict) => self.leadership.resigns(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Makes a lease where there is none. Somebody may have deleted another's by hand: that one works on for as long as it lasts and
    /// makes it again meanwhile, so that who only waited for it waits as if it still stood. Who was just started cannot tell that from a
    /// cluster in which nobody ever led, and does not wait: databases refuse the one of two who has the lower number.
    async fn make(&mut self, sent: Instant) -> Result<(), LeaseError> {
        let is_first = self.leadership.leads() || !self.stood;
        if !is_first && !self.has_run_out(ABSENT, &LeaseSpec::default()) {
            return Ok(());
        }
        self.claim = if is_first { Claim::No } else { Claim::Sent };
        match self.within(self.leases.create(&self.new_lease())).await {
            Ok(made) => {
                self.stood = true;
                if self.claim_is_over() {
                    self.leads(sent, &made);
                }
                Ok(())
            }
            // Whose it is that stands there, perhaps ours by a call that was given up, is seen at the next look.
            Err(LeaseError::Conflict) => {
                self.leadership.resigns();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Whether nobody can lead any more by a lease that stood before ours, which stands now.
    fn claim_is_over(&mut self) -> bool {
        let now = self.leadership.now();
        match self.claim {
            Claim::No => return true,
            Claim::Sent => self.claim = Claim::Since(now),
            Claim::Since(since) if now - since >= self.longest => {
                self.claim = Claim::No;
                return true;
            }
            Claim::Since(_) => {}
        }
        false
    }

    fn new_lease(&self) -> Lease {
        let now = MicroTime(Timestamp::now());
        let clock = i32::try_from(now.0.as_second() - 1_700_000_000).unwrap_or(0);
        Lease {
            metadata: ObjectMeta {
                name: Some(self.settings.name.clone()),
                // By which `release` finds whoever works.
                labels: Some([(label::MANAGED_BY.to_owned(), names::MANAGER.to_owned())].into()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.settings.identity.clone()),
                lease_duration_seconds: i32::try_from(self.settings.duration.as_secs()).ok(),
                acquire_time: Some(now.clone()),
                renew_time: Some(now),
                // A lease that was deleted by hand must not count from the beginning again: databases remember.
                lease_transitions: Some(clock.max(self.newest.saturating_add(1))),
                ..LeaseSpec::default()
            }),
        }
    }

    /// Others count from when they see the lease renewed, which is after `sent`; a fifth is left for clocks that drift.
    fn leads(&mut self, sent: Instant, lease: &Lease) {
        let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
        self.newest = self.newest.max(transitions);
        let led = self.leadership.leads();
        self.leadership.leads_until(sent + self.settings.duration * 4 / 5, i64::from(transitions));
        if !led && self.leadership.leads() {
            tracing::info!(generation = transitions, "this operator leads");
        }
    }

    fn has_run_out(&mut self, version: &str, spec: &LeaseSpec) -> bool {
        let lasts = lasts(spec).unwrap_or(self.longest);
        let now = self.leadership.now();
        match &mut self.seen {
            Some(seen) if seen.version == version => {
                seen.lasts = lasts;
                now - seen.since >= lasts
            }
            _ => {
                self.seen = Some(Seen { version: version.to_owned(), since: now, lasts });
                false
            }
        }
    }

    /// A call that does not answer must not keep us from noticing that the lease ran out.
    async fn within<T>(&self, call: impl Future<Output = Result<T, LeaseError>>) -> Result<T, LeaseError> {
        let most = self.settings.duration / 4;
        tokio::time::timeout(most, call).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} ms", most.as_millis());
            Err(LeaseError::Failed(kube::Error::Service(message.into())))
        })
    }
}

/// How long a lease lasts without being renewed, as far as it says.
fn lasts(spec: &LeaseSpec) -> Option<Duration> {
    spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}
