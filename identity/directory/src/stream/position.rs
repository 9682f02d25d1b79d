use std::fmt;
use std::str::FromStr;

use crate::Digest;
use crate::ids::InvalidId;

/// How far a reader of the directory is: a version, and the chain of marks up to it. As text, which the query parameter `since` of the
/// stream is, `<version>-<64 hexadecimal digits>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last version it has.
    pub version: i64,
    /// The digest of that version.
    pub digest: Digest,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.version, self.digest)
    }
}

impl FromStr for Position {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId("position");
        let (version, digest) = text.split_once('-').ok_or(invalid)?;
        let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        let version = version.parse().ok().filter(|_| is_number).ok_or(invalid)?;
        Ok(Self { version, digest: digest.parse().map_err(|_| invalid)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written_and_nothing_else_is() {
        let position = Position { version: 12, digest: Digest::genesis("ns/b") };
        let text = position.to_string();
        assert_eq!(text.parse(), Ok(position));
        let digest = position.digest;
        for other in ["", "12", "12-", "-12", "12-00"] {
            assert!(other.parse::<Position>().is_err(), "{other}");
        }
        for version in ["", "-1", "+1", "9223372036854775808", " 1", "1 "] {
            assert!(format!("{version}-{digest}").parse::<Position>().is_err(), "{version}");
        }
        assert!(format!("{text}0").parse::<Position>().is_err());
    }
}
