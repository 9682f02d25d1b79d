//! Names that people give: of an organization, of themselves. Any script, but bounded and free of characters that
//! would forge a log line, a header or the reading order of a page.

use std::fmt;

use serde::{Deserialize, Serialize};

const LONGEST: usize = 255;

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Too few or too many characters, after trimming.
    #[error("between {least} and {LONGEST} characters, not {found}")]
    Length {
        /// The fewest allowed.
        least: usize,
        /// How many there were.
        found: usize,
    },
    /// A control character, a line break or one that turns the reading direction.
    #[error("no control characters, line breaks or characters that change the reading direction")]
    Unprintable,
}

fn parse(text: &str, least: usize) -> Result<String, NameError> {
    let name = text.trim();
    let found = name.chars().count();
    if !(least..=LONGEST).contains(&found) {
        return Err(NameError::Length { least, found });
    }
    if name.chars().any(is_unprintable) {
        return Err(NameError::Unprintable);
    }
    Ok(name.to_owned())
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $least:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Trims the text and checks its bounds.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                parse(text, $least).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

name!(
    /// What an organization is called: 2 to 255 characters.
    OrganizationName,
    2
);
name!(
    /// What a person is called: 1 to 255 characters.
    FullName,
    1
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_script_and_lose_their_margins() {
        assert_eq!(OrganizationName::parse("  mini corp ").unwrap().as_str(), "mini corp");
        assert_eq!(FullName::parse("毛").unwrap().as_str(), "毛");
        assert_eq!(FullName::parse("Zoë O'Brien-Łukasz").unwrap().to_string(), "Zoë O'Brien-Łukasz");
    }

    #[test]
    fn bounds_count_characters_not_bytes() {
        assert!(OrganizationName::parse(&"é".repeat(255)).is_ok());
        let error = OrganizationName::parse(&"é".repeat(256)).unwrap_err();
        assert_eq!(error.to_string(), "between 2 and 255 characters, not 256");
        assert_eq!(OrganizationName::parse(" a "), Err(NameError::Length { least: 2, found: 1 }));
        assert_eq!(FullName::parse("   "), Err(NameError::Length { least: 1, found: 0 }));
    }

    #[test]
    fn characters_that_forge_a_line_or_turn_the_text_are_refused() {
        for c in ['\n', '\r', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}'] {
            assert_eq!(FullName::parse(&format!("a{c}b")), Err(NameError::Unprintable), "{c:?}");
        }
        assert!(serde_json::from_str::<OrganizationName>("\"a\\nb\"").is_err());
    }
}
