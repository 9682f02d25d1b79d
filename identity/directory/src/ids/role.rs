use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{InvalidId, serde_as_text};

/// Longest name of a role, in bytes.
const MAX_LENGTH: usize = 50;

/// Name of a role, as a Backend lists it: a lower-case letter, then lower-case letters, digits, `_`; at most 50.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Arc<str>);

impl Role {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Role({})", self.0)
    }
}

impl FromStr for Role {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let plain = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let valid = text.len() <= MAX_LENGTH
            && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            && text.as_bytes().iter().all(plain);
        if valid { Ok(Self(text.into())) } else { Err(InvalidId("role")) }
    }
}

serde_as_text!(Role);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_plain_lower_case_word() {
        for role in ["admin", "soc_lead", "tier2", "a"] {
            assert_eq!(role.parse::<Role>().unwrap().as_str(), role);
        }
        let long = "a".repeat(MAX_LENGTH + 1);
        for text in ["", "Admin", "soc-lead", "2nd", "_x", "a b", "a,b", "admin\r\nx: y", "ädmin", &long] {
            assert!(text.parse::<Role>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_role_on_the_wire_meets_the_same_rule() {
        assert!(serde_json::from_str::<Role>(r#""soc_lead""#).is_ok());
        assert!(serde_json::from_str::<Role>(r#""Admin""#).is_err());
    }
}
