//! Identifiers, parsed once at the edge so that they cannot be wrong inside.

mod kid;
mod number;
mod role;
mod session;

pub use kid::Kid;
pub use number::{OrganizationId, UserId};
pub use role::Role;
pub use session::SessionId;

/// A text that is not the identifier it should be. Carries the name of the kind, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(pub(crate) &'static str);

/// `Serialize` as displayed and `Deserialize` as parsed, so that a wire value meets the same rule as any other.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;
