//! Who calls, where, and how long an answer is waited for.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region};

const CONNECT: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_secs(10);
const OPERATION: Duration = Duration::from_secs(20);
/// One repetition catches a lost connection; anything longer is the reconcile's own backoff.
const ATTEMPTS: u32 = 2;

/// The SDK's default chain of credentials with our patience: 3 s to connect, 10 s an attempt, 20 s altogether, two attempts.
pub fn loader(region: &str, endpoint: Option<&str>) -> ConfigLoader {
    let patience = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(patience);
    if let Ok(name) = AppName::new("tenantry-operator") {
        loader = loader.app_name(name);
    }
    match endpoint {
        Some(endpoint) => loader.endpoint_url(endpoint),
        None => loader,
    }
}
