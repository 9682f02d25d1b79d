use secrecy::ExposeSecret;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::secrets::encryption_key;
use tenantry_store::provision::{BackendKeys, BackendKeysError, backend_keys, observe_backend_keys};
use tokio::task::JoinSet;

use crate::world::{World, on_both};

on_both!(
    missing_keys_are_made_once,
    keys_of_before_are_kept_as_they_are,
    only_what_is_missing_is_taken_over,
    an_encryption_key_of_another_form_is_refused_and_nothing_is_made,
    processes_that_ask_at_once_get_the_same_keys,
);

fn texts(keys: &BackendKeys) -> (Option<&str>, Vec<&str>) {
    (
        keys.jwt_secret_key.as_ref().map(ExposeSecret::expose_secret),
        keys.encryption_keys.iter().map(ExposeSecret::expose_secret).collect(),
    )
}

async fn make(world: &World, import: &BackendKeys) -> BackendKeys {
    backend_keys(&world.store, &SystemRandom, import).await.unwrap()
}

async fn missing_keys_are_made_once(world: World) {
    let none = observe_backend_keys(&world.store).await.unwrap();
    assert_eq!(texts(&none), (None, vec![]));
    let made = make(&world, &BackendKeys::default()).await;
    let (jwt, encryption) = texts(&made);
    assert_eq!((jwt.unwrap().len(), encryption.len(), encryption[0].len()), (86, 1, 44));
    let state = "SELECT count(*) FROM tenantry.secrets; SELECT count(*) FROM tenantry.audit_events";
    let before = world.by_hand(state).await;
    assert_eq!(texts(&make(&world, &BackendKeys::default()).await), texts(&made));
    assert_eq!(texts(&observe_backend_keys(&world.store).await.unwrap()), texts(&made));
    assert_eq!(world.by_hand(state).await, before);
    assert!(!format!("{made:?}").contains(jwt.unwrap()));
}

async fn keys_of_before_are_kept_as_they_are(world: World) {
    let import = BackendKeys {
        jwt_secret_key: Some("an old one, of another form".to_owned().into()),
        encryption_keys: (0..2).map(|_| encryption_key(&SystemRandom).unwrap()).collect(),
    };
    assert_eq!(texts(&make(&world, &import).await), texts(&import));
    let other = BackendKeys { jwt_secret_key: Some("another".to_owned().into()), ..BackendKeys::default() };
    assert_eq!(texts(&make(&world, &other).await), texts(&import), "never replaced");
}

async fn only_what_is_missing_is_taken_over(world: World) {
    let jwt = BackendKeys { jwt_secret_key: Some("old".to_owned().into()), ..BackendKeys::default() };
    let made = make(&world, &jwt).await;
    assert_eq!(texts(&made).0, Some("old"));
    world.by_hand("DELETE FROM tenantry.secrets WHERE name = 'jwt_secret_key'").await;
    let repaired = make(&world, &jwt).await;
    assert_eq!(texts(&repaired), texts(&made));
}

async fn an_encryption_key_of_another_form_is_refused_and_nothing_is_made(world: World) {
    let good = encryption_key(&SystemRandom).unwrap();
    let import = BackendKeys {
        jwt_secret_key: Some("old".to_owned().into()),
        encryption_keys: vec![good, "hunter2".to_owned().into()],
    };
    let error = backend_keys(&world.store, &SystemRandom, &import).await.unwrap_err();
    assert!(matches!(error, BackendKeysError::Form), "{error}");
    assert!(error.to_string().contains("ENCRYPTION_KEY"));
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.secrets").await, "0");
}

async fn processes_that_ask_at_once_get_the_same_keys(world: World) {
    let mut processes = JoinSet::new();
    for _ in 0..4 {
        let store = world.open().await.unwrap();
        processes.spawn(async move {
            let keys = backend_keys(&store, &SystemRandom, &BackendKeys::default()).await.unwrap();
            keys.jwt_secret_key.unwrap().expose_secret().to_owned()
        });
    }
    let mut keys = processes.join_all().await;
    keys.dedup();
    assert_eq!(keys.len(), 1);
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.secrets").await, "2");
}
