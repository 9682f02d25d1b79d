use tenantry_directory::OrganizationId;
use tenantry_rules::holds::{Hold, Status};
use tenantry_store::{holds, organizations};

use crate::world::{World, on_both};

on_both!(
    each_writer_lifts_only_its_own_hold,
    a_status_written_by_hand_is_a_hold_and_lifted_by_hand,
    opening_by_hand_does_not_lift_another_hold,
    a_word_that_nobody_knows_closes_the_door,
    a_hold_written_by_hand_closes_the_door,
);

async fn status(world: &World, id: OrganizationId) -> Status {
    let mut tx = world.write().await;
    let status = holds::observe(&mut tx, id).await.unwrap().unwrap();
    let row = organizations::by_id(&mut tx, id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(row.status, status, "the row follows");
    status
}

async fn each_writer_lifts_only_its_own_hold(world: World) {
    let id = world.organization("a").await;
    let mut tx = world.write().await;
    assert!(holds::place(&mut tx, id, Hold::Admin, Some("unpaid")).await.unwrap());
    assert!(!holds::place(&mut tx, id, Hold::Admin, Some("unpaid")).await.unwrap(), "once");
    assert!(holds::place(&mut tx, id, Hold::Manifest, None).await.unwrap());
    assert!(holds::lift(&mut tx, id, Hold::Manifest).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(status(&world, id).await, Status::Suspended);
    let mut tx = world.write().await;
    assert!(holds::lift(&mut tx, id, Hold::Admin).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(status(&world, id).await, Status::Active);
}

async fn a_status_written_by_hand_is_a_hold_and_lifted_by_hand(world: World) {
    let id = world.organization("a").await;
    world.by_hand("UPDATE organizations SET status = 'suspended'").await;
    assert_eq!(status(&world, id).await, Status::Suspended);
    let mut tx = world.write().await;
    assert!(holds::of(&mut tx, id).await.unwrap().contains(Hold::External));
    drop(tx);
    world.by_hand("UPDATE organizations SET status = 'active'").await;
    assert_eq!(status(&world, id).await, Status::Active);
}

async fn opening_by_hand_does_not_lift_another_hold(world: World) {
    let id = world.organization("a").await;
    let mut tx = world.write().await;
    holds::place(&mut tx, id, Hold::Admin, None).await.unwrap();
    tx.commit().await.unwrap();
    world.by_hand("UPDATE organizations SET status = 'active'").await;
    assert_eq!(status(&world, id).await, Status::Suspended);
}

async fn a_word_that_nobody_knows_closes_the_door(world: World) {
    let id = world.organization("a").await;
    world.by_hand("UPDATE organizations SET status = 'on_vacation'").await;
    assert_eq!(status(&world, id).await, Status::Suspended);
}

async fn a_hold_written_by_hand_closes_the_door(world: World) {
    let id = world.organization("a").await;
    world.by_hand(&format!("INSERT INTO tenantry.holds VALUES ({id}, 'admin', NULL, 0)")).await;
    assert_eq!(status(&world, id).await, Status::Suspended);
}
