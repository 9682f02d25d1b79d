//! The Backend: one protected application.
//!
//! In the order a request meets them: [`front`] (what browsers see), [`route`], [`identity`] (tokens, passwords, what the backend is told),
//! [`guard`] (limits), [`stores`] (database, Redis, AWS), [`placement`] (what only a cluster has).

pub mod front;
pub mod guard;
pub mod identity;
pub mod placement;
pub mod route;
pub mod stores;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Period, forms};
pub use front::{Cookies, Cors, Pages, Protocol, Upstream};
pub use guard::{Limits, Rate, RateLimits};
pub use identity::{Algorithm, Assertion, Identity, LegacyIssuer, Mail, Passwords, Tokens};
pub use placement::{AllowedNamespaces, Gates, NamespaceSelector, NamespacesFrom, Selector};
pub use route::{Access, Allowance, Method, Route};
pub use stores::{
    Aws, Database, Isolation, IsolationMode, Keys, Redis, RedisMode, RedisTls, SecretName, SecretRef,
};

/// One protected application: how it is reached, who may do what, and which stores it uses.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "tenantry.io",
    version = "v1alpha1",
    kind = "Backend",
    namespaced,
    shortname = "tb",
    category = "tenantry",
    status = "BackendStatus",
    derive = "PartialEq",
    doc = "One protected application: how it is reached, who may do what, and which stores it uses.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Url", type_ = "string", json_path = ".spec.publicUrl"),
    printcolumn(name = "Identity", type_ = "string", json_path = ".spec.identity.assertion"),
    printcolumn(name = "Organizations", type_ = "integer", json_path = ".status.organizations"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct BackendSpec {
    /// Where people reach it: https, host and perhaps a port, such as `https://xdr.example.com`. The issuer in tokens begins with it.
    #[schemars(length(min = 9, max = 253), regex(pattern = forms::PUBLIC_URL))]
    pub public_url: String,
    /// Where the gate forwards to: the backend itself, as the gate sees it.
    pub upstream: Upstream,
    /// The labels of the backend's pods, such as app: mini-xdr, for the network policy and the injected gate.
    #[serde(default, skip_serializing_if = "Selector::is_empty")]
    pub selector: Selector,
    /// The namespaces in which its Organizations may live.
    #[serde(default)]
    pub allowed_namespaces: AllowedNamespaces,
    /// Which service accounts of this namespace may read the directory of organizations, keys and revocations.
    #[serde(default)]
    pub gates: Gates,
    /// The database of organizations and users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// The Redis its organizations share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,
    /// Where its secrets are kept in AWS Secrets Manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<Aws>,
    /// Keys that the backend had before: they are kept and never replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// open: anybody may register an organization. closed (default): they come from resources only.
    #[serde(default)]
    pub registration: Registration,
    /// The roles a member may have, in rising order; the last one administers the organization.
    /// Default: viewer, analyst, `soc_lead`, admin.
    #[serde(default = "default_roles")]
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 50), regex(pattern = forms::ROLE)), extend("x-kubernetes-list-type" = "atomic"))]
    pub roles: Vec<String>,
    /// Tokens and the keys that sign them.
    #[serde(default)]
    pub tokens: Tokens,
    /// What a password must be, and when guessing it ends.
    #[serde(default)]
    pub passwords: Passwords,
    /// Who may reach which path: the first match wins; what no route names needs a member's token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "atomic"))]
    pub routes: Vec<Route>,
    /// What the backend is told of the caller.
    #[serde(default)]
    pub identity: Identity,
    /// Front ends on other origins.
    #[serde(default)]
    pub cors: Cors,
    /// Sessions of browsers.
    #[serde(default)]
    pub cookies: Cookies,
    /// The pages for logging in, registering and accounts.
    #[serde(default)]
    pub pages: Pages,
    /// How mail is sent; not built yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// Networks whose X-Forwarded-For is believed, such as 10.0.0.0/8. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 3, max = 49), regex(pattern = forms::CIDR)), extend("x-kubernetes-list-type" = "set"))]
    pub trusted_proxies: Vec<String>,
    /// enforce (default): a request without identity is refused. observe: it is only noted; not built yet.
    #[serde(default)]
    pub mode: Mode,
    /// When observing ends (RFC 3339); not built yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 35), regex(pattern = forms::MOMENT))]
    pub observe_until: Option<String>,
    /// Tokens that the backend issued itself before; not built yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_issuer: Option<LegacyIssuer>,
    /// Bounds of connections, heads, bodies and time.
    #[serde(default)]
    pub limits: Limits,
    /// How often one address or account may call the auth endpoints.
    #[serde(default)]
    pub rate_limits: RateLimits,
    /// How long a gate goes on without news from the authority, from 5s to 1d. Default: 15m.
    #[serde(default = "default_max_staleness")]
    pub max_staleness: Period,
    /// Row-level security in the backend's database; not built yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
}

impl BackendSpec {
    /// The least a Backend says; all else has its default.
    pub fn new(public_url: impl Into<String>, upstream_url: impl Into<String>) -> Self {
        Self {
            public_url: public_url.into(),
            upstream: Upstream { url: upstream_url.into(), protocol: Protocol::default() },
            selector: Selector::default(),
            allowed_namespaces: AllowedNamespaces::default(),
            gates: Gates::default(),
            database: None,
            redis: None,
            aws: None,
            keys: None,
            registration: Registration::default(),
            roles: default_roles(),
            tokens: Tokens::default(),
            passwords: Passwords::default(),
            routes: Vec::new(),
            identity: Identity::default(),
            cors: Cors::default(),
            cookies: Cookies::default(),
            pages: Pages::default(),
            mail: None,
            trusted_proxies: Vec::new(),
            mode: Mode::default(),
            observe_until: None,
            legacy_issuer: None,
            limits: Limits::default(),
            rate_limits: RateLimits::default(),
            max_staleness: default_max_staleness(),
            isolation: None,
        }
    }
}

impl Backend {
    /// The Backend of a stand-alone proxy without manifests: registration open, everything else as by default.
    pub fn assumed() -> Self {
        let mut spec = BackendSpec::new("https://tenantry.localhost:8443", "http://127.0.0.1:9000");
        spec.registration = Registration::Open;
        let mut backend = Self::new("backend", spec);
        backend.metadata.namespace = Some(crate::DEFAULT_NAMESPACE.into());
        backend
    }

    /// The namespace, `default` where none is named.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or(crate::DEFAULT_NAMESPACE)
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whom its tokens are for: `<namespace>/<name>`.
    pub fn audience(&self) -> String {
        format!("{}/{}", self.namespace(), self.name())
    }
}

/// Whether anybody may register an organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Anybody may.
    Open,
    /// Organizations come from manifests only.
    #[default]
    Closed,
}

/// Whether a request without identity is refused or only noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Refused.
    #[default]
    Enforce,
    /// Noted, until observeUntil.
    Observe,
}

/// What the operator reports of a Backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendStatus {
    /// The generation of this resource that the rest is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many Organizations it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizations: Option<i64>,
    /// Where its authority is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_url: Option<String>,
    /// Ready, Reconciling, Stalled (kstatus), and one for each part, such as `DatabaseReady`; the reason says what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

fn default_roles() -> Vec<String> {
    ["viewer", "analyst", "soc_lead", "admin"].map(String::from).to_vec()
}

fn default_max_staleness() -> Period {
    Period::minutes(15)
}
