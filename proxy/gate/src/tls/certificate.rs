//! The certificate and its key: made on first start for the loopback names, or somebody else's files.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsSource;
use crate::start::TlsError;

const LOOPBACK_NAMES: [&str; 5] =
    ["localhost", "tenantry.localhost", "*.tenantry.localhost", "127.0.0.1", "::1"];

pub(super) fn load(source: &TlsSource, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    match source {
        TlsSource::Files { certificate, key } => read(certificate, key, provider),
        TlsSource::Folder { folder, names } => {
            let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
            if !(certificate.exists() && key.exists()) {
                make(folder, names, &certificate, &key)?;
            }
            read(&certificate, &key, provider)
        }
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let mode = fs::metadata(key).map_err(|error| file(key, error))?.mode() & 0o777;
    // Group may read: that is how a mounted Secret arrives for a process that is not root.
    if mode & 0o027 != 0 {
        return Err(TlsError::KeyMode { path: key.to_owned(), mode });
    }
    let pem = fs::read(certificate).map_err(|error| file(certificate, error))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::Pem { path: certificate.to_owned(), what: "certificate" })?;
    let pem = zeroize::Zeroizing::new(fs::read(key).map_err(|error| file(key, error))?);
    let private = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| TlsError::Pem { path: key.to_owned(), what: "private key" })?;
    CertifiedKey::from_der(chain, private, provider)
        .map_err(|error| TlsError::Pair { path: certificate.to_owned(), reason: error.to_string() })
}

fn make(folder: &Path, names: &[String], certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let mut all: Vec<String> = LOOPBACK_NAMES.iter().map(|name| (*name).to_owned()).collect();
    all.extend(names.iter().filter(|name| !LOOPBACK_NAMES.contains(&name.as_str())).cloned());
    let generate = |error: rcgen::Error| TlsError::Generate(error.to_string());
    let mut params = CertificateParams::new(all).map_err(generate)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Tenantry on this machine");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let pair = KeyPair::generate().map_err(generate)?;
    let made = params.self_signed(&pair).map_err(generate)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| file(folder, error))?;
    // The key first: a certificate without one is made again, a pair is not.
    write(key, pair.serialize_pem().as_bytes(), 0o600)?;
    write(certificate, made.pem().as_bytes(), 0o644)?;
    tracing::info!(path = %certificate.display(), "made a certificate for this machine");
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    let beside = path.with_extension("new");
    let written =
        fs::OpenOptions::new().create(true).truncate(true).write(true).mode(mode).open(&beside).and_then(
            |mut to| {
                to.write_all(bytes)?;
                to.sync_all()?;
                fs::rename(&beside, path)
            },
        );
    written.map_err(|error| file(path, error))
}

fn file(path: &Path, source: io::Error) -> TlsError {
    TlsError::File { path: PathBuf::from(path), source }
}
