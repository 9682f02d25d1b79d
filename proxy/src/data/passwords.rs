//! Generated passwords of first administrators: a file each, of mode 0600, written before the account exists, so that a crash
//! between the two loses nothing.

use std::fs;
use std::io;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use tenantry_rules::password;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::slug::Slug;

use super::{DataFolder, write};
use tenantry_process::Failure;

impl DataFolder {
    /// Where the generated password of this organization's first administrator is.
    pub fn password_file(&self, slug: &Slug) -> PathBuf {
        self.path().join(format!("admin-{}.password", slug.as_str()))
    }

    /// The generated password of this organization's first administrator: the one that was written before, or a new one.
    pub fn generated_password(&self, slug: &Slug) -> Result<SecretString, Failure> {
        let path = self.password_file(slug);
        let cannot = |error: &dyn std::fmt::Display| {
            Failure::new(
                format!("the generated password cannot be kept in {}: {error}", path.display()),
                "Make the data folder writable, or give a passwordSecretRef in the manifest.",
            )
        };
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(text.trim().to_owned().into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(&error)),
        }
        let generated = password::generate(&SystemRandom).map_err(|error| cannot(&error))?;
        let line = zeroize::Zeroizing::new(format!("{}\n", generated.expose_secret()));
        write::create(&path, line.as_bytes(), 0o600).map_err(|error| cannot(&error))?;
        Ok(generated)
    }
}
