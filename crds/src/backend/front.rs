//! What stands between a browser and the backend: upstream, CORS, cookies, pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::forms;

/// Where the gate forwards to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    /// The backend's plain HTTP address as the gate sees it, such as `http://127.0.0.1:8000`.
    #[schemars(length(min = 8, max = 270), regex(pattern = forms::UPSTREAM_URL))]
    pub url: String,
    /// http1 (default), or h2c; h2c is not built yet.
    #[serde(default)]
    pub protocol: Protocol,
}

/// What the backend speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without TLS.
    H2c,
}

/// Front ends on other origins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Cors {
    /// Origins whose scripts may call the backend and read its answers, such as `http://localhost:3000`. Default: none.
    #[schemars(length(max = 64), inner(length(min = 8, max = 269), regex(pattern = forms::ORIGIN)), extend("x-kubernetes-list-type" = "set"))]
    pub allowed_origins: Vec<String>,
}

/// Sessions of browsers, kept in cookies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Cookies {
    /// Whether cookies are set and looked at. Default: true.
    pub enabled: bool,
    /// Origins whose unsafe requests may carry cookies; the Backend's own is always allowed.
    #[schemars(length(max = 64), inner(length(min = 8, max = 269), regex(pattern = forms::ORIGIN)), extend("x-kubernetes-list-type" = "set"))]
    pub allowed_origins: Vec<String>,
}

impl Default for Cookies {
    fn default() -> Self {
        Self { enabled: true, allowed_origins: Vec::new() }
    }
}

/// The pages for logging in, registering and accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Pages {
    /// Whether the pages are served. Default: true.
    pub enabled: bool,
    /// Where a request for HTML without a session is sent: a path or an https URL. Default: /-/login.
    #[schemars(length(min = 1, max = 512), regex(pattern = forms::LOGIN_URL))]
    pub login_url: String,
}

impl Default for Pages {
    fn default() -> Self {
        Self { enabled: true, login_url: "/-/login".into() }
    }
}
