//! What a gate must know of its Backend. Fields that a newer authority adds are ignored here; what must not be
//! ignored travels as a critical change of the stream instead.

mod limits;
mod public_url;

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use limits::Limits;
pub use public_url::{PublicUrl, PublicUrlError};

use crate::{Role, RouteTable, Timestamp};

/// The Backend, as far as a gate and the verification of tokens need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendSettings {
    /// `aud` of its access tokens: `<namespace>/<name>`.
    pub audience: String,
    /// Where browsers and clients reach it.
    pub public_url: PublicUrl,
    /// Public URLs it had before: tokens that name them verify until the moment given.
    #[serde(default)]
    pub earlier_public_urls: Vec<EarlierPublicUrl>,
    /// Where the gate forwards to.
    pub upstream: Upstream,
    /// First match wins; what matches nothing is authenticated.
    #[serde(default)]
    pub routes: RouteTable,
    /// Ordered; the last administers the organization.
    pub roles: Vec<Role>,
    /// How the backend learns who calls.
    #[serde(default)]
    pub identity: IdentitySettings,
    /// Front ends on other origins.
    #[serde(default)]
    pub cors: CorsSettings,
    /// Cookie sessions.
    #[serde(default)]
    pub cookies: CookieSettings,
    /// Login pages.
    #[serde(default)]
    pub pages: PageSettings,
    /// Peers whose `X-Forwarded-*` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<IpNet>,
    /// Bounds of the data path.
    #[serde(default)]
    pub limits: Limits,
    /// How long a gate goes on without news of the directory.
    #[serde(with = "millis", default = "default_max_staleness")]
    pub max_staleness: Duration,
    /// Life of an access token.
    #[serde(with = "millis", default = "default_access_ttl")]
    pub access_ttl: Duration,
    /// Life of a refresh token, and so of a session without use.
    #[serde(with = "millis", default = "default_refresh_ttl")]
    pub refresh_ttl: Duration,
}

impl BackendSettings {
    /// Settings with every default: authenticated everywhere, strict assertion, pages and cookies on.
    pub fn new(
        audience: impl Into<String>,
        public_url: PublicUrl,
        upstream: Upstream,
        roles: Vec<Role>,
    ) -> Self {
        Self {
            audience: audience.into(),
            public_url,
            earlier_public_urls: Vec::new(),
            upstream,
            routes: RouteTable::default(),
            roles,
            identity: IdentitySettings::default(),
            cors: CorsSettings::default(),
            cookies: CookieSettings::default(),
            pages: PageSettings::default(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            max_staleness: default_max_staleness(),
            access_ttl: default_access_ttl(),
            refresh_ttl: default_refresh_ttl(),
        }
    }

    /// The role that administers an organization: the last one.
    pub fn admin_role(&self) -> Option<&Role> {
        self.roles.last()
    }
}

/// A public URL of the past, whose tokens still live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierPublicUrl {
    /// The URL.
    pub public_url: PublicUrl,
    /// When its last token expires.
    pub until: Timestamp,
}

/// The backend's own listener, as the gate sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// `host:port`.
    pub address: String,
    /// What it speaks.
    #[serde(default)]
    pub protocol: UpstreamProtocol,
}

/// What a backend's listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamProtocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without TLS, by prior knowledge.
    H2c,
}

/// How the backend learns who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdentitySettings {
    /// Whether the caller's own token is passed on.
    pub forward_token: bool,
    /// The statement the gate signs for the backend.
    pub assertion: Assertion,
}

/// The statement the gate signs for the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assertion {
    /// `X-Tenantry-Assertion`, `EdDSA` with the gate's own key.
    #[default]
    Strict,
    /// `Authorization`, HS256 with the backend's `JWT_SECRET_KEY`.
    Legacy,
    /// Headers alone.
    None,
}

/// Front ends on other origins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CorsSettings {
    /// Origins, compared exactly.
    pub allowed_origins: Vec<String>,
}

/// Cookie sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CookieSettings {
    /// Whether cookies are set and read at all.
    pub enabled: bool,
    /// Origins besides the Backend's own that may send unsafe requests with a cookie.
    pub allowed_origins: Vec<String>,
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self { enabled: true, allowed_origins: Vec::new() }
    }
}

/// Login pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageSettings {
    /// Whether pages are served below `/-/`.
    pub enabled: bool,
    /// Where a request for HTML without a session is sent.
    pub login_url: String,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self { enabled: true, login_url: "/-/login".into() }
    }
}

const fn default_max_staleness() -> Duration {
    Duration::from_mins(15)
}

const fn default_access_ttl() -> Duration {
    Duration::from_hours(8)
}

const fn default_refresh_ttl() -> Duration {
    Duration::from_hours(30 * 24)
}

/// A `Duration` as whole milliseconds.
pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests;
