//! Bodies on their way through: streamed with back-pressure in both directions, trailers dropped, the client's counted, the
//! backend's held by a lease that ends with the caller's right to it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tenantry_directory::check_current;
use tokio::time::{Instant, Sleep, sleep};

use crate::connection::InFlight;
use crate::request::cache::Entry;
use crate::upstream::Returning;
use crate::worker::Worker;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Between two looks at whether a caller may still receive an answer that takes its time.
const LOOK: Duration = Duration::from_millis(500);

/// The body of an answer to a client.
pub(crate) struct GateBody {
    kind: Kind,
    /// The request counts as in flight until its answer is sent or given up.
    in_flight: Option<InFlight>,
}

enum Kind {
    Full(Option<Bytes>),
    Upstream(Box<UpstreamBody>),
}

struct UpstreamBody {
    incoming: Incoming,
    connection: Option<Returning>,
    lease: Option<Lease>,
}

/// A caller's right to an answer that is still coming.
pub(crate) struct Lease {
    worker: Rc<Worker>,
    entry: Rc<Entry>,
    began: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Lease {
    pub fn new(worker: Rc<Worker>, entry: Rc<Entry>) -> Self {
        Self { worker, entry, began: Instant::now(), timer: Box::pin(sleep(LOOK)) }
    }

    /// The reason why the right ended while the backend made up its answer, if it did.
    pub fn ended_meanwhile(&self) -> Option<&'static str> {
        if self.began.elapsed() < LOOK { None } else { self.ended() }
    }

    fn ended(&self) -> Option<&'static str> {
        let known = self.worker.shared.known()?;
        let current = check_current(&self.entry.identity, &known.view, self.worker.shared.now());
        current.err().map(tenantry_directory::Refusal::reason)
    }

    /// The reason why the right has ended, once it has.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        while self.timer.as_mut().poll(cx).is_ready() {
            self.timer.as_mut().reset(Instant::now() + LOOK);
            if let Some(reason) = self.ended() {
                return Poll::Ready(reason);
            }
        }
        Poll::Pending
    }
}

impl GateBody {
    pub fn full(bytes: Bytes) -> Self {
        Self { kind: Kind::Full(Some(bytes).filter(|bytes| !bytes.is_empty())), in_flight: None }
    }

    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// An answer from upstream, whose connection goes back to its pool once all of it has arrived.
    pub fn upstream(incoming: Incoming, connection: Returning, lease: Option<Lease>) -> Self {
        let mut body = UpstreamBody { incoming, connection: Some(connection), lease };
        body.give_back_if_ended();
        Self { kind: Kind::Upstream(Box::new(body)), in_flight: None }
    }

    /// Keeps the request in flight for as long as this body lives.
    pub fn hold(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }
}

impl UpstreamBody {
    fn give_back_if_ended(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(connection) = self.connection.take()
        {
            connection.give_back();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        // First, so that a backend that always has more to say cannot put the question off.
        if let Some(Poll::Ready(reason)) = self.lease.as_mut().map(|lease| lease.poll_ended(cx)) {
            tracing::info!(reason, "cut an answer whose caller may not have the rest");
            return Poll::Ready(Some(Err(reason.into())));
        }
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.give_back_if_ended();
                    // Trailers are dropped: they could carry what was removed from the head.
                    if frame.is_data() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => {
                    if let Some(connection) = self.connection.take() {
                        connection.give_back();
                    }
                    return Poll::Ready(None);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Body for GateBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match &mut self.get_mut().kind {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Upstream(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::Upstream(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Upstream(body) => body.incoming.size_hint(),
        }
    }
}

/// What became of a client's body while it was sent on.
pub(crate) struct Upload {
    /// When the last of it moved.
    pub moved: Cell<Instant>,
    /// It was longer than allowed.
    pub too_large: Cell<bool>,
}

/// A client's body on its way upstream.
pub(crate) struct ClientBody {
    incoming: Option<Incoming>,
    left: u64,
    upload: Rc<Upload>,
}

impl ClientBody {
    /// At most `limit` bytes of `incoming`.
    pub fn new(incoming: Incoming, limit: u64) -> (Self, Rc<Upload>) {
        let upload = Rc::new(Upload { moved: Cell::new(Instant::now()), too_large: Cell::new(false) });
        let incoming = Some(incoming).filter(|incoming| !incoming.is_end_stream());
        (Self { incoming, left: limit, upload: Rc::clone(&upload) }, upload)
    }

    /// Nothing, for a request that is tried again.
    pub fn empty() -> Self {
        let upload = Upload { moved: Cell::new(Instant::now()), too_large: Cell::new(false) };
        Self { incoming: None, left: 0, upload: Rc::new(upload) }
    }

    pub fn is_empty(&self) -> bool {
        self.incoming.is_none()
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.get_mut();
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        loop {
            let frame = match Pin::new(&mut *incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            };
            this.upload.moved.set(Instant::now());
            // Trailers are dropped: a backend could merge them into the head.
            let Ok(data) = frame.into_data() else { continue };
            match this.left.checked_sub(data.len() as u64) {
                Some(left) => this.left = left,
                None => {
                    this.upload.too_large.set(true);
                    return Poll::Ready(Some(Err("the body is longer than allowed".into())));
                }
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
