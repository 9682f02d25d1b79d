use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::said::Said;

/// Longest token in bytes; servers commonly refuse longer headers.
const MOST: u64 = 16 * 1024;

/// What proves to the authority that a gate speaks, sent as `x-tenantry-gate`. Cheap to clone; all clones see a token that was
/// replaced.
#[derive(Clone)]
pub struct Credential(Arc<Inner>);

struct Inner {
    file: Option<PathBuf>,
    /// Marked sensitive: no log shows it.
    current: ArcSwap<HeaderValue>,
    said: Mutex<Said>,
}

/// Why there is nothing to prove oneself with. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file cannot be read.
    #[error(
        "cannot read the token file {path}: {source}; mount the projected ServiceAccount token there, or write one of the authority's token file"
    )]
    Read {
        /// The token file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file has nothing in it.
    #[error("the token file {path} is empty; write the token into it")]
    Empty {
        /// The token file.
        path: PathBuf,
    },
    /// The file holds something else than a token.
    #[error("the token file {path} holds no token; it must be one line of at most 16 KiB without blanks")]
    NoToken {
        /// The token file.
        path: PathBuf,
    },
    /// A fixed text that cannot stand in a header.
    #[error("the credential cannot stand in a header; it must be visible ASCII characters")]
    NoHeader,
}

impl Credential {
    /// The same for the life of the process.
    pub fn fixed(text: &str) -> Result<Self, CredentialError> {
        Ok(Self::new(None, header(text.as_bytes()).ok_or(CredentialError::NoHeader)?))
    }

    /// The token in a file that somebody replaces now and then, such as a projected `ServiceAccount` token. White space around
    /// it does not count.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self, CredentialError> {
        let path = path.into();
        let token = read(&path)?;
        Ok(Self::new(Some(path), token))
    }

    fn new(file: Option<PathBuf>, token: HeaderValue) -> Self {
        Self(Arc::new(Inner { file, current: ArcSwap::from_pointee(token), said: Mutex::default() }))
    }

    /// As it is sent now. Takes no lock.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::clone(&self.0.current.load())
    }

    /// Reads the file again. What cannot be used is told, and the last token stays.
    pub(crate) fn refresh(&self) {
        let Some(path) = &self.0.file else { return };
        let mut said = self.0.said.lock().unwrap_or_else(PoisonError::into_inner);
        match read(path) {
            Ok(token) => {
                if said.is_over() {
                    tracing::info!(path = %path.display(), "the token file is in order again");
                }
                if token != **self.0.current.load() {
                    tracing::debug!(path = %path.display(), "the token was replaced");
                    self.0.current.store(Arc::new(token));
                }
            }
            Err(error) if said.is_news(&error.to_string(), Instant::now()) => {
                tracing::error!("{error}. The last token is used until then");
            }
            Err(_) => {}
        }
    }
}

fn read(path: &Path) -> Result<HeaderValue, CredentialError> {
    let path = || path.to_owned();
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path())
        .and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
        .map_err(|source| CredentialError::Read { path: path(), source })?;
    let token = bytes.trim_ascii();
    if token.is_empty() {
        return Err(CredentialError::Empty { path: path() });
    }
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= MOST);
    header(token).filter(|_| fits).ok_or_else(|| CredentialError::NoToken { path: path() })
}

fn header(token: &[u8]) -> Option<HeaderValue> {
    let is_token = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
    let mut value = HeaderValue::from_bytes(token).ok().filter(|_| is_token)?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_replaced_token_is_read_and_a_spoiled_file_keeps_the_last_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, " first\n").unwrap();
        let credential = Credential::file(file.path()).unwrap();
        let elsewhere = credential.clone();
        assert_eq!(credential.header(), "first");
        for (text, expected) in
            [("second\n", "second"), ("", "second"), ("two lines\nof it", "second"), ("third", "third")]
        {
            fs::write(&file, text).unwrap();
            credential.refresh();
            assert_eq!(elsewhere.header(), expected, "{text:?}");
        }
        fs::write(&file, "a".repeat(17 * 1024)).unwrap();
        credential.refresh();
        fs::remove_file(&file).unwrap();
        credential.refresh();
        assert_eq!(elsewhere.header(), "third");
        assert!(elsewhere.header().is_sensitive());
    }

    #[test]
    fn a_start_without_a_token_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let said = || Credential::file(&path).err().unwrap().to_string();
        assert!(said().contains("mount the projected ServiceAccount token"), "{}", said());
        fs::write(&path, "\n \n").unwrap();
        assert!(said().contains("is empty"), "{}", said());
        fs::write(&path, "a b").unwrap();
        assert!(said().contains("must be one line"), "{}", said());
        assert!(Credential::fixed("a\nb").is_err());
    }
}
