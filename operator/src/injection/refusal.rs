//! Why a pod gets no gate, and so is not let in: each in a sentence that says what to change.

use super::gate::{ADMIN, DATA, NAME, PLAIN};
use crate::names::annotation;

/// Why a pod is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no Backend.
    #[error(
        "no Backend of the namespace {namespace} has a spec.selector that matches the pod's labels: make one, correct the labels, or take \
         the label tenantry.io/inject off"
    )]
    NoBackend {
        /// Where it was looked for.
        namespace: String,
    },
    /// It has several.
    #[error(
        "the selectors of several Backends match the pod ({names}): name one in the annotation {}",
        annotation::BACKEND
    )]
    SeveralBackends {
        /// Which, joined by commas.
        names: String,
    },
    /// The annotation names none.
    #[error(
        "the annotation {} names {name:?}, and the namespace {namespace} has no such Backend: correct it",
        annotation::BACKEND
    )]
    BackendMissing {
        /// Who was named.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// The one that the annotation names does not mean this pod.
    #[error(
        "the annotation {} names {name}, whose spec.selector does not match the pod's labels: its network policy would not guard the pod; \
         correct the labels or the selector",
        annotation::BACKEND
    )]
    NotSelected {
        /// Who was named.
        name: String,
    },
    /// The gate could not trust its authority.
    #[error(
        "the ConfigMap {config_map} has no certificate of the authority under ca.crt yet: see what the Backend {backend} says; the pod \
         starts once it is there"
    )]
    NoTrust {
        /// Where the certificate is to be.
        config_map: String,
        /// Whose it is.
        backend: String,
    },
    /// The authority would not speak to the gate.
    #[error(
        "the pod's service account {account} is not one of spec.gates.serviceAccounts of the Backend {backend}, so that its gate would \
         never learn anything: add it there, or use one of them"
    )]
    Account {
        /// The pod's.
        account: String,
        /// Whose list it is.
        backend: String,
    },
    /// The backend is somewhere else.
    #[error(
        "spec.upstream.url of the Backend {backend} is {url}, which is not in the pod: a gate in the pod needs http://127.0.0.1 and the \
         port that the backend listens on"
    )]
    UpstreamElsewhere {
        /// Whose URL it is.
        backend: String,
        /// The URL.
        url: String,
    },
    /// The pod is on the node's network.
    #[error(
        "the pod has spec.hostNetwork: there the backend's port is open to everybody, whatever stands in front of it; take it out"
    )]
    HostNetwork,
    /// Containers see each other's files and memory.
    #[error("the pod has {field}: its containers could read the gate's key; take it out")]
    SharedProcesses {
        /// Which field of the pod.
        field: &'static str,
    },
    /// No gate runs there.
    #[error("the pod is for Windows, and the gate runs on Linux only: take the label tenantry.io/inject off")]
    Windows,
    /// Nobody says that he listens where the gate forwards to.
    #[error(
        "no container of the pod declares port {port}, which spec.upstream.url of the Backend {backend} names: add \
         ports: [{{ name: http, containerPort: {port} }}] to the container that listens there"
    )]
    NoPort {
        /// Which one.
        port: u16,
        /// Whose URL it is.
        backend: String,
    },
    /// Several say so.
    #[error(
        "port {port} is declared more than once ({containers}): leave it to the one container that listens there, once"
    )]
    PortTwice {
        /// Which one.
        port: u16,
        /// Who declares it, joined by commas.
        containers: String,
    },
    /// The node hands its traffic on past the gate.
    #[error(
        "port {port} of the container {container} has a hostPort, by which everybody gets past the gate: take it out"
    )]
    HostPort {
        /// Which one.
        port: u16,
        /// Whose it is.
        container: String,
    },
    /// Another container has the name, and Services would find that one.
    #[error(
        "the containers {container} and {other} both have a port named {name}: a Service cannot tell them apart; rename one"
    )]
    SameName {
        /// The name.
        name: String,
        /// The backend's container.
        container: String,
        /// The other.
        other: String,
    },
    /// The gate could not listen.
    #[error(
        "the container {container} declares port {port}, and the gate takes {}, {} and {} of the pod: use another one",
        DATA,
        PLAIN,
        ADMIN
    )]
    PortTaken {
        /// Which one.
        port: i32,
        /// Whose it is.
        container: String,
    },
    /// Somebody else's container has its name.
    #[error(
        "the pod has a container {} of its own: that name is the gate's, which is added by itself; rename it or take it out",
        NAME
    )]
    ForeignGate,
    /// Somebody else's volume has a name of its.
    #[error("the pod has a volume {name} of its own: that name is the gate's; rename it")]
    ForeignVolume {
        /// The name.
        name: String,
    },
    /// Something is mounted where the key set comes, or a volume of the gate's is mounted elsewhere.
    #[error("the container {container} mounts {volume} at {path}, which is the gate's: take it out")]
    ForeignMount {
        /// Whose mount it is.
        container: String,
        /// What is mounted.
        volume: String,
        /// Where.
        path: String,
    },
    /// An annotation cannot be used.
    #[error("the annotation {name} is {value:?}: {remedy}")]
    Annotation {
        /// Which one.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it should.
        remedy: &'static str,
    },
}
