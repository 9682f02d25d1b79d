use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, Request, header};
use http_body_util::{BodyDataStream, BodyExt as _, Empty, combinators::MapErr};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tenantry_directory::Position;
use tenantry_directory::stream::STREAM_VERSION;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::StreamReader;
use tokio_util::task::AbortOnDropHandle;

use super::answer;
use super::source::{Connecting, DirectorySource, Opened};
use crate::authority::{Dialled, dial, keep_current, refresh};
use crate::config::AuthorityEndpoint;

const PROOF: HeaderName = HeaderName::from_static("x-tenantry-gate");

/// The directory of an authority in another process: `GET /internal/directory` on its stream port, whose answer goes on until one
/// of the two ends.
pub struct RemoteDirectory {
    endpoint: AuthorityEndpoint,
    life: Duration,
}

/// Two clocks that are slewed away from each other as fast as systems do it are half a second apart after twice this.
const LIFE: Duration = Duration::from_mins(4);

impl RemoteDirectory {
    /// The directory at the authority's listener for streams.
    pub fn new(endpoint: AuthorityEndpoint) -> Self {
        Self { endpoint, life: LIFE }
    }

    /// Streams that last half to all of `life`, and not of four minutes.
    #[must_use]
    pub fn renewed_within(self, life: Duration) -> Self {
        Self { life, ..self }
    }
}

impl DirectorySource for RemoteDirectory {
    fn connect(&self, since: Option<Position>) -> Connecting {
        let (endpoint, life) = (self.endpoint.clone(), self.life);
        Box::pin(async move { open(&endpoint, since, life).await })
    }
}

async fn open(endpoint: &AuthorityEndpoint, since: Option<Position>, life: Duration) -> io::Result<Opened> {
    refresh(endpoint).await;
    let Dialled { stream, withdrawn } = dial(endpoint).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection of the directory stream ended badly");
        }
    }));
    let since = since.map(|position| format!("&since={position}")).unwrap_or_default();
    let request = Request::get(format!("/internal/directory?stream={STREAM_VERSION}{since}"))
        .header(header::HOST, &endpoint.address)
        .header(header::ACCEPT, "application/x-ndjson")
        .header(header::USER_AGENT, concat!("tenantry-gate/", env!("CARGO_PKG_VERSION")))
        .header(PROOF, endpoint.credential.header())
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    // Before anything of it is sent: the authority counts from when it has it.
    let asked_at = Instant::now();
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let frames = answer::judge(answer).await?.map_err(io::Error::other as fn(hyper::Error) -> io::Error);
    let reader = StreamReader::new(frames.into_data_stream());
    let looking = AbortOnDropHandle::new(tokio::spawn(keep_current(endpoint.clone())));
    let frames = Frames { reader, _connection: connection, _looking: looking };
    Ok(Opened::elsewhere(asked_at, Box::new(frames), life).until(withdrawn))
}

type Body = MapErr<Incoming, fn(hyper::Error) -> io::Error>;

/// The frames of one answer; dropped, its connection is closed.
struct Frames {
    reader: StreamReader<BodyDataStream<Body>, Bytes>,
    _connection: AbortOnDropHandle<()>,
    /// Sees a CA that is withdrawn while the stream stands.
    _looking: AbortOnDropHandle<()>,
}

impl AsyncRead for Frames {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}
