//! Path and method to access decision. A path that two parts of a chain could read differently is refused; of the rest,
//! a restrictive route matches whatever a lenient backend could take for its pattern, a public or passthrough route
//! only the canonical spelling that every reader reads alike.
//!
//! - `path`: what is refused, and the readings of what is not
//! - `pattern`: literal segments, `*`, a final `**`
//! - `table`: first match wins

mod path;
mod pattern;
mod table;

use serde::{Deserialize, Serialize};

pub use path::PathRefusal;
pub use table::{Decision, RouteTable};

use crate::Role;

/// Who may pass a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Anyone.
    Public,
    /// Anyone; machine clients bring credentials of their own, which the backend checks.
    Passthrough,
    /// A valid credential of ours.
    #[default]
    Authenticated,
}

/// One entry of a Backend's routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Literal segments, `*` (one segment), a final `**` (zero or more).
    pub pattern: String,
    /// Methods it is for; empty: all. GET covers HEAD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Who may pass.
    #[serde(default)]
    pub access: Access,
    /// Of those, who has one of these roles; empty: all. Only on authenticated routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Whether its paths may contain `//`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_double_slash: bool,
    /// Whether its paths may contain `;`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_semicolon: bool,
}

impl Route {
    /// A route for every method.
    pub fn new(pattern: impl Into<String>, access: Access) -> Self {
        Self { pattern: pattern.into(), access, ..Self::default() }
    }
}

/// Why a list of routes is no route table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// More than [`RouteTable::MAX_ROUTES`].
    #[error("at most {} routes", RouteTable::MAX_ROUTES)]
    TooMany,
    /// A pattern that cannot be one.
    #[error("route {pattern:?}: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A method that is no HTTP token.
    #[error("route {pattern:?}: {method:?} is no HTTP method; write it in capitals, like GET")]
    Method {
        /// The route's pattern.
        pattern: String,
        /// The method.
        method: String,
    },
    /// Roles on a public or passthrough route.
    #[error("route {pattern:?}: roles need access: authenticated")]
    Roles {
        /// The route's pattern.
        pattern: String,
    },
}
