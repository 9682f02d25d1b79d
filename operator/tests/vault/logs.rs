//! No content reaches a log, at whatever level.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tenantry_harness::vault::Fault;
use tenantry_operator::stores::vault::Vault;

use crate::{NAME, create, put, world};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_content_is_logged_even_at_the_most_talkative_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // The test's runtime has this thread alone.
    let guard = tracing::subscriber::set_default(subscriber);
    let (endpoint, vault) = world().await;
    create(&vault, NAME, "canary-one").await.unwrap();
    let seen = vault.observe(NAME).await.unwrap().unwrap();
    put(&vault, NAME, "canary-two", &seen.version).await.unwrap();
    endpoint.fail_next("PutSecretValue", Fault::AnswerLost, 2);
    let error = put(&vault, NAME, "canary-three", "").await.unwrap_err();
    tracing::trace!(?seen, ?error, %error, "listening");
    drop(guard);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("listening"), "{log}");
    for line in log.lines() {
        // Bytes of a body are told as a list of numbers, too.
        assert!(!line.contains("canary") && !line.contains("99, 97, 110, 97, 114, 121"), "{line}");
    }
}
