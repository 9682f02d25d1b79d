//! The authority's pods.

use serde_json::{Value, json};

use super::{ADMIN, REQUESTS, STREAM, Wanted, pods, wanted};
use crate::authority::keep::For;
use crate::injection::gate::probe;
use crate::names::{self, annotation, key};
use crate::stores::objects::Kind;

const TLS: &str = "/var/run/tenantry/tls";
const KEYRING: &str = "/var/run/tenantry/keyring";
const DATABASE: &str = "/var/run/tenantry/database";
/// Until gates and Services have heard that a pod is going, in seconds.
const LINGER: u32 = 10;
/// What a pod has to answer what it was asked before, in seconds, the linger among it.
const GRACE: u32 = 60;

/// The Deployment: a pod is taken away only once another is ready.
pub fn deployment(of: &For<'_>) -> Wanted {
    let (backend, settings) = (of.backend, of.settings);
    let account = names::authority(backend.name());
    let mut pod = json!({
        "serviceAccountName": account,
        "automountServiceAccountToken": true,
        // Nothing beside the container with the keys, which sees no other.
        "initContainers": null,
        "hostNetwork": false,
        "hostPID": false,
        "hostIPC": false,
        "shareProcessNamespace": false,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "fsGroup": 1000,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "topologySpreadConstraints": [{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": pods(backend) },
        }],
        "containers": [container(of)],
        "volumes": volumes(of),
    });
    if !settings.image_pull_secrets.is_empty() {
        let secrets = settings.image_pull_secrets.iter().map(|name| json!({ "name": name }));
        pod["imagePullSecrets"] = secrets.collect();
    }
    let spec = json!({
        "replicas": settings.replicas,
        "paused": false,
        "revisionHistoryLimit": 2,
        "selector": { "matchLabels": pods(backend) },
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
        "template": {
            // What a pod reads once: another database or keyring takes other pods.
            "metadata": { "labels": pods(backend), "annotations": { annotation::READ: of.read } },
            "spec": pod,
        },
    });
    wanted(backend, Kind::DEPLOYMENT, account, json!({ "spec": spec }))
}

fn container(of: &For<'_>) -> Value {
    let settings = of.settings;
    let port = |name: &str, port: i32| json!({ "name": name, "containerPort": port, "protocol": "TCP" });
    let mount = |name: &str, path: &str| json!({ "name": name, "mountPath": path, "readOnly": true });
    let mut mounts = vec![mount("tls", TLS), mount("keyring", KEYRING)];
    if of.database.ca_secret_ref.is_some() {
        mounts.push(mount("database", DATABASE));
    }
    json!({
        "name": "authority",
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": null,
        "args": ["authority"],
        "envFrom": null,
        "lifecycle": null,
        "env": environment(of),
        "ports": [port("requests", REQUESTS), port("stream", STREAM), port("metrics", ADMIN)],
        "startupProbe": probe("/healthz", 1, 60),
        "livenessProbe": probe("/healthz", 10, 6),
        "readinessProbe": probe("/readyz", 2, 2),
        "resources": settings.resources,
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        },
        "volumeMounts": mounts,
    })
}

fn environment(of: &For<'_>) -> Vec<Value> {
    let backend = of.backend;
    let url = &of.database.url_secret_ref;
    let any = |port: i32| format!("0.0.0.0:{port}");
    let mut all = vec![
        ("TENANTRY_BACKEND", format!("{}/{}", backend.namespace(), backend.name())),
        ("TENANTRY_CLUSTER_ID", of.cluster.to_owned()),
        ("TENANTRY_SEALING_KEYRING", format!("{KEYRING}/{}", key::KEYRING)),
        ("TENANTRY_LISTEN", any(REQUESTS)),
        ("TENANTRY_STREAM", any(STREAM)),
        ("TENANTRY_ADMIN", any(ADMIN)),
        ("TENANTRY_TLS_CERT", format!("{TLS}/{}", key::CERTIFICATE)),
        ("TENANTRY_TLS_KEY", format!("{TLS}/{}", key::CERTIFICATE_KEY)),
        ("TENANTRY_LINGER", LINGER.to_string()),
        ("TENANTRY_LOG", of.settings.log.clone()),
        ("TENANTRY_LOG_FORMAT", "json".to_owned()),
    ];
    if of.database.ca_secret_ref.is_some() {
        all.push(("TENANTRY_DATABASE_CA", format!("{DATABASE}/ca.crt")));
    }
    let mut variables: Vec<Value> =
        all.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let from = json!({ "secretKeyRef": { "name": url.name, "key": url.key } });
    variables.push(json!({ "name": "TENANTRY_DATABASE", "valueFrom": from }));
    variables
}

fn volumes(of: &For<'_>) -> Vec<Value> {
    let name = of.backend.name();
    // Readable by the group of the pod's volumes, which the process is in, and by nobody else.
    let volume = |volume: &str, secret: &str, items: Value| json!({ "name": volume, "secret": { "secretName": secret, "defaultMode": 0o440, "items": items } });
    let item = |key: &str, path: &str| json!({ "key": key, "path": path });
    let pair = [item(key::CERTIFICATE, key::CERTIFICATE), item(key::CERTIFICATE_KEY, key::CERTIFICATE_KEY)];
    let mut all = vec![
        volume("tls", &names::authority_secret(name), json!(pair)),
        volume("keyring", &names::keyring_secret(name), json!([item(key::KEYRING, key::KEYRING)])),
    ];
    if let Some(ca) = &of.database.ca_secret_ref {
        all.push(volume("database", &ca.name, json!([item(&ca.key, "ca.crt")])));
    }
    all
}
