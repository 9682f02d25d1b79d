//! Who is asking, as far as the request itself says; whether it is true is decided later.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use secrecy::SecretString;

use crate::cookies;
use crate::gates::GateProof;

/// The credential of a request. An `Authorization` header, even a malformed one, means that the cookie is never looked at.
#[derive(Debug, Clone)]
pub enum Credential {
    /// None of ours.
    None,
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// The `__Host-tenantry` cookie.
    Cookie(SecretString),
    /// An `Authorization` header that is not one bearer token.
    Malformed,
}

/// What a request says of who is asking.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The client's address, as the gate saw it.
    pub address: IpAddr,
    /// Whether the client came over TLS; without it cookies are neither read nor set.
    pub over_tls: bool,
    /// The gate's id of this request.
    pub request_id: String,
    /// The access token sent.
    pub credential: Credential,
    /// The refresh token's cookie, where the path and scheme allow one.
    pub refresh_cookie: Option<SecretString>,
    /// The `Origin` header; `Some("")` where it was sent but is unreadable or doubled.
    pub origin: Option<String>,
    /// The `Sec-Fetch-Site` header, which no page can forge.
    pub fetch_site: Option<String>,
    /// The `User-Agent`, cut to what a list of sessions shows.
    pub user_agent: Option<String>,
}

impl Caller {
    fn read(headers: &HeaderMap, proof: GateProof) -> Self {
        let text = |name: &str| {
            let mut values = headers.get_all(name).iter();
            values.next().map(|first| {
                if values.next().is_some() {
                    String::new()
                } else {
                    first.to_str().unwrap_or_default().to_owned()
                }
            })
        };
        let cookie = |name| proof.over_tls.then(|| cookies::read(headers, name)).flatten();
        let credential = match bearer(headers) {
            Credential::None => cookie(cookies::ACCESS).map_or(Credential::None, Credential::Cookie),
            sent => sent,
        };
        Self {
            address: proof.address,
            over_tls: proof.over_tls,
            request_id: proof.request_id,
            credential,
            refresh_cookie: cookie(cookies::REFRESH),
            origin: text("origin"),
            fetch_site: text("sec-fetch-site"),
            user_agent: text("user-agent")
                .map(|agent| agent.chars().filter(|c| !c.is_control()).take(200).collect()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Credential {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Credential::None,
        (Some(one), None) => {
            let token = one.to_str().ok().and_then(|v| v.split_once(' ')).and_then(|(scheme, token)| {
                let token = token.trim_matches(' ');
                (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains([' ', ',']))
                    .then_some(token)
            });
            token.map_or(Credential::Malformed, |t| Credential::Bearer(SecretString::from(t)))
        }
        _ => Credential::Malformed,
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let proof = parts.extensions.get::<GateProof>().cloned().unwrap_or_default();
        Ok(Self::read(&parts.headers, proof))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn caller(headers: &[(&'static str, &'static str)], over_tls: bool) -> Caller {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        Caller::read(&map, GateProof { over_tls, ..GateProof::default() })
    }

    #[test]
    fn a_malformed_authorization_header_hides_the_cookie() {
        for value in ["Basic YTpi", "Bearer", "Bearer  ", "Bearer a, Bearer b", "bearer a b", ""] {
            let caller = caller(&[("authorization", value), ("cookie", "__Host-tenantry=good")], true);
            assert!(matches!(caller.credential, Credential::Malformed), "{value:?}");
        }
        let twice = caller(&[("authorization", "Bearer a"), ("authorization", "Bearer b")], true);
        assert!(matches!(twice.credential, Credential::Malformed));
    }

    #[test]
    fn the_cookie_counts_over_tls_only() {
        let cookie = [("cookie", "a=1; __Host-tenantry=tok; __Secure-tenantry-refresh=ref")];
        let tls = caller(&cookie, true);
        assert!(matches!(&tls.credential, Credential::Cookie(t) if t.expose_secret() == "tok"));
        assert_eq!(tls.refresh_cookie.unwrap().expose_secret(), "ref");
        let plain = caller(&cookie, false);
        assert!(matches!(plain.credential, Credential::None));
        assert!(plain.refresh_cookie.is_none());
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        let caller = caller(&[("authorization", "bEARER abc")], false);
        assert!(matches!(&caller.credential, Credential::Bearer(t) if t.expose_secret() == "abc"));
    }

    #[test]
    fn a_doubled_origin_is_no_origin_that_could_match() {
        assert_eq!(
            caller(&[("origin", "https://a.example"), ("origin", "https://b.example")], true)
                .origin
                .as_deref(),
            Some("")
        );
    }
}
