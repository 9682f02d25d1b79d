//! A server in the test's own process, for what stands outside of the system: a backend, a service of AWS that gives credentials.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Answers each request, given as text with its head and body, with 200 and what `answer` makes of it: a media type and a body.
pub async fn serve(answer: impl Fn(&str) -> (&'static str, String) + Send + 'static) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = String::new();
            let mut bytes = [0; 4096];
            while !is_whole(&request) {
                let Ok(read @ 1..) = stream.read(&mut bytes).await else { break };
                request.push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
            let (kind, body) = answer(&request);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            // Whoever asked may be gone.
            drop(stream.write_all((head + &body).as_bytes()).await);
        }
    });
    address
}

/// The value of a header of a request; empty where there is none.
pub fn header<'r>(request: &'r str, name: &str) -> &'r str {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
}

fn is_whole(request: &str) -> bool {
    let Some((_, body)) = request.split_once("\r\n\r\n") else { return false };
    body.len() >= header(request, "content-length").parse().unwrap_or(0)
}
