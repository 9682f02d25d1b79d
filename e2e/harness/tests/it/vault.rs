use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};
use tenantry_harness::{Vault, process};

/// A call without an SDK, and the status it is answered with; `None` where the connection closes without an answer.
async fn call(vault: &Vault, action: &str, body: &str) -> Option<String> {
    let (endpoint, action, body) = (vault.endpoint(), action.to_owned(), body.to_owned());
    let mut command = Command::new("curl");
    command.args([
        "-sS",
        "-w",
        " %{http_code}",
        "-H",
        &format!("X-Amz-Target: secretsmanager.{action}"),
        "-d",
        &body,
    ]);
    command.arg(endpoint);
    process::run(command, String::new()).await.ok()
}

#[tokio::test]
async fn it_refuses_as_aws_does_where_moto_would_not() {
    let vault = Vault::start().await.unwrap();
    let missing = call(&vault, "DescribeSecret", r#"{"SecretId":"a"}"#).await.unwrap();
    assert!(missing.contains("ResourceNotFoundException") && missing.ends_with(" 400"), "{missing}");

    vault.by_hand("CreateSecret", json!({ "Name": "a", "SecretString": "x" })).await.unwrap();
    vault.by_hand("DeleteSecret", json!({ "SecretId": "a" })).await.unwrap();
    let again = vault.by_hand("CreateSecret", json!({ "Name": "a", "SecretString": "x" })).await.unwrap_err();
    assert!(
        again.to_string().starts_with("InvalidRequestException: You can't create this secret"),
        "{again}"
    );
    let put =
        vault.by_hand("PutSecretValue", json!({ "SecretId": "a", "SecretString": "y" })).await.unwrap_err();
    assert!(put.to_string().contains("marked for deletion"), "{put}");
    assert!(vault.secret("a").await.unwrap().unwrap().deletion_scheduled);

    vault.by_hand("RestoreSecret", json!({ "SecretId": "a" })).await.unwrap();
    let token = "t".repeat(32);
    let update = |text| json!({ "SecretId": "a", "SecretString": text, "ClientRequestToken": token });
    vault.by_hand("UpdateSecret", update("y")).await.unwrap();
    let reused = vault.by_hand("UpdateSecret", update("z")).await.unwrap_err();
    assert!(reused.to_string().starts_with("ResourceExistsException"), "{reused}");
    assert_eq!(vault.secret("a").await.unwrap().unwrap().content.as_deref(), Some("y"));
}

#[tokio::test]
async fn calls_are_counted_spoilt_and_forgotten() {
    let vault = Vault::start().await.unwrap();
    vault.down(true);
    assert_eq!(call(&vault, "DescribeSecret", r#"{"SecretId":"a"}"#).await, None);
    vault.down(false);
    vault.throttle(true);
    let throttled = call(&vault, "CreateSecret", r#"{"Name":"a"}"#).await.unwrap();
    assert!(throttled.contains("ThrottlingException"), "{throttled}");
    vault.throttle(false);
    let mark = vault.mark();
    assert_eq!(mark, 2);
    let made = call(
        &vault,
        "CreateSecret",
        r#"{"Name":"a","ClientRequestToken":"0123456789012345678901234567890123"}"#,
    )
    .await;
    assert!(made.unwrap().ends_with(" 200"));
    let writes = vault.writes_since(mark);
    assert_eq!((writes.len(), writes[0].action.as_str(), writes[0].name.as_str()), (1, "CreateSecret", "a"));

    vault.reset().await.unwrap();
    assert_eq!(vault.mark(), 0);
    assert_eq!(vault.secret("a").await.unwrap(), None);
}

/// Run by the test below in a process of its own, which is then killed.
#[tokio::test]
#[ignore = "started by moto_stops_when_the_test_process_is_killed"]
async fn hold_a_vault_until_killed() {
    let vault = Vault::start().await.unwrap();
    println!("port={}", vault.moto_port());
    std::future::pending::<()>().await;
}

#[test]
fn moto_stops_when_the_test_process_is_killed() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact", "vault::hold_a_vault_until_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines
        .map_while(Result::ok)
        .find_map(|line| line.split("port=").nth(1).and_then(|port| port.trim().parse().ok()))
        .unwrap();
    assert!(process::accepts(port));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(process::wait_until(Duration::from_secs(20), || !process::accepts(port)));
}
