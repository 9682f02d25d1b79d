//! Password hashing off the request threads: few threads of low priority and a bounded queue, so that a login flood slows logins only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::problem::Problem;

type Job = Box<dyn FnOnce() + Send>;

/// A handle on the hashing threads; they end when the last handle is dropped.
#[derive(Clone)]
pub struct HashingPool {
    jobs: SyncSender<Job>,
    done: Arc<AtomicU64>,
}

/// Why a hash was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// The queue is full.
    #[error("too many passwords are waiting to be hashed")]
    Full,
    /// A thread died while at it.
    #[error("a hashing thread is gone")]
    Gone,
}

impl From<HashingError> for Problem {
    fn from(error: HashingError) -> Self {
        tracing::warn!(%error, "password not hashed");
        Self::unavailable()
    }
}

impl HashingPool {
    /// Starts `threads` threads with room for `queue` waiting jobs.
    pub fn start(threads: usize, queue: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel::<Job>(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..threads.max(1) {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name(format!("hashing-{n}")).spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs, done: Arc::default() })
    }

    /// Half the cores, at least one: the other half is the gate's even under a flood.
    pub fn start_default() -> std::io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::start((cores / 2).max(1), 256)
    }

    /// Runs `job` on a hashing thread.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let (answer, result) = oneshot::channel();
        let done = Arc::clone(&self.done);
        let job: Job = Box::new(move || {
            let value = job();
            done.fetch_add(1, Ordering::Relaxed);
            // A caller that went away needs no answer, but its work still counts as done.
            drop(answer.send(value));
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => HashingError::Full,
            TrySendError::Disconnected(_) => HashingError::Gone,
        })?;
        result.await.map_err(|_| HashingError::Gone)
    }

    /// Jobs finished so far, whether or not somebody still waited for them.
    pub fn jobs_done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    // On Linux the priority is the thread's own. Without the right to change it, hashing competes on even terms.
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(%error, "hashing threads keep their priority");
    }
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => {
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a hashing job panicked");
                }
            }
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_a_panic_costs_one_job_only() {
        let pool = HashingPool::start(1, 1).unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move || {
                    started.send(()).unwrap();
                    held.recv().unwrap();
                })
                .await
            }
        });
        running.await.unwrap();
        pool.jobs.try_send(Box::new(|| panic!("of this job only"))).unwrap();
        assert_eq!(pool.run(|| ()).await, Err(HashingError::Full));
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(()));
        while pool.run(|| 7).await != Ok(7) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn hashing_runs_on_threads_of_its_own() {
        let pool = HashingPool::start(2, 8).unwrap();
        let name = pool.run(|| thread::current().name().map(str::to_owned)).await.unwrap();
        assert!(name.unwrap().starts_with("hashing-"));
        assert_eq!(pool.jobs_done(), 1);
    }
}
