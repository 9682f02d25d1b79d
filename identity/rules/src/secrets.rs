//! The secrets an application receives, in the forms that existing applications read: `JWT_SECRET_KEY` of 86
//! characters and encryption keys of 44, the form that Fernet takes.

use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::random::{self, NoRandomness, Random};

/// A new `JWT_SECRET_KEY`: URL-safe base64 of 64 random bytes, unpadded, 86 characters.
pub fn jwt_secret_key(random: &dyn Random) -> Result<SecretString, NoRandomness> {
    let bytes = random::bytes::<64>(random)?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// A new `ENCRYPTION_KEY` or `DATA_KEY`: URL-safe base64 of 32 random bytes, padded, 44 characters.
pub fn encryption_key(random: &dyn Random) -> Result<SecretString, NoRandomness> {
    let bytes = random::bytes::<32>(random)?;
    Ok(SecretString::from(URL_SAFE.encode(bytes.as_slice())))
}

/// Whether an imported key has the form of [`encryption_key`].
pub fn is_encryption_key(text: &SecretString) -> bool {
    let decoded = URL_SAFE.decode(text.expose_secret()).map(Zeroizing::new);
    decoded.is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn is_url_safe(text: &str) -> bool {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    }

    #[test]
    fn a_jwt_secret_is_86_url_safe_characters() {
        let random = SeededRandom::new(1);
        let secret = jwt_secret_key(&random).unwrap();
        assert_eq!(secret.expose_secret().len(), 86);
        assert!(is_url_safe(secret.expose_secret()));
        assert_ne!(secret.expose_secret(), jwt_secret_key(&random).unwrap().expose_secret());
    }

    #[test]
    fn an_encryption_key_has_the_fernet_form() {
        let key = encryption_key(&SeededRandom::new(1)).unwrap();
        assert_eq!(key.expose_secret().len(), 44);
        assert!(is_url_safe(key.expose_secret().strip_suffix('=').unwrap()));
        assert!(is_encryption_key(&key));
    }

    #[test]
    fn other_forms_are_told_apart() {
        // The key of the Fernet specification, then: unpadded, standard alphabet, short, not base64.
        let is = |text: &str| is_encryption_key(&SecretString::from(text.to_owned()));
        assert!(is("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="));
        assert!(!is("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4"));
        assert!(!is("cw/0x689RpI+jtRR7oE8h/eQsKImvJapLeSbXpwF4e4="));
        assert!(!is("c2hvcnQ="));
        assert!(!is("not a key"));
    }
}
