//! One core's worth of gate: a thread with a runtime, its own listening sockets, token cache and upstream pools. Nothing in it
//! is shared with another worker but what [`Shared`] holds.

use std::cell::Cell;
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::connection::serve;
use crate::request::cache::TokenCache;
use crate::shared::{Phase, Shared};
use crate::upstream::Pool;

/// Pause after a failed accept: out of file descriptors, which closing connections will free.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// Between two warnings of one worker that upstream does not answer.
const COMPLAIN_AGAIN: Duration = Duration::from_secs(10);

/// How clients come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    Tls,
    Plain,
}

/// The sockets of one worker.
pub(crate) struct Sockets {
    pub tls: Vec<StdListener>,
    pub plain: Vec<StdListener>,
    pub acceptor: TlsAcceptor,
}

/// What the connections of one worker share.
pub(crate) struct Worker {
    pub shared: Arc<Shared>,
    pub cache: TokenCache,
    pub backend: Pool,
    pub authority: Pool,
    pub open: Cell<usize>,
    complained: Cell<Option<Instant>>,
}

impl Worker {
    /// Whether it is time to tell again that upstream does not answer: a log that repeats it at every request hides the rest.
    pub fn may_complain(&self) -> bool {
        let due = self.complained.get().is_none_or(|last| last.elapsed() >= COMPLAIN_AGAIN);
        if due {
            self.complained.set(Some(Instant::now()));
        }
        due
    }
}

/// Serves until the gate has stopped. Connections still open then are dropped with the thread.
pub(crate) fn run(shared: Arc<Shared>, sockets: Sockets) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let worker = Rc::new(Worker {
            cache: TokenCache::default(),
            backend: Pool::default(),
            authority: Pool::default(),
            open: Cell::new(0),
            complained: Cell::new(None),
            shared: Arc::clone(&shared),
        });
        for (listener, kind) in kinds(sockets.tls, Listener::Tls).chain(kinds(sockets.plain, Listener::Plain))
        {
            match TcpListener::from_std(listener) {
                Ok(listener) => {
                    tokio::task::spawn_local(accept(
                        Rc::clone(&worker),
                        listener,
                        kind,
                        sockets.acceptor.clone(),
                    ));
                }
                Err(error) => tracing::error!(%error, "a listening socket could not be used"),
            }
        }
        let mut phase = shared.phase.subscribe();
        // An error means that the gate is gone.
        drop(phase.wait_for(|phase| *phase >= Phase::Draining).await);
        loop {
            if worker.open.get() == 0 || *phase.borrow() == Phase::Stopped {
                return;
            }
            drop(
                tokio::time::timeout(
                    Duration::from_millis(20),
                    phase.wait_for(|phase| *phase == Phase::Stopped),
                )
                .await,
            );
        }
    });
    // A name that is being looked up does not hold up the end.
    runtime.shutdown_background();
    Ok(())
}

fn kinds(sockets: Vec<StdListener>, kind: Listener) -> impl Iterator<Item = (StdListener, Listener)> {
    sockets.into_iter().map(move |socket| (socket, kind))
}

async fn accept(worker: Rc<Worker>, listener: TcpListener, kind: Listener, acceptor: TlsAcceptor) {
    let mut phase = worker.shared.phase.subscribe();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase >= Phase::Draining) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => take(&worker, stream, peer, kind, &acceptor),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn take(
    worker: &Rc<Worker>,
    stream: TcpStream,
    peer: std::net::SocketAddr,
    kind: Listener,
    acceptor: &TlsAcceptor,
) {
    let most = worker.shared.known().map_or(usize::MAX, |known| known.view.backend.limits.connections);
    if worker.open.get() >= most.div_ceil(worker.shared.workers).max(1) {
        worker.shared.metrics.refused("connections");
        return;
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
        return;
    }
    let open = Open::new(worker);
    let acceptor = acceptor.clone();
    let worker = Rc::clone(worker);
    tokio::task::spawn_local(async move {
        serve::connection(worker, stream, peer, kind, acceptor).await;
        drop(open);
    });
}

/// Counts a connection for as long as it lives.
struct Open(Rc<Worker>);

impl Open {
    fn new(worker: &Rc<Worker>) -> Self {
        worker.open.set(worker.open.get() + 1);
        worker.shared.metrics.connections.inc();
        Self(Rc::clone(worker))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.shared.metrics.connections.dec();
    }
}
