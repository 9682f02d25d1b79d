//! What a connection is doing: how many requests are in flight, since when it has been idle, and what it was refused for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

/// Shared by a connection's task, its guard and the requests on it.
#[derive(Debug)]
pub(crate) struct Activity {
    in_flight: Cell<usize>,
    idle_since: Cell<Instant>,
    waiting: RefCell<Option<Waker>>,
    fault: Cell<Option<&'static str>>,
}

/// One request in flight; dropped when its answer has been sent or given up.
#[derive(Debug)]
pub(crate) struct InFlight(Rc<Activity>);

impl Activity {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            in_flight: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            waiting: RefCell::new(None),
            fault: Cell::new(None),
        })
    }

    pub(crate) fn begin(self: &Rc<Self>) -> InFlight {
        self.in_flight.set(self.in_flight.get() + 1);
        InFlight(Rc::clone(self))
    }

    /// How long nothing has been in flight; `None` while something is.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        (self.in_flight.get() == 0).then(|| self.idle_since.get().elapsed())
    }

    pub(crate) fn poll_idle(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.in_flight.get() == 0 {
            return Poll::Ready(());
        }
        *self.waiting.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn note_fault(&self, reason: &'static str) {
        self.fault.set(Some(reason));
    }

    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.fault.get()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let left = self.0.in_flight.get() - 1;
        self.0.in_flight.set(left);
        if left == 0 {
            self.0.idle_since.set(Instant::now());
            if let Some(waker) = self.0.waiting.borrow_mut().take() {
                waker.wake();
            }
        }
    }
}
