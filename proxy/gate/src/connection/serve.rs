//! Serving one connection: TLS by ALPN, then HTTP/2 or guarded HTTP/1.1, until the client leaves, idles or the gate drains.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tenantry_directory::settings::Limits;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::activity::Activity;
use super::guard::{Guard, HeadLimits};
use crate::request::{Client, handle};
use crate::shared::Phase;
use crate::worker::{Listener, Worker};

/// Between two looks at how long a connection has been idle.
const IDLE_LOOK: Duration = Duration::from_secs(5);
/// How long an idle HTTP/2 client may take to answer that its connection ends.
const LAST_WORD: Duration = Duration::from_secs(5);
/// How long a client that comes while the gate leaves may ask over HTTP/2.
const FIRST_WORD: Duration = Duration::from_secs(1);
/// HTTP/2 streams that a client may reset before the connection is closed (CVE-2023-44487).
const RESETS: usize = 100;

pub(crate) async fn connection(
    worker: Rc<Worker>,
    stream: TcpStream,
    peer: SocketAddr,
    listener: Listener,
    acceptor: TlsAcceptor,
) {
    let limits =
        worker.shared.known().map_or_else(Limits::default, |known| known.view.backend.limits.clone());
    if listener == Listener::Plain {
        return http1(worker, stream, Client { peer, listener, http2: false }, &limits).await;
    }
    match timeout(limits.header_read, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let client = Client { peer, listener, http2 };
            if http2 {
                self::http2(worker, stream, client, &limits).await;
            } else {
                http1(worker, stream, client, &limits).await;
            }
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => worker.shared.metrics.refused("handshake_too_slow"),
    }
}

async fn http1<S>(worker: Rc<Worker>, stream: S, client: Client, limits: &Limits)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    let activity = Activity::new();
    let heads =
        HeadLimits { bytes: limits.header_bytes, headers: limits.header_count, time: limits.header_read };
    let guarded = Guard::new(stream, heads, Rc::clone(&activity));
    let serving = {
        let (worker, activity) = (Rc::clone(&worker), Rc::clone(&activity));
        service_fn(move |request| {
            let (worker, in_flight) = (Rc::clone(&worker), activity.begin());
            async move { Ok::<_, std::convert::Infallible>(handle(worker, client, request, in_flight).await) }
        })
    };
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_headers(limits.header_count)
            .max_buf_size(limits.header_bytes.max(8 * 1024) + 8 * 1024)
            .serve_connection(TokioIo::new(guarded), serving)
    );
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended badly");
                }
                break;
            }
            // Before that each answer says that the connection ends with it: one that rests may be in use again already.
            () = leave(&worker, &activity, limits.idle, Phase::Draining), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
    if let Some(reason) = activity.fault() {
        worker.shared.metrics.refused(reason);
        tracing::info!(reason, peer = %client.peer, "a connection was refused for its framing");
    }
}

async fn http2<S>(worker: Rc<Worker>, stream: S, client: Client, limits: &Limits)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    let activity = Activity::new();
    let serving = {
        let (worker, activity) = (Rc::clone(&worker), Rc::clone(&activity));
        service_fn(move |request| {
            let (worker, in_flight) = (Rc::clone(&worker), activity.begin());
            async move { Ok::<_, std::convert::Infallible>(handle(worker, client, request, in_flight).await) }
        })
    };
    // Who comes while the gate leaves has nowhere else to go yet, and something to ask first.
    let is_late = *worker.shared.phase.borrow() >= Phase::Leaving;
    let first = if is_late { FIRST_WORD } else { Duration::ZERO };
    let list = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
    let mut connection = pin!(
        http2::Builder::new(Local)
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(list)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS)
            .serve_connection(TokioIo::new(stream), serving)
    );
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended badly");
                }
                return;
            }
            () = async {
                tokio::time::sleep(first).await;
                leave(&worker, &activity, limits.idle, Phase::Leaving).await;
            }, if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            // A client that sent no preface, or does not answer the last ping, would stay for good.
            () = silence(&activity, limits.header_read.min(LAST_WORD)), if leaving => return,
        }
    }
}

/// Returns once a connection that was told to end has had its time and nothing is in flight.
async fn silence(activity: &Activity, time: Duration) {
    tokio::time::sleep(time).await;
    while activity.idle_for().is_none_or(|idle_for| idle_for < time) {
        tokio::time::sleep(time).await;
    }
}

/// Returns when the connection should end: the gate is so far on its way out, or nothing has happened for too long.
async fn leave(worker: &Worker, activity: &Activity, idle: Duration, until: Phase) {
    let mut phase = worker.shared.phase.subscribe();
    loop {
        match timeout(IDLE_LOOK.min(idle), phase.wait_for(|phase| *phase >= until)).await {
            Ok(_) => return,
            Err(_) if activity.idle_for().is_some_and(|idle_for| idle_for >= idle) => return,
            Err(_) => {}
        }
    }
}

/// Runs HTTP/2 streams on the worker's own thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
