use tenantry_directory::OrganizationId;
use tenantry_store::users::{self, NewUser, UserError};
use tenantry_store::{Store, StoreError, User};
use tokio::task::JoinSet;

use crate::world::{Wish, World, hash, on_both, role};

on_both!(
    parallel_joiners_stop_at_the_limit,
    letting_somebody_in_again_counts_against_the_limit,
    an_address_is_one_account_in_any_case_and_any_organization,
    an_ambiguous_address_is_refused,
    nobody_touches_a_member_of_another_organization,
    ids_are_never_used_again,
    an_interrupted_creation_leaves_nothing,
);

async fn create(store: &Store, organization_id: OrganizationId, email: &str) -> Result<User, UserError> {
    let mut tx = store.write().await.unwrap();
    let new = NewUser {
        organization_id,
        email: &email.parse().unwrap(),
        full_name: "Somebody",
        role: &role("viewer"),
        hashed_password: &hash("x"),
        email_verified: false,
    };
    let user = users::create(&mut tx, &new).await?;
    tx.commit().await.unwrap();
    Ok(user)
}

async fn limited(world: &World, max_users: u32) -> OrganizationId {
    let wish = Wish { max_users: Some(max_users), ..Wish::new("a") };
    world.provision(&wish).await.unwrap().organization_id
}

async fn parallel_joiners_stop_at_the_limit(world: World) {
    let id = limited(&world, 5).await;
    let mut joiners = JoinSet::new();
    for n in 0..20 {
        let store = world.store.clone();
        joiners.spawn(async move { create(&store, id, &format!("user{n}@a.example")).await });
    }
    let results = joiners.join_all().await;
    let joined = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(joined, 4, "the admin has the fifth place");
    assert!(
        results.iter().filter_map(|r| r.as_ref().err()).all(|error| matches!(error, UserError::LimitReached))
    );
}

async fn letting_somebody_in_again_counts_against_the_limit(world: World) {
    let id = limited(&world, 2).await;
    let first = create(&world.store, id, "first@a.example").await.unwrap();
    let mut tx = world.write().await;
    users::set_active(&mut tx, id, first.id, false).await.unwrap();
    tx.commit().await.unwrap();
    create(&world.store, id, "second@a.example").await.unwrap();
    let mut tx = world.write().await;
    let again = users::set_active(&mut tx, id, first.id, true).await;
    assert!(matches!(again, Err(UserError::LimitReached)), "{again:?}");
}

async fn an_address_is_one_account_in_any_case_and_any_organization(world: World) {
    let (a, b) = (world.organization("a").await, world.organization("b").await);
    create(&world.store, a, "Ann@Example.com").await.unwrap();
    for (organization, alias) in [(a, "ann@example.com"), (b, "ANN@EXAMPLE.COM"), (b, "Ann@Example.com")] {
        let taken = create(&world.store, organization, alias).await;
        assert!(matches!(taken, Err(UserError::EmailTaken)), "{alias}: {taken:?}");
    }
    let mut tx = world.write().await;
    let found = users::by_email(&mut tx, &"aNN@example.COM".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(found.email, "Ann@Example.com");
}

async fn an_ambiguous_address_is_refused(world: World) {
    let id = world.organization("a").await;
    create(&world.store, id, "ann@example.com").await.unwrap();
    world.by_hand("DROP INDEX users_email_in_any_case").await;
    world
        .by_hand(&format!(
            "INSERT INTO users (organization_id, email, hashed_password, role) VALUES ({id}, 'Ann@example.com', 'h', 'admin')"
        ))
        .await;
    let mut tx = world.write().await;
    let found = users::by_email(&mut tx, &"ann@example.com".parse().unwrap()).await;
    assert!(matches!(found, Err(StoreError::AmbiguousEmail)));
}

async fn nobody_touches_a_member_of_another_organization(world: World) {
    let (mine, theirs) = (world.organization("a").await, world.organization("b").await);
    let user = create(&world.store, mine, "ann@a.example").await.unwrap();
    let mut tx = world.write().await;
    assert!(!users::set_role(&mut tx, theirs, user.id, &role("admin")).await.unwrap());
    let shut_out = users::set_active(&mut tx, theirs, user.id, false).await;
    assert!(matches!(shut_out, Err(UserError::NotFound)));
    assert!(!users::delete(&mut tx, theirs, user.id).await.unwrap());
    assert!(users::list(&mut tx, theirs).await.unwrap().iter().all(|listed| listed.id != user.id));
    let unchanged = users::by_id(&mut tx, user.id).await.unwrap().unwrap();
    assert_eq!((unchanged.role.as_str(), unchanged.is_active), ("viewer", true));
}

async fn ids_are_never_used_again(world: World) {
    let id = world.organization("a").await;
    let last = create(&world.store, id, "one@a.example").await.unwrap();
    let mut tx = world.write().await;
    assert!(users::delete(&mut tx, id, last.id).await.unwrap());
    tx.commit().await.unwrap();
    world.store.close().await;
    let store = world.open().await.unwrap();
    let next = create(&store, id, "two@a.example").await.unwrap();
    assert!(next.id > last.id);
    world.by_hand(&format!("DELETE FROM users WHERE organization_id = {id}")).await;
    world.by_hand(&format!("DELETE FROM organizations WHERE id = {id}")).await;
    let world = World { store, ..world };
    assert!(world.organization("b").await > id);
}

async fn an_interrupted_creation_leaves_nothing(world: World) {
    let id = world.organization("a").await;
    let store = world.store.clone();
    let task = tokio::spawn(async move {
        let mut tx = store.write().await.unwrap();
        let email = "ann@a.example".parse().unwrap();
        let (role, hash) = (role("viewer"), hash("x"));
        let new = NewUser {
            organization_id: id,
            email: &email,
            full_name: "Ann",
            role: &role,
            hashed_password: &hash,
            email_verified: false,
        };
        users::create(&mut tx, &new).await.unwrap();
        std::future::pending::<()>().await;
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    create(&world.store, id, "ann@a.example").await.unwrap();
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.accounts").await, "2");
}
