//! A folder of manifests, read as `kubectl apply -f` would: every `.yaml`, `.yml` and `.json` file directly in it, several
//! documents a file, Lists opened. One bad document stops no other.
//!
//! `files` finds and splits them, `document` judges one, `secrets` keeps values, `together` looks at all of them at once.

mod document;
mod files;
mod secrets;
mod together;

use std::path::Path;

pub use secrets::{SecretValue, Secrets};

use crate::{Backend, Organization, Problem};

/// What a folder says: everything in it that may be applied, and what is wrong with the rest.
#[derive(Clone, Default)]
pub struct Loaded {
    /// The one Backend, where there is one and nothing is wrong with it.
    pub backend: Option<Backend>,
    /// Whether a Backend was meant to be there: one that was refused, or several. Then none is assumed.
    pub backend_refused: bool,
    /// The Organizations that nothing is wrong with, in the order they were read.
    pub organizations: Vec<Organization>,
    /// Values for the references of both.
    pub secrets: Secrets,
    /// What is refused, by file and line.
    pub problems: Vec<Problem>,
    /// What is left aside, by file and line.
    pub warnings: Vec<Problem>,
}

impl Loaded {
    /// The Backend to serve: the folder's, or the assumed one where no document meant to be one.
    pub fn backend_or_assumed(&self) -> Option<Backend> {
        match &self.backend {
            Some(backend) => Some(backend.clone()),
            None if self.backend_refused => None,
            None => Some(Backend::assumed()),
        }
    }
}

/// Reads a folder. Never fails: what cannot be read is among the problems.
pub fn load(folder: &Path) -> Loaded {
    let mut loaded = Loaded::default();
    let mut found = document::Found::default();
    let judge = document::Judge::new();
    match files::list(folder) {
        Ok(paths) => {
            for path in paths {
                match files::read(&path) {
                    Ok(text) => judge.file(&path, &text, &mut found, &mut loaded),
                    Err(sentence) => {
                        loaded.problems.push(Problem { file: path, sentence, ..Problem::default() });
                    }
                }
            }
        }
        Err(sentence) => {
            loaded.backend_refused = true;
            loaded.problems.push(Problem { file: folder.to_owned(), sentence, ..Problem::default() });
        }
    }
    together::settle(found, &mut loaded);
    loaded
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
