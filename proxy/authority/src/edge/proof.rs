//! Only a gate may talk to the authority, and only a gate's word on the client is taken.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use crate::problem::Problem;

const PROOF: &str = "x-tenantry-gate";

/// What a proved gate says of a request. Its presence among the extensions is the proof.
#[derive(Debug, Clone)]
pub(crate) struct GateProof {
    pub address: IpAddr,
    pub over_tls: bool,
    pub request_id: String,
}

/// Refuses whoever does not hold the gate credential; for the rest, reads the client's address, scheme and request id from the gate's headers.
pub(crate) async fn only_a_gate(
    State(credential): State<Arc<SecretString>>,
    mut request: Request,
    next: Next,
) -> Response {
    if !proves(request.headers(), credential.expose_secret()) {
        tracing::warn!("a peer that is no gate was refused");
        return Problem::forbidden("not_a_gate", "This address answers gates only.").into_response();
    }
    let headers = request.headers_mut();
    let Some(address) = single(headers, "x-forwarded-for").and_then(|v| v.trim().parse::<IpAddr>().ok())
    else {
        return Problem::bad_request("no_client_address", "The gate did not say who is asking.")
            .into_response();
    };
    let proof = GateProof {
        address,
        over_tls: single(headers, "x-forwarded-proto") == Some("https"),
        request_id: single(headers, "x-request-id")
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_graphic)
            .take(128)
            .collect(),
    };
    headers.remove(PROOF);
    request.extensions_mut().insert(proof);
    next.run(request).await
}

fn proves(headers: &HeaderMap, credential: &str) -> bool {
    let mut sent = headers.get_all(PROOF).iter();
    match (sent.next(), sent.next()) {
        (Some(one), None) => {
            !credential.is_empty() && equal_in_constant_time(one.as_bytes(), credential.as_bytes())
        }
        _ => false,
    }
}

fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    }
}

impl Default for GateProof {
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), over_tls: true, request_id: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_credential_must_be_sent_once_and_whole() {
        let mut headers = HeaderMap::new();
        assert!(!proves(&headers, "secret"));
        headers.insert(PROOF, HeaderValue::from_static("secre"));
        assert!(!proves(&headers, "secret"));
        headers.insert(PROOF, HeaderValue::from_static("secret"));
        assert!(proves(&headers, "secret"));
        headers.append(PROOF, HeaderValue::from_static("secret"));
        assert!(!proves(&headers, "secret"));
    }

    #[test]
    fn an_empty_credential_proves_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(PROOF, HeaderValue::from_static(""));
        assert!(!proves(&headers, ""));
    }
}
