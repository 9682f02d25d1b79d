//! Pods as the API server shows them to the webhook, in JSON.

use serde_json::{Value, json};
use tenantry_crds::backend::BackendSpec;

use super::*;
use crate::settings::{PullPolicy, Resources};

/// A backend on port 8000 that calls it `http`, and probes it by that name.
fn pod() -> Value {
    json!({
        "metadata": { "labels": { "app": "xdr", "tenantry.io/inject": "true" } },
        "spec": {
            "serviceAccountName": "default",
            "containers": [{
                "name": "app",
                "image": "xdr:1",
                "ports": [{ "name": "http", "containerPort": 8000, "protocol": "TCP" }],
                "readinessProbe": { "httpGet": { "path": "/health", "port": "http" }, "timeoutSeconds": 7, "periodSeconds": 9 },
            }],
        },
    })
}

fn backend() -> Backend {
    let mut backend =
        Backend::new("xdr", BackendSpec::new("https://xdr.example.com", "http://127.0.0.1:8000"));
    backend.metadata.namespace = Some("mini".into());
    backend
}

fn settings() -> Gate {
    Gate {
        image: "gate:1".into(),
        image_pull_policy: PullPolicy::IfNotPresent,
        resources: Resources::default(),
    }
}

/// A pod after what is done to it, and the warnings.
fn done(pod: &Value) -> Result<(Value, Vec<String>), String> {
    let read: Pod = serde_json::from_value(pod.clone()).unwrap();
    let done = inject(&read, &backend(), Some("aa"), &settings()).map_err(|refusal| refusal.to_string())?;
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &done.patch).unwrap();
    Ok((pod, done.warnings))
}

fn injected(pod: &Value) -> Value {
    done(pod).unwrap().0
}

/// The pod with something else at a place of it.
fn with(place: &str, value: Value) -> Value {
    let mut pod = pod();
    let (parent, name) = place.rsplit_once('/').unwrap();
    let parent = pod.pointer_mut(parent).unwrap();
    match name.parse::<usize>() {
        Ok(_) => parent.as_array_mut().unwrap().push(value),
        Err(_) => parent[name] = value,
    }
    pod
}

#[test]
fn a_pod_gets_a_native_sidecar_that_is_confined() {
    let pod = injected(&pod());
    let gate = &pod["spec"]["initContainers"][0];
    assert_eq!(
        (&gate["name"], &gate["image"], &gate["restartPolicy"]),
        (&json!("tenantry-gate"), &json!("gate:1"), &json!("Always"))
    );
    assert_eq!(
        gate["securityContext"],
        json!({
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "runAsGroup": 0,
            "seccompProfile": { "type": "RuntimeDefault" },
        })
    );
    assert_eq!(
        gate["startupProbe"]["httpGet"],
        json!({ "path": "/healthz", "port": 9090, "scheme": "HTTP" })
    );
    assert_eq!(
        gate["readinessProbe"]["httpGet"],
        json!({ "path": "/readyz", "port": 9090, "scheme": "HTTP" })
    );
    assert_eq!(
        gate["lifecycle"],
        json!({ "preStop": { "exec": { "command": ["/tenantry-gate", "leave"] } } })
    );
    assert!(pod["spec"]["terminationGracePeriodSeconds"].is_null());
}

#[test]
fn the_gate_is_told_where_its_backends_authority_is_and_what_to_trust() {
    let pod = injected(&pod());
    let environment = pod["spec"]["initContainers"][0]["env"].as_array().unwrap().clone();
    let told: Vec<_> = environment
        .iter()
        .map(|one| format!("{}={}", one["name"].as_str().unwrap(), one["value"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "TENANTRY_LISTEN=0.0.0.0:8443",
            "TENANTRY_PLAIN=127.0.0.1:8442",
            "TENANTRY_ADMIN=0.0.0.0:9090",
            "TENANTRY_TLS_CERT=/var/run/tenantry/tls/tls.crt",
            "TENANTRY_TLS_KEY=/var/run/tenantry/tls/tls.key",
            "TENANTRY_AUTHORITY=https://xdr-authority.mini.svc:8444",
            "TENANTRY_DIRECTORY=https://xdr-authority.mini.svc:8445",
            "TENANTRY_AUTHORITY_CA=/var/run/tenantry/authority/ca.crt",
            "TENANTRY_AUTHORITY_CA_SHA256=aa",
            "TENANTRY_TOKEN_FILE=/var/run/tenantry/token/token",
            "TENANTRY_ASSERTION_DIR=/var/run/tenantry/assertion",
            "TENANTRY_LOG_FORMAT=json",
        ]
    );
    let volumes = &pod["spec"]["volumes"];
    assert_eq!(
        *volumes,
        json!([
            { "name": "tenantry-token", "projected": { "sources": [
                { "serviceAccountToken": { "audience": "tenantry-authority", "expirationSeconds": 3600, "path": "token" } },
            ] } },
            { "name": "tenantry-authority", "configMap": { "name": "tenantry-trust-xdr", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "name": "tenantry-tls", "secret": { "secretName": "tenantry-gate-xdr-tls", "defaultMode": 288 } },
            { "name": "tenantry-assertion", "emptyDir": { "medium": "Memory", "sizeLimit": "1Mi" } },
        ])
    );
}

#[test]
fn the_ports_name_goes_to_the_gate_and_probes_that_used_it_get_the_number() {
    let mut pod = pod();
    let app = &mut pod["spec"]["containers"][0];
    app["livenessProbe"] = json!({ "tcpSocket": { "port": "http" }, "failureThreshold": 2 });
    app["startupProbe"] = json!({ "grpc": { "port": 8000 } });
    app["lifecycle"] = json!({ "preStop": { "httpGet": { "path": "/bye", "port": "http" } } });
    app["ports"] = json!([
        { "name": "admin", "containerPort": 8001, "protocol": "TCP" },
        { "name": "http", "containerPort": 8000, "protocol": "TCP" },
    ]);
    let (pod, warnings) = done(&pod).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let app = &pod["spec"]["containers"][0];
    assert_eq!(
        app["ports"],
        json!([
            { "name": "admin", "containerPort": 8001, "protocol": "TCP" },
            { "containerPort": 8000, "protocol": "TCP" },
        ])
    );
    assert_eq!(
        pod["spec"]["initContainers"][0]["ports"],
        json!([
            { "name": "http", "containerPort": 8443, "protocol": "TCP" },
            { "name": "gate-metrics", "containerPort": 9090, "protocol": "TCP" },
        ])
    );
    assert_eq!(
        app["readinessProbe"],
        json!({ "httpGet": { "path": "/health", "port": 8000 }, "timeoutSeconds": 7, "periodSeconds": 9 })
    );
    assert_eq!(app["livenessProbe"], json!({ "tcpSocket": { "port": 8000 }, "failureThreshold": 2 }));
    assert_eq!(app["startupProbe"], json!({ "grpc": { "port": 8000 } }));
    assert_eq!(app["lifecycle"]["preStop"]["httpGet"]["port"], 8000);
}

#[test]
fn probes_by_number_or_by_another_name_and_those_of_other_containers_stay() {
    let mut pod = with("/spec/containers/0/readinessProbe", json!({ "httpGet": { "port": 8000 } }));
    pod["spec"]["containers"][0]["livenessProbe"] = json!({ "exec": { "command": ["true"] } });
    // Names are looked up in the container itself.
    let other = json!({ "name": "other", "livenessProbe": { "httpGet": { "port": "http" } } });
    pod["spec"]["containers"].as_array_mut().unwrap().push(other.clone());
    let after = injected(&pod);
    for probe in ["readinessProbe", "livenessProbe"] {
        assert_eq!(after["spec"]["containers"][0][probe], pod["spec"]["containers"][0][probe]);
    }
    assert_eq!(after["spec"]["containers"][1]["livenessProbe"], other["livenessProbe"]);
}

#[test]
fn a_port_without_a_name_is_warned_of_as_no_service_finds_the_gate_by_it() {
    let (pod, warnings) =
        done(&with("/spec/containers/0/ports", json!([{ "containerPort": 8000 }]))).unwrap();
    assert_eq!(pod["spec"]["initContainers"][0]["ports"][0]["name"], "tenantry-gate");
    assert_eq!(
        warnings,
        [
            "port 8000 has no name to move to the gate: have Services say targetPort: tenantry-gate; 8000 is closed to them"
        ]
    );
}

#[test]
fn the_gate_comes_before_init_containers_and_volumes_after_those_that_are_there() {
    let mut pod = with("/spec/initContainers", json!([{ "name": "migrate", "unheardOf": 1 }]));
    pod["spec"]["volumes"] = json!([{ "name": "data", "emptyDir": {} }]);
    pod["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    let pod = injected(&pod);
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "tenantry-gate");
    assert_eq!(pod["spec"]["initContainers"][1], json!({ "name": "migrate", "unheardOf": 1 }));
    assert_eq!(pod["spec"]["volumes"][0]["name"], "data");
    assert_eq!(pod["spec"]["volumes"].as_array().unwrap().len(), 5);
}

#[test]
fn every_container_of_the_backend_sees_the_key_set_and_cannot_write_it() {
    let pod = injected(&with("/spec/containers/1", json!({ "name": "worker" })));
    let mount = json!([{ "name": "tenantry-assertion", "mountPath": "/var/run/tenantry/assertion", "readOnly": true }]);
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"], mount);
    assert_eq!(pod["spec"]["containers"][1]["volumeMounts"], mount);
}

#[test]
fn volumes_of_a_group_are_read_as_that_group() {
    let pod = injected(&with("/spec/securityContext", json!({ "fsGroup": 2000 })));
    assert_eq!(pod["spec"]["initContainers"][0]["securityContext"]["runAsGroup"], 1000);
}

#[test]
fn annotations_choose_image_log_and_resources() {
    let annotations = json!({
        "tenantry.io/gate-image": "other:2",
        "tenantry.io/gate-log": "debug",
        "tenantry.io/gate-cpu-request": "20m",
        "tenantry.io/gate-memory-limit": "128Mi",
    });
    let pod = injected(&with("/metadata/annotations", annotations));
    let gate = &pod["spec"]["initContainers"][0];
    assert_eq!(gate["image"], "other:2");
    assert_eq!(gate["resources"], json!({ "requests": { "cpu": "20m" }, "limits": { "memory": "128Mi" } }));
    assert!(gate["env"].as_array().unwrap().contains(&json!({ "name": "TENANTRY_LOG", "value": "debug" })));
}

#[test]
fn a_pod_that_has_its_gate_is_left_as_it_is() {
    for pod in [pod(), with("/spec/containers/0/ports", json!([{ "containerPort": 8000 }]))] {
        let once = injected(&pod);
        assert_eq!(injected(&once), once);
    }
}

#[test]
fn a_pod_whose_gate_others_have_added_to_is_left_so_and_what_they_added_is_seen_to() {
    let mut pod = injected(&pod());
    let gate = &mut pod["spec"]["initContainers"][0];
    gate["image"] = json!("mirror.example.com/gate:1");
    gate["env"].as_array_mut().unwrap().push(json!({ "name": "AWS_REGION", "value": "us-east-1" }));
    gate["terminationMessagePath"] = json!("/dev/termination-log");
    pod["spec"]["volumes"][0]["projected"]["defaultMode"] = json!(420);
    pod["spec"]["initContainers"].as_array_mut().unwrap().insert(0, json!({ "name": "mesh" }));
    assert_eq!(injected(&pod), pod);

    pod["spec"]["containers"].as_array_mut().unwrap().push(json!({ "name": "mesh-proxy" }));
    let after = injected(&pod);
    assert_eq!(after["spec"]["containers"][1]["volumeMounts"][0]["name"], "tenantry-assertion");
    assert_eq!(injected(&after), after);
}

#[test]
fn what_cannot_be_guarded_is_refused_with_what_to_change() {
    let mount = |name: &str, path: &str| json!([{ "name": name, "mountPath": path }]);
    let refused = [
        ("/spec/hostNetwork", json!(true), "spec.hostNetwork"),
        ("/spec/shareProcessNamespace", json!(true), "spec.shareProcessNamespace"),
        ("/spec/hostPID", json!(true), "spec.hostPID"),
        ("/spec/os", json!({ "name": "windows" }), "is for Windows"),
        ("/spec/nodeSelector", json!({ "kubernetes.io/os": "windows" }), "is for Windows"),
        ("/spec/serviceAccountName", json!("other"), "service account other"),
        ("/spec/containers/0/ports", json!([]), "ports: [{ name: http, containerPort: 8000 }]"),
        (
            "/spec/containers/0/ports",
            json!([{ "containerPort": 8000, "protocol": "UDP" }]),
            "declares port 8000",
        ),
        ("/spec/containers/0/ports", json!([{ "containerPort": 8000, "hostPort": 80 }]), "hostPort"),
        (
            "/spec/containers/1",
            json!({ "name": "b", "ports": [{ "containerPort": 8000 }] }),
            "more than once (app, b)",
        ),
        (
            "/spec/containers/1",
            json!({ "name": "b", "ports": [{ "containerPort": 1, "name": "http" }] }),
            "port named http",
        ),
        (
            "/spec/containers/1",
            json!({ "name": "b", "ports": [{ "containerPort": 9090 }] }),
            "b declares port 9090",
        ),
        ("/spec/containers/1", json!({ "name": "tenantry-gate" }), "a container tenantry-gate of its own"),
        (
            "/spec/initContainers",
            json!([{ "name": "tenantry-gate", "restartPolicy": "Always" }]),
            "a container tenantry-gate of its own",
        ),
        (
            "/spec/initContainers",
            json!([{ "name": "b", "restartPolicy": "Always", "ports": [{ "containerPort": 8443 }] }]),
            "8443",
        ),
        (
            "/spec/initContainers",
            json!([{ "name": "b", "restartPolicy": "Always", "ports": [{ "name": "web", "containerPort": 8000, "hostPort": 80 }] }]),
            "port 8000 is declared more than once (app, b)",
        ),
        (
            "/spec/volumes",
            json!([{ "name": "tenantry-tls", "emptyDir": {} }]),
            "a volume tenantry-tls of its own",
        ),
        (
            "/spec/containers/0/volumeMounts",
            mount("data", "/var/run/tenantry/assertion/x"),
            "app mounts data",
        ),
        ("/spec/containers/0/volumeMounts", mount("tenantry-tls", "/keys"), "app mounts tenantry-tls"),
        (
            "/spec/initContainers",
            json!([{ "name": "b", "volumeMounts": mount("tenantry-token", "/t") }]),
            "b mounts tenantry-token",
        ),
        ("/metadata/annotations", json!({ "tenantry.io/gate-cpu-limit": "fast" }), "gate-cpu-limit"),
    ];
    for (place, value, said) in refused {
        let error = done(&with(place, value.clone())).unwrap_err();
        assert!(error.contains(said), "{place} {value}: {error}");
    }
}

#[test]
fn a_backend_that_is_not_in_the_pod_and_one_without_trust_are_refused() {
    let pod: Pod = serde_json::from_value(pod()).unwrap();
    let mut backend = backend();
    let said = inject(&pod, &backend, None, &settings()).unwrap_err().to_string();
    assert!(said.contains("the ConfigMap tenantry-trust-xdr has no certificate"), "{said}");
    for (url, is_in_pod) in [
        ("http://localhost:8000", true),
        ("http://[::1]:8000", true),
        ("http://127.0.0.1", false),
        ("http://xdr.mini.svc:8000", false),
        ("http://10.0.0.1:8000", false),
    ] {
        url.clone_into(&mut backend.spec.upstream.url);
        assert_eq!(inject(&pod, &backend, Some("aa"), &settings()).is_ok(), is_in_pod, "{url}");
    }
}
