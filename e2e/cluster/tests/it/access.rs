//! Who may do what, and that it is told.

use std::{
    process::{Command, Stdio},
    time::Duration,
};
use tenantry_harness::{AuditEvent, Cluster, process::wait_until};

const READER: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader, namespace: NAMESPACE }
rules: [{ apiGroups: [''], resources: [configmaps], verbs: [get, list] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: NAMESPACE }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: NAMESPACE }]
";

/// A namespace with a service account, and the kubeconfig of that account.
async fn account(cluster: &Cluster, name: &str) -> (String, String) {
    let namespace = cluster.namespace("access").await.unwrap();
    cluster.kubectl(&["create", "serviceaccount", name, "--namespace", &namespace]).await.unwrap();
    let path = cluster.service_account_kubeconfig(&namespace, name).await.unwrap();
    (namespace, path.display().to_string())
}

#[tokio::test]
async fn an_unbound_service_account_is_denied_and_the_audit_log_tells_it() {
    let cluster = Cluster::shared().await.unwrap();
    let (namespace, config) = account(cluster, "nobody").await;
    let mark = cluster.audit_mark();
    let read = ["--kubeconfig", &config, "get", "secrets", "--namespace", &namespace];
    let error = cluster.kubectl(&read).await.unwrap_err().to_string();
    assert!(error.contains("Forbidden") && error.contains("cannot list resource \"secrets\""), "{error}");

    let Some(events) = cluster.audit_since(mark) else { return };
    let user = format!("system:serviceaccount:{namespace}:nobody");
    let denied: Vec<_> =
        events.iter().filter(|event| event.user == user && event.resource == "secrets").collect();
    let [event] = denied[..] else { panic!("{denied:?}") };
    assert_eq!((event.verb.as_str(), event.code, event.decision.as_str()), ("list", 403, "forbid"));
    assert_eq!((event.namespace.as_str(), event.stage.as_str()), (namespace.as_str(), "ResponseComplete"));
    assert!(event.user_agent.starts_with("kubectl"), "{event:?}");
    assert!(cluster.audit_since(cluster.audit_mark()).unwrap().iter().all(|event| event.user != user));
}

#[tokio::test]
async fn a_bound_service_account_may_do_what_its_role_says_in_its_namespace_only() {
    let cluster = Cluster::shared().await.unwrap();
    let (namespace, config) = account(cluster, "reader").await;
    let other = cluster.namespace("access").await.unwrap();
    cluster.apply(&READER.replace("NAMESPACE", &namespace)).await.unwrap();
    let get =
        |of: &str, kind: &str| ["--kubeconfig", &config, "get", kind, "--namespace", of].map(str::to_owned);
    let ask = async |words: [String; 6]| {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        cluster.kubectl(&words).await.map_err(|error| error.to_string())
    };
    ask(get(&namespace, "configmaps")).await.unwrap();
    assert!(ask(get(&namespace, "secrets")).await.unwrap_err().contains("Forbidden"));
    assert!(ask(get(&other, "configmaps")).await.unwrap_err().contains("Forbidden"));
}

#[tokio::test]
async fn a_watch_is_told_while_it_goes_on_and_stays_one_event_when_it_ends() {
    let cluster = Cluster::shared().await.unwrap();
    let namespace = cluster.namespace("watched").await.unwrap();
    if cluster.audit().is_none() {
        return;
    }
    let watches = |stage: &str| -> Vec<AuditEvent> {
        let ours = |event: &AuditEvent| event.verb == "watch" && event.namespace == namespace;
        let from_kubectl = |event: &AuditEvent| event.user == "admin" && event.stage == stage;
        cluster.audit().unwrap().into_iter().filter(|event| ours(event) && from_kubectl(event)).collect()
    };
    let mut watch = Command::new(cluster.kubectl_path());
    watch.arg("--kubeconfig").arg(cluster.kubeconfig());
    watch.args(["get", "configmaps", "--watch-only", "--namespace", &namespace]).stdout(Stdio::null());
    let mut watch = watch.spawn().unwrap();
    let limit = Duration::from_secs(30);
    assert!(wait_until(limit, || watches("ResponseStarted").len() == 1));
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert!(wait_until(limit, || watches("ResponseComplete").len() == 1));
    assert_eq!(watches("ResponseStarted"), []);
}

#[tokio::test]
async fn what_is_owned_goes_with_its_owner_and_a_deleted_namespace_with_all_in_it() {
    let cluster = Cluster::shared().await.unwrap();
    let namespace = cluster.namespace("gone").await.unwrap();
    let own = ["--namespace", &namespace];
    let deployment = [&["create", "deployment", "web", "--image", "example.invalid/web"][..], &own].concat();
    cluster.kubectl(&deployment).await.unwrap();
    let pods =
        [&["wait", "--for", "create", "pod", "--selector", "app=web", "--timeout", "30s"][..], &own].concat();
    cluster.kubectl(&pods).await.unwrap();
    cluster.kubectl(&["delete", "namespace", &namespace, "--timeout", "60s"]).await.unwrap();
    let left = cluster.kubectl(&["get", "namespace", &namespace]).await.unwrap_err().to_string();
    assert!(left.contains("NotFound"), "{left}");
}
