//! The promises of the Redis that other tests use.

use std::process::Command;
use tenantry_harness::{Redis, process::accepts};

#[tokio::test]
async fn redis_speaks_tls_only_and_lets_nobody_in_without_a_name() {
    let redis = Redis::start().await.unwrap();
    assert_eq!(redis.cli(&["PING"]).await.unwrap(), "PONG");
    assert!(redis.url().starts_with("rediss://admin:"));

    let port = redis.port().to_string();
    let ask = |args: &[&str]| {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &port]).args(args).arg("PING").env_remove("REDISCLI_AUTH");
        let output = command.output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    assert!(!ask(&[]).contains("PONG"));
    let ca = redis.ca_path().display().to_string();
    assert!(ask(&["--tls", "--cacert", &ca]).contains("NOAUTH"));
    assert!(redis.cli_as("default", "", &["PING"]).await.is_err());
    assert!(redis.cli_as("admin", "wrong", &["PING"]).await.is_err());
}

#[tokio::test]
async fn redis_comes_back_with_its_data_and_the_users_that_were_saved() {
    let redis = Redis::start().await.unwrap();
    redis.cli(&["SET", "key", "kept"]).await.unwrap();
    redis.cli(&["ACL", "SETUSER", "saved", "on", ">secret", "~a:*", "+get"]).await.unwrap();
    redis.cli(&["ACL", "SAVE"]).await.unwrap();
    redis.cli(&["ACL", "SETUSER", "unsaved", "on", ">secret", "~a:*", "+get"]).await.unwrap();
    redis.stop().await.unwrap();
    assert!(!accepts(redis.port()));
    redis.start_again().await.unwrap();
    assert_eq!(redis.cli(&["GET", "key"]).await.unwrap(), "kept");
    assert_eq!(redis.cli_as("saved", "secret", &["GET", "a:1"]).await.unwrap(), "");
    assert!(
        redis.cli_as("saved", "secret", &["GET", "b:1"]).await.unwrap_err().to_string().contains("NOPERM")
    );
    assert!(redis.cli_as("unsaved", "secret", &["GET", "a:1"]).await.is_err());

    let (port, file) = (redis.port(), redis.acl_path());
    drop(redis);
    assert!(!accepts(port) && !file.exists());
}
