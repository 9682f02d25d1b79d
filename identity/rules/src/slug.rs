//! The short name of an organization: unique in its database, immutable, safe in a path, a key prefix and a header.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Most bytes (all ASCII) in a slug.
pub const MAX_SLUG: usize = 100;

/// `^[a-z0-9]+(-[a-z0-9]+)*$`, at most [`MAX_SLUG`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Why a text is no slug, or why a name yields none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    /// Nothing usable was left of the name.
    #[error("the name must contain at least one letter a-z or digit, from which its slug is made")]
    Empty,
    /// Longer than [`MAX_SLUG`].
    #[error("a slug has at most {MAX_SLUG} characters, this one has {0}")]
    TooLong(usize),
    /// A character or a hyphen where none may be.
    #[error("{0:?} is not a slug: use lower-case letters a-z and digits, with single hyphens between them")]
    Malformed(String),
}

impl Slug {
    /// Accepts a slug as written in a manifest or stored in a row.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        if text.is_empty() {
            return Err(SlugError::Empty);
        }
        if text.len() > MAX_SLUG {
            return Err(SlugError::TooLong(text.len()));
        }
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.split('-').all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SlugError::Malformed(text.to_owned()))
        }
    }

    /// The slug of an organization that registers itself under `name`: lower case, everything but `[a-z0-9\s-]`
    /// dropped, runs of space or hyphen made one hyphen, ends trimmed, cut at [`MAX_SLUG`].
    pub fn from_name(name: &str) -> Result<Self, SlugError> {
        let mut slug = String::new();
        let mut gap = false;
        for c in name.chars().flat_map(char::to_lowercase) {
            if c == '-' || c.is_whitespace() {
                gap = !slug.is_empty();
            } else if c.is_ascii_lowercase() || c.is_ascii_digit() {
                if gap {
                    slug.push('-');
                    gap = false;
                }
                slug.push(c);
            }
        }
        slug.truncate(MAX_SLUG);
        slug.truncate(slug.trim_end_matches('-').len());
        if slug.is_empty() { Err(SlugError::Empty) } else { Ok(Self(slug)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = SlugError;
    fn from_str(text: &str) -> Result<Self, SlugError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;
    fn try_from(text: String) -> Result<Self, SlugError> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_becomes_its_slug() {
        for (name, slug) in [
            ("mini corp", "mini-corp"),
            ("  Mini   Corp  ", "mini-corp"),
            ("Mini -- Corp", "mini-corp"),
            ("ACME, Inc.", "acme-inc"),
            ("a_b.c", "abc"),
            ("- leading and trailing -", "leading-and-trailing"),
            ("Café Société", "caf-socit"),
            ("tab\tand\nnewline", "tab-and-newline"),
            ("no\u{a0}break", "no-break"),
            ("\u{212a}elvin", "kelvin"),
            ("x & y", "x-y"),
            ("42", "42"),
        ] {
            assert_eq!(Slug::from_name(name).map(String::from), Ok(slug.to_owned()), "{name:?}");
        }
    }

    #[test]
    fn a_name_with_nothing_usable_has_no_slug() {
        for name in ["", "   ", "---", "株式会社", "!!!"] {
            assert_eq!(Slug::from_name(name), Err(SlugError::Empty), "{name:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_never_ends_in_a_hyphen() {
        let name = format!("{} tail", "a".repeat(99));
        assert_eq!(Slug::from_name(&name).unwrap().as_str(), "a".repeat(99));
    }

    #[test]
    fn what_is_no_slug_is_refused_not_repaired() {
        for text in ["Mini", "a--b", "-a", "a-", "a b", "a_b", "a/b", "é", "a\n"] {
            assert_eq!(Slug::parse(text), Err(SlugError::Malformed(text.to_owned())));
        }
        assert_eq!(Slug::parse(&"a".repeat(101)), Err(SlugError::TooLong(101)));
        assert_eq!(Slug::parse(""), Err(SlugError::Empty));
        assert!(serde_json::from_str::<Slug>("\"a b\"").is_err());
    }

    proptest! {
        #[test]
        fn every_slug_made_of_a_name_parses_and_is_its_own_slug(name in "\\PC{0,300}") {
            if let Ok(slug) = Slug::from_name(&name) {
                prop_assert_eq!(Slug::parse(slug.as_str()).unwrap(), slug.clone());
                prop_assert_eq!(Slug::from_name(slug.as_str()).unwrap(), slug);
            }
        }
    }
}
