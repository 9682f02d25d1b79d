//! File, environment and flags laid over each other, with the defaults below them.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tenantry_gate::Fingerprint;
use tenantry_process::{Failure, LogFormat, Plain, environment, file};

use super::cli::Options;
use super::listener::{Listener, at_port, listener, listener_url};

const DIRECTORY_PORT: u16 = 8445;
const DRAIN: Duration = Duration::from_secs(25);
/// Longest drain; an orchestrator has long killed the process by then.
const LONGEST_DRAIN: u64 = 3600;

/// Complete settings.
#[derive(Debug)]
pub(crate) struct Settings {
    /// HTTPS.
    pub listen: SocketAddr,
    /// Plain HTTP, loopback only.
    pub plain: Vec<SocketAddr>,
    /// Probes and metrics.
    pub admin: SocketAddr,
    /// PEM chain, the server's certificate first.
    pub tls_cert: PathBuf,
    /// PEM private key.
    pub tls_key: PathBuf,
    /// Threads that serve traffic; 0 means one a core.
    pub workers: usize,
    /// How long requests in flight may take to end.
    pub drain: Duration,
    /// The authority's listener for requests.
    pub authority: Listener,
    /// The authority's listener for streams.
    pub directory: Listener,
    /// The CAs of the authority; there where one of the two is spoken to over TLS.
    pub authority_ca: Option<PathBuf>,
    /// The only ones of them that count, unless it is empty.
    pub pins: Vec<Fingerprint>,
    /// What proves this gate to the authority.
    pub token_file: PathBuf,
    /// Where the assertion's key set is written.
    pub assertion_dir: Option<PathBuf>,
    /// What to log.
    pub log: String,
    /// How to log it.
    pub log_format: LogFormat,
}

impl Settings {
    /// Reads the file that `flags` (or the environment through them) name, and fills in the defaults.
    pub fn resolve(
        flags: Options,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Failure> {
        environment::refuse_unknown::<Options>(environment)?;
        let file = flags.config.as_deref().map(file::read::<Options>).transpose()?.unwrap_or_default();
        Self::complete(overlay(file, flags))
    }

    fn complete(options: Options) -> Result<Self, Failure> {
        if options.workers == Some(0) {
            return Err(Failure::usage("workers is 0", "Give at least 1, or leave it out for one a core."));
        }
        let drain = options.drain.map_or(DRAIN, Duration::from_secs);
        if drain.as_secs() > LONGEST_DRAIN {
            return Err(Failure::usage(
                format!("a drain of {} seconds is longer than an hour", drain.as_secs()),
                "Give --drain 25, or what the orchestrator waits, less a few seconds.",
            ));
        }
        let url = required(options.authority, "where the authority is", "--authority https://HOST:8444")?;
        let url = listener_url("authority", &url)?;
        let directory = match options.directory {
            Some(url) => listener_url("directory", &url)?,
            None => at_port(url.clone(), DIRECTORY_PORT)?,
        };
        let (authority, directory) = (listener(&url), listener(&directory));
        let pins = options.authority_ca_sha256;
        trusted(authority.tls || directory.tls, options.authority_ca.is_some(), !pins.is_empty())?;
        let tls = "which certificate to serve";
        Ok(Self {
            listen: options.listen.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 8443).into()),
            plain: plain(&options.plain)?,
            admin: options.admin.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 9090).into()),
            tls_cert: required(options.tls_cert, tls, "--tls-cert FILE and --tls-key FILE")?,
            tls_key: required(options.tls_key, "which key the certificate has", "--tls-key FILE")?,
            workers: options.workers.unwrap_or(0),
            drain,
            authority,
            directory,
            authority_ca: options.authority_ca,
            pins,
            token_file: required(
                options.token_file,
                "what proves this gate to the authority",
                "--token-file FILE: a projected ServiceAccount token, or one of the authority's token file",
            )?,
            assertion_dir: options.assertion_dir,
            log: options.log.unwrap_or_else(|| "info".to_owned()),
            log_format: options.log_format.unwrap_or_default(),
        })
    }
}

fn overlay(below: Options, above: Options) -> Options {
    fn or<T>(below: Vec<T>, above: Vec<T>) -> Vec<T> {
        if above.is_empty() { below } else { above }
    }
    Options {
        config: above.config,
        listen: above.listen.or(below.listen),
        plain: or(below.plain, above.plain),
        admin: above.admin.or(below.admin),
        tls_cert: above.tls_cert.or(below.tls_cert),
        tls_key: above.tls_key.or(below.tls_key),
        workers: above.workers.or(below.workers),
        drain: above.drain.or(below.drain),
        authority: above.authority.or(below.authority),
        directory: above.directory.or(below.directory),
        authority_ca: above.authority_ca.or(below.authority_ca),
        authority_ca_sha256: or(below.authority_ca_sha256, above.authority_ca_sha256),
        token_file: above.token_file.or(below.token_file),
        assertion_dir: above.assertion_dir.or(below.assertion_dir),
        log: above.log.or(below.log),
        log_format: above.log_format.or(below.log_format),
    }
}

fn required<T>(given: Option<T>, what: &str, flag: &str) -> Result<T, Failure> {
    given.ok_or_else(|| Failure::usage(format!("nothing says {what}"), format!("Give {flag}.")))
}

fn plain(given: &[Plain]) -> Result<Vec<SocketAddr>, Failure> {
    let on: Vec<SocketAddr> = given
        .iter()
        .filter_map(|plain| match plain {
            Plain::Off => None,
            Plain::On(address) => Some(*address),
        })
        .collect();
    if !on.is_empty() && on.len() < given.len() {
        return Err(Failure::usage(
            "the plain listener is off and on at once",
            "Give addresses, or off alone.",
        ));
    }
    Ok(on)
}

/// The CA bundle goes with TLS, and the pins with the bundle.
fn trusted(tls: bool, ca: bool, pins: bool) -> Result<(), Failure> {
    let usage = |what: &str, remedy: &str| Err(Failure::usage(what, remedy));
    match (tls, ca, pins) {
        (true, false, _) => usage(
            "nothing says which CA the authority's certificate is of",
            "Give --authority-ca FILE, a PEM file with that CA.",
        ),
        (false, true, _) | (false, _, true) => usage(
            "a CA is given for an authority that is spoken to in clear",
            "Write --authority https://HOST:8444, or leave --authority-ca and --authority-ca-sha256 out.",
        ),
        (true, true, _) | (false, false, false) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::cli::Cli;
    use super::*;

    const USUAL: [(&str, &str); 5] = [
        ("--tls-cert", "c.pem"),
        ("--tls-key", "k.pem"),
        ("--authority", "https://authority.example:8444"),
        ("--authority-ca", "ca.pem"),
        ("--token-file", "token"),
    ];

    /// What is usual, without the flags that `arguments` name or `without` lists.
    fn resolve_without(without: &[&str], arguments: &[&str]) -> Result<Settings, Failure> {
        let kept = USUAL.iter().filter(|(flag, _)| !arguments.contains(flag) && !without.contains(flag));
        let usual = kept.flat_map(|(flag, value)| [*flag, *value]);
        let all = ["tenantry-gate"].into_iter().chain(usual).chain(arguments.iter().copied());
        Settings::resolve(Cli::try_parse_from(all).unwrap().options, [])
    }

    fn resolve(arguments: &[&str]) -> Result<Settings, Failure> {
        resolve_without(&[], arguments)
    }

    #[test]
    fn defaults_are_those_of_a_sidecar() {
        let settings = resolve(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "0.0.0.0:8443");
        assert_eq!(settings.admin.to_string(), "0.0.0.0:9090");
        assert!(settings.plain.is_empty() && settings.pins.is_empty());
        assert_eq!(settings.authority.address, "authority.example:8444");
        assert_eq!(settings.directory, Listener { address: "authority.example:8445".into(), tls: true });
        assert_eq!(settings.drain.as_secs(), 25);
    }

    #[test]
    fn lists_are_repeated_or_have_commas() {
        let both = ["127.0.0.1:8442".parse().unwrap(), "[::1]:8442".parse().unwrap()];
        for arguments in [
            &["--plain", "127.0.0.1:8442,[::1]:8442"][..],
            &["--plain", "127.0.0.1:8442", "--plain", "[::1]:8442"],
        ] {
            assert_eq!(resolve(arguments).unwrap().plain, both);
        }
        assert!(resolve(&["--plain", "off"]).unwrap().plain.is_empty());
        let pins = format!("{},{}", "ab".repeat(32), "cd:".repeat(31) + "CD");
        assert_eq!(resolve(&["--authority-ca-sha256", &pins]).unwrap().pins.len(), 2);
    }

    #[test]
    fn an_ipv6_authority_keeps_its_brackets_and_may_be_in_clear_on_this_machine() {
        let arguments = ["--authority", "http://[::1]:8444"];
        let settings = resolve_without(&["--authority-ca"], &arguments).unwrap();
        assert_eq!(settings.authority, Listener { address: "[::1]:8444".into(), tls: false });
        assert_eq!(settings.directory, Listener { address: "[::1]:8445".into(), tls: false });
    }

    #[test]
    fn every_flag_is_a_key_of_the_file_and_a_flag_wins() {
        let print = "ab".repeat(32);
        let text = format!(
            "listen: 127.0.0.1:1\nplain: off\nadmin: 127.0.0.1:2\ntlsCert: c\ntlsKey: k\nworkers: 2\ndrain: 3\n\
             authority: https://a:1\ndirectory: https://d:2\nauthorityCa: ca\nauthorityCaSha256: [\"{print}\"]\n\
             tokenFile: t\nassertionDir: d\nlog: debug\nlogFormat: json\n"
        );
        assert_eq!(text.lines().count(), file::known_keys::<Options>().len());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let all = ["tenantry-gate", "--config", file.path().to_str().unwrap(), "--drain", "9"];
        let settings = Settings::resolve(Cli::try_parse_from(all).unwrap().options, []).unwrap();
        assert_eq!(settings.pins[0].to_string(), print);
        assert_eq!((settings.drain.as_secs(), settings.workers), (9, 2));
        assert_eq!(settings.directory.address, "d:2");
        assert!(settings.plain.is_empty());
        for (plain, count) in [("[127.0.0.1:1, '[::1]:1']", 2), ("127.0.0.1:1,127.0.0.1:2", 2)] {
            std::fs::write(&file, format!("plain: {plain}\n")).unwrap();
            assert_eq!(file::read::<Options>(file.path()).unwrap().plain.len(), count);
        }
        for (line, sentence) in [("plain: 0.0.0.0:1", "this machine alone"), ("authorityCaSha256: ab", "64")]
        {
            std::fs::write(&file, line).unwrap();
            let said = file::read::<Options>(file.path()).unwrap_err().to_string();
            assert!(said.contains(sentence), "{said}");
        }
    }

    #[test]
    fn halves_and_nonsense_are_refused_with_a_sentence() {
        for (without, arguments, sentence) in [
            ("--tls-key", &[][..], "Give --tls-key FILE"),
            ("--tls-cert", &[], "Give --tls-cert FILE"),
            ("--authority", &[], "--authority https://HOST:8444"),
            ("--token-file", &[], "--token-file FILE"),
            ("--authority-ca", &[], "Give --authority-ca FILE"),
            ("", &["--workers", "0"], "workers is 0"),
            ("", &["--drain", "4000"], "longer than an hour"),
            ("", &["--authority", "authority:8444"], "cannot be used"),
            ("", &["--authority", "https://a/path"], "with nothing after it"),
            ("", &["--authority", "https://u:hunter2@a"], "\"given\" cannot be used"),
            ("", &["--authority", "http://authority.example:8444"], "in clear"),
            ("", &["--directory", "http://10.0.0.1:8445"], "in clear"),
            ("", &["--authority", "http://localhost.example:8444"], "in clear"),
            ("", &["--authority", "http://127.0.0.1:8444"], "a CA is given"),
            ("", &["--plain", "off,127.0.0.1:1"], "off and on at once"),
        ] {
            let failure = resolve_without(&[without], arguments).unwrap_err().to_string();
            assert!(failure.contains(sentence), "{arguments:?}: {failure}");
            assert!(!failure.contains("hunter2"));
        }
    }
}
