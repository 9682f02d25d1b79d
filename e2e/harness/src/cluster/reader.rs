//! Reading what the API server has without starting kubectl each time: a hundred times cheaper, which is what a test that looks until
//! something is so needs. `kubectl proxy` knows who may ask; its socket is in a folder that nobody else may enter.

use crate::{
    json,
    process::{PartError, Watchdog},
};
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use std::{io, path::PathBuf, process::Command, time::Duration};
use tokio::net::UnixStream;

const PATIENCE: Duration = Duration::from_secs(30);
const PROXY: &str = "proxy";

#[derive(Debug)]
pub(super) struct Reader {
    // Held, as its drop ends the proxy.
    _watchdog: Watchdog,
    socket: PathBuf,
}

impl Reader {
    /// `kubectl` is a command with who asks whom.
    pub(super) fn start(mut kubectl: Command) -> Result<Self, PartError> {
        let watchdog = Watchdog::new("tenantry-reader-")?;
        let socket = watchdog.file("socket");
        kubectl.arg("proxy").arg("--unix-socket").arg(&socket);
        watchdog.start(PROXY, &kubectl)?;
        watchdog.wait_for(PROXY, PATIENCE, || std::os::unix::net::UnixStream::connect(&socket).is_ok())?;
        Ok(Self { _watchdog: watchdog, socket })
    }

    /// What stands at a path of the API; `None` where there is nothing.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Value>, PartError> {
        let (status, body) = self.ask(path).await.map_err(PartError::io(&self.socket))?;
        match status {
            200 => Ok(Some(body)),
            404 => Ok(None),
            _ => Err(PartError::Refused(format!("{path}: {status} {body}"))),
        }
    }

    async fn ask(&self, path: &str) -> io::Result<(u16, Value)> {
        let stream = UnixStream::connect(&self.socket).await?;
        let request = Request::get(path).header("host", "localhost").body(Full::default());
        json::exchange(stream, request.map_err(io::Error::other)?).await
    }
}
