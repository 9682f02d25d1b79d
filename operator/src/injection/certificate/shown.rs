//! What a replica shows: whatever the Secret has, looked at again and again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use secrecy::ExposeSecret;

use super::held;
use crate::certificates::Pair;
use crate::metrics::Health;
use crate::stores::kubernetes::trouble;

/// Until the Secret is there for the first time.
const AT_FIRST: Duration = Duration::from_millis(500);

/// How often certificates are looked at that last so long: often enough for a step of their rotation not to be missed.
pub fn glance(certificate: Duration) -> Duration {
    (certificate / 40).clamp(Duration::from_millis(200), Duration::from_secs(10))
}

/// The certificate that is shown, once there is one.
#[derive(Default)]
pub struct Shown(ArcSwapOption<CertifiedKey>);

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

impl Shown {
    /// What a server needs to show it.
    pub fn server(self: &Arc<Self>) -> Arc<rustls::ServerConfig> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        Arc::new(rustls::ServerConfig::builder().with_no_client_auth().with_cert_resolver(resolver))
    }

    /// Shows what a Secret has, and whatever it has later, for good.
    pub async fn follow(&self, secrets: Api<Secret>, name: &str, lasts: Duration, health: Health) {
        let (mut version, mut told) = (None, None);
        loop {
            let problem = match secrets.get_opt(name).await {
                Ok(Some(secret)) if secret.metadata.resource_version == version => None,
                Ok(Some(secret)) => {
                    match held::shown(&secret.data.unwrap_or_default()).ok().and_then(|pair| usable(&pair)) {
                        Some(pair) => {
                            version = secret.metadata.resource_version;
                            self.0.store(Some(Arc::new(pair)));
                            health.has_certificate();
                            None
                        }
                        None => Some("its content is no certificate with a key".to_owned()),
                    }
                }
                Ok(None) => Some("it is not there; the leader makes it".to_owned()),
                Err(error) => Some(trouble("it", &error).message),
            };
            // What lasts is told once.
            if problem != told
                && let Some(problem) = &problem
            {
                tracing::warn!("the Secret {name}, of which the webhook shows the certificate: {problem}");
            }
            told = problem;
            tokio::time::sleep(if version.is_none() { AT_FIRST } else { glance(lasts) }).await;
        }
    }
}

fn usable(pair: &Pair) -> Option<CertifiedKey> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(pair.key.expose_secret().as_bytes()).ok()?;
    CertifiedKey::from_der(chain.ok()?, key, &default_provider()).ok()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_pair_that_fits_is_usable_and_one_that_does_not_is_not() {
        let (now, hour) = (Utc::now(), Duration::from_hours(1));
        let authority = Pair::authority("tried", now, hour).unwrap();
        let mut pair = authority.signs("tried", &["a".into()], now, hour).unwrap();
        assert!(usable(&pair).is_some());
        pair.key = authority.key;
        assert!(usable(&pair).is_none());
    }

    #[test]
    fn a_step_of_a_rotation_is_seen_before_the_next() {
        for lasts in [Duration::from_secs(10), Duration::from_mins(1), Duration::from_hours(24 * 30)] {
            assert!(glance(lasts) * 3 < lasts / 10, "{lasts:?}");
        }
    }
}
