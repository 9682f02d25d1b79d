//! Who may reach which path.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::forms;

/// One line of the route table; the first that matches path and method decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// A path such as /api/agents/**: literal segments, * for one segment, a final /** for zero or more.
    #[schemars(length(min = 1, max = 512), regex(pattern = forms::ROUTE_PATH))]
    pub path: String,
    /// The methods it is about, such as GET. Left out: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub methods: Vec<Method>,
    /// authenticated (default): members by their token. public: anybody. passthrough: anybody, with a credential of its own
    /// that the backend checks.
    #[serde(default)]
    pub access: Access,
    /// The roles that may pass, where access is authenticated. Left out: every member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        inner(length(min = 1, max = 50), regex(pattern = forms::ROLE)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub roles: Vec<String>,
    /// What its paths may contain that is refused elsewhere: doubleSlash (//), semicolon (;).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "set"))]
    pub allow: Vec<Allowance>,
}

/// Who may pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody, with a credential of its own that the backend checks.
    Passthrough,
    /// Members, by their token.
    #[default]
    Authenticated,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    /// As it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

/// What the paths of a route may contain that is refused elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Allowance {
    /// `//`
    DoubleSlash,
    /// `;`
    Semicolon,
}
