//! Sending a request on: to the backend or the authority, over HTTP/1.1 on connections that each worker keeps for itself, the
//! last used first. Everything that speaks HTTP towards them is behind [`send`], so that a client of our own can take its place.

mod pool;

use std::io;
use std::rc::Rc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use pool::Connection;
pub(crate) use pool::{Pool, Returning};

use crate::authority::{Dialled, TRIES, dial};
use crate::body::{ClientBody, Upload};
use crate::worker::Worker;

/// Which of the two a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Backend,
    Authority,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("nothing accepts connections at {address}: {source}")]
    Connect { address: String, source: io::Error },
    #[error("connecting to {address} took too long")]
    ConnectTimeout { address: String },
    #[error("{address} did not prove to be the authority: {source}")]
    Untrusted { address: String, source: io::Error },
    #[error("no answer began in time")]
    Timeout,
    #[error("the client's body is longer than allowed")]
    TooLarge,
    #[error("it switched protocols, which nobody asked for")]
    Switched,
    #[error("the exchange failed: {0}")]
    Exchange(#[from] hyper::Error),
}

/// How long things may take.
pub(crate) struct Patience {
    pub connect: Duration,
    /// From the last movement of the request to the head of the answer.
    pub answer: Duration,
}

/// Sends a request and waits for the head of its answer.
pub(crate) async fn send(
    worker: &Rc<Worker>,
    to: To,
    address: &str,
    request: Request<ClientBody>,
    upload: &Upload,
    patience: &Patience,
) -> Result<(Response<Incoming>, Returning), UpstreamError> {
    let repeatable = (request.method().is_safe() && request.body().is_empty()).then(|| head_of(&request));
    let mut request = request;
    let mut kept = pool::of(worker, to).take(address);
    let mut tries = 1;
    loop {
        let fresh = kept.is_none();
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => connect(worker, to, address, patience.connect).await?,
        };
        match exchange(&mut connection.sender, request, upload, patience.answer).await {
            // What follows is no HTTP any more (CVE-2026-2833); dropping the sender closes the connection.
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                return Err(UpstreamError::Switched);
            }
            Ok(response) => {
                return Ok((response, Returning::new(Rc::clone(worker), to, address, connection)));
            }
            Err(Failed::Sent(_)) if upload.too_large.get() => return Err(UpstreamError::TooLarge),
            // The connection was closed before it took the request: nothing has been sent.
            Err(Failed::Unsent(unsent)) if !fresh => request = *unsent,
            // An authority that was on its way out: the next connection reaches another.
            Err(Failed::Unsent(unsent)) if to == To::Authority && tries < TRIES => {
                request = *unsent;
                tries += 1;
            }
            // The backend closed an idle connection while we wrote: a request without effect may be sent once more.
            Err(Failed::Sent(error)) if !fresh && is_lost(&error) => match &repeatable {
                Some(head) => request = again(head),
                None => return Err(error.into()),
            },
            Err(Failed::Sent(error)) => return Err(error.into()),
            Err(Failed::Unsent(_) | Failed::Timeout) => return Err(UpstreamError::Timeout),
        }
    }
}

enum Failed {
    Unsent(Box<Request<ClientBody>>),
    Sent(hyper::Error),
    Timeout,
}

async fn exchange(
    sender: &mut SendRequest<ClientBody>,
    request: Request<ClientBody>,
    upload: &Upload,
    patience: Duration,
) -> Result<Response<Incoming>, Failed> {
    upload.moved.set(Instant::now());
    let mut answer = std::pin::pin!(sender.try_send_request(request));
    loop {
        let until = upload.moved.get() + patience;
        tokio::select! {
            biased;
            answered = &mut answer => return answered.map_err(|mut error| match error.take_message() {
                Some(request) => Failed::Unsent(Box::new(request)),
                None => Failed::Sent(error.into_error()),
            }),
            () = sleep_until(until) => {
                if upload.moved.get() + patience <= Instant::now() {
                    return Err(Failed::Timeout);
                }
            }
        }
    }
}

async fn connect(
    worker: &Worker,
    to: To,
    address: &str,
    patience: Duration,
) -> Result<Connection, UpstreamError> {
    match to {
        To::Backend => {
            let sender = begin(within(patience, address, plain(address)).await?).await?;
            Ok(Connection { sender, withdrawn: CancellationToken::new() })
        }
        To::Authority => {
            let dialling = within(patience, address, dial(&worker.shared.authority));
            let Dialled { stream, withdrawn } = dialling.await?;
            Ok(Connection { sender: begin(stream).await?, withdrawn })
        }
    }
}

async fn within<S>(
    patience: Duration,
    address: &str,
    connecting: impl Future<Output = io::Result<S>>,
) -> Result<S, UpstreamError> {
    let address = || address.to_owned();
    match timeout(patience, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(source)) if source.kind() == io::ErrorKind::InvalidData => {
            Err(UpstreamError::Untrusted { address: address(), source })
        }
        Ok(Err(source)) => Err(UpstreamError::Connect { address: address(), source }),
        Err(_) => Err(UpstreamError::ConnectTimeout { address: address() }),
    }
}

async fn plain(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn begin(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
) -> Result<SendRequest<ClientBody>, UpstreamError> {
    let (sender, connection) = Builder::new().handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to upstream ended badly");
        }
    });
    Ok(sender)
}

fn is_lost(error: &hyper::Error) -> bool {
    error.is_closed()
        || error.is_incomplete_message()
        || error.is_canceled()
        || error.to_string().contains("connection")
}

type Head = (Method, http::Uri, http::HeaderMap);

fn head_of(request: &Request<ClientBody>) -> Head {
    (request.method().clone(), request.uri().clone(), request.headers().clone())
}

fn again((method, uri, headers): &Head) -> Request<ClientBody> {
    let mut request = Request::new(ClientBody::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers.clone();
    request
}
