//! What an operator in a cluster asks of the store.

use secrecy::{ExposeSecret, SecretString};
use tenantry_rules::holds::Hold;
use tenantry_rules::random::{SeededRandom, SystemRandom};
use tenantry_rules::secrets::encryption_key;
use tenantry_store::provision::{self, BackendKeys, ProvisionError, Purged, SlugState};
use tenantry_store::{StoreError, signing_keys};

use crate::world::{Wish, World, on_both, owner};

on_both!(
    a_paused_operator_that_wakes_up_late_writes_nothing,
    what_stands_there_is_seen_without_a_write,
    keys_of_a_projection_are_kept_and_never_made_anew,
    new_keys_are_made_once_for_each_new_request,
    a_restored_database_takes_newer_keys_back_and_makes_no_others,
    a_deletion_goes_on_after_a_crash_and_removes_every_row_of_ours,
    rows_that_others_refer_to_are_never_removed,
    what_is_given_up_stays_as_it_is,
    a_backends_keys_are_made_once_or_kept_as_they_came,
);

fn texts(keys: &[SecretString]) -> Vec<String> {
    keys.iter().map(|key| key.expose_secret().to_owned()).collect()
}

async fn seen(world: &World, wish: &Wish) -> provision::Observed {
    provision::observe(&world.store, &wish.owner, &wish.slug).await.unwrap()
}

async fn data_keys(world: &World, wish: &Wish) -> Vec<String> {
    let keys = seen(world, wish).await.owned.unwrap().data_keys;
    keys.into_iter().map(|key| key.value.expose_secret().to_owned()).collect()
}

async fn a_paused_operator_that_wakes_up_late_writes_nothing(world: World) {
    let late = world.store.fenced("west", 7).await.unwrap();
    let elsewhere = world.store.fenced("east", 1).await.unwrap();
    let next = world.store.fenced("west", 8).await.unwrap();
    let refused = late.write().await.err().unwrap();
    assert!(matches!(refused, StoreError::Fenced { leader: 8, ours: 7 }), "{refused}");
    let refused = world.store.fenced("west", 7).await.err().unwrap();
    assert!(matches!(refused, StoreError::Fenced { .. }), "nor does it begin again: {refused}");
    for store in [next, elsewhere] {
        store.write().await.unwrap().commit().await.unwrap();
    }
}

async fn what_stands_there_is_seen_without_a_write(world: World) {
    let wish = Wish::new("a");
    let before = seen(&world, &wish).await;
    assert!(before.owned.is_none());
    assert_eq!(before.slug, SlugState::Free);
    let id = world.provision(&wish).await.unwrap().organization_id;
    let after = seen(&world, &wish).await;
    let owned = after.owned.unwrap();
    assert_eq!((owned.organization.id, owned.buried, owned.has_signing_key), (id, false, true));
    assert_eq!((owned.data_keys.len(), owned.ownership.owner.uid.as_str()), (1, wish.owner.uid.as_str()));
    assert_eq!(after.slug, SlugState::Owned { owner: wish.owner.clone(), id });
    let other = provision::observe(&world.store, &owner("b"), &wish.slug).await.unwrap();
    assert!(other.owned.is_none(), "another manifest owns nothing of it");
    assert!(format!("{owned:?}").find(owned.data_keys[0].value.expose_secret()).is_none());
}

async fn keys_of_a_projection_are_kept_and_never_made_anew(world: World) {
    let random = SeededRandom::new(5);
    let (old, newer) = (encryption_key(&random).unwrap(), encryption_key(&random).unwrap());
    let mut wish = Wish { data_keys: vec![old.clone()], ..Wish::new("a") };
    world.provision(&wish).await.unwrap();
    assert_eq!(data_keys(&world, &wish).await, texts(std::slice::from_ref(&old)));
    wish.data_keys = vec![newer.clone(), old.clone()];
    assert!(world.provision(&wish).await.unwrap().changed);
    assert_eq!(data_keys(&world, &wish).await, texts(&[newer, old]));
    assert!(!world.provision(&wish).await.unwrap().changed, "once");
    let refused = Wish { data_keys: vec!["no key".into()], ..Wish::new("b") };
    let error = world.provision(&refused).await.unwrap_err();
    assert!(matches!(error, ProvisionError::DataKeyForm), "{error}");
    assert_eq!(seen(&world, &refused).await.slug, SlugState::Free, "nothing was made");
}

async fn new_keys_are_made_once_for_each_new_request(world: World) {
    let mut wish = Wish { rotate: Some("1".into()), ..Wish::new("a") };
    let made = world.provision(&wish).await.unwrap();
    assert!(!made.rotated, "what stands there at first counts as seen");
    let first = data_keys(&world, &wish).await;
    wish.rotate = Some("2".into());
    assert!(world.provision(&wish).await.unwrap().rotated);
    let second = data_keys(&world, &wish).await;
    assert_eq!((second.len(), &second[1]), (2, &first[0]));
    let mut tx = world.write().await;
    assert!(signing_keys::rotation_asked(&mut tx, made.organization_id).await.unwrap().is_some());
    drop(tx);
    assert!(!world.provision(&wish).await.unwrap().changed, "once");
    wish.rotate = None;
    assert!(!world.provision(&wish).await.unwrap().changed);
}

async fn a_restored_database_takes_newer_keys_back_and_makes_no_others(world: World) {
    let mut wish = Wish { rotate: Some("1".into()), ..Wish::new("a") };
    world.provision(&wish).await.unwrap();
    let first = data_keys(&world, &wish).await;
    // The request was followed after the backup was made: the Secret shows what came of it.
    let newer = encryption_key(&SeededRandom::new(9)).unwrap();
    wish.rotate = Some("2".into());
    wish.data_keys = vec![newer.clone(), first[0].clone().into()];
    let made = world.provision(&wish).await.unwrap();
    assert!(made.changed && !made.rotated);
    assert_eq!(data_keys(&world, &wish).await, [newer.expose_secret().to_owned(), first[0].clone()]);
    let mut tx = world.write().await;
    assert!(signing_keys::rotation_asked(&mut tx, made.organization_id).await.unwrap().is_none());
    drop(tx);
    assert!(!world.provision(&wish).await.unwrap().changed, "it counts as followed");
    wish.rotate = Some("3".into());
    assert!(world.provision(&wish).await.unwrap().rotated, "the next one is a new one");
}

async fn a_deletion_goes_on_after_a_crash_and_removes_every_row_of_ours(world: World) {
    let wish = Wish::new("a");
    let id = world.provision(&wish).await.unwrap().organization_id;
    let early = provision::purge(&world.store, &wish.owner).await;
    assert!(early.is_err(), "what is not buried is not removed");
    assert!(provision::bury(&world.store, &wish.owner).await.unwrap());
    assert!(!provision::bury(&world.store, &wish.owner).await.unwrap(), "once");
    let owned = seen(&world, &wish).await.owned.expect("the manifest still owns it");
    assert!(owned.buried && owned.data_keys.is_empty());
    let error = world.provision(&wish).await.unwrap_err();
    assert!(matches!(error, ProvisionError::SlugDeleted { .. }), "{error}");
    assert_eq!(provision::purge(&world.store, &wish.owner).await.unwrap(), Purged::Done);
    assert_eq!(provision::purge(&world.store, &wish.owner).await.unwrap(), Purged::Done, "again");
    for table in [
        "organizations",
        "users",
        "tenantry.signing_keys",
        "tenantry.secrets",
        "tenantry.ownership",
        "tenantry.accounts",
    ] {
        let count = world.by_hand(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count.trim(), "0", "{table}");
    }
    assert_ne!(world.by_hand("SELECT count(*) FROM tenantry.audit_events").await.trim(), "0");
    let again = world.provision(&wish).await.unwrap();
    assert!(again.organization_id.0 > id.0, "an id is never given out again");
}

async fn rows_that_others_refer_to_are_never_removed(world: World) {
    let wish = Wish::new("a");
    let id = world.provision(&wish).await.unwrap().organization_id;
    world
        .by_hand(
            "CREATE TABLE events (id BIGINT PRIMARY KEY, organization_id BIGINT NOT NULL); \
             CREATE TABLE notes (id BIGINT PRIMARY KEY, author BIGINT REFERENCES users (id) ON DELETE CASCADE); \
             CREATE TABLE others (id BIGINT PRIMARY KEY, organization_id BIGINT)",
        )
        .await;
    world.by_hand(&format!("INSERT INTO events VALUES (1, {id}), (2, {id})")).await;
    world.by_hand("INSERT INTO notes SELECT 1, min(id) FROM users").await;
    provision::bury(&world.store, &wish.owner).await.unwrap();
    let Purged::Blocked(references) = provision::purge(&world.store, &wish.owner).await.unwrap() else {
        panic!("rows refer to it");
    };
    let shown: Vec<String> = references.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["events (2 rows)", "notes (1 rows)"]);
    assert_eq!(world.by_hand("SELECT count(*) FROM users").await.trim(), "1");
    assert_eq!(world.by_hand("SELECT count(*) FROM notes").await.trim(), "1", "never a cascade");
    world.by_hand("DELETE FROM events").await;
    world.by_hand("DELETE FROM notes").await;
    assert_eq!(provision::purge(&world.store, &wish.owner).await.unwrap(), Purged::Done);
}

async fn what_is_given_up_stays_as_it_is(world: World) {
    let wish = Wish::new("a");
    let id = world.provision(&wish).await.unwrap().organization_id;
    assert!(provision::release(&world.store, &wish.owner).await.unwrap());
    assert!(!provision::release(&world.store, &wish.owner).await.unwrap());
    let seen = seen(&world, &wish).await;
    assert!(seen.owned.is_none());
    assert_eq!(seen.slug, SlugState::Unowned { id, registered: false });
    let wish = Wish { adoption: provision::Adoption::Adopt, ..wish };
    world.provision(&wish).await.unwrap();
    assert!(provision::retain(&world.store, &wish.owner).await.unwrap());
    let owned = provision::observe(&world.store, &wish.owner, &wish.slug).await.unwrap().owned.unwrap();
    assert!(owned.holds.contains(Hold::Retained));
}

async fn a_backends_keys_are_made_once_or_kept_as_they_came(world: World) {
    let import = BackendKeys { jwt_secret_key: Some("a key of theirs".into()), encryption_keys: Vec::new() };
    let keys = provision::backend_keys(&world.store, &SystemRandom, &import).await.unwrap();
    assert_eq!(keys.jwt_secret_key.as_ref().unwrap().expose_secret(), "a key of theirs");
    assert_eq!(keys.encryption_keys[0].expose_secret().len(), 44);
    let other = BackendKeys { jwt_secret_key: Some("another".into()), encryption_keys: vec!["x".into()] };
    let again = provision::backend_keys(&world.store, &SystemRandom, &other).await.unwrap();
    assert_eq!(again.jwt_secret_key.unwrap().expose_secret(), "a key of theirs", "never replaced");
    assert_eq!(texts(&again.encryption_keys), texts(&keys.encryption_keys));
}
