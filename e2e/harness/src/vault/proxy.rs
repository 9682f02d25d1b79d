//! The endpoint itself: it listens, on a thread and runtime of its own, so that any test may share it.

use super::{
    calls::Call,
    faults::{Fault, Faults},
    moto::Moto,
    rules::{self, Known, Refusal},
};
use crate::process::PartError;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};
use tokio::{net::TcpListener, sync::oneshot};

#[derive(Debug)]
pub(super) struct Proxy {
    endpoint: Arc<Endpoint>,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Endpoint {
    moto: Moto,
    faults: Mutex<Faults>,
    calls: Mutex<Vec<Call>>,
    /// A call is judged by what is there, and nothing may change that until it is done.
    one_at_a_time: tokio::sync::Mutex<()>,
}

type Answer = (u16, Value);

impl Proxy {
    pub(super) fn start() -> Result<Self, PartError> {
        let endpoint = Arc::new(Endpoint {
            moto: Moto::start()?,
            faults: Mutex::default(),
            calls: Mutex::default(),
            one_at_a_time: tokio::sync::Mutex::default(),
        });
        let at = || PartError::io("127.0.0.1:0");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(at())?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(at())?;
        let port = listener.local_addr().map_err(at())?.port();
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&endpoint);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { endpoint, port, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn moto_port(&self) -> u16 {
        self.endpoint.moto.port()
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.endpoint.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.endpoint.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn reset(&self) -> Result<(), PartError> {
        *self.faults() = Faults::default();
        self.endpoint.moto.reset().await?;
        self.calls().clear();
        Ok(())
    }

    pub(super) async fn by_hand(&self, action: &str, body: Value) -> Result<Value, PartError> {
        match self.endpoint.lawful(action, &body).await? {
            (200, answer) => Ok(answer),
            (_, refusal) => {
                let text = |member: &str| refusal[member].as_str().unwrap_or_default().to_owned();
                let message = if refusal["message"].is_null() { text("Message") } else { text("message") };
                Err(PartError::Refused(format!("{}: {message}", text("__type"))))
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The thread has nothing to tell: whatever went wrong in it, a test has seen.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(listener: TcpListener, endpoint: Arc<Endpoint>) {
    while let Ok((stream, _)) = listener.accept().await {
        let endpoint = Arc::clone(&endpoint);
        let service = service_fn(move |request| answer(Arc::clone(&endpoint), request));
        // A client that goes away, or is sent away, is what tests are about.
        tokio::spawn(async move {
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

/// The answer to a call; an error closes the connection without one.
async fn answer(endpoint: Arc<Endpoint>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let target =
        request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let action = target.strip_prefix("secretsmanager.").unwrap_or(target).to_owned();
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let body: Value = serde_json::from_slice(&body)?;
    endpoint.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call::new(&action, &body));
    let (status, body) = endpoint.spoilt(&action, &body).await?;
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(io::Error::other)
}

impl Endpoint {
    /// A call with what was ordered to go wrong.
    async fn spoilt(&self, action: &str, body: &Value) -> io::Result<Answer> {
        let (fault, delay) = {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            (faults.take(action), faults.delay)
        };
        tokio::time::sleep(delay).await;
        let closed = || io::Error::new(io::ErrorKind::ConnectionAborted, "as ordered");
        if let Some(refusal) = fault.as_ref().and_then(|fault| fault.refusal(action)) {
            return Ok(refused(&refusal));
        }
        if fault == Some(Fault::Closed) {
            return Err(closed());
        }
        let answer = self.lawful(action, body).await.map_err(io::Error::other)?;
        if fault == Some(Fault::AnswerLost) { Err(closed()) } else { Ok(answer) }
    }

    /// A call under AWS's rules.
    async fn lawful(&self, action: &str, body: &Value) -> Result<Answer, PartError> {
        let _alone = self.one_at_a_time.lock().await;
        if let Err(refusal) = rules::judge(action, body, self.known(body).await?.as_ref()) {
            return Ok(refused(&refusal));
        }
        let (status, answer) = self.moto.call(action, body).await?;
        if status == 200 && matches!(action, "PutSecretValue" | "UpdateSecret") {
            self.one_current(&body["SecretId"], &answer["VersionId"]).await?;
        }
        // AWS says 400 where moto says 404.
        Ok((if status == 404 { 400 } else { status }, answer))
    }

    /// moto forgets to take the label from a version that was given it by `UpdateSecretVersionStage`.
    async fn one_current(&self, id: &Value, new: &Value) -> Result<(), PartError> {
        let (_, described) = self.moto.call("DescribeSecret", &json!({ "SecretId": id })).await?;
        let versions = described["VersionIdsToStages"].as_object();
        let current: Vec<&String> = versions
            .into_iter()
            .flatten()
            .filter(|(_, stages)| {
                stages.as_array().is_some_and(|stages| stages.contains(&json!("AWSCURRENT")))
            })
            .map(|(version, _)| version)
            .collect();
        for old in current.iter().filter(|version| current.len() > 1 && *new != version.as_str()) {
            let order = json!({ "SecretId": id, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": old });
            self.moto.call("UpdateSecretVersionStage", &order).await?;
        }
        Ok(())
    }

    async fn known(&self, body: &Value) -> Result<Option<Known>, PartError> {
        let id = if body["SecretId"].is_string() { &body["SecretId"] } else { &body["Name"] };
        let (status, described) = self.moto.call("DescribeSecret", &json!({ "SecretId": id })).await?;
        if status != 200 {
            return Ok(None);
        }
        let token = &body["ClientRequestToken"];
        let mut known = Known {
            scheduled: described["DeletedDate"].is_number(),
            tags: rules::tags(&described),
            made_with_token: None,
        };
        if !known.scheduled
            && token.as_str().is_some_and(|token| described["VersionIdsToStages"][token].is_array())
        {
            let (_, value) =
                self.moto.call("GetSecretValue", &json!({ "SecretId": id, "VersionId": token })).await?;
            known.made_with_token = value["SecretString"].as_str().map(str::to_owned);
        }
        Ok(Some(known))
    }
}

fn refused(refusal: &Refusal) -> Answer {
    (refusal.status, json!({ "__type": refusal.code, "message": refusal.message }))
}
