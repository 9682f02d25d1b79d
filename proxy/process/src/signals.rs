//! What asks a process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Failure;

/// SIGINT and SIGTERM, heard from the moment at which this is made.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to hear them, on a runtime of tokio's.
    pub fn new() -> Result<Self, Failure> {
        let hear = |kind| {
            signal(kind).map_err(|error| Failure::new(format!("signals cannot be heard: {error}"), ""))
        };
        Ok(Self { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    /// Returns at either.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Returns at SIGINT: somebody at a terminal does not want to wait.
    pub async fn interrupted(&mut self) {
        self.interrupt.recv().await;
    }
}
