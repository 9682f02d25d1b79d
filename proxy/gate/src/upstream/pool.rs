//! Connections at rest, the last used first: it is the least likely to have been closed, and the others may idle away.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use super::To;
use crate::body::ClientBody;
use crate::worker::Worker;

/// Most connections at rest of one worker.
const MOST: usize = 128;
/// How long one may rest; common servers close theirs after five seconds.
const REST: Duration = Duration::from_secs(4);

/// Connections at rest.
#[derive(Default)]
pub(crate) struct Pool(RefCell<Vec<Resting>>);

struct Resting {
    sender: SendRequest<ClientBody>,
    address: Rc<str>,
    since: Instant,
}

pub(super) fn of(worker: &Worker, to: To) -> &Pool {
    match to {
        To::Backend => &worker.backend,
        To::Authority => &worker.authority,
    }
}

impl Pool {
    /// The last used connection to `address` that is still open.
    pub(super) fn take(&self, address: &str) -> Option<SendRequest<ClientBody>> {
        let mut resting = self.0.borrow_mut();
        while let Some(last) = resting.pop() {
            if last.address.as_ref() == address && last.sender.is_ready() && last.since.elapsed() < REST {
                return Some(last.sender);
            }
        }
        None
    }

    fn put(&self, sender: SendRequest<ClientBody>, address: Rc<str>) {
        let mut resting = self.0.borrow_mut();
        if resting.len() >= MOST {
            resting.remove(0);
        }
        resting.push(Resting { sender, address, since: Instant::now() });
    }
}

/// A connection whose answer is still arriving. Dropped, it is closed; whatever was not read would be the next answer's.
pub(crate) struct Returning {
    worker: Rc<Worker>,
    to: To,
    address: Rc<str>,
    sender: SendRequest<ClientBody>,
}

impl Returning {
    pub(super) fn new(worker: Rc<Worker>, to: To, address: &str, sender: SendRequest<ClientBody>) -> Self {
        Self { worker, to, address: address.into(), sender }
    }

    /// Puts the connection to rest as soon as it is ready for another request.
    pub(crate) fn give_back(self) {
        let Self { worker, to, address, mut sender } = self;
        tokio::task::spawn_local(async move {
            if sender.ready().await.is_ok() {
                of(&worker, to).put(sender, address);
            }
        });
    }
}
