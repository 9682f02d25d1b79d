//! Opening the database that a process was told of, with the keyring that seals it.

use std::path::PathBuf;

use secrecy::SecretString;
use tenantry_process::{Failure, parted};
use tenantry_store::{OpenError, Options, Store};

use crate::data::{DataFolder, keyring};

const CONNECTIONS: u32 = 8;

/// A database, and what for.
pub struct Wanted<'a> {
    /// Its URL; `None`: the embedded one of the data folder.
    pub url: Option<SecretString>,
    /// Who signed its certificate.
    pub ca: Option<PathBuf>,
    /// The sealing keyring; `None`: that of the data folder, made where there is none.
    pub keyring: Option<PathBuf>,
    /// The data folder.
    pub data: Option<&'a DataFolder>,
    /// `<namespace>/<name>` of the Backend.
    pub backend: String,
    /// Which cluster, or stand-alone folder, this is.
    pub cluster: String,
}

/// Opens it. A start that fails leaves no keyring behind that seals nothing.
pub async fn open(wanted: Wanted<'_>) -> Result<Store, Failure> {
    let Wanted { url, ca, keyring: path, data, backend, cluster } = wanted;
    let (path, is_ours) = match (path, data) {
        (Some(path), Some(_)) => (path, true),
        (Some(path), None) => (path, false),
        (None, Some(data)) => (data.path().join("sealing-keyring.json"), true),
        (None, None) => return Err(unnamed("the sealing keyring", "--sealing-keyring")),
    };
    let existed = path.exists();
    let sealed_already = url.is_none() && data.is_some_and(DataFolder::has_database);
    let keyring = keyring::open(&path, sealed_already || !is_ours)?;
    let url = match (url, data) {
        (Some(url), _) => url,
        (None, Some(data)) => data.database_url().into(),
        (None, None) => return Err(unnamed("the database", "TENANTRY_DATABASE")),
    };
    let options = Options {
        url,
        ca: ca.map(Into::into),
        connections: CONNECTIONS,
        keyring,
        backend,
        cluster,
        clock: None,
    };
    let opened = async {
        let store = Store::open(options).await?;
        store.mark_keyring().await?;
        Ok(store)
    };
    opened.await.map_err(|error| {
        if !existed
            && matches!(error, OpenError::SealingKeyMissing { .. })
            && std::fs::remove_file(&path).is_err()
        {
            tracing::warn!(path = %path.display(), "the keyring that was just made is of no use; remove it");
        }
        refused(&error)
    })
}

fn refused(error: &OpenError) -> Failure {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    let text = error.to_string();
    let (what, remedy) = parted(&text);
    Failure::new(format!("{what}{cause}"), remedy)
}

fn unnamed(what: &str, setting: &str) -> Failure {
    Failure::usage(format!("nothing names {what}"), format!("Name it with {setting}."))
}
