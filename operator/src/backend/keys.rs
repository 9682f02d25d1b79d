//! A Backend's own keys, `JWT_SECRET_KEY` and `ENCRYPTION_KEY`: rows are the truth, the Secret and the entry of the vault show them.

use secrecy::{ExposeSecret, SecretString};
use tenantry_rules::random::SystemRandom;
use tenantry_store::Store;
use tenantry_store::provision::{self, BackendKeys, BackendKeysError};

use crate::content::Content;
use crate::names::key;
use crate::stores::database;
use crate::trouble::Trouble;

/// The keys as the database has them; `None` where one is missing.
pub async fn observe(store: &Store) -> Result<Option<BackendKeys>, Trouble> {
    let keys = database::in_time(async {
        provision::observe_backend_keys(store).await.map_err(|error| database::trouble(&error))
    });
    let keys = keys.await?;
    Ok((keys.jwt_secret_key.is_some() && !keys.encryption_keys.is_empty()).then_some(keys))
}

/// Keeps the keys that were found, and makes those that were not.
pub async fn keep(store: &Store, found: &BackendKeys) -> Result<BackendKeys, Trouble> {
    let refused = |error| match error {
        BackendKeysError::Form => Trouble::standing("EncryptionKeyForm", BackendKeysError::Form.to_string()),
        BackendKeysError::Randomness(error) => Trouble::passing("NoRandomness", error.to_string()),
        BackendKeysError::Store(error) => database::trouble(&error),
    };
    database::in_time(async { provision::backend_keys(store, &SystemRandom, found).await.map_err(refused) })
        .await
}

/// The keys of a Secret that is to be imported, without a line's end that a file left behind; the name of one that is missing.
/// `ENCRYPTION_KEY` is the one that the backend encrypts with, whatever else stands in `ENCRYPTION_KEYS`; either may be left out.
pub fn imported(secret: &Content) -> Result<Content, &'static str> {
    let text = |key| secret.get(key).map_or("", ExposeSecret::expose_secret).trim_end_matches(['\r', '\n']);
    // Bytes that are no text came in as U+FFFD.
    let is_broken = |key| text(key).contains(char::REPLACEMENT_CHARACTER);
    let jwt = text(key::JWT_SECRET_KEY);
    if jwt.is_empty() || is_broken(key::JWT_SECRET_KEY) {
        return Err(key::JWT_SECRET_KEY);
    }
    if let Some(broken) = [key::ENCRYPTION_KEY, key::ENCRYPTION_KEYS].into_iter().find(|key| is_broken(key)) {
        return Err(broken);
    }
    let mut all: Vec<SecretString> = Vec::new();
    let first =
        Some(SecretString::from(text(key::ENCRYPTION_KEY))).filter(|key| !key.expose_secret().is_empty());
    for key in first.into_iter().chain(secret.list(key::ENCRYPTION_KEYS)) {
        if !all.iter().any(|known| known.expose_secret() == key.expose_secret()) {
            all.push(key);
        }
    }
    if all.is_empty() {
        return Err(key::ENCRYPTION_KEY);
    }
    Ok(content(&BackendKeys { jwt_secret_key: Some(jwt.into()), encryption_keys: all }))
}

/// Keys that something shows: the Secret that is to be imported, or a projection of rows that are gone.
pub fn found_in<'a>(contents: impl IntoIterator<Item = &'a Content>) -> BackendKeys {
    let mut keys = BackendKeys::default();
    for content in contents {
        if keys.jwt_secret_key.is_none() {
            keys.jwt_secret_key = content.get(key::JWT_SECRET_KEY).cloned();
        }
        if keys.encryption_keys.is_empty() {
            keys.encryption_keys = content.list(key::ENCRYPTION_KEYS);
        }
        if keys.encryption_keys.is_empty() {
            keys.encryption_keys = content.list(key::ENCRYPTION_KEY);
        }
    }
    keys
}

/// What the Secret and the entry of the vault hold.
pub fn content(keys: &BackendKeys) -> Content {
    let newest: SecretString = keys.encryption_keys.first().cloned().unwrap_or_default();
    Content::default()
        .with(key::JWT_SECRET_KEY, keys.jwt_secret_key.clone().unwrap_or_default())
        .with(key::ENCRYPTION_KEY, newest)
        .with_list(key::ENCRYPTION_KEYS, &keys.encryption_keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_missing_from_what_is_imported_is_not_made_anew() {
        let whole = Content::default()
            .with(key::JWT_SECRET_KEY, "theirs\n")
            .with(key::ENCRYPTION_KEY, "e1")
            .with("X", "y");
        assert_eq!(imported(&whole), Ok(theirs(&["e1"])));
        let misspelt = Content::default().with("JWT_SECRET", "theirs").with(key::ENCRYPTION_KEY, "e1");
        assert_eq!(imported(&misspelt), Err(key::JWT_SECRET_KEY));
        assert_eq!(imported(&whole.with(key::ENCRYPTION_KEY, "")), Err(key::ENCRYPTION_KEY));
    }

    fn theirs(encryption: &[&str]) -> Content {
        let encryption_keys = encryption.iter().map(|key| SecretString::from(*key)).collect();
        content(&BackendKeys { jwt_secret_key: Some("theirs".into()), encryption_keys })
    }

    #[test]
    fn no_key_that_older_data_is_encrypted_with_is_lost_in_an_import() {
        let secret = |one: &str, all: &str| {
            let secret = Content::default().with(key::JWT_SECRET_KEY, "theirs");
            let secret = if one.is_empty() { secret } else { secret.with(key::ENCRYPTION_KEY, one) };
            if all.is_empty() { secret } else { secret.with(key::ENCRYPTION_KEYS, all) }
        };
        for (one, all, kept) in [
            ("e2", "e2,e1", &["e2", "e1"][..]),
            ("", "e2, e1\n", &["e2", "e1"]),
            ("e2\n", "", &["e2"]),
            ("e3", "e2,e1", &["e3", "e2", "e1"]),
            ("e1", "e2,e1", &["e1", "e2"]),
        ] {
            assert_eq!(imported(&secret(one, all)), Ok(theirs(kept)), "{one:?} {all:?}");
        }
        assert_eq!(imported(&secret("", " , ")), Err(key::ENCRYPTION_KEY));
        assert_eq!(imported(&secret("e1", "e1,\u{fffd}")), Err(key::ENCRYPTION_KEYS));
    }

    #[test]
    fn urls_in_an_entry_are_no_keys() {
        let keys = BackendKeys { jwt_secret_key: Some("j".into()), encryption_keys: vec!["e".into()] };
        let entry = content(&keys).with(key::DATABASE_URL, "postgres://a").with(key::REDIS_URL, "rediss://a");
        assert_eq!(content(&found_in([&entry])), content(&keys));
        assert_eq!(imported(&entry), Ok(content(&keys)));
    }

    #[test]
    fn what_is_imported_comes_before_what_a_projection_shows() {
        let imported = Content::default().with(key::JWT_SECRET_KEY, "theirs").with(key::ENCRYPTION_KEY, "e1");
        let shown = content(&BackendKeys {
            jwt_secret_key: Some("ours".into()),
            encryption_keys: vec!["e3".into(), "e2".into()],
        });
        let expose = |keys: &BackendKeys| {
            let jwt = keys.jwt_secret_key.as_ref().map(|key| key.expose_secret().to_owned());
            (jwt, keys.encryption_keys.iter().map(|key| key.expose_secret().to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(expose(&found_in([&imported, &shown])), (Some("theirs".into()), vec!["e1".into()]));
        assert_eq!(expose(&found_in([&shown])), (Some("ours".into()), vec!["e3".into(), "e2".into()]));
        assert_eq!(expose(&found_in([])), (None, Vec::new()));
    }
}
