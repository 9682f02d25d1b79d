//! An AWS account for tests that holds calls to IAM policies: ministack with authorization on. Its Secrets Manager is
//! laxer than AWS in everything else: for that there is [`crate::vault`].

use crate::{
    process::{PartError, Watchdog, accepts, blocking, free_port, on_free_ports, run},
    python::Environment,
    vault::REGION,
};
use serde_json::Value;
use std::{process::Command, sync::Arc, time::Duration};

/// The number of the account, as ARNs have it.
pub const ACCOUNT: &str = "000000000000";

const PATIENCE: Duration = Duration::from_mins(1);
const SERVER: &str = "ministack";
const USERS: &str = include_str!("../python/users.py");

/// A running account on 127.0.0.1; gone on drop. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Account(Arc<Server>);

#[derive(Debug)]
struct Server {
    // Held, as its drop ends the process.
    _watchdog: Watchdog,
    port: u16,
}

/// An access key: its id and its secret.
pub type AccessKey = (String, String);

impl Account {
    /// Starts an account (about 2 s).
    pub async fn start() -> Result<Self, PartError> {
        blocking(Server::start).await.map(|server| Self(Arc::new(server)))
    }

    /// The URL of all its services.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }

    /// A user for each policy, who may do what it says and nothing else.
    pub async fn users(&self, policies: &[Value]) -> Result<Vec<AccessKey>, PartError> {
        let mut command = Command::new(Environment::Ministack.program("python")?);
        command.args(["-c", USERS, &self.endpoint(), REGION]);
        let keys = run(command, Value::from(policies.to_vec()).to_string()).await?;
        serde_json::from_str(&keys).map_err(|error| PartError::Refused(format!("{error}: {keys}")))
    }
}

impl Server {
    fn start() -> Result<Self, PartError> {
        on_free_ports(Self::attempt)
    }

    fn attempt() -> Result<Self, PartError> {
        let program = Environment::Ministack.program("ministack")?;
        let watchdog = Watchdog::new("tenantry-account-")?;
        let port = free_port().map_err(PartError::io("127.0.0.1:0"))?;
        let mut command = Command::new(program);
        command
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("AUTH", "true")
            .env("HOME", watchdog.folder());
        watchdog.start(SERVER, &command)?;
        watchdog.wait_for(SERVER, PATIENCE, || accepts(port))?;
        Ok(Self { _watchdog: watchdog, port })
    }
}
