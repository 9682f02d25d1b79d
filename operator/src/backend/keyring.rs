//! The keyring that seals a Backend's rows. Whoever loses it loses every key of the Backend, so it is made once, by creating a Secret,
//! mirrored to AWS where the Backend uses that, and never made anew while anything is sealed.

use secrecy::{ExposeSecret, SecretString};
use tenantry_rules::sealing::Keyring;

use crate::content::Content;
use crate::names::key;
use crate::stores::secrets::SecretView;
use crate::trouble::Trouble;

/// Where a keyring comes from.
#[derive(Debug)]
pub enum Source {
    /// The Secret has it. Its own, or one that somebody brought and that is never written to.
    Secret(SecretString),
    /// The Secret is gone or damaged, and is to be written again.
    Restore(SecretString),
    /// There is none anywhere that could be seen: one may be made, if nothing is sealed yet.
    None,
}

/// What was seen of a keyring.
pub struct SeenKeyring<'a> {
    /// The Secret.
    pub secret: Option<&'a SecretView>,
    /// Whether that is ours.
    pub is_ours: bool,
    /// Its mirror in AWS; an error where it could not be seen.
    pub mirror: Result<Option<&'a Content>, &'a Trouble>,
    /// The one that this process works with.
    pub memory: Option<&'a SecretString>,
}

/// Finds the keyring.
pub fn source(seen: &SeenKeyring<'_>) -> Result<Source, Trouble> {
    let in_secret = seen.secret.and_then(|secret| valid(&secret.content));
    match (seen.secret, in_secret) {
        (Some(_), Some(text)) => return Ok(Source::Secret(text)),
        (Some(_), None) if !seen.is_ours => {
            return Err(Trouble::standing(
                "ForeignSecret",
                "the Secret of the sealing keyring is not ours and holds no keyring under keyring.json: \
                 put the keyring there, or delete or rename the Secret",
            ));
        }
        _ => {}
    }
    if let Some(text) = seen.memory {
        return Ok(Source::Restore(text.clone()));
    }
    let mirrored = match seen.mirror {
        Ok(content) => content.and_then(valid),
        // It may be there: nothing is made as long as nobody knows.
        Err(trouble) => return Err(trouble.clone()),
    };
    match mirrored {
        Some(text) => Ok(Source::Restore(text)),
        None if seen.secret.is_some() => Err(Trouble::standing(
            "KeyringDamaged",
            "the Secret of the sealing keyring holds no keyring under keyring.json, and there is no mirror: restore the Secret \
             from a backup (docs/restore.md)",
        )),
        None => Ok(Source::None),
    }
}

/// What the Secret and the mirror hold.
pub fn content(text: &SecretString) -> Content {
    Content::default().with(key::KEYRING, text.clone())
}

fn valid(content: &Content) -> Option<SecretString> {
    let text = content.get(key::KEYRING)?;
    Keyring::from_json(text.expose_secret()).ok().map(|_| text.clone())
}

#[cfg(test)]
mod tests {
    use tenantry_rules::random::SystemRandom;

    use super::*;

    fn keyring() -> SecretString {
        Keyring::generate("k1", &SystemRandom).unwrap()
    }

    fn secret(content: Content) -> SecretView {
        SecretView { uid: "u".into(), version: "1".into(), owner: None, content }
    }

    fn found(seen: &SeenKeyring<'_>) -> Result<(&'static str, String), &'static str> {
        match source(seen) {
            Ok(Source::Secret(text)) => Ok(("secret", text.expose_secret().to_owned())),
            Ok(Source::Restore(text)) => Ok(("restore", text.expose_secret().to_owned())),
            Ok(Source::None) => Ok(("none", String::new())),
            Err(trouble) => Err(trouble.reason),
        }
    }

    #[test]
    fn a_keyring_is_made_only_where_none_can_be_anywhere() {
        let unseen = Trouble::passing("AwsUnavailable", "");
        let nowhere = SeenKeyring { secret: None, is_ours: false, mirror: Ok(None), memory: None };
        assert_eq!(found(&nowhere), Ok(("none", String::new())));
        assert_eq!(found(&SeenKeyring { mirror: Err(&unseen), ..nowhere }), Err("AwsUnavailable"));
    }

    #[test]
    fn a_deleted_or_damaged_secret_is_written_again_from_memory_or_the_mirror() {
        let text = keyring();
        let expected = Ok(("restore", text.expose_secret().to_owned()));
        let mirror = content(&text);
        let damaged = secret(Content::default().with(key::KEYRING, "[]"));
        for secret in [None, Some(&damaged)] {
            let seen = |mirror, memory| SeenKeyring { secret, is_ours: true, mirror, memory };
            assert_eq!(found(&seen(Ok(Some(&mirror)), None)), expected);
            assert_eq!(found(&seen(Ok(None), Some(&text))), expected);
        }
        let seen = SeenKeyring { secret: Some(&damaged), is_ours: true, mirror: Ok(None), memory: None };
        assert_eq!(found(&seen), Err("KeyringDamaged"));
    }

    #[test]
    fn a_keyring_that_somebody_brought_is_used_and_another_secret_is_refused() {
        let text = keyring();
        let brought = secret(content(&text));
        let seen = SeenKeyring { secret: Some(&brought), is_ours: false, mirror: Ok(None), memory: None };
        assert_eq!(found(&seen), Ok(("secret", text.expose_secret().to_owned())));
        let other = secret(Content::default().with("x", "y"));
        assert_eq!(found(&SeenKeyring { secret: Some(&other), ..seen }), Err("ForeignSecret"));
    }
}
