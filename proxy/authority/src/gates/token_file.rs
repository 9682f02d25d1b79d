//! Gates outside a cluster: a file with the tokens of those that may be one. Several count at a time, so that a token is replaced
//! without a gate being refused: add the new one, give it to the gates, take the old one out.

use std::fs;
use std::future::ready;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{Checking, Fingerprint, Gates, NotAGate, equal_in_constant_time, fingerprint};

/// Between two looks at the file.
const LOOK: Duration = Duration::from_secs(2);
/// Fewest characters of a token: 128 bits as base64.
const SHORTEST: usize = 22;

/// A file of tokens, one a line; empty lines and those that begin with `#` do not count. It is read again when it changes.
pub struct TokenFile {
    path: PathBuf,
    known: Mutex<Known>,
}

struct Known {
    tokens: Vec<Fingerprint>,
    stamp: Stamp,
    looked: Instant,
}

/// By what a file is known to be another than before: mounted files are replaced, others written over.
type Stamp = (u64, i64, i64, u64);

/// Why a file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("the file of gates' tokens {path} cannot be read: {source}; make it, with a token a line")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others may read it.
    #[error("the file of gates' tokens {path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line is no token.
    #[error(
        "line {line} of the file of gates' tokens {path} is too short to be a secret; make one with: openssl rand -base64 32"
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// There is none in it.
    #[error(
        "the file of gates' tokens {path} holds no token; make one with: openssl rand -base64 32, and give it to the gate as its token file"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl TokenFile {
    /// Reads the file.
    pub fn open(path: PathBuf) -> Result<Self, TokenFileError> {
        let (tokens, stamp) = read(&path)?;
        Ok(Self { path, known: Mutex::new(Known { tokens, stamp, looked: Instant::now() }) })
    }

    /// Looks at the file where it was not looked at lately. What cannot be used changes nothing.
    fn look(&self, known: &mut Known) {
        if known.looked.elapsed() < LOOK {
            return;
        }
        known.looked = Instant::now();
        if fs::metadata(&self.path).is_ok_and(|metadata| stamp(&metadata) == known.stamp) {
            return;
        }
        match read(&self.path) {
            Ok((tokens, stamp)) => {
                tracing::info!(path = %self.path.display(), tokens = tokens.len(), "gates' tokens read again");
                (known.tokens, known.stamp) = (tokens, stamp);
            }
            Err(error) => tracing::error!(%error, "the tokens of before still count"),
        }
    }

    fn knows(&self, credential: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.look(&mut known);
        let shown = fingerprint(credential);
        known.tokens.iter().fold(false, |found, token| found | equal_in_constant_time(token, &shown))
    }
}

impl Gates for TokenFile {
    fn check<'a>(&'a self, credential: &'a str) -> Checking<'a> {
        Box::pin(ready(if self.knows(credential) { Ok(()) } else { Err(NotAGate::Unknown) }))
    }
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.size())
}

fn read(path: &Path) -> Result<(Vec<Fingerprint>, Stamp), TokenFileError> {
    let cannot = |source| TokenFileError::Read { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(cannot)?;
    // Group may read: that is how a mounted Secret arrives for a process that is not root.
    let mode = metadata.mode() & 0o777;
    if mode & 0o027 != 0 {
        return Err(TokenFileError::Mode { path: path.to_owned(), mode });
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(cannot)?);
    let mut tokens = Vec::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() < SHORTEST {
            return Err(TokenFileError::Short { path: path.to_owned(), line: index + 1 });
        }
        tokens.push(fingerprint(line));
    }
    if tokens.is_empty() {
        return Err(TokenFileError::Empty { path: path.to_owned() });
    }
    Ok((tokens, stamp(&metadata)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ONE: &str = "the-first-token-of-this-test";
    const TWO: &str = "the-second-token-of-this-test";

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn open(file: &tempfile::NamedTempFile) -> Result<TokenFile, TokenFileError> {
        TokenFile::open(file.path().to_owned())
    }

    #[test]
    fn each_line_is_a_token_and_nothing_else_is() {
        let tokens = open(&file(&format!("# gates\n{ONE}\n\n  {TWO}  \n"), 0o600)).unwrap();
        assert!(tokens.knows(ONE) && tokens.knows(TWO));
        for other in ["", "# gates", &ONE[1..], &format!("{ONE}\n{TWO}"), &ONE.to_uppercase()] {
            assert!(!tokens.knows(other), "{other:?}");
        }
    }

    #[test]
    fn a_file_that_keeps_no_secret_is_refused_with_what_to_do() {
        let refused = |text: &str, mode| open(&file(text, mode)).err().unwrap().to_string();
        assert!(refused(ONE, 0o644).contains("chmod 600"));
        assert!(refused("short\n", 0o600).starts_with("line 1"));
        assert!(refused("# nobody\n", 0o600).contains("holds no token"));
        let nowhere = TokenFile::open("/nowhere/tokens".into()).err().unwrap().to_string();
        assert!(nowhere.contains("cannot be read"));
    }

    #[test]
    fn a_changed_file_counts_and_a_broken_one_changes_nothing() {
        let file = file(ONE, 0o600);
        let tokens = open(&file).unwrap();
        let look_again = || tokens.known.lock().unwrap().looked = Instant::now().checked_sub(LOOK).unwrap();
        fs::write(&file, format!("{ONE}\n{TWO}\n")).unwrap();
        look_again();
        assert!(tokens.knows(ONE) && tokens.knows(TWO), "beside each other while it is replaced");
        fs::write(&file, "").unwrap();
        look_again();
        assert!(tokens.knows(TWO), "a file that is being written");
        fs::write(&file, TWO).unwrap();
        look_again();
        assert!(!tokens.knows(ONE) && tokens.knows(TWO));
    }
}
