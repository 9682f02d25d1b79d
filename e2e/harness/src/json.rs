//! One question over HTTP whose answer is JSON, to a part that was just connected to.

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// The status of the answer and its body: `null` where it is empty, a string where it is no JSON.
pub(crate) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Full<Bytes>>,
) -> io::Result<(u16, Value)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let answer = async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        Ok::<_, hyper::Error>((status, answer.into_body().collect().await?.to_bytes()))
    };
    // Whether the connection ends well is told by the answer.
    let (answer, _) = tokio::join!(answer, connection);
    let (status, body) = answer.map_err(io::Error::other)?;
    if body.is_empty() {
        return Ok((status, Value::Null));
    }
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    Ok((status, serde_json::from_slice(&body).unwrap_or_else(|_| text())))
}
