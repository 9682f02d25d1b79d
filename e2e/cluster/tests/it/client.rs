//! A client as simple as can be: one request a connection, in plain text.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Asks with a bearer token, unless that is empty, and a JSON body, where there is one; the status and the JSON object of the answer.
pub async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    body: Option<Value>,
) -> std::io::Result<(u16, Value)> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let body = body.map_or_else(String::new, |body| body.to_string());
    let authorization =
        if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n{authorization}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        address.port(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    // A chunked body has its object between lines that say how long it is.
    let object = body.find('{').zip(body.rfind('}')).map_or("null", |(from, to)| &body[from..=to]);
    Ok((status, serde_json::from_str(object).unwrap_or_default()))
}
