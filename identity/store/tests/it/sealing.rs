use secrecy::{ExposeSecret, SecretString};
use tenantry_directory::OrganizationId;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;
use tenantry_store::secrets::{self, SecretName};
use tenantry_store::{OpenError, Store, signing_keys};

use crate::world::{World, on_both};

on_both!(
    a_missing_sealing_key_is_refused_with_a_sentence_and_nothing_is_made_anew,
    another_key_of_the_same_id_is_refused,
    a_new_key_seals_everything_again_and_the_old_one_may_go,
    nothing_secret_stands_in_the_database_in_the_clear,
    of_two_keyrings_made_at_once_one_seals_and_the_other_is_refused,
    the_mark_of_a_keyring_follows_to_a_newer_key,
);

fn another(id: &str) -> SecretString {
    Keyring::generate(id, &SystemRandom).unwrap()
}

async fn open_with(world: &World, keyring: &SecretString) -> Result<Store, OpenError> {
    let mut options = world.options();
    options.keyring = Keyring::from_json(keyring.expose_secret()).unwrap();
    Store::open(options).await
}

async fn data_key(store: &Store, id: OrganizationId) -> String {
    let mut tx = store.write().await.unwrap();
    assert!(signing_keys::signing(&mut tx, id).await.unwrap().is_some());
    secrets::list(&mut tx, Some(id), SecretName::DataKey).await.unwrap()[0].value.expose_secret().to_owned()
}

async fn a_missing_sealing_key_is_refused_with_a_sentence_and_nothing_is_made_anew(world: World) {
    let id = world.organization("a").await;
    let before = data_key(&world.store, id).await;
    let error = open_with(&world, &another("two")).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "secrets in the database are sealed with the key \"one\", which the sealing keyring does not have; \
         restore that keyring file (secrets are never made anew)"
    );
    assert_eq!(data_key(&world.open().await.unwrap(), id).await, before);
}

async fn another_key_of_the_same_id_is_refused(world: World) {
    world.organization("a").await;
    let error = open_with(&world, &another("one")).await.err().unwrap();
    assert!(matches!(&error, OpenError::SealingKeyWrong { key, .. } if key == "one"), "{error}");
}

async fn a_new_key_seals_everything_again_and_the_old_one_may_go(world: World) {
    let id = world.organization("a").await;
    let before = data_key(&world.store, id).await;
    let new = another("two");
    let (old, newer) = (world.keyring.expose_secret().trim(), new.expose_secret().trim());
    let both = format!("{},{}", newer.strip_suffix(']').unwrap(), old.strip_prefix('[').unwrap());
    let store = open_with(&world, &both.into()).await.unwrap();
    assert_eq!(data_key(&store, id).await, before, "read under the old key");
    assert_eq!(store.reseal().await.unwrap(), 2);
    assert_eq!(store.reseal().await.unwrap(), 0, "once");
    let alone = open_with(&world, &new).await.unwrap();
    assert_eq!(data_key(&alone, id).await, before);
    assert!(matches!(world.open().await, Err(OpenError::SealingKeyMissing { .. })));
}

async fn nothing_secret_stands_in_the_database_in_the_clear(world: World) {
    let id = world.organization("a").await;
    let secret = data_key(&world.store, id).await;
    let hex = if world.is_sqlite() { "hex(sealed)" } else { "encode(sealed, 'hex')" };
    let dump = world.by_hand(&format!("SELECT {hex} FROM tenantry.secrets")).await.to_lowercase();
    assert!(dump.len() > 88, "{dump}");
    assert!(!dump.contains(&hex::encode(&secret)));
}

async fn of_two_keyrings_made_at_once_one_seals_and_the_other_is_refused(world: World) {
    // Both open the empty database before either has sealed anything.
    let theirs = another("two");
    let other = open_with(&world, &theirs).await.unwrap();
    let (mine, others) = tokio::join!(world.store.mark_keyring(), other.mark_keyring());
    assert_ne!(mine.is_ok(), others.is_ok(), "{mine:?} {others:?}");
    let refused = mine.and(others).unwrap_err();
    assert!(matches!(&refused, OpenError::SealingKeyMissing { .. }), "{refused}");
    let first = world.open().await.is_ok();
    assert_ne!(first, open_with(&world, &theirs).await.is_ok(), "nor is it opened any more");
}

async fn the_mark_of_a_keyring_follows_to_a_newer_key(world: World) {
    world.store.mark_keyring().await.unwrap();
    world.store.mark_keyring().await.unwrap();
    let new = another("two");
    let (old, newer) = (world.keyring.expose_secret().trim(), new.expose_secret().trim());
    let both = format!("{},{}", newer.strip_suffix(']').unwrap(), old.strip_prefix('[').unwrap());
    assert!(open_with(&world, &new).await.is_err(), "sealed with the older one");
    let store = open_with(&world, &both.into()).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), 1);
    open_with(&world, &new).await.unwrap().mark_keyring().await.unwrap();
}
