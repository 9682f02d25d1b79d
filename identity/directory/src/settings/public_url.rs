use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::OrganizationId;
use crate::ids::serde_as_text;

const DEFAULT_PORT: u16 = 443;

/// Where browsers and clients reach a Backend: `https://host[:port]`, nothing else. Kept as an origin (RFC 6454):
/// lower case, no default port, no trailing slash.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicUrl {
    origin: Box<str>,
    port: u16,
    explicit_port: bool,
}

/// Why a text is no public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Another scheme, or none.
    #[error("a public URL begins with https://")]
    Scheme,
    /// No host, or one that is neither a name nor an address.
    #[error("a public URL needs a host name or an address")]
    Host,
    /// A port that is not a number from 1 to 65535.
    #[error("the port of a public URL is a number from 1 to 65535")]
    Port,
    /// A path, query, fragment, user or password.
    #[error("a public URL is https://host or https://host:port and nothing more")]
    More,
}

impl PublicUrl {
    const SCHEME: &'static str = "https://";

    /// `https://host[:port]`, as a browser writes it in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `host[:port]`, as a browser writes it in `Host`.
    pub fn authority(&self) -> &str {
        &self.origin[Self::SCHEME.len()..]
    }

    /// The host without its port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match (self.explicit_port, authority.rfind(':')) {
            (true, Some(colon)) => &authority[..colon],
            _ => authority,
        }
    }

    /// The port, 443 if it is not written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `iss` of an organization's tokens: `<publicUrl>/o/<id>`.
    pub fn issuer(&self, organization: OrganizationId) -> String {
        format!("{}/o/{organization}", self.origin)
    }

    /// Whether `issuer` is that organization's, without building it.
    pub fn is_issuer(&self, issuer: &str, organization: OrganizationId) -> bool {
        issuer
            .strip_prefix(&*self.origin)
            .and_then(|rest| rest.strip_prefix("/o/"))
            .is_some_and(|id| id.parse() == Ok(organization))
    }

    /// Whether a URL lies at or below this one.
    pub fn covers(&self, url: &str) -> bool {
        url.strip_prefix(&*self.origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix(Self::SCHEME).ok_or(PublicUrlError::Scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@', '\\']) {
            return Err(PublicUrlError::More);
        }
        let (host, port) = split_port(rest)?;
        if !is_host(host) {
            return Err(PublicUrlError::Host);
        }
        let port = port.unwrap_or(DEFAULT_PORT);
        let explicit_port = port != DEFAULT_PORT;
        let origin = if explicit_port { format!("https://{host}:{port}") } else { format!("https://{host}") };
        Ok(Self { origin: origin.into(), port, explicit_port })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), PublicUrlError> {
    let host_end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[host_end..].find(':') {
        None => Ok((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at(host_end + colon);
            match port[1..].parse() {
                Ok(number) if number > 0 && port[1..].bytes().all(|b| b.is_ascii_digit()) => {
                    Ok((host, Some(number)))
                }
                _ => Err(PublicUrlError::Port),
            }
        }
    }
}

fn is_host(host: &str) -> bool {
    if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return v6.parse::<Ipv6Addr>().is_ok();
    }
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.origin)
    }
}

serde_as_text!(PublicUrl);

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublicUrl {
        text.parse().unwrap()
    }

    #[test]
    fn it_is_kept_as_an_origin() {
        assert_eq!(url("https://XDR.example.com:443/").origin(), "https://xdr.example.com");
        assert_eq!(url("https://tenantry.localhost:8443").authority(), "tenantry.localhost:8443");
        assert_eq!(url("https://tenantry.localhost:8443").host(), "tenantry.localhost");
        assert_eq!(url("https://[::1]:8443").host(), "[::1]");
        assert_eq!((url("https://[::1]").host(), url("https://[::1]").port()), ("[::1]", 443));
    }

    #[test]
    fn what_is_no_origin_is_refused_with_its_reason() {
        for (text, reason) in [
            ("http://a.example", PublicUrlError::Scheme),
            ("a.example", PublicUrlError::Scheme),
            ("https://", PublicUrlError::Host),
            ("https://a..example", PublicUrlError::Host),
            ("https://a_b.example", PublicUrlError::Host),
            ("https://::1", PublicUrlError::Port),
            ("https://a.example:0", PublicUrlError::Port),
            ("https://a.example:+80", PublicUrlError::Port),
            ("https://a.example:99999", PublicUrlError::Port),
            ("https://a.example/app", PublicUrlError::More),
            ("https://user@a.example", PublicUrlError::More),
            ("https://a.example?x", PublicUrlError::More),
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn an_issuer_has_one_spelling_and_one_organization() {
        let base = url("https://b.example");
        let seven = OrganizationId(7);
        assert!(base.is_issuer(&base.issuer(seven), seven));
        for other in [
            "https://b.example/o/8",
            "https://b.example/o/07",
            "https://b.example/o/7/",
            "https://b.example:443/o/7",
            "https://B.example/o/7",
            "https://b.example.evil/o/7",
        ] {
            assert!(!base.is_issuer(other, seven), "{other}");
        }
    }

    #[test]
    fn another_host_with_our_name_as_prefix_is_not_covered() {
        let base = url("https://b.example");
        assert!(base.covers("https://b.example") && base.covers("https://b.example/o/7"));
        assert!(!base.covers("https://b.example.evil/o/7") && !base.covers("https://b.example@evil"));
    }
}
