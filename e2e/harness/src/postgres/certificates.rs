//! The server's keys, where the server looks for them.

use super::StartError;
use crate::certificates::Authority;
use std::path::Path;

/// Writes `ca.pem`, `server.crt` and `server.key` into `folder`.
pub(super) fn write(folder: &Path) -> Result<(), StartError> {
    let authority = Authority::new("Tenantry test authority")?;
    let server = authority.server(&[])?;
    for (name, content) in
        [("ca.pem", authority.pem()), ("server.crt", &server.certificate), ("server.key", &server.key)]
    {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(StartError::io(path))?;
    }
    Ok(())
}
