//! Where the authority listens.

use tenantry_process::Failure;
use url::{Host, Url};

/// One of the authority's listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// `host:port`.
    pub address: String,
    /// Over TLS, or in clear on this machine.
    pub tls: bool,
}

/// An `https` URL of a listener, or an `http` one on this machine.
pub(super) fn listener_url(name: &str, text: &str) -> Result<Url, Failure> {
    let example = format!("Write --{name} https://HOST:PORT, with nothing after it.");
    let url = Url::parse(text)
        .map_err(|error| Failure::usage(format!("the {name} {text:?} is no URL: {error}"), &example))?;
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if has_credentials || !bare || url.host().is_none() || !["https", "http"].contains(&url.scheme()) {
        let shown = if has_credentials { "given" } else { text };
        return Err(Failure::usage(format!("the {name} {shown:?} cannot be used"), example));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(Failure::usage(
            format!("the {name} {text:?} would be sent passwords and the token in clear"),
            format!("{example} Plain http:// is for an authority on this machine alone."),
        ));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn at_port(mut url: Url, port: u16) -> Result<Url, Failure> {
    match url.set_port(Some(port)) {
        Ok(()) => Ok(url),
        Err(()) => {
            Err(Failure::usage("nothing says where the directory is", "Give --directory https://HOST:8445."))
        }
    }
}

pub(super) fn listener(url: &Url) -> Listener {
    let port = url.port_or_known_default().unwrap_or_default();
    Listener {
        address: format!("{}:{port}", url.host_str().unwrap_or_default()),
        tls: url.scheme() == "https",
    }
}
