//! A secret's life.

use chrono::{TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tenantry_operator::stores::vault::{Vault, VaultError};

use crate::{NAME, create, put, tags, world};

#[tokio::test]
async fn a_secret_lives_from_its_creation_to_its_restoration() {
    let (endpoint, vault) = world().await;
    assert!(vault.observe(NAME).await.unwrap().is_none());

    let arn = create(&vault, NAME, r#"{"DATA_KEY":"one"}"#).await.unwrap();
    let made = vault.observe(NAME).await.unwrap().unwrap();
    assert_eq!(made.arn, arn);
    assert_eq!(made.content.as_ref().unwrap().expose_secret(), r#"{"DATA_KEY":"one"}"#);
    assert_eq!(made.tags, tags(&[("tenantry:owner", "Organization/mini-corp")]));
    assert_eq!((&made.kms_key_id, made.deletion_scheduled), (&None, false));
    assert!(Utc::now() - made.changed_at.unwrap() < TimeDelta::seconds(60));

    assert!(made.is_as_we_left_it());

    put(&vault, NAME, "two", &made.version).await.unwrap();
    let put_once = vault.observe(NAME).await.unwrap().unwrap();
    assert!(put_once.is_as_we_left_it());
    assert_eq!(put_once.previous, made.version);
    assert_eq!(put_once.content.as_ref().unwrap().expose_secret(), "two");
    assert_ne!(put_once.version, made.version);

    endpoint
        .by_hand("TagResource", json!({ "SecretId": NAME, "Tags": [{ "Key": "team", "Value": "soc" }] }))
        .await
        .unwrap();
    vault.tag(NAME, &tags(&[("tenantry:owner", "another"), ("cost", "7")])).await.unwrap();
    vault.set_key(NAME, "alias/tenantry").await.unwrap();
    let tagged = vault.observe(NAME).await.unwrap().unwrap();
    assert_eq!(tagged.tags, tags(&[("tenantry:owner", "another"), ("cost", "7"), ("team", "soc")]));
    assert_eq!(tagged.kms_key_id.as_deref(), Some("alias/tenantry"));
    assert_eq!((tagged.version, tagged.content.unwrap().expose_secret()), (put_once.version, "two"));

    vault.delete(NAME, 7).await.unwrap();
    let scheduled = vault.observe(NAME).await.unwrap().unwrap();
    assert!(scheduled.deletion_scheduled && scheduled.content.is_none() && scheduled.version.is_empty());
    assert_eq!(scheduled.tags.len(), 3);
    vault.delete(NAME, 7).await.unwrap();
    let refused = create(&vault, NAME, "three").await.unwrap_err();
    assert!(
        matches!(&refused, VaultError::Conflict(said) if said.contains("already scheduled for deletion")),
        "{refused}"
    );
    assert!(matches!(put(&vault, NAME, "three", "").await, Err(VaultError::Conflict(_))));
    assert!(matches!(vault.tag(NAME, &tags(&[("a", "b")])).await, Err(VaultError::Conflict(_))));

    vault.restore(NAME).await.unwrap();
    let restored = vault.observe(NAME).await.unwrap().unwrap();
    assert_eq!((restored.deletion_scheduled, restored.content.unwrap().expose_secret()), (false, "two"));
}

#[tokio::test]
async fn a_repeated_write_makes_one_version_and_a_used_token_takes_no_other_content() {
    let (endpoint, vault) = world().await;
    create(&vault, NAME, "one").await.unwrap();
    create(&vault, NAME, "one").await.unwrap();
    let version = vault.observe(NAME).await.unwrap().unwrap().version;
    put(&vault, NAME, "two", &version).await.unwrap();
    put(&vault, NAME, "two", &version).await.unwrap();
    assert_eq!(endpoint.secret(NAME).await.unwrap().unwrap().versions, 2);

    let token = tenantry_operator::token::after(&SecretString::from("two"), &version);
    let other = vault.put(NAME, &SecretString::from("three"), &token).await;
    assert!(matches!(other, Err(VaultError::Conflict(_))), "{other:?}");
    assert!(matches!(create(&vault, NAME, "three").await, Err(VaultError::Conflict(_))));
    assert_eq!(endpoint.secret(NAME).await.unwrap().unwrap().content.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_put_counts_even_after_somebody_went_back_to_the_version_before_it() {
    let (endpoint, vault) = world().await;
    create(&vault, NAME, "one").await.unwrap();
    let first = vault.observe(NAME).await.unwrap().unwrap().version;
    for versions in 2..5 {
        put(&vault, NAME, "two", &first).await.unwrap();
        let current = vault.observe(NAME).await.unwrap().unwrap();
        assert_eq!(current.content.unwrap().expose_secret(), "two");
        let back = json!({
            "SecretId": NAME, "VersionStage": "AWSCURRENT", "MoveToVersionId": first, "RemoveFromVersionId": current.version,
        });
        endpoint.by_hand("UpdateSecretVersionStage", back).await.unwrap();
        assert_eq!(vault.observe(NAME).await.unwrap().unwrap().version, first);
        assert_eq!(endpoint.secret(NAME).await.unwrap().unwrap().versions, versions);
    }
}

#[tokio::test]
async fn a_version_that_somebody_else_put_is_told_from_ours() {
    let (endpoint, vault) = world().await;
    create(&vault, NAME, "one").await.unwrap();
    endpoint.by_hand("PutSecretValue", json!({ "SecretId": NAME, "SecretString": "theirs" })).await.unwrap();
    let theirs = vault.observe(NAME).await.unwrap().unwrap();
    assert!(!theirs.is_as_we_left_it() && !theirs.previous.is_empty());
    put(&vault, NAME, "one", &theirs.version).await.unwrap();
    vault.set_key(NAME, "alias/tenantry").await.unwrap();
    assert!(vault.observe(NAME).await.unwrap().unwrap().is_as_we_left_it());
}

#[tokio::test]
async fn a_secret_made_by_hand_may_have_no_version_or_no_text() {
    let (endpoint, vault) = world().await;
    endpoint.by_hand("CreateSecret", json!({ "Name": NAME })).await.unwrap();
    let empty = vault.observe(NAME).await.unwrap().unwrap();
    assert!(empty.content.is_none() && empty.version.is_empty() && empty.tags.is_empty());

    endpoint.by_hand("PutSecretValue", json!({ "SecretId": NAME, "SecretBinary": "AAAA" })).await.unwrap();
    let binary = vault.observe(NAME).await.unwrap().unwrap();
    assert!(binary.content.is_none() && !binary.version.is_empty());

    put(&vault, NAME, "text", &binary.version).await.unwrap();
    assert_eq!(vault.observe(NAME).await.unwrap().unwrap().content.unwrap().expose_secret(), "text");
}
