//! A certificate authority for one test server, and the server's certificate for `localhost` and 127.0.0.1.

use super::StartError;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::path::Path;

/// Writes `ca.pem`, `server.crt` and `server.key` into `folder`.
pub(super) fn write(folder: &Path) -> Result<(), StartError> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.distinguished_name.push(DnType::CommonName, "Tenantry test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&authority_key)?;

    let server_key = KeyPair::generate()?;
    let server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let certificate = server.signed_by(&server_key, &Issuer::new(authority, authority_key))?;

    for (name, content) in [
        ("ca.pem", authority_certificate.pem()),
        ("server.crt", certificate.pem()),
        ("server.key", server_key.serialize_pem()),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(StartError::io(path))?;
    }
    Ok(())
}
