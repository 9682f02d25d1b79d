//! Connections at rest, the last used first: it is the least likely to have been closed, and the others may idle away.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::To;
use crate::body::ClientBody;
use crate::worker::Worker;

/// Most connections at rest of one worker.
const MOST: usize = 128;
/// How long one may rest; common servers close theirs after five seconds.
const REST: Duration = Duration::from_secs(4);

/// One that can take a request.
pub(super) struct Connection {
    pub sender: SendRequest<ClientBody>,
    /// Cancelled once it must not be used again.
    pub withdrawn: CancellationToken,
}

/// Connections at rest.
#[derive(Default)]
pub(crate) struct Pool(RefCell<Vec<Resting>>);

struct Resting {
    connection: Connection,
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
    /// The last used connection to `address` that is still open and may be used.
    pub(super) fn take(&self, address: &str) -> Option<Connection> {
        let mut resting = self.0.borrow_mut();
        while let Some(Resting { connection, address: of, since }) = resting.pop() {
            let may_be_used = connection.sender.is_ready() && !connection.withdrawn.is_cancelled();
            if of.as_ref() == address && may_be_used && since.elapsed() < REST {
                return Some(connection);
            }
        }
        None
    }

    fn put(&self, connection: Connection, address: Rc<str>) {
        let mut resting = self.0.borrow_mut();
        if resting.len() >= MOST {
            resting.remove(0);
        }
        resting.push(Resting { connection, address, since: Instant::now() });
    }
}

/// A connection whose answer is still arriving. Dropped, it is closed; whatever was not read would be the next answer's.
pub(crate) struct Returning {
    worker: Rc<Worker>,
    to: To,
    address: Rc<str>,
    connection: Connection,
}

impl Returning {
    pub(super) fn new(worker: Rc<Worker>, to: To, address: &str, connection: Connection) -> Self {
        Self { worker, to, address: address.into(), connection }
    }

    /// Puts the connection to rest as soon as it is ready for another request.
    pub(crate) fn give_back(self) {
        let Self { worker, to, address, mut connection } = self;
        tokio::task::spawn_local(async move {
            if connection.sender.ready().await.is_ok() {
                of(&worker, to).put(connection, address);
            }
        });
    }
}
