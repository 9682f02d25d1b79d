//! Kubeconfig files: of a client certificate, and of a token for a cluster that is already known.

use crate::process::PartError;
use serde_json::{Value, json};

/// A kubeconfig for the API server at `server`, whose authority and client certificate are files of `folder`.
pub(super) fn with_certificate(server: &str, folder: &std::path::Path, client: &str) -> String {
    let file = |name: String| folder.join(name).display().to_string();
    config(
        &json!([{ "name": "tenantry", "cluster": { "server": server, "certificate-authority": file("ca.crt".into()) } }]),
        "tenantry",
        &json!({ "client-certificate": file(format!("{client}.crt")), "client-key": file(format!("{client}.key")) }),
        "default",
    )
}

/// `known` (what `kubectl config view --raw --flatten --minify --output json` prints) with a token in place of its user.
pub(super) fn with_token(known: &str, token: &str, namespace: &str) -> Result<String, PartError> {
    let clusters = serde_json::from_str::<Value>(known).ok().map(|config| config["clusters"].clone());
    let name = clusters.as_ref().and_then(|clusters| clusters[0]["name"].as_str());
    let (Some(clusters), Some(name)) = (&clusters, name) else {
        return Err(PartError::Refused("the kubeconfig names no cluster".to_owned()));
    };
    Ok(config(clusters, name, &json!({ "token": token }), namespace))
}

fn config(clusters: &Value, cluster: &str, user: &Value, namespace: &str) -> String {
    let context = json!({ "cluster": cluster, "user": "user", "namespace": namespace });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters,
        "users": [{ "name": "user", "user": user }],
        "contexts": [{ "name": "context", "context": context }],
        "current-context": "context",
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_takes_the_place_of_the_administrator() {
        let known = with_certificate("https://127.0.0.1:1", std::path::Path::new("/keys"), "admin");
        let config: Value = serde_json::from_str(&with_token(&known, "secret", "apps").unwrap()).unwrap();
        assert_eq!(config["users"], json!([{ "name": "user", "user": { "token": "secret" } }]));
        assert_eq!(config["contexts"][0]["context"]["namespace"], "apps");
        assert_eq!(config["clusters"][0]["cluster"]["certificate-authority"], "/keys/ca.crt");
    }

    #[test]
    fn a_kubeconfig_without_a_cluster_is_refused() {
        assert!(with_token("{}", "secret", "apps").is_err());
        assert!(with_token("", "secret", "apps").is_err());
    }
}
