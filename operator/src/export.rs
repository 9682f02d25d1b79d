//! `tenantry-operator export`: the manifests that would own the organizations which nothing owns yet, because they registered
//! themselves or were there before. Applied, they take them over as they are.

use anyhow::{Context, anyhow};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tenantry_crds::Backend;
use tenantry_crds::backend::SecretRef;
use tenantry_store::{Organization, provision};

use crate::backend::connect::Opening;
use crate::leader::Leadership;
use crate::names::{self, key};
use crate::stores::kubernetes::Cluster;
use crate::stores::secrets::Secrets;

/// The manifests, as YAML documents.
pub async fn export(client: &Client, cluster_id: &str, place: &str) -> anyhow::Result<String> {
    let (namespace, name) =
        place.split_once('/').ok_or_else(|| anyhow!("{place:?} is not of the form NAMESPACE/NAME"))?;
    let backend: Backend = Api::namespaced(client.clone(), namespace)
        .get(name)
        .await
        .with_context(|| format!("the Backend {place} cannot be read"))?;
    let database =
        backend.spec.database.clone().ok_or_else(|| anyhow!("the Backend {place} has no spec.database"))?;
    let secrets = Cluster::new(client.clone(), Leadership::default(), "export");
    let text = async |reference: &SecretRef| text(&secrets, namespace, reference).await;
    let url = text(&database.url_secret_ref).await?;
    let ca = match &database.ca_secret_ref {
        Some(reference) => Some(text(reference).await?),
        None => None,
    };
    let keyring = SecretRef { name: names::keyring_secret(name), key: key::KEYRING.to_owned() };
    let keyring = text(&keyring).await?;
    let cluster = match cluster_id {
        "" => {
            let namespaces: Api<Namespace> = Api::all(client.clone());
            let system =
                namespaces.get("kube-system").await.context("the namespace kube-system cannot be read")?;
            system.metadata.uid.unwrap_or_default()
        }
        id => id.to_owned(),
    };
    let leadership = Leadership::default();
    let opening = Opening {
        backend: &backend,
        cluster: &cluster,
        url: &url,
        ca: ca.as_ref(),
        keyring: &keyring,
        leadership: &leadership,
        connections: 2,
        as_it_is: true,
    };
    let store = opening.connect().await.map_err(|trouble| match trouble.reason {
        "Paused" => anyhow!(
            "the database is not prepared for this version yet: wait until the operator says that the Backend is Ready, or \
             export with the operator's version"
        ),
        _ => anyhow!("{}", trouble.message),
    })?;
    let unowned = provision::unowned(&store).await.context("the organizations cannot be read")?;
    let documents: Vec<String> = unowned
        .iter()
        .map(|row| serde_saphyr::to_string(&manifest(row, namespace, name)))
        .collect::<Result<_, _>>()?;
    Ok(documents.join("---\n"))
}

async fn text(secrets: &Cluster, namespace: &str, reference: &SecretRef) -> anyhow::Result<SecretString> {
    let secret = secrets
        .observe(namespace, &reference.name)
        .await
        .map_err(|trouble| anyhow!("{}", trouble.message))?;
    let text = secret.as_ref().and_then(|secret| secret.content.get(&reference.key));
    let text = text.map(|text| text.expose_secret().trim().to_owned().into());
    text.ok_or_else(|| {
        anyhow!("there is no Secret {namespace}/{} with the key {}", reference.name, reference.key)
    })
}

/// The manifest that owns a row as it is: its name, limits and slug are the row's.
fn manifest(row: &Organization, namespace: &str, backend: &str) -> Value {
    let mut spec = json!({
        "backendRef": { "name": backend },
        "displayName": row.name,
        "slug": row.slug,
        "adoptionPolicy": "Adopt",
        "adoptId": row.id.0,
    });
    // No limit is as many as a manifest can say.
    spec["limits"] = json!({ "users": row.max_users.unwrap_or(1_000_000).clamp(1, 1_000_000) });
    json!({
        "apiVersion": "tenantry.io/v1alpha1",
        "kind": "Organization",
        "metadata": { "name": resource_name(&row.slug, row.id.0), "namespace": namespace },
        "spec": spec,
    })
}

/// A slug may be longer than the name of a resource; a shortened one is told from others by the id.
fn resource_name(slug: &str, id: i64) -> String {
    if slug.len() <= 50 {
        return slug.to_owned();
    }
    let short = slug.get(..30).unwrap_or(slug).trim_end_matches('-');
    format!("{short}-{id}")
}

#[cfg(test)]
mod tests {
    use tenantry_directory::{OrganizationId, Timestamp};
    use tenantry_rules::holds::Status;

    use super::*;

    #[test]
    fn a_manifest_that_is_exported_adopts_its_row_and_keeps_the_rules() {
        let row = Organization {
            id: OrganizationId(7),
            name: "Mini: Corp # 1".into(),
            slug: "mini-corp".into(),
            status: Status::Active,
            max_users: Some(5),
            settings: json!({}),
            created_at: Timestamp::from_millis(0),
        };
        let text = serde_saphyr::to_string(&manifest(&row, "a", "app")).unwrap();
        let read: tenantry_crds::Organization = serde_saphyr::from_str(&text).unwrap();
        assert_eq!((read.spec.display_name.as_str(), read.spec.adopt_id), ("Mini: Corp # 1", Some(7)));
        assert!(tenantry_crds::broken(&read).is_empty(), "{text}");
        assert_eq!(resource_name(&"a".repeat(80), 7), format!("{}-7", "a".repeat(30)));
    }
}
