//! The way to the authority: whom a gate takes for it (`trust`), what it proves itself with (`credential`), and the connection
//! itself (`dial`). What comes from files is read again while the gate runs, so that a renewal needs no restart; a connection carries
//! with it whether a CA was withdrawn since.

mod credential;
mod dial;
mod fingerprint;
mod trust;

use std::time::Duration;

pub use credential::{Credential, CredentialError};
pub(crate) use dial::{Dialled, TRIES, dial, is_loopback};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use trust::{Trust, TrustError};

use crate::config::AuthorityEndpoint;

/// Between two readings of the files; the kubelet replaces a token long before it ends.
const LOOK: Duration = Duration::from_secs(5);

/// Reads the token and the CA bundle again and again, until it is dropped.
pub(crate) async fn keep_current(endpoint: AuthorityEndpoint) {
    loop {
        tokio::time::sleep(LOOK).await;
        refresh(&endpoint).await;
    }
}

/// Reads the token and the CA bundle again, off the threads that serve.
pub(crate) async fn refresh(endpoint: &AuthorityEndpoint) {
    let endpoint = endpoint.clone();
    let reading = tokio::task::spawn_blocking(move || {
        endpoint.credential.refresh();
        if let Some(trust) = &endpoint.tls {
            trust.refresh();
        }
    });
    // An error means that the gate is on its way out.
    drop(reading.await);
}
