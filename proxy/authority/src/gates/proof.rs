//! A request shows that a gate sent it, and then the gate's word on the client is taken.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};

use super::{GATE_HEADER, Gates, NotAGate};
use crate::places::Place;
use crate::problem::Problem;
use crate::state::AppState;

/// What it takes to decide who asks.
#[derive(Clone)]
pub(crate) struct Asked {
    pub state: AppState,
    pub gates: Arc<dyn Gates>,
}

/// What a proved gate says of a request. Its presence among the extensions is the proof.
#[derive(Debug, Clone)]
pub(crate) struct GateProof {
    pub address: IpAddr,
    pub over_tls: bool,
    pub request_id: String,
}

/// Refuses whoever does not show a gate's credential; for the rest, reads the client's address, scheme and request id from the gate's headers.
pub(crate) async fn only_a_gate(State(asked): State<Asked>, mut request: Request, next: Next) -> Response {
    let place = request.extensions().get::<Place>();
    match check(asked.gates.as_ref(), &asked.state, request.headers(), place).await {
        Ok(()) => {}
        // The gate hands the answer on to whoever asked: why is in the log alone.
        Err(NotAGate::Unavailable(_)) => return turned_away(Problem::unavailable()),
        Err(NotAGate::Unknown | NotAGate::NotListed(_)) => {
            return turned_away(Problem::forbidden("not_a_gate", "This address answers gates only."));
        }
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
    headers.remove(GATE_HEADER);
    request.extensions_mut().insert(proof);
    next.run(request).await
}

/// The one credential that a request shows.
pub(crate) fn credential_of(headers: &HeaderMap) -> Option<&str> {
    single(headers, GATE_HEADER).filter(|credential| !credential.is_empty())
}

/// Whether a request is a gate's, whose connection then keeps its place; counts it where it is not, and tells that now and then.
pub(crate) async fn check(
    gates: &dyn Gates,
    state: &AppState,
    headers: &HeaderMap,
    place: Option<&Place>,
) -> Result<(), NotAGate> {
    let proved = proves(gates, headers).await;
    match (&proved, place) {
        (Ok(()), Some(place)) => place.prove(),
        (Ok(()), None) => {}
        (Err(reason), _) => {
            state.metrics.strangers.inc();
            if let Some(strangers) = state.strangers.count(Instant::now()) {
                tracing::warn!(%reason, strangers, "a peer was not taken for a gate");
            }
        }
    }
    proved
}

/// An answer to who is no gate, after which the connection is closed: it would keep a place for as long as its peer likes.
pub(crate) fn turned_away(problem: Problem) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn proves(gates: &dyn Gates, headers: &HeaderMap) -> Result<(), NotAGate> {
    match credential_of(headers) {
        Some(credential) => gates.check(credential).await,
        None => Err(NotAGate::Unknown),
    }
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
    use super::super::OneCredential;
    use super::*;

    #[tokio::test]
    async fn the_credential_must_be_sent_once_and_whole() {
        let gates = OneCredential::new("secret".into());
        let mut headers = HeaderMap::new();
        assert!(proves(&gates, &headers).await.is_err());
        headers.insert(GATE_HEADER, HeaderValue::from_static("secre"));
        assert!(proves(&gates, &headers).await.is_err());
        headers.insert(GATE_HEADER, HeaderValue::from_static("secret"));
        assert!(proves(&gates, &headers).await.is_ok());
        headers.append(GATE_HEADER, HeaderValue::from_static("secret"));
        assert!(proves(&gates, &headers).await.is_err());
    }

    #[tokio::test]
    async fn an_empty_credential_proves_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(GATE_HEADER, HeaderValue::from_static(""));
        assert!(proves(&OneCredential::new("".into()), &headers).await.is_err());
    }
}
