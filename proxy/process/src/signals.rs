//! What asks a process to end, or to leave before it does.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Failure;

/// SIGINT, SIGTERM and SIGUSR1, heard from the moment at which this is made.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    leave: Signal,
}

impl Signals {
    /// Begins to hear them, on a runtime of tokio's.
    pub fn new() -> Result<Self, Failure> {
        let hear = |kind| {
            signal(kind).map_err(|error| Failure::new(format!("signals cannot be heard: {error}"), ""))
        };
        Ok(Self {
            interrupt: hear(SignalKind::interrupt())?,
            terminate: hear(SignalKind::terminate())?,
            leave: hear(SignalKind::user_defined1())?,
        })
    }

    /// Returns at SIGINT or SIGTERM.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Returns at SIGINT, SIGTERM, or, with false, at SIGUSR1: it is to send its clients elsewhere, and will be asked to end soon.
    pub async fn ends_or_leaves(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            _ = self.leave.recv() => false,
        }
    }

    /// Returns at SIGINT: somebody at a terminal does not want to wait.
    pub async fn interrupted(&mut self) {
        self.interrupt.recv().await;
    }
}
