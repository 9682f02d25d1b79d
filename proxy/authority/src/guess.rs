//! One guess at a password: a place among the few that may be in flight, the comparison off the request threads, and the
//! count. Whoever calls must let it run to its end even where the client has gone, or the place stays taken for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use secrecy::SecretString;
use tenantry_rules::email::Email;
use tenantry_rules::lockout::{LockoutPolicy, Outcome};
use tenantry_rules::password::{self, Rehash};
use tenantry_store::lockout::{self, Admission, Attempt};
use tenantry_store::{StoreError, User, users};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::problem::Problem;
use crate::state::AppState;

/// How long a guess waits for others at the same account.
const WAIT: Duration = Duration::from_secs(10);
/// Between two looks at a place that another process may hold.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Guesses that wait at one account; one more is told to come back.
const QUEUE: usize = 64;

/// The guesses of this process, by account.
#[derive(Default)]
pub(crate) struct Queues(Mutex<HashMap<String, Weak<Queue>>>);

struct Queue {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Queues {
    fn of(&self, account: &str, places: u32) -> Arc<Queue> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|_, queue| queue.strong_count() > 0);
        if let Some(queue) = queues.get(account).and_then(Weak::upgrade) {
            return queue;
        }
        let places = usize::try_from(places.max(1)).unwrap_or(1);
        let queue = Arc::new(Queue {
            places: Arc::new(Semaphore::new(places)),
            waiting: Arc::new(Semaphore::new(QUEUE + places)),
        });
        queues.insert(account.to_owned(), Arc::downgrade(&queue));
        queue
    }
}

/// What a guess came to.
pub(crate) enum Guess {
    /// The password is this user's.
    Right {
        user: User,
        /// A new hash to keep, where the old one is too cheap or cut the password short.
        rehashed: Option<(SecretString, Rehash)>,
    },
    /// It is not, or there is no such user, or the account is locked: nobody outside learns which.
    Wrong {
        /// The user whose password it was not, for the audit trail.
        user: Option<User>,
        locked: bool,
    },
}

/// Looks whether `password` is the one of the account with this address.
pub(crate) async fn guess(state: &AppState, email: &Email, password: SecretString) -> Result<Guess, Problem> {
    let policy = state.policy.load().lockout;
    let queue = state.queues.of(email.key(), policy.after);
    let Some((attempt, _held)) = place(state, &queue, email, policy).await? else {
        state.hashing.run(move || password::spend(&password)).await?;
        return Ok(Guess::Wrong { user: find(state, email).await?, locked: true });
    };
    let compared = compare(state, email, password).await;
    let outcome = match &compared {
        Ok((_, true, _)) => Outcome::Right,
        Ok((_, false, _)) => Outcome::Wrong,
        // Nothing was compared, so nothing was learned: the place is given back.
        Err(_) => Outcome::Abandoned,
    };
    let mut tx = state.store.write().await?;
    let locked = lockout::settle(&mut tx, attempt, outcome, policy).await?.is_some();
    tx.commit().await?;
    match compared? {
        (Some(user), true, rehashed) => Ok(Guess::Right { user, rehashed }),
        (user, _, _) => Ok(Guess::Wrong { user, locked }),
    }
}

/// A place in the database, and the one in this process that keeps it from being asked in vain. `None`: locked.
async fn place(
    state: &AppState,
    queue: &Queue,
    email: &Email,
    policy: LockoutPolicy,
) -> Result<Option<(Attempt, OwnedSemaphorePermit)>, Problem> {
    let busy = || Problem::too_many(Duration::from_secs(1));
    let _waiting = queue.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
    let until = Instant::now() + WAIT;
    let held = tokio::time::timeout_at(until, queue.places.clone().acquire_owned()).await;
    let held = held.map_err(|_| busy())?.map_err(|_| Problem::internal())?;
    loop {
        let mut tx = state.store.write().await?;
        match lockout::reserve(&mut tx, email, policy).await? {
            Admission::Admitted(attempt) => {
                tx.commit().await?;
                return Ok(Some((attempt, held)));
            }
            Admission::Locked { .. } => {
                tx.rollback().await?;
                return Ok(None);
            }
            Admission::Busy => tx.rollback().await?,
        }
        if Instant::now() >= until {
            return Err(busy());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

type Compared = (Option<User>, bool, Option<(SecretString, Rehash)>);

async fn compare(state: &AppState, email: &Email, password: SecretString) -> Result<Compared, Problem> {
    let user = find(state, email).await?;
    let kept = user.as_ref().map(|user| user.hashed_password.clone());
    let random = state.random.clone();
    let (matches, rehashed) = state
        .hashing
        .run(move || {
            let Some(kept) = kept else {
                password::spend(&password);
                return (false, None);
            };
            let verification = password::verify(&password, secrecy::ExposeSecret::expose_secret(&kept));
            let rehashed = verification.rehash.and_then(|why| {
                let hash = password::hash(&password, random.as_ref()).ok()?;
                Some((SecretString::from(hash), why))
            });
            (verification.matches, rehashed)
        })
        .await?;
    Ok((user, matches, rehashed))
}

async fn find(state: &AppState, email: &Email) -> Result<Option<User>, Problem> {
    let mut tx = state.store.read().await?;
    let user = match users::by_email(&mut tx, email).await {
        Err(StoreError::AmbiguousEmail) => {
            tracing::warn!("an e-mail address belongs to more than one account; nobody is let in by it");
            None
        }
        found => found?,
    };
    tx.rollback().await?;
    Ok(user)
}
