//! What goes wrong, and as what it is told.

use std::time::{Duration, Instant};

use aws_config::timeout::TimeoutConfig;
use secrecy::SecretString;
use tenantry_harness::vault::Fault;
use tenantry_operator::stores::aws::SecretsManager;
use tenantry_operator::stores::vault::{Vault, VaultError};

use crate::{NAME, config, create, put, tags, world};

#[tokio::test]
async fn a_denied_call_names_the_action_to_allow() {
    let (endpoint, vault) = world().await;
    create(&vault, NAME, "one").await.unwrap();
    let content = SecretString::from("two");
    for action in [
        "DescribeSecret",
        "GetSecretValue",
        "CreateSecret",
        "PutSecretValue",
        "TagResource",
        "UpdateSecret",
        "DeleteSecret",
        "RestoreSecret",
    ] {
        endpoint.fail_next(action, Fault::Denied, 1);
        let outcome = match action {
            "DescribeSecret" | "GetSecretValue" => vault.observe(NAME).await.map(drop),
            "CreateSecret" => create(&vault, "tenantry/b/c", "one").await.map(drop),
            "PutSecretValue" => vault.put(NAME, &content, &"t".repeat(64)).await,
            "TagResource" => vault.tag(NAME, &tags(&[("a", "b")])).await,
            "UpdateSecret" => vault.set_key(NAME, "alias/a").await,
            "DeleteSecret" => vault.delete(NAME, 7).await,
            _ => vault.restore(NAME).await,
        };
        let error = outcome.unwrap_err();
        let expected = format!("secretsmanager:{action}");
        assert!(matches!(&error, VaultError::Denied { action, .. } if *action == expected), "{error}");
        assert!(error.to_string().contains("docs/aws.md"), "{error}");
    }
}

#[tokio::test]
async fn throttling_is_told_and_an_error_of_the_service_is_tried_once_more() {
    let (endpoint, vault) = world().await;
    endpoint.throttle(true);
    assert!(matches!(vault.observe(NAME).await, Err(VaultError::Throttled)));
    assert_eq!(endpoint.calls().len(), 2);
    endpoint.throttle(false);

    endpoint.fail_next("DescribeSecret", Fault::Internal, 1);
    assert!(vault.observe(NAME).await.unwrap().is_none());
    endpoint.fail_next("DescribeSecret", Fault::Internal, 2);
    let error = vault.observe(NAME).await.unwrap_err();
    assert!(
        matches!(&error, VaultError::Unavailable(said) if said.contains("InternalServiceError")),
        "{error}"
    );
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_repeated_without_harm() {
    let (endpoint, vault) = world().await;
    endpoint.fail_next("CreateSecret", Fault::AnswerLost, 1);
    create(&vault, NAME, "one").await.unwrap();
    endpoint.fail_next("PutSecretValue", Fault::AnswerLost, 2);
    let error = put(&vault, NAME, "two", "v").await.unwrap_err();
    assert!(matches!(error, VaultError::Unavailable(_)), "{error}");
    put(&vault, NAME, "two", "v").await.unwrap();
    let kept = endpoint.secret(NAME).await.unwrap().unwrap();
    assert_eq!((kept.versions, kept.content.as_deref()), (2, Some("two")));
}

#[tokio::test]
async fn an_endpoint_that_is_down_or_gone_is_unavailable() {
    let (endpoint, vault) = world().await;
    endpoint.down(true);
    let error = vault.observe(NAME).await.unwrap_err();
    assert!(matches!(error, VaultError::Unavailable(_)), "{error}");
    endpoint.down(false);
    assert!(vault.observe(NAME).await.unwrap().is_none());

    drop(endpoint);
    let error = vault.observe(NAME).await.unwrap_err();
    assert!(matches!(&error, VaultError::Unavailable(said) if said.contains("refused")), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_unavailable() {
    let (endpoint, _) = world().await;
    let patience = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(300))
        .operation_timeout(Duration::from_millis(700))
        .build();
    let vault = SecretsManager::new(&config(&endpoint).timeout_config(patience).load().await);
    endpoint.delay(Duration::from_secs(30));
    let started = Instant::now();
    let error = vault.observe(NAME).await.unwrap_err();
    assert!(matches!(&error, VaultError::Unavailable(said) if said.contains("time")), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_aws_never_accepts_is_invalid_and_not_repeated() {
    let (endpoint, vault) = world().await;
    create(&vault, NAME, &"x".repeat(65_536)).await.unwrap();
    let mark = endpoint.mark();
    let error = put(&vault, NAME, &"x".repeat(65_537), "").await.unwrap_err();
    assert!(matches!(&error, VaultError::Invalid { action: "secretsmanager:PutSecretValue", .. }), "{error}");
    assert!(!error.to_string().contains("xxx"), "{error}");
    assert_eq!(endpoint.writes_since(mark).len(), 1);

    assert!(matches!(create(&vault, "a name", "x").await, Err(VaultError::Invalid { .. })));
    assert!(matches!(vault.delete(NAME, 3).await, Err(VaultError::Invalid { .. })));
    assert!(matches!(vault.tag(NAME, &tags(&[("aws:x", "")])).await, Err(VaultError::Invalid { .. })));
}

#[tokio::test]
async fn a_secret_that_went_away_in_between_is_a_conflict_but_for_its_deletion() {
    let (_endpoint, vault) = world().await;
    assert!(matches!(put(&vault, NAME, "one", "").await, Err(VaultError::Conflict(_))));
    assert!(matches!(vault.tag(NAME, &tags(&[("a", "b")])).await, Err(VaultError::Conflict(_))));
    assert!(matches!(vault.restore(NAME).await, Err(VaultError::Conflict(_))));
    vault.delete(NAME, 7).await.unwrap();
}
