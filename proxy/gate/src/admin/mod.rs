//! Probes, metrics and the assertion key set, on a port of its own.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tenantry_directory::Freshness;
use tokio::net::TcpListener;

use crate::shared::{Phase, Shared};

const HEAD: Duration = Duration::from_secs(5);

/// Serves until the gate has stopped.
pub(crate) async fn serve(shared: Arc<Shared>, listener: StdListener) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut phase = shared.phase.subscribe();
    loop {
        let accepted = tokio::select! {
            _ = phase.wait_for(|phase| *phase == Phase::Stopped) => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let response = answer(&shared, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), answer).await {
                tracing::debug!(%error, "a probe's connection ended badly");
            }
        });
    }
}

fn answer(shared: &Shared, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let text = "text/plain; charset=utf-8";
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, text, "GET only\n".into());
    }
    match request.uri().path() {
        "/healthz" => plain(StatusCode::OK, text, "ok\n".into()),
        "/readyz" => match readiness(shared) {
            Ok(()) => plain(StatusCode::OK, text, "ready\n".into()),
            Err(why) => plain(StatusCode::SERVICE_UNAVAILABLE, text, format!("{why}\n")),
        },
        "/metrics" => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            plain(StatusCode::OK, kind, metrics(shared))
        }
        "/-/assertion-jwks.json" => {
            plain(StatusCode::OK, "application/jwk-set+json", shared.assertion.jwks.clone())
        }
        _ => plain(
            StatusCode::NOT_FOUND,
            text,
            "here: /healthz /readyz /metrics /-/assertion-jwks.json\n".into(),
        ),
    }
}

/// Whether requests should come here.
fn readiness(shared: &Shared) -> Result<(), &'static str> {
    if *shared.phase.borrow() != Phase::Serving {
        return Err("draining");
    }
    match shared.known() {
        None => Err("the directory has not been heard of yet"),
        Some(known) if known.freshness(Instant::now()) == Freshness::Expired => {
            Err("the directory is too old")
        }
        Some(_) => Ok(()),
    }
}

/// The metrics as they are now. A gate that has heard nothing yet knows something of boundless age.
fn metrics(shared: &Shared) -> String {
    let (known, now) = (shared.known(), Instant::now());
    let freshness = known.as_ref().map_or(Freshness::Expired, |known| known.freshness(now));
    let age = known.and_then(|known| known.age(now));
    shared.metrics.text(freshness, age.map_or(f64::INFINITY, |age| age.as_secs_f64()))
}

fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
