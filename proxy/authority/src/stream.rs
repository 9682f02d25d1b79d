//! `GET /internal/directory`: the directory as gates follow it, on a port of its own. The answer has no end: a line a frame
//! ([`tenantry_directory::stream`]), until the gate goes away, is no gate any more, or the authority stops.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tenantry_directory::Position;
use tenantry_directory::stream::STREAM_VERSION;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gates::{self, Gates, NotAGate};
use crate::places::Place;
use crate::problem::Problem;
use crate::publish;
use crate::state::AppState;

/// Bytes that may wait for a gate that reads slowly.
const BUFFER: usize = 256 * 1024;
/// Between two looks whether who follows may still do so.
const CHECK_AGAIN: Duration = Duration::from_secs(30);

/// What a request for the stream needs.
#[derive(Clone)]
struct Streams {
    state: AppState,
    gates: Arc<dyn Gates>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// The stream's port: this one path and nothing else.
pub(crate) fn router(
    state: AppState,
    gates: Arc<dyn Gates>,
    stop: CancellationToken,
    tasks: TaskTracker,
) -> Router {
    Router::new()
        .route("/internal/directory", get(follow))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(Streams { state, gates, stop, tasks })
}

async fn follow(
    State(streams): State<Streams>,
    headers: HeaderMap,
    place: Option<Extension<Place>>,
    RawQuery(query): RawQuery,
) -> Response {
    // Before anything that takes time: as much as that took, what the gate knows would seem older to it.
    let asked_at = Instant::now();
    let place = place.map(|Extension(place)| place);
    if let Err(reason) = gates::check(streams.gates.as_ref(), &streams.state, &headers, place.as_ref()).await
    {
        return gates::turned_away(refused(reason));
    }
    begin(&streams, asked_at, &headers, query.as_deref().unwrap_or_default())
        .unwrap_or_else(Problem::into_response)
}

fn begin(
    streams: &Streams,
    asked_at: Instant,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response, Problem> {
    let since = since(query)?;
    let credential = gates::credential_of(headers).unwrap_or_default().to_owned();
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    let end = streams.stop.child_token();
    let work = publish::to_follower(streams.state.clone(), since, asked_at, ours, end.clone());
    let watch = until_no_gate(Arc::clone(&streams.gates), credential, CHECK_AGAIN);
    let gauge = Following::begin(streams.state.clone());
    streams.tasks.spawn(async move {
        tokio::select! {
            () = work => {}
            () = watch => {
                tracing::warn!("a gate that followed the directory is no gate any more");
                end.cancel();
            }
        }
        drop(gauge);
    });
    let mut response = Body::from_stream(ReaderStream::with_capacity(theirs, 64 * 1024)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Returns once the credential is nobody's, or one's who may not follow. While nobody can be asked, who follows goes on.
async fn until_no_gate(gates: Arc<dyn Gates>, credential: String, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match gates.check(&credential).await {
            Ok(()) | Err(NotAGate::Unavailable(_)) => {}
            Err(NotAGate::Unknown | NotAGate::NotListed(_)) => return,
        }
    }
}

/// Where to begin, from `stream=<version>[&since=<position>]`. What is not understood is refused: a gate that thinks it asked for
/// something must not get something else.
fn since(query: &str) -> Result<Option<Position>, Problem> {
    let (mut stream, mut since) = (None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let place = match name.as_ref() {
            "stream" => &mut stream,
            "since" => &mut since,
            _ => {
                return Err(Problem::bad_request(
                    "unknown_parameter",
                    "The directory takes stream and since.",
                ));
            }
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(Problem::bad_request("twice", "stream and since are given once."));
        }
    }
    if stream.as_deref() != Some(STREAM_VERSION.to_string().as_str()) {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "stream_version",
            format!(
                "This authority speaks version {STREAM_VERSION} of the directory stream: ask for stream={STREAM_VERSION}, with a gate of its version."
            ),
        ));
    }
    since
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| Problem::bad_request("since", "since is a version and its digest."))
}

fn refused(reason: NotAGate) -> Problem {
    match reason {
        NotAGate::Unknown => Problem::new(StatusCode::UNAUTHORIZED, "not_a_gate", reason.to_string()),
        NotAGate::NotListed(why) => Problem::forbidden("not_a_gate", why),
        // Why is in the log: whoever asks has proved nothing.
        NotAGate::Unavailable(_) => Problem::unavailable(),
    }
}

/// Counts a gate for as long as it follows.
struct Following(AppState);

impl Following {
    fn begin(state: AppState) -> Self {
        state.metrics.following.inc();
        Self(state)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.metrics.following.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use tenantry_directory::Digest;
    use tokio::time::timeout;

    use super::*;
    use crate::gates::Checking;

    /// Says of everybody what a test wants: 0 a gate, 1 nobody, 2 nobody can be asked.
    struct Says(Arc<AtomicU8>);

    impl Gates for Says {
        fn check<'a>(&'a self, _: &'a str) -> Checking<'a> {
            let answer = match self.0.load(Ordering::Acquire) {
                0 => Ok(()),
                1 => Err(NotAGate::Unknown),
                _ => Err(NotAGate::Unavailable("the API server is away".into())),
            };
            Box::pin(std::future::ready(answer))
        }
    }

    #[tokio::test]
    async fn who_is_no_gate_any_more_follows_no_longer() {
        const EVERY: Duration = Duration::from_millis(2);
        let says = Arc::new(AtomicU8::new(0));
        let gates = Arc::new(Says(Arc::clone(&says)));
        let mut watch = std::pin::pin!(until_no_gate(gates, "token".into(), EVERY));
        assert!(timeout(EVERY * 50, &mut watch).await.is_err(), "a gate follows for good");
        says.store(2, Ordering::Release);
        assert!(timeout(EVERY * 50, &mut watch).await.is_err(), "while nobody can be asked too");
        says.store(1, Ordering::Release);
        timeout(Duration::from_secs(10), watch).await.unwrap();
    }

    #[test]
    fn what_is_asked_for_is_understood_whole_or_refused() {
        let position = Position { version: 7, digest: Digest::genesis("ns/b") };
        assert_eq!(since("stream=1"), Ok(None));
        assert_eq!(since(&format!("stream=1&since={position}")), Ok(Some(position)));
        for (query, code) in [
            ("", "stream_version"),
            ("stream=0", "stream_version"),
            ("stream=2", "stream_version"),
            ("stream=01", "stream_version"),
            ("stream=1&since=7", "since"),
            ("stream=1&since=", "since"),
            ("stream=1&stream=1", "twice"),
            ("stream=1&Since=7", "unknown_parameter"),
        ] {
            assert_eq!(since(query).unwrap_err().code(), code, "{query}");
        }
    }
}
