//! No content and no credentials reach a log, at whatever level.

use aws_credential_types::Credentials;
use tenantry_harness::vault::{Fault, REGION};
use tenantry_operator::stores::aws::{SecretsManager, loader};
use tenantry_operator::stores::vault::Vault;

use crate::{NAME, alone, create, put};

/// Run by the test below.
#[tokio::test]
#[ignore = "started by the other test of this file"]
async fn work_and_tell_everything() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::stdout).init();
    let endpoint = tenantry_harness::Vault::start().await.unwrap();
    let keys = Credentials::new("id", "canary-key", Some("canary-session".to_owned()), None, "test");
    let config = loader(REGION, Some(&endpoint.endpoint())).credentials_provider(keys);
    let vault = SecretsManager::new(&config.load().await);
    create(&vault, NAME, "canary-one").await.unwrap();
    let seen = vault.observe(NAME).await.unwrap().unwrap();
    put(&vault, NAME, "canary-two", &seen.version).await.unwrap();
    endpoint.fail_next("PutSecretValue", Fault::AnswerLost, 2);
    let error = put(&vault, NAME, "canary-three", "").await.unwrap_err();
    tracing::trace!(?seen, ?error, %error, "all done");
}

#[test]
fn nothing_secret_is_logged_even_at_the_most_talkative_level() {
    let log = alone("logs::work_and_tell_everything", std::env::vars().collect());
    assert!(log.contains("transmitting request") && log.contains("all done"), "{log}");
    for line in log.lines() {
        // Bytes of a body may be told as a list of numbers, too.
        assert!(!line.contains("canary") && !line.contains("99, 97, 110, 97, 114, 121"), "{line}");
    }
}
