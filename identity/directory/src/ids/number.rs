use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidId;

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The number in the database.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Only the spelling that `Display` writes: no sign, no leading zero, positive.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match text.parse() {
                    Ok(id) if id > 0 && text.as_bytes().first().is_some_and(|b| (b'1'..=b'9').contains(b)) => Ok(Self(id)),
                    _ => Err(InvalidId($kind)),
                }
            }
        }
    };
}

row_id!(
    /// Key of a row in `organizations`. Never re-issued.
    OrganizationId,
    "organization id"
);
row_id!(
    /// Key of a row in `users`. Never re-issued.
    UserId,
    "user id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_has_one_spelling() {
        assert_eq!("42".parse(), Ok(OrganizationId(42)));
        for alias in ["+42", "042", "-42", "0", "", " 42", "4.2e1", "9223372036854775808"] {
            assert!(alias.parse::<OrganizationId>().is_err(), "{alias}");
        }
    }
}
