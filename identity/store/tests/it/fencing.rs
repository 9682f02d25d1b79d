use std::time::Duration;

use tenantry_store::{Store, StoreError};

use crate::world::{Wish, World, on_both, provision_on};

on_both!(
    a_paused_operator_that_wakes_up_late_writes_nothing,
    an_earlier_generation_is_refused,
    the_same_generation_may_come_back,
    clusters_do_not_fence_each_other,
    a_successor_waits_for_what_its_predecessor_has_begun,
    a_fence_that_is_gone_admits_nobody,
);

fn leader(result: &Result<Store, StoreError>) -> Option<i64> {
    match result {
        Err(StoreError::Fenced { leader, .. }) => Some(*leader),
        _ => None,
    }
}

async fn a_paused_operator_that_wakes_up_late_writes_nothing(world: World) {
    let old = world.store.fenced("laptop", 1).await.unwrap();
    let asleep = old.clone();
    provision_on(&old, &Wish::new("a")).await.unwrap();
    let new = world.open().await.unwrap().fenced("laptop", 2).await.unwrap();
    let before = world.by_hand("SELECT version FROM tenantry.directory_head").await;
    for late in [old, asleep] {
        let error = provision_on(&late, &Wish::new("b")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "another operator leads by now (number 2, this one has 1): nothing was written"
        );
        assert!(matches!(late.write().await, Err(StoreError::Fenced { leader: 2, ours: 1 })));
        late.read().await.unwrap().rollback().await.unwrap();
    }
    assert_eq!(world.by_hand("SELECT version FROM tenantry.directory_head").await, before);
    provision_on(&new, &Wish::new("b")).await.unwrap();
}

async fn an_earlier_generation_is_refused(world: World) {
    world.store.fenced("laptop", 7).await.unwrap();
    assert_eq!(leader(&world.store.fenced("laptop", 6).await), Some(7));
    assert_eq!(world.by_hand("SELECT generation FROM tenantry.fence").await, "7");
}

async fn the_same_generation_may_come_back(world: World) {
    world.store.fenced("laptop", 7).await.unwrap();
    let again = world.store.fenced("laptop", 7).await.unwrap();
    again.write().await.unwrap().commit().await.unwrap();
}

async fn clusters_do_not_fence_each_other(world: World) {
    let here = world.store.fenced("laptop", 1).await.unwrap();
    world.store.fenced("another", 9).await.unwrap();
    here.write().await.unwrap().commit().await.unwrap();
}

async fn a_successor_waits_for_what_its_predecessor_has_begun(world: World) {
    let old = world.store.fenced("laptop", 1).await.unwrap();
    let begun = old.write().await.unwrap();
    let store = world.store.clone();
    let successor = tokio::spawn(async move { store.fenced("laptop", 2).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!successor.is_finished());
    begun.commit().await.unwrap();
    successor.await.unwrap().unwrap();
    assert!(old.write().await.is_err());
}

async fn a_fence_that_is_gone_admits_nobody(world: World) {
    let fenced = world.store.fenced("laptop", 3).await.unwrap();
    world.by_hand("DELETE FROM tenantry.fence").await;
    assert!(matches!(fenced.write().await, Err(StoreError::Fenced { ours: 3, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_sleeps_in_a_transaction_does_not_hold_its_successor_up_for_ever() {
    let world = World::postgres().await;
    let old = world.store.fenced("laptop", 1).await.unwrap();
    let asleep = old.write().await.unwrap();
    world.store.fenced("laptop", 2).await.unwrap();
    assert!(asleep.commit().await.is_err(), "the database threw it out");
}
