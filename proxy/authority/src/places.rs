//! How many connections a listener holds. Whoever can reach it may open one, so a full listener cuts the oldest that has not shown a
//! gate's credential: a gate needs a moment for that, and who floods has to be faster than the moment.

use std::collections::BTreeMap;
use std::future::{Future, Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::Layer as _;

use crate::metrics::Connections;
use crate::seldom::Seldom;

/// The places of one listener; it is what accepts its connections.
#[derive(Clone)]
pub(crate) struct Places(Arc<Inner>);

struct Inner {
    most: usize,
    taken: Mutex<Taken>,
    counted: Connections,
    told: Seldom,
}

#[derive(Default)]
struct Taken {
    count: usize,
    /// Those that have not proved to be a gate's, the oldest first.
    unproved: BTreeMap<u64, CancellationToken>,
    next: u64,
}

/// A connection's place, given back when it is dropped. Each request carries it.
#[derive(Clone)]
pub(crate) struct Place(Arc<Held>);

struct Held {
    places: Arc<Inner>,
    number: u64,
    /// Cancelled when the place is another's.
    cut: CancellationToken,
}

impl Places {
    pub fn new(most: usize, counted: Connections) -> Self {
        Self(Arc::new(Inner { most, taken: Mutex::default(), counted, told: Seldom::default() }))
    }

    /// A place, if need be that of the oldest connection that has proved nothing; `None` where all have.
    fn take(&self) -> Option<Place> {
        let mut taken = self.0.taken();
        if taken.count >= self.0.most {
            self.0.tell();
            let (_, cut) = taken.unproved.pop_first()?;
            cut.cancel();
            taken.count -= 1;
        }
        let (number, cut) = (taken.next, CancellationToken::new());
        taken.next += 1;
        taken.count += 1;
        taken.unproved.insert(number, cut.clone());
        self.0.counted.open.inc();
        Some(Place(Arc::new(Held { places: Arc::clone(&self.0), number, cut })))
    }
}

impl Inner {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.counted.refused.inc();
        if let Some(refused) = self.told.count(Instant::now()) {
            let (listener, most) = (self.counted.listener, self.most);
            tracing::warn!(listener, most, refused, "a listener is full: connections were closed");
        }
    }
}

impl Place {
    /// A gate has it; nobody else gets it from now on.
    pub fn prove(&self) {
        self.0.places.taken().unproved.remove(&self.0.number);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.places.counted.open.dec();
        let mut taken = self.places.taken();
        taken.unproved.remove(&self.number);
        // One that was cut gave its place to another.
        if !self.cut.is_cancelled() {
            taken.count -= 1;
        }
    }
}

impl<S> Accept<TcpStream, S> for Places {
    type Stream = Cut<TcpStream>;
    type Service = AddExtension<S, Place>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let full = || io::Error::new(io::ErrorKind::ConnectionRefused, "the listener is full");
        ready(stream.set_nodelay(true).and_then(|()| self.take().ok_or_else(full)).map(|place| {
            let until = Box::pin(place.0.cut.clone().cancelled_owned());
            (Cut { stream, until, _place: place.clone() }, Extension(place).layer(service))
        }))
    }
}

/// A connection that ends when its place is another's.
pub(crate) struct Cut<S> {
    stream: S,
    until: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place,
}

impl<S> Cut<S> {
    fn ended(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.until.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "another has its place")),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cut<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.ended(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cut<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.ended(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.ended(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn places(most: usize) -> Places {
        Places::new(most, Metrics::new().connections("requests"))
    }

    fn is_cut(place: &Place) -> bool {
        place.0.cut.is_cancelled()
    }

    #[test]
    fn a_flood_of_strangers_cuts_strangers_and_no_gate() {
        let places = places(3);
        let gate = places.take().unwrap();
        gate.prove();
        let mut strangers: Vec<Place> = (0..1000).map(|_| places.take().unwrap()).collect();
        assert!(!is_cut(&gate));
        assert_eq!(strangers.iter().filter(|stranger| !is_cut(stranger)).count(), 2, "the last two");
        let another = places.take().unwrap();
        another.prove();
        strangers.push(places.take().unwrap());
        assert!(!is_cut(&gate) && !is_cut(&another));
        assert_eq!(places.0.counted.refused.get(), 1000);
    }

    #[test]
    fn gates_alone_do_not_displace_each_other_and_a_place_that_was_given_back_is_anothers() {
        let places = places(2);
        let gates = [places.take().unwrap(), places.take().unwrap()];
        gates.iter().for_each(Place::prove);
        assert!(places.take().is_none());
        let [first, second] = gates;
        drop(first);
        let third = places.take().unwrap();
        drop(third);
        let third = places.take().unwrap();
        third.prove();
        assert!(places.take().is_none() && !is_cut(&second));
        drop((second, third));
        assert_eq!((places.0.taken().count, places.0.counted.open.get()), (0, 0));
    }

    #[test]
    fn who_was_cut_gives_no_place_back_twice() {
        let places = places(1);
        let first = places.take().unwrap();
        let second = places.take().unwrap();
        first.prove();
        drop(first);
        second.prove();
        assert!(places.take().is_none());
    }
}
