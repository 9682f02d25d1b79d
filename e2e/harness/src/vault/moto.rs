//! The process that keeps the secrets.

use super::REGION;
use crate::{
    json,
    process::{PartError, Watchdog, accepts, free_port, on_free_ports},
    python::Environment,
};
use http_body_util::Full;
use hyper::{Request, body::Bytes};
use serde_json::Value;
use std::{io, process::Command, time::Duration};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_mins(1);
const SERVER: &str = "moto";

#[derive(Debug)]
pub(super) struct Moto {
    // Held, as its drop ends the process.
    _watchdog: Watchdog,
    port: u16,
}

impl Moto {
    pub(super) fn start() -> Result<Self, PartError> {
        on_free_ports(Self::attempt)
    }

    fn attempt() -> Result<Self, PartError> {
        let program = Environment::Moto.program("moto_server")?;
        let watchdog = Watchdog::new("tenantry-moto-")?;
        let port = free_port().map_err(PartError::io("127.0.0.1:0"))?;
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).env("MOTO_DISABLE_GLOBAL_CORS", "true");
        watchdog.start(SERVER, &command)?;
        watchdog.wait_for(SERVER, PATIENCE, || accepts(port))?;
        Ok(Self { _watchdog: watchdog, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The status and body that moto gives to a call of Secrets Manager.
    pub(super) async fn call(&self, action: &str, body: &Value) -> Result<(u16, Value), PartError> {
        // moto reads the region out of it and checks nothing.
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20200101/{REGION}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = Request::post("/")
            .header("host", format!("secretsmanager.{REGION}.amazonaws.com"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header("authorization", authorization);
        self.ask(request, body.to_string()).await
    }

    pub(super) async fn reset(&self) -> Result<(), PartError> {
        self.ask(Request::post("/moto-api/reset").header("host", "localhost"), String::new()).await.map(drop)
    }

    async fn ask(
        &self,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<(u16, Value), PartError> {
        self.exchange(request, body).await.map_err(PartError::io(format!("moto at 127.0.0.1:{}", self.port)))
    }

    async fn exchange(
        &self,
        request: hyper::http::request::Builder,
        body: String,
    ) -> io::Result<(u16, Value)> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        json::exchange(stream, request.body(Full::new(Bytes::from(body))).map_err(io::Error::other)?).await
    }
}
