//! Somebody in a pod of another namespace.

use serde_json::{Value, json};

use super::world::{NAMESPACE, World};

/// What the client's pod runs.
const ASK: &str = include_str!("ask.py");
/// The client's namespace.
pub const HOME: &str = "client";
/// How others in the cluster reach the backend.
pub const SERVICE: &str = "mini-xdr.mini-xdr.svc";

const POD: &str = r#"
apiVersion: v1
kind: Namespace
metadata: { name: client }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: client }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: client
      image: localhost/tenantry-incidents:0.1.0
      command: [python3, -c, "import signal; signal.pause()"]
"#;

/// A request, and what it is told with.
pub struct Ask(Value);

impl Ask {
    pub fn new(method: &str, path: &str) -> Self {
        Self(json!({
            "method": method, "path": path, "headers": [], "body": null,
            "host": SERVICE, "port": 443, "plain": false, "patience": 10,
        }))
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn with(mut self, header: &str, value: &str) -> Self {
        self.0["headers"].as_array_mut().unwrap().push(json!([header, value]));
        self
    }

    pub fn by(self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    pub fn saying(mut self, body: Value) -> Self {
        self.0["body"] = body;
        self.with("Content-Type", "application/json")
    }

    /// Without TLS, as whoever takes the gate's port for the backend's.
    pub fn in_plain(mut self) -> Self {
        self.0["plain"] = json!(true);
        self
    }

    /// Past the Service.
    pub fn at(mut self, host: &str, port: u16) -> Self {
        (self.0["host"], self.0["port"], self.0["patience"]) = (json!(host), json!(port), json!(3));
        self
    }
}

/// What came back; the status is 0 where nothing did, and the body says why.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Value,
    pub body: Value,
}

pub struct Client<'w> {
    world: &'w World,
    /// The authority that signed what gates show.
    pub ca: String,
}

impl<'w> Client<'w> {
    pub async fn start(world: &'w World) -> Self {
        world.apply(POD).await;
        world
            .kubectl(&["--namespace", HOME, "wait", "--for=condition=Ready", "--timeout=2m", "pod/client"])
            .await;
        let trust = world.get("configmap/tenantry-gates-trust-mini-xdr").await;
        Self { world, ca: trust["data"]["ca.crt"].as_str().unwrap().to_owned() }
    }

    pub async fn ask(&self, ask: Ask) -> Answer {
        self.ask_all(vec![ask]).await.pop().unwrap()
    }

    /// Asks one after the other.
    pub async fn ask_all(&self, asks: Vec<Ask>) -> Vec<Answer> {
        let requests: Vec<Value> = asks.into_iter().map(|ask| ask.0).collect();
        let wanted = json!({ "ca": self.ca, "name": SERVICE, "requests": requests });
        let exec = ["--namespace", HOME, "exec", "--stdin", "client", "--", "python3", "-c", ASK];
        let answers = self.world.kubectl_stdin(&exec, &wanted.to_string()).await;
        let answers: Vec<Value> = serde_json::from_str(&answers).unwrap();
        let answer = |answer: Value| Answer {
            status: u16::try_from(answer["status"].as_u64().unwrap()).unwrap(),
            headers: answer["headers"].clone(),
            body: answer["body"].clone(),
        };
        answers.into_iter().map(answer).collect()
    }

    /// Signs in and returns the access token.
    pub async fn sign_in(&self, email: &str, password: &str) -> String {
        let login =
            Ask::new("POST", "/api/auth/login").saying(json!({ "email": email, "password": password }));
        let answer = self.ask(login).await;
        assert_eq!(answer.status, 200, "{email}: {answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// The administrator of `mini-corp`, whose password was generated.
    pub async fn mini_corp(&self) -> String {
        let admin = self.world.secret("tenantry-org-mini-corp-admin").await;
        self.sign_in(&admin["email"], &admin["password"]).await
    }

    /// The administrator of `harbor-lights`, whose password was chosen.
    pub async fn harbor_lights(&self) -> String {
        self.sign_in("admin@harborlights.example", super::world::PASSWORD).await
    }
}

/// What runs beside a gate, asked from inside its pod.
pub async fn asked_inside(world: &World, pod: &str) -> String {
    let script = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000/health').read().decode())";
    world
        .kubectl(&[
            "--namespace",
            NAMESPACE,
            "exec",
            pod,
            "--container",
            "app",
            "--",
            "python3",
            "-c",
            script,
        ])
        .await
}
