//! What a pod gets: the gate's container and its volumes. Fields that the API server or somebody else's webhook adds later are no
//! difference: [`contains`] says whether what was added still stands.

use serde_json::{Map, Value, json};
use tenantry_crds::Backend;

use super::asked::Asked;
use crate::names;

/// The container's name.
pub const NAME: &str = "tenantry-gate";
/// Where it listens, over TLS.
pub const DATA: i32 = 8443;
/// Where it listens without, on the pod's loopback.
pub const PLAIN: i32 = 8442;
/// Its probes and metrics.
pub const ADMIN: i32 = 9090;

/// The volume with the key set that checks assertions.
pub const ASSERTION: &str = "tenantry-assertion";
/// Where it is, in the gate and in the backend's containers.
pub const ASSERTION_PATH: &str = "/var/run/tenantry/assertion";

const TOKEN: &str = "tenantry-token";
const TOKEN_PATH: &str = "/var/run/tenantry/token";
const AUTHORITY: &str = "tenantry-authority";
const AUTHORITY_PATH: &str = "/var/run/tenantry/authority";
const TLS: &str = "tenantry-tls";
const TLS_PATH: &str = "/var/run/tenantry/tls";

/// Its volumes that nobody else mounts.
pub const OWN_VOLUMES: [&str; 3] = [TOKEN, AUTHORITY, TLS];

/// Whom the gate is for.
pub struct For<'a> {
    /// The Backend.
    pub backend: &'a Backend,
    /// The SHA-256 fingerprints of the authorities that it trusts.
    pub pin: &'a str,
    /// What the pod's annotations ask for.
    pub asked: &'a Asked,
    /// Whether the pod's volumes are given to a group, which the gate is in as well.
    pub has_group: bool,
    /// The name of the port that it takes over.
    pub port_name: &'a str,
}

/// The container: native, so that it starts before all others and ends after them, and Jobs complete.
pub fn container(gate: &For<'_>) -> Value {
    let asked = gate.asked;
    json!({
        "name": NAME,
        "image": asked.image,
        "imagePullPolicy": asked.pull,
        "restartPolicy": "Always",
        "env": environment(gate),
        "ports": [
            { "name": gate.port_name, "containerPort": DATA, "protocol": "TCP" },
            { "name": "gate-metrics", "containerPort": ADMIN, "protocol": "TCP" },
        ],
        "resources": asked.resources,
        // It is stopped only once the backend has ended: until then it sends clients to other pods.
        "lifecycle": { "preStop": { "exec": { "command": ["/tenantry-gate", "leave"] } } },
        // It listens before the backend starts, which an authority that is down for a while does not hold up.
        "startupProbe": probe("/healthz", 1, 60),
        "readinessProbe": probe("/readyz", 5, 3),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 1000,
            // Volumes that were given to no group are root's group's: its key is readable by that one and by nobody else.
            "runAsGroup": if gate.has_group { 1000 } else { 0 },
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "volumeMounts": [
            { "name": TOKEN, "mountPath": TOKEN_PATH, "readOnly": true },
            { "name": AUTHORITY, "mountPath": AUTHORITY_PATH, "readOnly": true },
            { "name": TLS, "mountPath": TLS_PATH, "readOnly": true },
            { "name": ASSERTION, "mountPath": ASSERTION_PATH },
        ],
    })
}

fn environment(gate: &For<'_>) -> Vec<Value> {
    let host = names::authority_host(gate.backend.namespace(), gate.backend.name());
    let mut all = vec![
        ("TENANTRY_LISTEN", format!("0.0.0.0:{DATA}")),
        ("TENANTRY_PLAIN", format!("127.0.0.1:{PLAIN}")),
        ("TENANTRY_ADMIN", format!("0.0.0.0:{ADMIN}")),
        ("TENANTRY_TLS_CERT", format!("{TLS_PATH}/tls.crt")),
        ("TENANTRY_TLS_KEY", format!("{TLS_PATH}/tls.key")),
        ("TENANTRY_AUTHORITY", format!("https://{host}:8444")),
        ("TENANTRY_DIRECTORY", format!("https://{host}:8445")),
        ("TENANTRY_AUTHORITY_CA", format!("{AUTHORITY_PATH}/ca.crt")),
        ("TENANTRY_AUTHORITY_CA_SHA256", gate.pin.to_owned()),
        ("TENANTRY_TOKEN_FILE", format!("{TOKEN_PATH}/token")),
        ("TENANTRY_ASSERTION_DIR", ASSERTION_PATH.to_owned()),
        ("TENANTRY_LOG_FORMAT", "json".to_owned()),
    ];
    all.extend(gate.asked.log.clone().map(|log| ("TENANTRY_LOG", log)));
    all.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// A probe of a program of ours, on [`ADMIN`].
pub(crate) fn probe(path: &str, period: u32, failures: u32) -> Value {
    json!({
        "httpGet": { "path": path, "port": ADMIN, "scheme": "HTTP" },
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    })
}

/// The volumes, each with a name of its own.
pub fn volumes(backend: &Backend) -> [Value; 4] {
    let token = json!({ "serviceAccountToken": { "audience": "tenantry-authority", "expirationSeconds": 3600, "path": "token" } });
    [
        json!({ "name": TOKEN, "projected": { "sources": [token] } }),
        json!({ "name": AUTHORITY, "configMap": {
            "name": names::trust(backend.name()), "items": [{ "key": "ca.crt", "path": "ca.crt" }],
        } }),
        json!({ "name": TLS, "secret": { "secretName": names::gate_secret(backend.name()), "defaultMode": 0o440 } }),
        json!({ "name": ASSERTION, "emptyDir": { "medium": "Memory", "sizeLimit": "1Mi" } }),
    ]
}

/// The key set as the backend's containers see it.
pub fn assertion_mount() -> Value {
    json!({ "name": ASSERTION, "mountPath": ASSERTION_PATH, "readOnly": true })
}

/// Whether a container is the gate as it would be added, as far as that is ours to say: other webhooks may rewrite its image and probes,
/// and add what they add to every container.
pub fn is_gate(ours: &Value, theirs: &Value) -> bool {
    let stands = ["name", "restartPolicy", "env", "ports", "volumeMounts"]
        .iter()
        .all(|field| contains(&ours[field], &theirs[field]));
    let is_whole = theirs["lifecycle"] == ours["lifecycle"];
    stands && is_whole && ["command", "args", "workingDir"].iter().all(|field| theirs[field].is_null())
}

/// Whether everything of `ours` is in `theirs`, which may have more fields, and more items in lists of named things.
pub fn contains(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.iter().all(|(name, value)| theirs.get(name).is_some_and(|found| contains(value, found)))
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.iter().all(|item| item["name"].is_string()) => {
            ours.iter().all(|item| theirs.iter().any(|found| contains(item, found)) && is_alone(item, theirs))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(item, found)| contains(item, found))
        }
        (ours, theirs) => ours == theirs,
    }
}

/// Whether no second variable of the name is there, which would win over the first.
fn is_alone(item: &Value, all: &[Value]) -> bool {
    let is_variable = |fields: &Map<String, Value>| fields.len() == 2 && fields.contains_key("value");
    let same = all.iter().filter(|found| found["name"] == item["name"]).count();
    !item.as_object().is_some_and(is_variable) || same == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Value {
        json!({
            "name": "gate",
            "image": "one",
            "env": [{ "name": "X", "value": "1" }],
            "volumeMounts": [{ "name": "key", "mountPath": "/key" }],
        })
    }

    #[test]
    fn a_gate_stands_when_others_add_to_it() {
        let more = json!({
            "name": "gate",
            "image": "mirror/one",
            "env": [{ "name": "Y", "value": "2" }, { "name": "X", "value": "1" }],
            "volumeMounts": [{ "name": "key", "mountPath": "/key", "readOnly": true }, { "name": "more", "mountPath": "/more" }],
            "resources": {},
        });
        assert!(is_gate(&ours(), &ours()) && is_gate(&ours(), &more));
    }

    #[test]
    fn a_gate_that_was_changed_stands_no_more() {
        for (field, value) in [
            ("name", json!("other")),
            ("env", Value::Null),
            ("env", json!([{ "name": "X", "value": "2" }])),
            ("env", json!([{ "name": "X", "value": "1" }, { "name": "X", "value": "2" }])),
            ("volumeMounts", json!([{ "name": "key", "mountPath": "/elsewhere" }])),
            ("command", json!(["sleep"])),
            ("lifecycle", json!({ "postStart": { "exec": { "command": ["sleep"] } } })),
        ] {
            let mut other = ours();
            other[field] = value;
            assert!(!is_gate(&ours(), &other), "{other}");
        }
    }

    #[test]
    fn lists_without_names_are_compared_as_a_whole() {
        let ours = json!({ "drop": ["ALL"] });
        assert!(contains(&ours, &json!({ "drop": ["ALL"], "add": [] })));
        assert!(
            !contains(&ours, &json!({ "drop": ["ALL", "KILL"] })) && !contains(&ours, &json!({ "drop": [] }))
        );
    }
}
