//! The files of a folder, and the documents of a file.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longest file that is read.
const LONGEST: u64 = 4 << 20;
/// Most files of a folder.
const MOST: usize = 20_000;

/// The manifests directly in `folder`, by name.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}; name a folder that you can read");
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let is_manifest =
            path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|one| ending == *one));
        if is_manifest && path.is_file() {
            paths.push(path);
        }
    }
    if paths.len() > MOST {
        return Err(format!("has {} manifests; keep at most {MOST} in one folder", paths.len()));
    }
    paths.sort();
    Ok(paths)
}

/// The text of one file.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > LONGEST {
        return Err("is longer than 4 MiB: split it".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8: save it as UTF-8".to_owned())
}

/// The documents of a text, each with the line it begins on. They are parted as kubectl parts them: by a line `---`.
pub(super) fn documents(text: &str) -> Vec<(u64, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let (mut start, mut first, mut at) = (0, 1, 0);
    for (line, next) in (1_u64..).zip(text.split_inclusive('\n')) {
        let is_break = next.strip_prefix("---").is_some_and(|rest| {
            let rest = rest.trim();
            rest.is_empty() || rest.starts_with('#')
        });
        if is_break {
            documents.push((first, &text[start..at]));
            (start, first) = (at + next.len(), line + 1);
        }
        at += next.len();
    }
    documents.push((first, &text[start..]));
    documents.retain(|(_, document)| !document.trim().is_empty());
    documents
}
