//! The command line. One structure serves flags, environment and file, so that no setting is missing in one of them.
#![allow(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    rustdoc::bare_urls,
    reason = "what --help prints"
)]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Deserialize;
use tenantry_process::{LogFormat, Plain};

/// Makes an existing backend multi-tenant without rewriting it.
///
/// Put it in front of your backend: it terminates TLS, signs people in, keeps organizations apart, and tells the
/// backend in a form it can trust who is calling and for which organization.
#[derive(Debug, Parser)]
#[command(name = "tenantry-proxy", version, max_term_width = 100, after_long_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  A backend on your laptop, nothing else prepared; sign-up is open:
      tenantry-proxy standalone --upstream http://127.0.0.1:9000

  The same, described by the manifests a cluster would use:
      tenantry-proxy standalone --manifests ./manifests --data ./tenantry-data

  Every mistake in a folder of manifests, without serving it:
      tenantry-proxy check ./manifests";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve one backend from this machine: gate, sign-in and an embedded database in one process
    ///
    /// Everything that must survive a restart is kept in the data folder: users, organizations, keys, certificate.
    /// Back it up as a whole. A second start with the same folder finds everything as it was.
    ///
    /// Settings come from the file named by --config, then TENANTRY_… variables, then flags; the later one wins.
    /// Ctrl-C or SIGTERM lets running requests finish, then ends with exit code 0. A start that cannot work ends
    /// with exit code 1 and a sentence that says what to do.
    #[command(after_long_help = STANDALONE_EXAMPLES)]
    Standalone(Box<StandaloneOptions>),
    /// Serve sign-in and the directory for gates that run elsewhere
    ///
    /// This is the half of the stand-alone process that holds the keys: gates (tenantry-gate) send it /api/auth/* and
    /// the pages, and follow the directory that it publishes. Several may run beside each other on one PostgreSQL.
    ///
    /// In a cluster the operator starts it: --backend names the Backend that it serves, and gates show the tokens of
    /// their pods. Elsewhere --manifests names a folder, and --gate-tokens a file with what gates show.
    #[command(after_long_help = AUTHORITY_EXAMPLES)]
    Authority(Box<AuthorityOptions>),
    /// Read a folder of manifests, name every problem in it, and exit with 1 if there is one
    ///
    /// The rules are those of the cluster: what passes here is accepted there. Nothing is written anywhere.
    Check(CheckOptions),
}

const STANDALONE_EXAMPLES: &str = "\
Examples:
  tenantry-proxy standalone --upstream http://127.0.0.1:9000
  tenantry-proxy standalone --manifests ./manifests --data ./tenantry-data
  TENANTRY_DATABASE='postgres://tenantry:…@db.internal/tenantry' \\
      tenantry-proxy standalone --manifests ./manifests --database-ca ./db-ca.pem
  tenantry-proxy standalone --config tenantry.yaml        # the same names in camelCase: publicUrl: https://…

Then:
  curl http://localhost:8000/api/auth/register -H 'Content-Type: application/json' -d '{
    \"organization_name\": \"mini corp\", \"admin_email\": \"admin@minicorp.example\",
    \"admin_password\": \"…\", \"admin_name\": \"Mini Corp Admin\"}'";

const AUTHORITY_EXAMPLES: &str = "\
Examples:
  openssl rand -base64 32 > gates.tokens && chmod 600 gates.tokens
  TENANTRY_DATABASE='postgres://tenantry:…@db.internal/tenantry' \\
      tenantry-proxy authority --manifests ./manifests --gate-tokens gates.tokens \\
          --tls-cert authority.crt --tls-key authority.key --database-ca ./db-ca.pem

Then, beside the backend:
  tenantry-gate --authority https://authority.internal:8444 --authority-ca ca.crt --token-file gate.token …";

/// Settings of `authority`, as far as one source gives them.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorityOptions {
    /// YAML file with these settings in camelCase (tlsCert, gateTokens, …)
    #[arg(long, value_name = "FILE", env = "TENANTRY_CONFIG", help_heading = "What is served")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// The Backend of this cluster that is served, read from the API server and followed there
    #[arg(
        long,
        value_name = "NAMESPACE/NAME",
        env = "TENANTRY_BACKEND",
        conflicts_with = "manifests",
        help_heading = "What is served"
    )]
    pub backend: Option<String>,
    /// Folder of Backend, Organization and Secret manifests; watched, and applied when it changes
    #[arg(long, value_name = "DIR", env = "TENANTRY_MANIFESTS", help_heading = "What is served")]
    pub manifests: Option<PathBuf>,
    /// What clients call this service; overrides the folder's publicUrl
    #[arg(long, value_name = "URL", env = "TENANTRY_PUBLIC_URL", help_heading = "What is served")]
    pub public_url: Option<String>,
    /// Names the cluster in the database, as the operator does
    #[arg(long, value_name = "ID", env = "TENANTRY_CLUSTER_ID", help_heading = "What is served")]
    pub cluster_id: Option<String>,

    /// Folder for generated passwords and, without the next ones, keyring and database [default: ./tenantry-data]
    ///
    /// With --manifests only.
    #[arg(long, value_name = "DIR", env = "TENANTRY_DATA", help_heading = "Where things are")]
    pub data: Option<PathBuf>,
    /// The database: postgres://user@host/name, over verified TLS
    ///
    /// A password does not belong on a command line, where every process can read it: give the whole URL in
    /// TENANTRY_DATABASE or in the configuration file.
    #[arg(
        long,
        value_name = "URL",
        env = "TENANTRY_DATABASE",
        hide_env_values = true,
        help_heading = "Where things are"
    )]
    pub database: Option<String>,
    /// PEM file with the authority that signed the database's certificate [default: the system's]
    #[arg(long, value_name = "FILE", env = "TENANTRY_DATABASE_CA", help_heading = "Where things are")]
    pub database_ca: Option<PathBuf>,
    /// Keys that seal secrets in the database, mode 0600 [default: <data>/sealing-keyring.json]
    #[arg(long, value_name = "FILE", env = "TENANTRY_SEALING_KEYRING", help_heading = "Where things are")]
    pub sealing_keyring: Option<PathBuf>,

    /// HTTPS listener for gates' requests [default: 0.0.0.0:8444]
    #[arg(long, value_name = "ADDR", env = "TENANTRY_LISTEN", help_heading = "Listeners")]
    pub listen: Option<SocketAddr>,
    /// HTTPS listener for the directory stream [default: 0.0.0.0:8445]
    #[arg(long, value_name = "ADDR", env = "TENANTRY_STREAM", help_heading = "Listeners")]
    pub stream: Option<SocketAddr>,
    /// Probes and metrics: /healthz, /readyz, /metrics [default: 0.0.0.0:9090]
    #[arg(long, value_name = "ADDR", env = "TENANTRY_ADMIN", help_heading = "Listeners")]
    pub admin: Option<SocketAddr>,
    /// PEM certificate chain to serve; read again when it changes
    #[arg(long, value_name = "FILE", env = "TENANTRY_TLS_CERT", help_heading = "Listeners")]
    pub tls_cert: Option<PathBuf>,
    /// PEM private key of that certificate
    #[arg(long, value_name = "FILE", env = "TENANTRY_TLS_KEY", help_heading = "Listeners")]
    pub tls_key: Option<PathBuf>,
    /// File with what gates show, one a line, mode 0600; read again when it changes. With --manifests only
    #[arg(long, value_name = "FILE", env = "TENANTRY_GATE_TOKENS", help_heading = "Listeners")]
    pub gate_tokens: Option<PathBuf>,
    /// Most connections to --listen at a time [default: 4096]
    ///
    /// Where there are more, the oldest is closed that has not shown what a gate shows.
    #[arg(long, value_name = "N", env = "TENANTRY_MAX_CONNECTIONS", help_heading = "Listeners")]
    pub max_connections: Option<NonZeroUsize>,
    /// Most connections to --stream at a time: one a gate, and another for a moment now and then [default: 1024]
    #[arg(long, value_name = "N", env = "TENANTRY_MAX_STREAMS", help_heading = "Listeners")]
    pub max_streams: Option<NonZeroUsize>,
    /// Seconds between saying no to probes and closing the listeners, for load balancers to hear of it [default: 0]
    #[arg(long, value_name = "SECONDS", env = "TENANTRY_LINGER", help_heading = "Listeners")]
    pub linger: Option<u64>,

    /// What to log: a level, or a list such as info,tenantry_authority=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "TENANTRY_LOG", help_heading = "Log")]
    pub log: Option<String>,
    /// How to log [default: auto]
    #[arg(long, value_enum, value_name = "FORMAT", env = "TENANTRY_LOG_FORMAT", help_heading = "Log")]
    pub log_format: Option<LogFormat>,
}

/// Settings of `standalone`, as far as one source gives them.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StandaloneOptions {
    /// YAML file with these settings in camelCase (publicUrl, tlsCert, …)
    #[arg(long, value_name = "FILE", env = "TENANTRY_CONFIG", help_heading = "Where things are")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder of Backend, Organization and Secret manifests; watched, and applied when it changes
    ///
    /// Exactly one Backend is served. Without this flag one is assumed, with open registration.
    #[arg(long, value_name = "DIR", env = "TENANTRY_MANIFESTS", help_heading = "Where things are")]
    pub manifests: Option<PathBuf>,
    /// The backend to protect, as reached from here; overrides the Backend's upstream.url
    #[arg(long, value_name = "URL", env = "TENANTRY_UPSTREAM", help_heading = "Where things are")]
    pub upstream: Option<String>,
    /// Folder for everything that must survive a restart; made with mode 0700 [default: ./tenantry-data]
    #[arg(long, value_name = "DIR", env = "TENANTRY_DATA", help_heading = "Where things are")]
    pub data: Option<PathBuf>,
    /// Database to use instead of the embedded one: postgres://user@host/name, over verified TLS
    ///
    /// A password does not belong on a command line, where every process can read it: give the whole URL in
    /// TENANTRY_DATABASE or in the configuration file.
    #[arg(
        long,
        value_name = "URL",
        env = "TENANTRY_DATABASE",
        hide_env_values = true,
        help_heading = "Where things are"
    )]
    pub database: Option<String>,
    /// PEM file with the authority that signed the database's certificate [default: the system's]
    #[arg(long, value_name = "FILE", env = "TENANTRY_DATABASE_CA", help_heading = "Where things are")]
    pub database_ca: Option<PathBuf>,
    /// Keys that seal secrets in the database, mode 0600 [default: <data>/sealing-keyring.json, made once]
    #[arg(long, value_name = "FILE", env = "TENANTRY_SEALING_KEYRING", help_heading = "Where things are")]
    pub sealing_keyring: Option<PathBuf>,

    /// HTTPS listener; port 0 takes a free one, see <data>/addresses.json [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR", env = "TENANTRY_LISTEN", help_heading = "Listeners")]
    pub listen: Option<SocketAddr>,
    /// Plain HTTP listener for this machine alone, or "off" [default: port 8000 on 127.0.0.1 and ::1]
    ///
    /// It neither sets nor reads cookies, so browsers are sent to HTTPS for pages; API clients use it as they are.
    #[arg(long, value_name = "ADDR", env = "TENANTRY_PLAIN", help_heading = "Listeners")]
    pub plain: Option<Plain>,
    /// Probes and metrics: /healthz, /readyz, /metrics [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR", env = "TENANTRY_ADMIN", help_heading = "Listeners")]
    pub admin: Option<SocketAddr>,
    /// What clients call this service; overrides publicUrl [default: the Backend's, or https://tenantry.localhost:<port>]
    #[arg(long, value_name = "URL", env = "TENANTRY_PUBLIC_URL", help_heading = "Listeners")]
    pub public_url: Option<String>,
    /// PEM certificate chain to serve [default: one made on first start in <data>/tls]
    #[arg(long, value_name = "FILE", env = "TENANTRY_TLS_CERT", help_heading = "Listeners")]
    pub tls_cert: Option<PathBuf>,
    /// PEM private key of that certificate
    #[arg(long, value_name = "FILE", env = "TENANTRY_TLS_KEY", help_heading = "Listeners")]
    pub tls_key: Option<PathBuf>,
    /// Threads that serve traffic [default: one a core]
    #[arg(long, value_name = "N", env = "TENANTRY_WORKERS", help_heading = "Listeners")]
    pub workers: Option<usize>,

    /// What to log: a level, or a list such as info,tenantry_gate=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "TENANTRY_LOG", help_heading = "Log")]
    pub log: Option<String>,
    /// How to log [default: auto]
    #[arg(long, value_enum, value_name = "FORMAT", env = "TENANTRY_LOG_FORMAT", help_heading = "Log")]
    pub log_format: Option<LogFormat>,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct CheckOptions {
    /// Folder of Backend, Organization and Secret manifests
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Configuration file of `standalone` to check as well
    #[arg(long, value_name = "FILE", env = "TENANTRY_CONFIG")]
    pub config: Option<PathBuf>,
}
