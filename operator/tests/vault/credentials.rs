//! Credentials as the SDK finds them, each time in a process of its own with nothing but the environment that is told.

use tenantry_harness::vault::REGION;
use tenantry_operator::stores::aws::SecretsManager;
use tenantry_operator::stores::vault::Vault;

use crate::{NAME, alone};

const ENDPOINT: &str = "TENANTRY_TEST_ENDPOINT";

/// Run by the tests below.
#[tokio::test]
#[ignore = "started by the other tests of this file"]
async fn look_with_the_credentials_of_the_environment() {
    let vault = SecretsManager::connect(REGION, Some(&std::env::var(ENDPOINT).unwrap())).await;
    println!("outcome={:?}", vault.observe(NAME).await.map(|seen| seen.is_some()));
}

fn outcome(endpoint: &tenantry_harness::Vault, environment: Vec<(String, String)>) -> String {
    let environment = environment.into_iter().chain([(ENDPOINT.to_owned(), endpoint.endpoint())]).collect();
    let text = alone("credentials::look_with_the_credentials_of_the_environment", environment);
    text.lines().find_map(|line| line.split_once("outcome=")).unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[tokio::test]
async fn keys_in_the_environment_are_enough() {
    let endpoint = tenantry_harness::Vault::start().await.unwrap();
    assert_eq!(outcome(&endpoint, endpoint.environment()), "Ok(false)");
    assert_eq!(endpoint.calls().len(), 1);
}

#[tokio::test]
async fn without_credentials_it_says_so_and_calls_nobody() {
    let endpoint = tenantry_harness::Vault::start().await.unwrap();
    let none = |keep: &(String, String)| !keep.0.contains("KEY");
    let environment: Vec<_> = endpoint.environment().into_iter().filter(none).collect();
    let told = outcome(&endpoint, environment.clone());
    assert!(told.starts_with("Err(NoCredentials("), "{told}");

    // A role of IRSA whose token file is gone.
    let web_identity = [
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/tenantry-operator"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token"),
    ];
    let web_identity = web_identity.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let told = outcome(&endpoint, environment.into_iter().chain(web_identity).collect());
    assert!(told.starts_with("Err(NoCredentials("), "{told}");
    assert!(endpoint.calls().is_empty());
}

#[tokio::test]
async fn keys_that_aws_does_not_know_are_no_credentials() {
    use tenantry_harness::vault::Fault;
    let endpoint = tenantry_harness::Vault::start().await.unwrap();
    let unknown = Fault::Refused(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    );
    endpoint.fail_next("DescribeSecret", unknown, 1);
    let told = outcome(&endpoint, endpoint.environment());
    assert!(told.starts_with("Err(NoCredentials(\"The security token"), "{told}");
}
