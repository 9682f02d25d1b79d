//! The idempotency token of a write to the vault: the same for the same content after the same version, so that a repetition after a
//! crash makes no second version, and different as soon as somebody else wrote in between.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

/// HMAC-SHA-256 of the version that is followed, under the content; 64 hexadecimal characters.
pub fn after(content: &SecretString, version: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, content.expose_secret().as_bytes());
    hex::encode(hmac::sign(&key, version.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_repeats_for_the_same_content_after_the_same_version_alone() {
        let token = after(&"content".into(), "v1");
        assert_eq!(token.len(), 64);
        assert_eq!(token, after(&"content".into(), "v1"));
        assert_ne!(token, after(&"content".into(), "v2"));
        assert_ne!(token, after(&"other".into(), "v1"));
    }
}
