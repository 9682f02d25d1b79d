use tenantry_directory::UserId;
use tenantry_rules::holds::Status;
use tenantry_rules::random::SystemRandom;
use tenantry_store::ownership::DeletionPolicy;
use tenantry_store::provision::{self, ProvisionError};
use tenantry_store::sessions::{self, NewSession};
use tenantry_store::{organizations, signing_keys};

use crate::world::{Wish, World, days, on_both, owner};

on_both!(
    retained_it_is_closed_and_opens_when_the_manifest_comes_back,
    deleted_its_credentials_are_revoked_and_its_slug_is_not_inherited,
    only_manifests_that_are_gone_are_removed,
    what_owns_nothing_removes_nothing,
);

async fn retained_it_is_closed_and_opens_when_the_manifest_comes_back(world: World) {
    let wish = Wish::new("a");
    let id = world.provision(&wish).await.unwrap().organization_id;
    let removed = provision::remove(&world.store, &wish.owner).await.unwrap().unwrap();
    assert!(removed.changed);
    assert!(!provision::remove(&world.store, &wish.owner).await.unwrap().unwrap().changed, "once");
    let mut tx = world.write().await;
    assert_eq!(organizations::by_id(&mut tx, id).await.unwrap().unwrap().status, Status::Suspended);
    drop(tx);
    let back = world.provision(&wish).await.unwrap();
    assert_eq!((back.organization_id, back.created), (id, false));
    let mut tx = world.write().await;
    assert_eq!(organizations::by_id(&mut tx, id).await.unwrap().unwrap().status, Status::Active);
}

async fn deleted_its_credentials_are_revoked_and_its_slug_is_not_inherited(world: World) {
    let wish = Wish { deletion_policy: DeletionPolicy::Delete, ..Wish::new("a") };
    let id = world.provision(&wish).await.unwrap().organization_id;
    let mut tx = world.write().await;
    let new = NewSession {
        user_id: UserId(1),
        organization_id: id,
        ttl: days(30),
        address: None,
        user_agent: None,
    };
    let session = sessions::create(&mut tx, &SystemRandom, &new).await.unwrap();
    tx.commit().await.unwrap();
    provision::remove(&world.store, &wish.owner).await.unwrap().unwrap();
    let mut tx = world.write().await;
    assert_eq!(organizations::by_id(&mut tx, id).await.unwrap().unwrap().status, Status::Deleted);
    assert!(signing_keys::signing(&mut tx, id).await.unwrap().is_none());
    assert!(sessions::by_id(&mut tx, session.id).await.unwrap().unwrap().state.is_ended);
    drop(tx);
    let heir = world.provision(&wish).await.unwrap_err();
    assert!(matches!(heir, ProvisionError::SlugDeleted { id: old, .. } if old == id), "{heir}");
    world.by_hand("UPDATE organizations SET status = 'active'").await;
    let mut tx = world.write().await;
    let observed = tenantry_store::holds::observe(&mut tx, id).await.unwrap();
    assert_eq!(observed, Some(Status::Deleted), "a tombstone is not opened by hand");
}

async fn only_manifests_that_are_gone_are_removed(world: World) {
    for slug in ["a", "b", "c"] {
        world.organization(slug).await;
    }
    let present = [owner("a"), owner("c")];
    let removed = provision::remove_absent(&world.store, "laptop", &present).await.unwrap();
    assert_eq!(removed.iter().map(|gone| gone.owner.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(provision::remove_absent(&world.store, "laptop", &present).await.unwrap().is_empty());
    assert!(provision::remove_absent(&world.store, "another-cluster", &[]).await.unwrap().is_empty());
}

async fn what_owns_nothing_removes_nothing(world: World) {
    world.organization("a").await;
    assert!(provision::remove(&world.store, &owner("stranger")).await.unwrap().is_none());
}
