//! The one e-mail parser. Two parsers that disagree about an address let one account pass for another
//! (CVE-2026-40574), so everything that mailers and databases read differently is refused: quoting, comments,
//! source routes, address literals and anything outside ASCII.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

const MAX_ADDRESS: usize = 254;
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;

/// An address as its owner writes it; equal to another when their lower-case forms are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email {
    typed: String,
    key: String,
}

/// The text is no address that we accept. The text itself is not repeated: it may be a password in the wrong field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Empty, or longer than 254 bytes.
    #[error("an e-mail address has between 3 and {MAX_ADDRESS} characters")]
    Length,
    /// Not exactly one `@`.
    #[error("an e-mail address has exactly one @")]
    At,
    /// The part before the `@`.
    #[error(
        "before the @, use 1 to {MAX_LOCAL} letters, digits or any of . # $ & ' * + / = ? ^ _ ` {{ | }} ~ - (no quotes, no two dots together)"
    )]
    Local,
    /// The part after the `@`.
    #[error(
        "after the @, use a domain such as example.com: letters, digits and hyphens, with dots between them"
    )]
    Domain,
}

impl Email {
    /// Accepts `dot-atom@domain.tld` in ASCII and nothing else; surrounding space is refused, not trimmed.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        if text.len() < 3 || text.len() > MAX_ADDRESS {
            return Err(EmailError::Length);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailError::At)?;
        if domain.contains('@') {
            return Err(EmailError::At);
        }
        if local.len() > MAX_LOCAL || !local.split('.').all(is_atom) {
            return Err(EmailError::Local);
        }
        let labels = || domain.split('.');
        let names_a_host = labels().next_back().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
        if labels().count() < 2 || !labels().all(is_label) || !names_a_host {
            return Err(EmailError::Domain);
        }
        Ok(Self { typed: text.to_owned(), key: text.to_ascii_lowercase() })
    }

    /// As its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// What look-ups, uniqueness, lockout and rate limits go by: lower case.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part before the `@`, as written.
    pub fn local(&self) -> &str {
        self.typed.split('@').next().unwrap_or_default()
    }

    /// The part after the `@`, in lower case.
    pub fn domain(&self) -> &str {
        self.key.split('@').next_back().unwrap_or_default()
    }
}

// RFC 5322 atext without `%` and `!`: mailers that still know source routes would deliver elsewhere.
fn is_atom(atom: &str) -> bool {
    !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"#$&'*+/=?^_`{|}~-".contains(&b))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Email {}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for Email {
    type Err = EmailError;
    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.typed
    }
}

#[cfg(test)]
mod tests;
