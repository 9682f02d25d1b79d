//! Complete settings of `authority`: file, environment and flags laid over each other, with the defaults below them.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tenantry_authority::{MostConnections, TlsFiles};
use tenantry_process::{Failure, LogFormat, environment, file};
use url::Url;

use super::cli::AuthorityOptions;
use super::resolve::{http_url, pair};

/// Longest linger: pods are killed after thirty seconds.
const LONGEST_LINGER: u64 = 20;

/// What an authority serves.
#[derive(Debug)]
pub enum Served {
    /// A Backend of the cluster.
    Backend {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The cluster, as databases know it.
        cluster_id: String,
        /// The sealing keyring.
        keyring: PathBuf,
        /// The database.
        database: SecretString,
    },
    /// A folder of manifests.
    Folder {
        /// The folder.
        manifests: PathBuf,
        /// What clients call this service, where it is not the manifest's.
        public_url: Option<Url>,
        /// The data folder.
        data: PathBuf,
        /// The sealing keyring, where it is not the data folder's.
        keyring: Option<PathBuf>,
        /// A database other than the embedded one.
        database: Option<SecretString>,
        /// What gates show.
        gate_tokens: PathBuf,
    },
}

/// Complete settings of `authority`.
#[derive(Debug)]
pub struct AuthoritySettings {
    /// What is served.
    pub served: Served,
    /// Who signed the database's certificate.
    pub database_ca: Option<PathBuf>,
    /// For gates' requests.
    pub listen: SocketAddr,
    /// For the directory stream.
    pub stream: SocketAddr,
    /// Probes and metrics.
    pub admin: SocketAddr,
    /// The certificate.
    pub tls: TlsFiles,
    /// Most connections.
    pub connections: MostConnections,
    /// Between saying no to probes and closing the listeners.
    pub linger: Duration,
    /// What to log.
    pub log: String,
    /// How to log it.
    pub log_format: LogFormat,
}

impl AuthoritySettings {
    /// Reads the file that `flags` (or the environment through them) name, and fills in the defaults.
    pub fn resolve(
        flags: AuthorityOptions,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Failure> {
        environment::refuse_unknown::<AuthorityOptions>(environment)?;
        let file =
            flags.config.as_deref().map(file::read::<AuthorityOptions>).transpose()?.unwrap_or_default();
        Self::complete(overlay(file, flags))
    }

    fn complete(options: AuthorityOptions) -> Result<Self, Failure> {
        let Some((certificate, key)) = pair(options.tls_cert.clone(), options.tls_key.clone())? else {
            return Err(Failure::usage(
                "there is no certificate: gates speak to the authority over TLS alone",
                "Name one with --tls-cert and --tls-key, for the host name that gates call it by.",
            ));
        };
        let linger = options.linger.unwrap_or(0);
        if linger > LONGEST_LINGER {
            return Err(Failure::usage(
                format!("linger is {linger}"),
                format!("Give at most {LONGEST_LINGER} seconds."),
            ));
        }
        let most = MostConnections::default();
        let connections = MostConnections {
            requests: options.max_connections.map_or(most.requests, NonZeroUsize::get),
            stream: options.max_streams.map_or(most.stream, NonZeroUsize::get),
        };
        let any = |port| (Ipv4Addr::UNSPECIFIED, port).into();
        Ok(Self {
            database_ca: options.database_ca.clone(),
            listen: options.listen.unwrap_or_else(|| any(8444)),
            stream: options.stream.unwrap_or_else(|| any(8445)),
            admin: options.admin.unwrap_or_else(|| any(9090)),
            tls: TlsFiles { certificate, key },
            connections,
            linger: Duration::from_secs(linger),
            log: options.log.clone().unwrap_or_else(|| "info".to_owned()),
            log_format: options.log_format.unwrap_or_default(),
            served: served(options)?,
        })
    }
}

fn served(options: AuthorityOptions) -> Result<Served, Failure> {
    match (options.backend, options.manifests) {
        (Some(_), Some(_)) => Err(Failure::usage(
            "both a Backend of the cluster and a folder of manifests are named",
            "Give --backend in a cluster, --manifests elsewhere.",
        )),
        (None, None) => Err(Failure::usage(
            "nothing says which Backend to serve",
            "Name one of the cluster with --backend NAMESPACE/NAME, or a folder with --manifests.",
        )),
        (Some(backend), None) => {
            let Some((namespace, name)) =
                backend.split_once('/').filter(|(namespace, name)| !namespace.is_empty() && is_name(name))
            else {
                return Err(Failure::usage(
                    format!("{backend:?} names no Backend"),
                    "Write it as NAMESPACE/NAME, such as mini-xdr/mini-xdr.",
                ));
            };
            let for_folders = [
                ("--data", options.data.is_some()),
                ("--gate-tokens", options.gate_tokens.is_some()),
                ("--public-url", options.public_url.is_some()),
            ];
            if let Some((flag, _)) = for_folders.into_iter().find(|(_, given)| *given) {
                return Err(Failure::usage(
                    format!("{flag} is for a folder of manifests"),
                    format!("Leave {flag} out: in a cluster the Backend says it."),
                ));
            }
            let missing = |flag: &str| {
                let what = format!("--backend is given without {flag}");
                Failure::usage(what, "The operator gives all that an authority in a cluster needs.")
            };
            Ok(Served::Backend {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                cluster_id: options.cluster_id.ok_or_else(|| missing("--cluster-id"))?,
                keyring: options.sealing_keyring.ok_or_else(|| missing("--sealing-keyring"))?,
                database: options.database.as_deref().map(secret).ok_or_else(|| missing("--database"))?,
            })
        }
        (None, Some(manifests)) => {
            if options.cluster_id.is_some() {
                return Err(Failure::usage(
                    "--cluster-id is for a Backend of a cluster",
                    "Leave --cluster-id out, or name the Backend with --backend.",
                ));
            }
            let Some(gate_tokens) = options.gate_tokens else {
                return Err(Failure::usage(
                    "nothing says who is a gate",
                    "Make a token with: openssl rand -base64 32 > gates.tokens && chmod 600 gates.tokens, and name the file with --gate-tokens.",
                ));
            };
            let public_url =
                options.public_url.map(|url| http_url("public URL", &url, &["https"])).transpose()?;
            Ok(Served::Folder {
                manifests,
                public_url,
                data: options.data.unwrap_or_else(|| PathBuf::from("tenantry-data")),
                keyring: options.sealing_keyring,
                database: options.database.as_deref().map(secret),
                gate_tokens,
            })
        }
    }
}

/// A text that may have come out of a file, with the line break at its end.
fn secret(text: &str) -> SecretString {
    text.trim().to_owned().into()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/')
}

fn overlay(below: AuthorityOptions, above: AuthorityOptions) -> AuthorityOptions {
    AuthorityOptions {
        config: above.config,
        backend: above.backend.or(below.backend),
        manifests: above.manifests.or(below.manifests),
        public_url: above.public_url.or(below.public_url),
        cluster_id: above.cluster_id.or(below.cluster_id),
        data: above.data.or(below.data),
        database: above.database.or(below.database),
        database_ca: above.database_ca.or(below.database_ca),
        sealing_keyring: above.sealing_keyring.or(below.sealing_keyring),
        listen: above.listen.or(below.listen),
        stream: above.stream.or(below.stream),
        admin: above.admin.or(below.admin),
        tls_cert: above.tls_cert.or(below.tls_cert),
        tls_key: above.tls_key.or(below.tls_key),
        gate_tokens: above.gate_tokens.or(below.gate_tokens),
        max_connections: above.max_connections.or(below.max_connections),
        max_streams: above.max_streams.or(below.max_streams),
        linger: above.linger.or(below.linger),
        log: above.log.or(below.log),
        log_format: above.log_format.or(below.log_format),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use secrecy::ExposeSecret as _;

    use super::super::{Cli, Command};
    use super::*;

    fn resolve(arguments: &[&str]) -> Result<AuthoritySettings, String> {
        let all = ["tenantry-proxy", "authority"].into_iter().chain(arguments.iter().copied());
        match Cli::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Authority(options) => {
                AuthoritySettings::resolve(*options, []).map_err(|failure| failure.to_string())
            }
            Command::Standalone(_) | Command::Check(_) => unreachable!(),
        }
    }

    const PAIR: [&str; 4] = ["--tls-cert", "c", "--tls-key", "k"];

    #[test]
    fn a_folder_and_a_backend_of_the_cluster_are_served_with_what_each_needs() {
        let folder = [&PAIR[..], &["--manifests", "m", "--gate-tokens", "t"]].concat();
        let settings = resolve(&folder).unwrap();
        assert!(matches!(settings.served, Served::Folder { .. }));
        assert_eq!(settings.connections, MostConnections { requests: 4096, stream: 1024 });
        let bounded =
            resolve(&[&folder[..], &["--max-connections", "9", "--max-streams", "5"]].concat()).unwrap();
        assert_eq!(bounded.connections, MostConnections { requests: 9, stream: 5 });
        assert_eq!((settings.listen.port(), settings.stream.port()), (8444, 8445));
        let cluster = [
            &PAIR[..],
            &[
                "--backend",
                "apps/app",
                "--cluster-id",
                "c",
                "--sealing-keyring",
                "k",
                "--database",
                "postgres://x\n",
            ],
        ]
        .concat();
        let settings = resolve(&cluster).unwrap();
        assert!(matches!(settings.served, Served::Backend { namespace, name, database, .. }
                if [namespace.as_str(), name.as_str(), database.expose_secret()] == ["apps", "app", "postgres://x"]));
    }

    #[test]
    fn halves_and_nonsense_are_refused_with_a_sentence() {
        let backend = ["--backend", "apps/app"];
        for (arguments, sentence) in [
            (vec![], "there is no certificate"),
            (vec!["--tls-cert", "c"], "--tls-cert is given without --tls-key"),
            (PAIR.to_vec(), "nothing says which Backend to serve"),
            ([&PAIR[..], &["--manifests", "m"]].concat(), "nothing says who is a gate"),
            ([&PAIR[..], &["--backend", "app"]].concat(), "names no Backend"),
            ([&PAIR[..], &["--backend", "a/b/c"]].concat(), "names no Backend"),
            ([&PAIR[..], &backend].concat(), "without --cluster-id"),
            ([&PAIR[..], &backend, &["--gate-tokens", "t"]].concat(), "--gate-tokens is for a folder"),
            ([&PAIR[..], &["--linger", "21"]].concat(), "at most 20 seconds"),
            ([&PAIR[..], &["--max-streams", "0"]].concat(), "invalid value '0'"),
            ([&backend[..], &["--manifests", "m"]].concat(), "cannot be used with"),
        ] {
            let refused = resolve(&arguments).unwrap_err();
            assert!(refused.contains(sentence), "{arguments:?}: {refused}");
        }
    }

    #[test]
    fn every_flag_is_a_key_of_the_file() {
        let text = "backend: a/b\nmanifests: m\npublicUrl: https://p\nclusterId: c\ndata: d\ndatabase: u\ndatabaseCa: c\n\
                    sealingKeyring: s\nlisten: 127.0.0.1:1\nstream: 127.0.0.1:2\nadmin: 127.0.0.1:3\ntlsCert: c\ntlsKey: k\n\
                    gateTokens: t\nmaxConnections: 9\nmaxStreams: 9\nlinger: 3\nlog: debug\nlogFormat: json\n";
        assert_eq!(text.lines().count(), file::known_keys::<AuthorityOptions>().len());
        let written = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&written, text).unwrap();
        let options: AuthorityOptions = file::read(written.path()).unwrap();
        assert_eq!((options.linger, options.log.as_deref()), (Some(3), Some("debug")));
    }
}
