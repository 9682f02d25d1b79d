//! The HTTPS server that the API server asks. Every replica serves, whether or not it leads.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use k8s_openapi::api::core::v1::Pod;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::decide::{Decider, Denied};
use crate::metrics::{Injected, Metrics};

#[cfg(test)]
mod tests;

/// The largest question: the API server itself takes no object of more than 3 MiB, and asks with one.
const LARGEST: usize = 4 << 20;
/// How many connections there may be: the API server keeps some tens.
const CONNECTIONS: usize = 512;
/// For a handshake, and for a question to come whole.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection is kept that nothing comes by: longer than the API server keeps it, which would not ask again when one is closed
/// just as it asks.
const IDLE: Duration = Duration::from_mins(2);
/// How long answers that are under way may take at the end.
const LAST: Duration = Duration::from_secs(5);

struct Asked {
    decider: Decider,
    metrics: Metrics,
}

/// Serves until the end is told, and then answers what was asked before.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    decider: Decider,
    metrics: Metrics,
    mut end: watch::Receiver<bool>,
) {
    let app = Router::new().route("/inject", post(answer)).with_state(Arc::new(Asked { decider, metrics }));
    let (graceful, room) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    let acceptor = TlsAcceptor::from(tls);
    loop {
        let accepted = tokio::select! {
            _ = end.wait_for(|ends| *ends) => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection to the webhook was not taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let (acceptor, app, watcher) = (acceptor.clone(), app.clone(), graceful.watcher());
        tokio::spawn(async move {
            let Some(stream) = shake_hands(acceptor, stream).await else { return };
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
            let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection to the webhook ended badly");
            }
            drop(permit);
        });
    }
    // Nobody is kept waiting for by whoever asks nothing.
    _ = tokio::time::timeout(LAST, graceful.shutdown()).await;
}

async fn shake_hands(
    acceptor: TlsAcceptor,
    stream: TcpStream,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a handshake with the webhook failed");
            None
        }
        Err(_) => None,
    }
}

async fn answer(State(asked): State<Arc<Asked>>, body: Body) -> Response {
    let Ok(Ok(body)) = tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST)).await else {
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            "the question is larger than 4 MiB, or did not come whole in time",
        )
            .into_response();
    };
    let (outcome, answer) = match read(&body) {
        Ok(request) => asked.to(&request).await,
        Err(problem) => ("undecided", AdmissionResponse::invalid(problem)),
    };
    asked.metrics.injections.get_or_create(&Injected { outcome }).inc();
    axum::Json(answer.into_review()).into_response()
}

fn read(body: &Bytes) -> Result<AdmissionRequest<Pod>, String> {
    let review: AdmissionReview<Pod> = serde_json::from_slice(body).map_err(|error| {
        format!("this is no AdmissionReview of a pod that the operator understands: {error}")
    })?;
    review.try_into().map_err(|_| "the AdmissionReview asks nothing".to_owned())
}

impl Asked {
    /// What is counted, and what is answered.
    async fn to(&self, request: &AdmissionRequest<Pod>) -> (&'static str, AdmissionResponse) {
        let answer = AdmissionResponse::from(request);
        let namespace = request.namespace.as_deref().unwrap_or_default();
        match self.decider.decide(request).await {
            Ok(None) => ("unchanged", answer),
            Ok(Some(done)) if done.patch.0.is_empty() => ("unchanged", warned(answer, done.warnings)),
            Ok(Some(done)) => match answer.clone().with_patch(done.patch) {
                Ok(answer) => ("injected", warned(answer, done.warnings)),
                Err(error) => ("undecided", denied(answer, 500, &error.to_string())),
            },
            Err(refused @ Denied::Refused(_)) => {
                tracing::info!(namespace, "a pod got no gate: {refused}");
                ("refused", denied(answer, 403, &refused.to_string()))
            }
            Err(undecided) => {
                tracing::warn!(namespace, "a pod got no gate: {undecided}");
                ("undecided", denied(answer, 500, &undecided.to_string()))
            }
        }
    }
}

fn denied(answer: AdmissionResponse, code: u16, why: &str) -> AdmissionResponse {
    let mut answer = answer.deny(why);
    answer.result.code = code;
    answer
}

fn warned(mut answer: AdmissionResponse, warnings: Vec<String>) -> AdmissionResponse {
    answer.warnings = (!warnings.is_empty()).then_some(warnings);
    answer
}
