//! The command line. One structure serves flags, environment and file, so that no setting is missing in one of them.
#![allow(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    rustdoc::bare_urls,
    reason = "what --help prints"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Deserialize;
use tenantry_gate::Fingerprint;
use tenantry_process::{LogFormat, Plain};

use super::listed::listed;

/// Lets only signed-in users in to a backend, and tells it who they are.
///
/// The gate stands in front of the backend: it terminates TLS, verifies tokens from memory and forwards. It learns what it
/// must know from an authority elsewhere, which also serves sign-in; it holds no key that could mint an access token.
///
/// Settings come from the file named by --config, then TENANTRY_… variables, then flags; the later one wins.
/// While the authority cannot be reached the gate goes on with what it knows, up to the Backend's maxStaleness; one that has
/// not heard of it yet answers 503, /readyz too. SIGTERM or Ctrl-C lets running requests finish, then ends with exit code 0.
/// A start that cannot work ends with exit code 1 and a sentence that says what to do.
#[derive(Debug, Parser)]
#[command(name = "tenantry-gate", version, max_term_width = 100, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else it can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell a running gate to send its clients elsewhere while it still serves, as SIGUSR1 does
    ///
    /// For the time between knowing that a gate will end and ending it: its probes say no, each answer over HTTP/1.1 ends its
    /// connection, HTTP/2 connections are told to go. In a container it is the preStop hook.
    Leave {
        /// The gate's process
        #[arg(long, value_name = "PID", default_value_t = 1)]
        process: i32,
    },
}

const EXAMPLES: &str = "\
Examples:
  In a pod, with a projected ServiceAccount token (audience tenantry-authority):
      tenantry-gate --tls-cert /tls/tls.crt --tls-key /tls/tls.key \\
          --plain 127.0.0.1:8442,[::1]:8442 \\
          --authority https://tenantry-mini-xdr.mini-xdr.svc:8444 \\
          --authority-ca /authority/ca.crt --token-file /token/token

  On a machine of its own, with a token from the authority's token file:
      tenantry-gate --tls-cert gate.crt --tls-key gate.key \\
          --authority https://authority.internal:8444 \\
          --authority-ca authority-ca.pem --token-file gate.token

  The same from a file, whose keys are these names in camelCase (tlsCert: …, authorityCa: …):
      tenantry-gate --config gate.yaml

Fingerprint of a CA for --authority-ca-sha256:
  openssl x509 -noout -fingerprint -sha256 -in ca.crt";

/// Settings, as far as one source gives them.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Options {
    /// YAML file with these settings in camelCase (tlsCert, authorityCa, …)
    #[arg(long, value_name = "FILE", env = "TENANTRY_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// HTTPS listener; port 0 takes a free one, which the log names [default: 0.0.0.0:8443]
    #[arg(long, value_name = "ADDR", env = "TENANTRY_LISTEN", help_heading = "Listeners")]
    pub listen: Option<SocketAddr>,
    /// Plain HTTP listeners for this machine or pod alone, several with commas, or "off" [default: off]
    ///
    /// They neither set nor read cookies, so browsers are sent to HTTPS for pages; API clients use them as they are.
    /// Of several, one whose address this machine lacks ([::1] where there is no IPv6) is left out.
    #[arg(
        long,
        value_name = "ADDR",
        env = "TENANTRY_PLAIN",
        value_delimiter = ',',
        help_heading = "Listeners"
    )]
    #[serde(deserialize_with = "listed")]
    pub plain: Vec<Plain>,
    /// Probes, metrics and the assertion's key set: /healthz, /readyz, /metrics [default: 0.0.0.0:9090]
    #[arg(long, value_name = "ADDR", env = "TENANTRY_ADMIN", help_heading = "Listeners")]
    pub admin: Option<SocketAddr>,
    /// PEM certificate chain to serve; read again when it changes
    #[arg(long, value_name = "FILE", env = "TENANTRY_TLS_CERT", help_heading = "Listeners")]
    pub tls_cert: Option<PathBuf>,
    /// PEM private key of that certificate; others must not be able to read it
    #[arg(long, value_name = "FILE", env = "TENANTRY_TLS_KEY", help_heading = "Listeners")]
    pub tls_key: Option<PathBuf>,
    /// Threads that serve traffic [default: one a core]
    #[arg(long, value_name = "N", env = "TENANTRY_WORKERS", help_heading = "Listeners")]
    pub workers: Option<usize>,
    /// How long requests in flight may take to end after SIGTERM, in seconds [default: 25]
    #[arg(long, value_name = "SECONDS", env = "TENANTRY_DRAIN", help_heading = "Listeners")]
    pub drain: Option<u64>,

    /// Where sign-in and pages are served: https://HOST:8444; http:// for this machine alone
    #[arg(long, value_name = "URL", env = "TENANTRY_AUTHORITY", help_heading = "Authority")]
    pub authority: Option<String>,
    /// Where the directory is read: https://HOST:8445 [default: the authority's host, port 8445]
    #[arg(long, value_name = "URL", env = "TENANTRY_DIRECTORY", help_heading = "Authority")]
    pub directory: Option<String>,
    /// PEM file with the CA, or CAs, of the authority's certificate; read again when it changes
    #[arg(long, value_name = "FILE", env = "TENANTRY_AUTHORITY_CA", help_heading = "Authority")]
    pub authority_ca: Option<PathBuf>,
    /// Only CAs of that file with one of these SHA-256 fingerprints count; several with commas
    #[arg(
        long,
        value_name = "HEX",
        env = "TENANTRY_AUTHORITY_CA_SHA256",
        value_delimiter = ',',
        help_heading = "Authority"
    )]
    #[serde(deserialize_with = "listed")]
    pub authority_ca_sha256: Vec<Fingerprint>,
    /// File with the token that proves this gate to the authority; read again, so that it may be replaced
    #[arg(long, value_name = "FILE", env = "TENANTRY_TOKEN_FILE", help_heading = "Authority")]
    pub token_file: Option<PathBuf>,
    /// Folder shared with the backend, where jwks.json is written: the key that X-Tenantry-Assertion is signed with
    #[arg(long, value_name = "DIR", env = "TENANTRY_ASSERTION_DIR", help_heading = "Backend")]
    pub assertion_dir: Option<PathBuf>,

    /// What to log: a level, or a list such as info,tenantry_gate=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "TENANTRY_LOG", help_heading = "Log")]
    pub log: Option<String>,
    /// How to log [default: auto]
    #[arg(long, value_enum, value_name = "FORMAT", env = "TENANTRY_LOG_FORMAT", help_heading = "Log")]
    pub log_format: Option<LogFormat>,
}
