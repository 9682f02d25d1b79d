use std::time::Duration;

use secrecy::ExposeSecret;
use tenantry_directory::{OrganizationId, SessionId, UserId};
use tenantry_rules::random::SystemRandom;
use tenantry_rules::refresh::{RefreshDecision, RefreshToken, decide};
use tenantry_store::sessions::{self, NewSession};
use tokio::task::JoinSet;

use crate::world::{World, days, on_both};

on_both!(
    a_session_survives_a_restart_with_its_secret,
    of_fifty_that_refresh_at_once_one_rotates_and_all_get_the_same_successor,
    an_ended_session_does_not_rotate,
    a_session_not_used_in_its_term_is_over,
    ending_all_but_one_keeps_that_one,
    nobody_ends_or_lists_another_users_session,
    a_stolen_row_holds_no_usable_secret,
);

const TTL: Duration = days(30);
const ALMOST: Duration = Duration::from_secs(30 * 24 * 60 * 60 - 1);

async fn begin(world: &World, user_id: UserId, organization_id: OrganizationId) -> (SessionId, String) {
    let mut tx = world.write().await;
    let new = NewSession {
        user_id,
        organization_id,
        ttl: TTL,
        address: Some("192.0.2.7"),
        user_agent: Some("curl/8"),
    };
    let session = sessions::create(&mut tx, &SystemRandom, &new).await.unwrap();
    tx.commit().await.unwrap();
    let token = session.state.secret.token(session.id, session.state.generation);
    (session.id, token.expose_secret().to_owned())
}

/// A refresh as the authority does it: judge, rotate if current, look again if another was first.
async fn refresh(store: &tenantry_store::Store, token: &str) -> Result<String, RefreshDecision> {
    let token = RefreshToken::parse(token).unwrap();
    loop {
        let mut tx = store.write().await.unwrap();
        let session = sessions::by_id(&mut tx, token.session()).await.unwrap().unwrap();
        let decision = decide(&token, &session.state, tx.now);
        let successor = match &decision {
            RefreshDecision::Current { successor, trail } => {
                let from = session.state.generation;
                if !sessions::rotate(&mut tx, session.id, from, trail, TTL).await.unwrap() {
                    tx.rollback().await.unwrap();
                    continue;
                }
                *successor
            }
            RefreshDecision::Grace { successor } => *successor,
            _ => return Err(decision),
        };
        tx.commit().await.unwrap();
        return Ok(session.state.secret.token(session.id, successor).expose_secret().to_owned());
    }
}

async fn a_session_survives_a_restart_with_its_secret(world: World) {
    let id = world.organization("a").await;
    let (_, token) = begin(&world, UserId(1), id).await;
    world.store.close().await;
    let store = world.open().await.unwrap();
    assert!(refresh(&store, &token).await.is_ok());
}

async fn of_fifty_that_refresh_at_once_one_rotates_and_all_get_the_same_successor(world: World) {
    let id = world.organization("a").await;
    let (session, token) = begin(&world, UserId(1), id).await;
    let mut tabs = JoinSet::new();
    for _ in 0..50 {
        let (store, token) = (world.store.clone(), token.clone());
        tabs.spawn(async move { refresh(&store, &token).await.unwrap() });
    }
    let mut successors = tabs.join_all().await;
    successors.dedup();
    assert_eq!(successors.len(), 1);
    let mut tx = world.write().await;
    assert_eq!(sessions::by_id(&mut tx, session).await.unwrap().unwrap().state.generation.0, 1);
    drop(tx);
    world.clock.advance(Duration::from_secs(11));
    assert_eq!(refresh(&world.store, &token).await, Err(RefreshDecision::Reuse));
}

async fn an_ended_session_does_not_rotate(world: World) {
    let id = world.organization("a").await;
    let (session, token) = begin(&world, UserId(1), id).await;
    let mut tx = world.write().await;
    assert!(sessions::end(&mut tx, session, "logout").await.unwrap());
    assert!(!sessions::end(&mut tx, session, "logout").await.unwrap(), "once");
    tx.commit().await.unwrap();
    assert_eq!(refresh(&world.store, &token).await, Err(RefreshDecision::Over));
}

async fn a_session_not_used_in_its_term_is_over(world: World) {
    let id = world.organization("a").await;
    let (_, token) = begin(&world, UserId(1), id).await;
    world.clock.advance(ALMOST);
    let token = refresh(&world.store, &token).await.unwrap();
    world.clock.advance(ALMOST);
    let token = refresh(&world.store, &token).await.unwrap();
    world.clock.advance(TTL);
    assert_eq!(refresh(&world.store, &token).await, Err(RefreshDecision::Over));
}

async fn ending_all_but_one_keeps_that_one(world: World) {
    let id = world.organization("a").await;
    let (kept, kept_token) = begin(&world, UserId(1), id).await;
    let (_, ended) = begin(&world, UserId(1), id).await;
    let (_, others) = begin(&world, UserId(2), id).await;
    let mut tx = world.write().await;
    assert_eq!(sessions::end_all(&mut tx, UserId(1), Some(kept), "password changed").await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(refresh(&world.store, &ended).await, Err(RefreshDecision::Over));
    assert!(refresh(&world.store, &kept_token).await.is_ok());
    assert!(refresh(&world.store, &others).await.is_ok());
}

async fn nobody_ends_or_lists_another_users_session(world: World) {
    let id = world.organization("a").await;
    let (session, token) = begin(&world, UserId(1), id).await;
    let mut tx = world.write().await;
    assert!(!sessions::end_own(&mut tx, UserId(2), session, "logout").await.unwrap());
    assert!(sessions::list(&mut tx, UserId(2)).await.unwrap().is_empty());
    let mine = sessions::list(&mut tx, UserId(1)).await.unwrap();
    assert_eq!(mine.len(), 1);
    assert_eq!((mine[0].id, mine[0].address.as_deref()), (session, Some("192.0.2.7")));
    tx.commit().await.unwrap();
    assert!(refresh(&world.store, &token).await.is_ok());
}

async fn a_stolen_row_holds_no_usable_secret(world: World) {
    let id = world.organization("a").await;
    let (mine, _) = begin(&world, UserId(1), id).await;
    let (theirs, _) = begin(&world, UserId(2), id).await;
    world
        .by_hand(&format!(
            "UPDATE tenantry.sessions SET sealed = (SELECT sealed FROM tenantry.sessions WHERE id = '{mine}') \
             WHERE id = '{theirs}'"
        ))
        .await;
    let mut tx = world.write().await;
    assert!(sessions::by_id(&mut tx, mine).await.is_ok());
    assert!(sessions::by_id(&mut tx, theirs).await.is_err(), "a secret opens in its own row alone");
}
