//! Where requests of proved gates enter: who is asking, and what the body says.
//!
//! In the order a request flows: `trace` (a span and a line per request), `caller` (address, credential, origin),
//! `fields` (a strict JSON or form body).

mod caller;
mod fields;
mod origin;
mod trace;

pub use caller::{Caller, Credential};
pub use fields::{Fields, FormBody, FromFields, JsonBody, MAX_BODY};
pub use origin::same_site_only;
pub(crate) use trace::trace;
