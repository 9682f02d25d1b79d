//! File, environment and flags laid over each other, with the defaults below them.

use super::cli::StandaloneOptions;
use secrecy::SecretString;
use std::{
    ffi::OsString,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};
use tenantry_process::{Failure, LogFormat, Plain, environment, file};
use url::Url;

/// A served certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM chain, the server's certificate first.
    pub certificate: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// Complete settings of `standalone`.
#[derive(Debug)]
pub struct Settings {
    /// The folder of manifests, where there is one.
    pub manifests: Option<PathBuf>,
    /// The backend, where it is not the manifest's.
    pub upstream: Option<Url>,
    /// The data folder.
    pub data: PathBuf,
    /// A database other than the embedded one.
    pub database: Option<SecretString>,
    /// Who signed that database's certificate.
    pub database_ca: Option<PathBuf>,
    /// The sealing keyring, where it is not the data folder's.
    pub sealing_keyring: Option<PathBuf>,
    /// HTTPS.
    pub listen: SocketAddr,
    /// Plain HTTP, loopback only; empty when off.
    pub plain: Vec<SocketAddr>,
    /// An address that was not asked for by name may be left out when the machine has no such address.
    pub plain_is_default: bool,
    /// Probes and metrics.
    pub admin: SocketAddr,
    /// What clients call this service, where it is not the manifest's.
    pub public_url: Option<Url>,
    /// A certificate other than the one made on first start.
    pub tls: Option<TlsFiles>,
    /// Threads that serve traffic.
    pub workers: Option<usize>,
    /// What to log.
    pub log: String,
    /// How to log it.
    pub log_format: LogFormat,
}

impl Settings {
    /// Reads the file that `flags` (or the environment through them) name, and fills in the defaults.
    pub fn resolve(
        flags: StandaloneOptions,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Failure> {
        environment::refuse_unknown::<StandaloneOptions>(environment)?;
        let file =
            flags.config.as_deref().map(file::read::<StandaloneOptions>).transpose()?.unwrap_or_default();
        Self::complete(overlay(file, flags))
    }

    fn complete(options: StandaloneOptions) -> Result<Self, Failure> {
        let tls = pair(options.tls_cert, options.tls_key)?;
        let tls = tls.map(|(certificate, key)| TlsFiles { certificate, key });
        if options.workers == Some(0) {
            return Err(Failure::usage("workers is 0", "Give at least 1, or leave it out for one a core."));
        }
        let plain_is_default = options.plain.is_none();
        Ok(Self {
            manifests: options.manifests,
            upstream: options.upstream.map(|url| http_url("upstream", &url, &["http"])).transpose()?,
            data: options.data.unwrap_or_else(|| PathBuf::from("tenantry-data")),
            database: options.database.map(SecretString::from),
            database_ca: options.database_ca,
            sealing_keyring: options.sealing_keyring,
            listen: options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 8443).into()),
            plain: match options.plain {
                None => vec![(Ipv4Addr::LOCALHOST, 8000).into(), (Ipv6Addr::LOCALHOST, 8000).into()],
                Some(Plain::Off) => vec![],
                Some(Plain::On(address)) => vec![address],
            },
            plain_is_default,
            admin: options.admin.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 9090).into()),
            public_url: options.public_url.map(|url| http_url("public URL", &url, &["https"])).transpose()?,
            tls,
            workers: options.workers,
            log: options.log.unwrap_or_else(|| "info".to_owned()),
            log_format: options.log_format.unwrap_or_default(),
        })
    }
}

fn overlay(below: StandaloneOptions, above: StandaloneOptions) -> StandaloneOptions {
    StandaloneOptions {
        config: above.config,
        manifests: above.manifests.or(below.manifests),
        upstream: above.upstream.or(below.upstream),
        data: above.data.or(below.data),
        database: above.database.or(below.database),
        database_ca: above.database_ca.or(below.database_ca),
        sealing_keyring: above.sealing_keyring.or(below.sealing_keyring),
        listen: above.listen.or(below.listen),
        plain: above.plain.or(below.plain),
        admin: above.admin.or(below.admin),
        public_url: above.public_url.or(below.public_url),
        tls_cert: above.tls_cert.or(below.tls_cert),
        tls_key: above.tls_key.or(below.tls_key),
        workers: above.workers.or(below.workers),
        log: above.log.or(below.log),
        log_format: above.log_format.or(below.log_format),
    }
}

/// A certificate and its key, or neither.
pub(super) fn pair(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (given, _) => {
            let (has, lacks) =
                if given.is_some() { ("--tls-cert", "--tls-key") } else { ("--tls-key", "--tls-cert") };
            Err(Failure::usage(
                format!("{has} is given without {lacks}"),
                format!("Give {lacks} too, or neither."),
            ))
        }
    }
}

pub(super) fn http_url(name: &str, text: &str, schemes: &[&str]) -> Result<Url, Failure> {
    let example = format!("Write it as {}://host or {0}://host:port, with nothing after it.", schemes[0]);
    let url = Url::parse(text)
        .map_err(|error| Failure::usage(format!("the {name} {text:?} is no URL: {error}"), &example))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !schemes.contains(&url.scheme())
        || url.host().is_none()
        || !bare
        || !url.username().is_empty()
        || url.password().is_some()
    {
        let shown = if url.password().is_some() { "given" } else { text };
        return Err(Failure::usage(format!("the {name} {shown:?} cannot be used"), example));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(arguments: &[&str]) -> Result<Settings, Failure> {
        use clap::Parser;
        let all = ["tenantry-proxy", "standalone"].into_iter().chain(arguments.iter().copied());
        match super::super::Cli::try_parse_from(all).unwrap().command {
            super::super::Command::Standalone(options) => Settings::resolve(*options, []),
            _ => unreachable!(),
        }
    }

    #[test]
    fn defaults_are_loopback_only() {
        let settings = resolve(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8443");
        assert_eq!(
            settings.plain.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.1:8000", "[::1]:8000"]
        );
        assert!(settings.admin.ip().is_loopback());
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "listen: 127.0.0.1:1111\nadmin: 127.0.0.1:2222\n").unwrap();
        let path = file.path().to_str().unwrap();
        let settings = resolve(&["--config", path, "--listen", "127.0.0.1:3333"]).unwrap();
        assert_eq!((settings.listen.port(), settings.admin.port()), (3333, 2222));
    }

    #[test]
    fn every_flag_is_a_key_of_the_file() {
        let text = "manifests: m\nupstream: http://u\ndata: d\ndatabase: sqlite\ndatabaseCa: c\nsealingKeyring: s\n\
                    listen: 127.0.0.1:1\nplain: off\nadmin: 127.0.0.1:2\npublicUrl: https://p\ntlsCert: c\n\
                    tlsKey: k\nworkers: 2\nlog: debug\nlogFormat: json\n";
        assert_eq!(text.lines().count(), file::known_keys::<StandaloneOptions>().len());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let options: StandaloneOptions = file::read(file.path()).unwrap();
        assert_eq!(options.public_url.as_deref(), Some("https://p"));
        assert_eq!(options.workers, Some(2));
        assert_eq!(options.plain, Some(Plain::Off));
    }

    #[test]
    fn halves_and_nonsense_are_refused_with_a_sentence() {
        for (arguments, sentence) in [
            (&["--tls-cert", "c.pem"][..], "--tls-cert is given without --tls-key"),
            (&["--workers", "0"], "workers is 0"),
            (&["--upstream", "https://secure.example"], "cannot be used"),
            (&["--upstream", "http://host/path"], "with nothing after it"),
            (&["--public-url", "http://x.example"], "Write it as https://host"),
            (&["--upstream", "http://u:hunter2@host"], "\"given\" cannot be used"),
        ] {
            let failure = resolve(arguments).unwrap_err().to_string();
            assert!(failure.contains(sentence), "{failure}");
            assert!(!failure.contains("hunter2"));
        }
    }
}
