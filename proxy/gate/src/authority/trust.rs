use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_util::sync::CancellationToken;

use super::Fingerprint;
use crate::said::Said;
use crate::tls::provider;

/// Longest bundle in bytes; the system's whole store is a quarter of it.
const MOST: u64 = 1 << 20;

/// Whom a gate takes for the authority: who has a certificate, for the name that was called, of a CA in a PEM file. Several CAs
/// count while one is replaced by the next. Cheap to clone; all clones see a file that was replaced.
#[derive(Clone)]
pub struct Trust(Arc<Inner>);

struct Inner {
    bundle: PathBuf,
    pins: Vec<Fingerprint>,
    current: ArcSwap<Current>,
    said: Mutex<Said>,
}

struct Current {
    pem: Vec<u8>,
    trusted: Trusted,
}

/// The CAs that count at one time.
#[derive(Clone)]
pub(crate) struct Trusted {
    /// The client's side of handshakes.
    pub client: Arc<ClientConfig>,
    /// Cancelled once one of them counts no longer: what was opened under them may be with whom nobody trusts any more.
    pub withdrawn: CancellationToken,
    cas: HashSet<Fingerprint>,
}

impl Trusted {
    /// Whether the two were read at once.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.client, &other.client)
    }
}

/// Why nobody could be taken for the authority. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The bundle cannot be read.
    #[error("cannot read the CA bundle {path}: {source}; name a readable file with the CA of the authority")]
    Read {
        /// The bundle.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The bundle is no bundle.
    #[error("{path} holds no certificate in PEM form; write the CA certificate of the authority into it")]
    Empty {
        /// The bundle.
        path: PathBuf,
    },
    /// One of the certificates is damaged, or no CA's.
    #[error("a certificate of {path} cannot be used: {reason}; take it out, or replace it")]
    Certificate {
        /// The bundle.
        path: PathBuf,
        /// What the TLS library says.
        reason: String,
    },
    /// Certificates, but none of those that were named.
    #[error(
        "no certificate of {path} has a pinned fingerprint (there: {found}); correct the bundle or the pinned fingerprints"
    )]
    NonePinned {
        /// The bundle.
        path: PathBuf,
        /// The fingerprints of its certificates.
        found: String,
    },
}

impl Trust {
    /// The CAs of a PEM file. Where `pins` are given, only those with one of these fingerprints count.
    pub fn open(bundle: impl Into<PathBuf>, pins: Vec<Fingerprint>) -> Result<Self, TrustError> {
        let bundle = bundle.into();
        let pem = read(&bundle)?;
        let trusted = trusted(&bundle, &pem, &pins)?;
        let current = ArcSwap::from_pointee(Current { pem, trusted });
        Ok(Self(Arc::new(Inner { bundle, pins, current, said: Mutex::default() })))
    }

    /// Who counts now.
    pub(crate) fn current(&self) -> Trusted {
        self.0.current.load().trusted.clone()
    }

    /// Reads the bundle again. What cannot be used is told, and the last bundle stays.
    pub(crate) fn refresh(&self) {
        let Inner { bundle, pins, current, said } = self.0.as_ref();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let renewed = read(bundle).and_then(|pem| {
            let before = current.load();
            if pem == before.pem {
                return Ok(None);
            }
            let mut trusted = trusted(bundle, &pem, pins)?;
            let takes_away = !before.trusted.cas.is_subset(&trusted.cas);
            if !takes_away {
                trusted.withdrawn = before.trusted.withdrawn.clone();
            }
            Ok(Some((Current { pem, trusted }, takes_away)))
        });
        match renewed {
            Ok(renewed) => {
                if said.is_over() {
                    tracing::info!(path = %bundle.display(), "the CA bundle is in order again");
                }
                if let Some((renewed, takes_away)) = renewed {
                    tracing::info!(path = %bundle.display(), "the CA bundle was replaced");
                    let before = current.swap(Arc::new(renewed));
                    // Not before the swap: who leaves a connection for it finds the new ones.
                    if takes_away {
                        before.trusted.withdrawn.cancel();
                    }
                }
            }
            Err(error) if said.is_news(&error.to_string(), Instant::now()) => {
                tracing::error!("{error}. The last bundle counts until then");
            }
            Err(_) => {}
        }
    }
}

fn read(bundle: &Path) -> Result<Vec<u8>, TrustError> {
    let mut pem = Vec::new();
    File::open(bundle)
        .and_then(|file| file.take(MOST).read_to_end(&mut pem))
        .map_err(|source| TrustError::Read { path: bundle.to_owned(), source })?;
    Ok(pem)
}

fn trusted(bundle: &Path, pem: &[u8], pins: &[Fingerprint]) -> Result<Trusted, TrustError> {
    let path = || bundle.to_owned();
    let unusable = |reason: String| TrustError::Certificate { path: path(), reason };
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    if all.is_empty() {
        return Err(TrustError::Empty { path: path() });
    }
    let counts = |found: &Fingerprint| pins.is_empty() || pins.contains(found);
    let (mut roots, mut cas) = (RootCertStore::empty(), HashSet::new());
    for certificate in all.iter().filter(|certificate| counts(&Fingerprint::of(certificate))) {
        roots.add(certificate.clone()).map_err(|error| unusable(error.to_string()))?;
        cas.insert(Fingerprint::of(certificate));
    }
    if roots.is_empty() {
        let found: Vec<String> = all.iter().map(|der| Fingerprint::of(der).to_string()).collect();
        return Err(TrustError::NonePinned { path: path(), found: found.join(", ") });
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session shows no certificate: one that has ended or was replaced would go on counting.
    config.resumption = Resumption::disabled();
    Ok(Trusted { client: Arc::new(config), withdrawn: CancellationToken::new(), cas })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;

    /// A CA certificate as PEM, and its fingerprint.
    fn ca() -> (String, Fingerprint) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        (made.pem(), Fingerprint::of(made.der()))
    }

    #[test]
    fn a_bundle_without_a_usable_ca_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        let said = |pins| Trust::open(&path, pins).err().unwrap().to_string();
        assert!(said(vec![]).contains("name a readable file"), "{}", said(vec![]));
        fs::write(&path, "nothing").unwrap();
        assert!(said(vec![]).contains("holds no certificate"), "{}", said(vec![]));
        fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(said(vec![]).contains("cannot be used"), "{}", said(vec![]));
        let ((pem, print), (_, other)) = (ca(), ca());
        fs::write(&path, pem).unwrap();
        let refused = said(vec![other]);
        assert!(
            refused.contains("has a pinned fingerprint") && refused.contains(&print.to_string()),
            "{refused}"
        );
        assert!(Trust::open(&path, vec![other, print]).is_ok());
    }

    #[test]
    fn a_replaced_bundle_counts_and_a_spoiled_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        let ((first, _), (second, _)) = (ca(), ca());
        fs::write(&path, &first).unwrap();
        let trust = Trust::open(&path, vec![]).unwrap();
        let counted = trust.current();
        trust.refresh();
        assert!(Arc::ptr_eq(&counted.client, &trust.current().client), "it is the same");
        fs::write(&path, first + &second).unwrap();
        trust.refresh();
        let renewed = trust.current();
        assert!(!Arc::ptr_eq(&counted.client, &renewed.client));
        for spoiled in ["", "nothing"] {
            fs::write(&path, spoiled).unwrap();
            trust.refresh();
        }
        fs::remove_file(&path).unwrap();
        trust.refresh();
        assert!(
            Arc::ptr_eq(&renewed.client, &trust.current().client),
            "the last one that could be used counts on"
        );
        assert!(!renewed.withdrawn.is_cancelled());
    }

    #[test]
    fn what_was_opened_under_a_ca_that_was_taken_away_is_told_and_an_added_ca_disturbs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        let ((first, print), (second, other), (third, _)) = (ca(), ca(), ca());
        fs::write(&path, &first).unwrap();
        let trust = Trust::open(&path, vec![print, other]).unwrap();
        let under_first = trust.current();
        let replace = |pem: String| {
            fs::write(&path, pem).unwrap();
            trust.refresh();
            trust.current()
        };
        let under_both = replace(format!("{first}{second}"));
        replace(format!("{second}\n{first}"));
        replace(format!("{first}{second}{third}"));
        replace(format!("{first}{second}"));
        assert!(!under_first.withdrawn.is_cancelled(), "one that is not pinned comes and goes unnoticed");
        let under_second = replace(second.clone());
        assert!(under_first.withdrawn.is_cancelled() && under_both.withdrawn.is_cancelled());
        assert!(!under_second.withdrawn.is_cancelled());
        replace(first + &second);
        assert!(!under_second.withdrawn.is_cancelled());
    }
}
