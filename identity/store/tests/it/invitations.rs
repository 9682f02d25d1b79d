use tenantry_directory::{OrganizationId, UserId};
use tenantry_rules::invitation::{InvitationDigest, InvitationToken};
use tenantry_rules::random::SystemRandom;
use tenantry_store::invitations::{self, NewInvitation};
use tokio::task::JoinSet;

use crate::world::{World, days, on_both, role};

on_both!(
    an_invitation_is_used_once_by_whoever_is_first,
    a_rolled_back_acceptance_leaves_it_whole,
    inviting_again_supersedes,
    it_expires_after_seven_days,
    withdrawing_needs_the_right_organization,
    pending_ones_are_listed_for_their_organization_alone,
);

async fn invite(world: &World, organization_id: OrganizationId, email: &str) -> (i64, InvitationDigest) {
    let digest = InvitationToken::generate(&SystemRandom).unwrap().digest();
    let mut tx = world.write().await;
    let new = NewInvitation {
        organization_id,
        email: &email.parse().unwrap(),
        full_name: "New Colleague",
        role: &role("analyst"),
        digest: &digest,
        invited_by: UserId(1),
    };
    let invitation = invitations::create(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    (invitation.id, digest)
}

async fn accept(world: &World, digest: &InvitationDigest) -> bool {
    let mut tx = world.write().await;
    let accepted = invitations::accept(&mut tx, digest).await.unwrap();
    tx.commit().await.unwrap();
    accepted.is_some()
}

async fn an_invitation_is_used_once_by_whoever_is_first(world: World) {
    let id = world.organization("a").await;
    let (_, digest) = invite(&world, id, "New@a.example").await;
    let mut tries = JoinSet::new();
    for _ in 0..10 {
        let store = world.store.clone();
        tries.spawn(async move {
            let mut tx = store.write().await.unwrap();
            let accepted = invitations::accept(&mut tx, &digest).await.unwrap();
            tx.commit().await.unwrap();
            accepted.map(|invitation| (invitation.email, invitation.role, invitation.organization_id))
        });
    }
    let accepted: Vec<_> = tries.join_all().await.into_iter().flatten().collect();
    assert_eq!(accepted, [("New@a.example".to_owned(), "analyst".to_owned(), id)]);
}

async fn a_rolled_back_acceptance_leaves_it_whole(world: World) {
    let id = world.organization("a").await;
    let (_, digest) = invite(&world, id, "new@a.example").await;
    let mut tx = world.write().await;
    assert!(invitations::accept(&mut tx, &digest).await.unwrap().is_some());
    drop(tx);
    assert!(accept(&world, &digest).await);
}

async fn inviting_again_supersedes(world: World) {
    let id = world.organization("a").await;
    let (_, first) = invite(&world, id, "new@a.example").await;
    let (_, second) = invite(&world, id, "NEW@a.example").await;
    assert!(!accept(&world, &first).await);
    assert!(accept(&world, &second).await);
}

async fn it_expires_after_seven_days(world: World) {
    let id = world.organization("a").await;
    let (_, digest) = invite(&world, id, "new@a.example").await;
    world.clock.advance(days(7));
    let mut tx = world.write().await;
    assert!(invitations::by_digest(&mut tx, &digest).await.unwrap().is_none());
    assert!(invitations::pending(&mut tx, id).await.unwrap().is_empty());
    drop(tx);
    assert!(!accept(&world, &digest).await);
}

async fn withdrawing_needs_the_right_organization(world: World) {
    let (mine, theirs) = (world.organization("a").await, world.organization("b").await);
    let (invitation, digest) = invite(&world, mine, "new@a.example").await;
    let mut tx = world.write().await;
    assert!(!invitations::withdraw(&mut tx, theirs, invitation).await.unwrap());
    assert!(invitations::withdraw(&mut tx, mine, invitation).await.unwrap());
    assert!(!invitations::withdraw(&mut tx, mine, invitation).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!accept(&world, &digest).await);
}

async fn pending_ones_are_listed_for_their_organization_alone(world: World) {
    let (mine, theirs) = (world.organization("a").await, world.organization("b").await);
    let (first, _) = invite(&world, mine, "one@a.example").await;
    let (second, _) = invite(&world, mine, "two@a.example").await;
    invite(&world, theirs, "one@a.example").await;
    let mut tx = world.write().await;
    let listed = invitations::pending(&mut tx, mine).await.unwrap();
    assert_eq!(listed.iter().map(|invitation| invitation.id).collect::<Vec<_>>(), [second, first]);
}
