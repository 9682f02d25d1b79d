use tenantry_directory::UserId;
use tenantry_store::{Account, accounts, users};

use crate::world::{World, hash, on_both, role};

on_both!(
    a_role_a_password_and_a_suspension_raise_the_epoch_once_each,
    a_rehash_of_the_same_password_raises_nothing,
    a_rehash_loses_against_a_new_password,
    a_change_by_hand_raises_the_epoch,
    what_no_token_depends_on_raises_nothing,
    a_deleted_user_keeps_an_account_that_ended,
    an_address_counts_as_verified_only_while_it_is_the_same,
    a_user_made_by_hand_gets_an_account,
);

async fn account(world: &World, id: UserId) -> Account {
    let mut tx = world.write().await;
    let account = accounts::current(&mut tx, id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    account
}

async fn a_role_a_password_and_a_suspension_raise_the_epoch_once_each(world: World) {
    let id = world.organization("a").await;
    let user = world.user(id, "ann@a.example").await;
    assert_eq!(account(&world, user.id).await.epoch, 1);
    let mut tx = world.write().await;
    assert!(users::set_role(&mut tx, id, user.id, &role("analyst")).await.unwrap());
    tx.commit().await.unwrap();
    let after = account(&world, user.id).await;
    assert_eq!((after.epoch, after.changed), (2, false));
    let mut tx = world.write().await;
    users::set_password(&mut tx, user.id, &hash("new")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(account(&world, user.id).await.epoch, 3);
    let mut tx = world.write().await;
    users::set_active(&mut tx, id, user.id, false).await.unwrap();
    users::set_active(&mut tx, id, user.id, false).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(account(&world, user.id).await.epoch, 4);
}

async fn a_rehash_of_the_same_password_raises_nothing(world: World) {
    let id = world.organization("a").await;
    let user = world.user(id, "ann@a.example").await;
    let mut tx = world.write().await;
    assert!(users::rehash(&mut tx, user.id, &user.hashed_password, &hash("stronger")).await.unwrap());
    tx.commit().await.unwrap();
    let after = account(&world, user.id).await;
    assert_eq!((after.epoch, after.changed, after.password_set_at), (1, false, crate::world::START));
}

async fn a_rehash_loses_against_a_new_password(world: World) {
    let id = world.organization("a").await;
    let user = world.user(id, "ann@a.example").await;
    let mut tx = world.write().await;
    users::set_password(&mut tx, user.id, &hash("new")).await.unwrap();
    assert!(!users::rehash(&mut tx, user.id, &user.hashed_password, &hash("old, stronger")).await.unwrap());
    tx.commit().await.unwrap();
    let stored = world.by_hand(&format!("SELECT hashed_password FROM users WHERE id = {}", user.id)).await;
    assert_eq!(stored, "$2b$04$hash-of-new");
}

async fn a_change_by_hand_raises_the_epoch(world: World) {
    let id = world.organization("a").await;
    let other = world.organization("b").await;
    let user = world.user(id, "ann@a.example").await;
    for (epoch, change) in (2..).zip([
        "role = 'analyst'".to_owned(),
        "is_active = FALSE".to_owned(),
        "hashed_password = 'other'".to_owned(),
        format!("organization_id = {other}"),
    ]) {
        world.by_hand(&format!("UPDATE users SET {change} WHERE id = {}", user.id)).await;
        let seen = account(&world, user.id).await;
        assert_eq!((seen.epoch, seen.changed), (epoch, true), "{change}");
        assert!(!account(&world, user.id).await.changed, "{change}: noticed once");
    }
}

async fn what_no_token_depends_on_raises_nothing(world: World) {
    let id = world.organization("a").await;
    let user = world.user(id, "ann@a.example").await;
    world
        .by_hand(&format!("UPDATE users SET full_name = 'Ann', locked_until = NULL WHERE id = {}", user.id))
        .await;
    let mut tx = world.write().await;
    users::touch_last_login(&mut tx, user.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(account(&world, user.id).await.epoch, 1);
    let mut tx = world.write().await;
    let user = users::by_id(&mut tx, user.id).await.unwrap().unwrap();
    assert_eq!((user.full_name.as_str(), user.last_login), ("Ann", Some(crate::world::START)));
}

async fn a_deleted_user_keeps_an_account_that_ended(world: World) {
    let id = world.organization("a").await;
    let user = world.user(id, "ann@a.example").await;
    world.by_hand(&format!("DELETE FROM users WHERE id = {}", user.id)).await;
    assert_eq!(account(&world, user.id).await.epoch, 2);
    world
        .by_hand(&format!(
            "INSERT INTO users (id, organization_id, email, hashed_password, role) \
             VALUES ({}, {id}, 'mallory@a.example', 'h', 'viewer')",
            user.id
        ))
        .await;
    assert_eq!(account(&world, user.id).await.epoch, 3, "tokens of the one before do not count for the next");
}

async fn an_address_counts_as_verified_only_while_it_is_the_same(world: World) {
    let id = world.organization("a").await;
    let user = world.user(id, "Ann@a.example").await;
    assert!(!account(&world, user.id).await.email_verified);
    let mut tx = world.write().await;
    accounts::set_email_verified(&mut tx, user.id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(account(&world, user.id).await.email_verified);
    world.by_hand(&format!("UPDATE users SET email = 'boss@b.example' WHERE id = {}", user.id)).await;
    assert!(!account(&world, user.id).await.email_verified);
}

async fn a_user_made_by_hand_gets_an_account(world: World) {
    let id = world.organization("a").await;
    world
        .by_hand(&format!(
            "INSERT INTO users (organization_id, email, hashed_password, role) VALUES ({id}, 'x@a.example', 'h', 'viewer')"
        ))
        .await;
    let mut tx = world.write().await;
    let user = users::by_email(&mut tx, &"x@a.example".parse().unwrap()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(account(&world, user.id).await.epoch, 1);
}
