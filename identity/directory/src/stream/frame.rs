use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::{Change, ChangeState, Digest, Snapshot};

/// The version of the stream that this crate speaks.
pub const STREAM_VERSION: u32 = 1;

/// Longest line that is decoded, its newline included.
pub const MAX_FRAME_BYTES: usize = 64 << 20;

/// One line of the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// The whole directory.
    Snapshot(Box<Snapshot>),
    /// The next mark.
    Change(Box<Change>),
    /// Nothing new, as of a read of the database.
    Heartbeat {
        /// When it was read: milliseconds after the stream was asked for, negative where it was before. Not how long ago: whoever
        /// holds a frame back would make that younger.
        read_at_ms: i64,
    },
}

/// A line that is no frame, or none this version can use.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME_BYTES`].
    #[error("a frame of the directory stream is too long")]
    TooLong,
    /// Of another version of the stream.
    #[error("the directory stream has version {0}, this gate speaks {STREAM_VERSION}")]
    Version(u32),
    /// Marked critical, and unknown here.
    #[error("the directory stream carries {0:?}, which this version does not know and must not ignore")]
    UnknownCritical(String),
    /// Not what it should be.
    #[error("a frame of the directory stream is malformed")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Envelope<B> {
    stream: u32,
    frame: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    critical: bool,
    body: B,
}

#[derive(Serialize, Deserialize)]
struct Heartbeat {
    read_at_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct Mark<S> {
    version: i64,
    kind: String,
    key: String,
    nonce: String,
    digest: Digest,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    critical: bool,
    state: S,
}

/// One frame as a line of JSON, its newline included.
pub fn encode(frame: &Frame) -> Vec<u8> {
    let line = match frame {
        Frame::Snapshot(snapshot) => envelope("snapshot", true, snapshot),
        Frame::Heartbeat { read_at_ms } => {
            envelope("heartbeat", false, &Heartbeat { read_at_ms: *read_at_ms })
        }
        Frame::Change(change) => envelope(
            "change",
            true,
            &Mark {
                version: change.version,
                kind: change.kind.clone(),
                key: change.key.clone(),
                nonce: change.nonce.clone(),
                digest: change.digest,
                critical: change.critical,
                state: &change.state,
            },
        ),
    };
    // Every type here has string keys and infallible parts; a line that says otherwise makes the gate ask anew.
    let mut line = line.unwrap_or_else(|_| json!({ "stream": STREAM_VERSION }).to_string().into_bytes());
    line.push(b'\n');
    line
}

fn envelope<B: Serialize>(frame: &str, critical: bool, body: &B) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Envelope { stream: STREAM_VERSION, frame: frame.to_owned(), critical, body })
}

/// Reads one line, with or without its newline. `None` is a frame of a newer version that may be skipped.
pub fn decode(line: &[u8]) -> Result<Option<Frame>, FrameError> {
    if line.len() > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong);
    }
    let envelope: Envelope<Box<RawValue>> = serde_json::from_slice(line)?;
    if envelope.stream != STREAM_VERSION {
        return Err(FrameError::Version(envelope.stream));
    }
    match envelope.frame.as_str() {
        "snapshot" => snapshot(&envelope.body).map(|s| Some(Frame::Snapshot(Box::new(s)))),
        "change" => change(&envelope.body).map(|c| Some(Frame::Change(Box::new(c)))),
        "heartbeat" => {
            let Heartbeat { read_at_ms } = serde_json::from_str(envelope.body.get())?;
            Ok(Some(Frame::Heartbeat { read_at_ms }))
        }
        _ if envelope.critical => Err(FrameError::UnknownCritical(envelope.frame)),
        _ => Ok(None),
    }
}

fn snapshot(body: &RawValue) -> Result<Snapshot, FrameError> {
    #[derive(Deserialize)]
    struct Needs {
        #[serde(default)]
        critical: Vec<String>,
    }
    // What must be understood is asked before the rest is read: the rest may have changed shape for it.
    let Needs { critical } = serde_json::from_str(body.get())?;
    match critical.into_iter().next() {
        Some(unknown) => Err(FrameError::UnknownCritical(unknown)),
        None => Ok(serde_json::from_str(body.get())?),
    }
}

fn change(body: &RawValue) -> Result<Change, FrameError> {
    let mark: Mark<Value> = serde_json::from_str(body.get())?;
    let known = state_name(&mark.state).is_some_and(|name| ChangeState::NAMES.contains(&name));
    let state = match (known, mark.critical) {
        (true, _) => serde_json::from_value(mark.state)?,
        (false, false) => ChangeState::Nothing,
        (false, true) => return Err(FrameError::UnknownCritical(mark.kind)),
    };
    let Mark { version, kind, key, nonce, digest, critical, .. } = mark;
    Ok(Change { version, kind, key, nonce, digest, critical, state })
}

/// A state is a word, or an object with one member that names it.
fn state_name(state: &Value) -> Option<&str> {
    match state {
        Value::String(name) => Some(name),
        Value::Object(members) if members.len() == 1 => members.keys().next().map(String::as_str),
        _ => None,
    }
}
