//! The gate of this process, by a secret that lives as long as the process does.

use std::future::ready;

use secrecy::{ExposeSecret, SecretString};

use super::{Checking, Gates, NotAGate, equal_in_constant_time};

/// One credential, the same for as long as the process runs.
pub struct OneCredential(SecretString);

impl OneCredential {
    /// Takes whoever shows this one. An empty one proves nothing.
    pub fn new(credential: SecretString) -> Self {
        Self(credential)
    }
}

impl Gates for OneCredential {
    fn check<'a>(&'a self, credential: &'a str) -> Checking<'a> {
        let ours = self.0.expose_secret();
        let proves = !ours.is_empty() && equal_in_constant_time(credential.as_bytes(), ours.as_bytes());
        Box::pin(ready(if proves { Ok(()) } else { Err(NotAGate::Unknown) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_credential_must_be_whole_and_an_empty_one_proves_nothing() {
        let one = OneCredential::new("secret".into());
        assert_eq!(one.check("secret").await, Ok(()));
        for other in ["", "secre", "secret ", "secrets"] {
            assert_eq!(one.check(other).await, Err(NotAGate::Unknown), "{other:?}");
        }
        assert_eq!(OneCredential::new("".into()).check("").await, Err(NotAGate::Unknown));
    }
}
