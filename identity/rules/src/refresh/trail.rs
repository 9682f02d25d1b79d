use std::{fmt, str::FromStr, time::Duration};

use tenantry_directory::Timestamp;

/// How many uses are remembered; a session refreshed faster than this in one grace period loses the oldest.
const LONGEST: usize = 16;

/// When the most recent generations before the current one were first used, newest first. Kept in a text column
/// (milliseconds, comma between), because "within ten seconds" is asked of each of them and not of the last alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RotationTrail(Vec<Timestamp>);

impl RotationTrail {
    /// The trail after one more rotation at `now`; uses older than `grace` are dropped.
    #[must_use]
    pub fn after_use(&self, now: Timestamp, grace: Duration) -> Self {
        let recent = self.0.iter().copied().filter(|used| now.saturating_since(*used) <= grace);
        Self(std::iter::once(now).chain(recent).take(LONGEST).collect())
    }

    /// When the generation `back` before the current one was first used; 1 is the one just before.
    pub fn used_at(&self, back: u32) -> Option<Timestamp> {
        let index = usize::try_from(back.checked_sub(1)?).ok()?;
        self.0.get(index).copied()
    }
}

impl fmt::Display for RotationTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, used) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}", used.millis())?;
        }
        Ok(())
    }
}

/// The column holds something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session's rotation trail is not a list of milliseconds")]
pub struct MalformedTrail;

impl FromStr for RotationTrail {
    type Err = MalformedTrail;
    fn from_str(text: &str) -> Result<Self, MalformedTrail> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let read = |millis: &str| millis.parse().map(Timestamp::from_millis).map_err(|_| MalformedTrail);
        text.split(',').map(read).collect::<Result<_, _>>().map(Self)
    }
}
