use secrecy::ExposeSecret;
use serde_json::json;
use tenantry_rules::holds::Status;
use tenantry_rules::random::SystemRandom;
use tenantry_store::organizations::{self, Organization};
use tenantry_store::provision::{
    Admin, AdminOutcome, Adoption, ProvisionError, RegisterError, Registered, Registration, needs_admin,
    register,
};
use tenantry_store::secrets::{self, SecretName};
use tenantry_store::{Store, signing_keys, users};
use tokio::task::JoinSet;

use crate::world::{FIRST_KEY, Wish, World, hash, on_both, provision_on, role};

on_both!(
    a_manifest_makes_everything_that_an_organization_needs,
    carried_out_again_it_writes_nothing_and_keeps_every_key,
    what_the_manifest_says_is_repaired_and_nothing_else,
    a_deleted_first_admin_is_not_made_again,
    a_slug_is_for_good,
    another_manifests_slug_is_not_taken,
    a_row_that_nothing_owns_is_adopted_only_when_asked,
    a_registered_organization_is_adopted_by_its_id_alone,
    an_admins_address_in_another_organization_is_a_conflict_that_changes_nothing,
    four_processes_that_provision_at_once_make_one_organization,
    a_re_created_manifest_finds_its_organization_again,
    a_suspended_manifest_is_born_closed,
    a_crash_at_any_moment_leaves_all_or_nothing,
    registering_a_taken_name_or_address_is_refused_and_leaves_nothing,
    of_parallel_registrations_of_one_name_one_wins,
);

async fn row(world: &World, wish: &Wish) -> Organization {
    let mut tx = world.write().await;
    organizations::by_slug(&mut tx, &wish.slug).await.unwrap().unwrap()
}

async fn a_manifest_makes_everything_that_an_organization_needs(world: World) {
    let wish = Wish { max_users: Some(50), ..Wish::new("mini-corp") };
    assert!(needs_admin(&world.store, &wish.owner).await.unwrap());
    let made = world.provision(&wish).await.unwrap();
    assert_eq!((made.created, made.changed, made.admin), (true, true, AdminOutcome::Created));
    assert!(!needs_admin(&world.store, &wish.owner).await.unwrap());
    let row = row(&world, &wish).await;
    assert_eq!((row.name.as_str(), row.status, row.max_users), ("mini corp", Status::Active, Some(50)));
    let mut tx = world.write().await;
    let admin = users::by_email(&mut tx, wish.admin.as_ref().unwrap()).await.unwrap().unwrap();
    assert_eq!((admin.role.as_str(), admin.organization_id), ("admin", row.id));
    assert!(signing_keys::signing(&mut tx, row.id).await.unwrap().is_some());
    let keys = secrets::list(&mut tx, Some(row.id), SecretName::DataKey).await.unwrap();
    assert_eq!((keys.len(), keys[0].value.expose_secret().len()), (1, 44));
}

async fn carried_out_again_it_writes_nothing_and_keeps_every_key(world: World) {
    let mut wish = Wish::new("a");
    wish.settings.insert("theme".into(), json!("dark"));
    let first = world.provision(&wish).await.unwrap();
    let keys = "SELECT kid FROM tenantry.signing_keys; SELECT generation FROM tenantry.secrets; \
        SELECT count(*) FROM tenantry.audit_events; SELECT version FROM tenantry.directory_head";
    let before = world.by_hand(keys).await;
    let second = world.provision(&wish).await.unwrap();
    assert_eq!(second.organization_id, first.organization_id);
    assert_eq!((second.created, second.changed, second.admin), (false, false, AdminOutcome::MadeBefore));
    assert_eq!(world.by_hand(keys).await, before);
}

async fn what_the_manifest_says_is_repaired_and_nothing_else(world: World) {
    let mut wish = Wish { max_users: Some(5), ..Wish::new("a") };
    wish.settings.insert("theme".into(), json!("dark"));
    world.provision(&wish).await.unwrap();
    world
        .by_hand(
            "UPDATE organizations SET name = 'hacked', max_users = 9999, \
             settings = '{\"theme\": \"light\", \"theirs\": {\"kept\": true}}'",
        )
        .await;
    assert!(world.provision(&wish).await.unwrap().changed);
    let row = row(&world, &wish).await;
    assert_eq!((row.name.as_str(), row.max_users), ("a", Some(5)));
    assert_eq!(row.settings, json!({ "theme": "dark", "theirs": { "kept": true } }));
}

async fn a_deleted_first_admin_is_not_made_again(world: World) {
    let wish = Wish::new("a");
    world.provision(&wish).await.unwrap();
    world.by_hand("DELETE FROM users").await;
    assert_eq!(world.provision(&wish).await.unwrap().admin, AdminOutcome::MadeBefore);
    assert_eq!(world.by_hand("SELECT count(*) FROM users").await, "0");
}

async fn a_slug_is_for_good(world: World) {
    let wish = Wish::new("a");
    world.provision(&wish).await.unwrap();
    let renamed = Wish { owner: wish.owner, ..Wish::new("b") };
    let error = world.provision(&renamed).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the slug cannot be changed from \"a\" to \"b\"; set it back, or make another Organization"
    );
}

async fn another_manifests_slug_is_not_taken(world: World) {
    let wish = Wish::new("a");
    world.provision(&wish).await.unwrap();
    let mut thief = Wish { adoption: Adoption::Adopt, ..Wish::new("a") };
    thief.owner.name = "thief".into();
    let error = world.provision(&thief).await.unwrap_err();
    assert_eq!(error.to_string(), "the slug \"a\" belongs to the Organization xdr/a; choose another slug");
}

async fn a_row_that_nothing_owns_is_adopted_only_when_asked(world: World) {
    world.by_hand("INSERT INTO organizations (name, slug) VALUES ('Old', 'a')").await;
    let mut wish = Wish::new("a");
    let error = world.provision(&wish).await.unwrap_err();
    assert!(matches!(error, ProvisionError::SlugUnowned { .. }), "{error}");
    wish.adoption = Adoption::Adopt;
    let adopted = world.provision(&wish).await.unwrap();
    assert_eq!(
        (adopted.organization_id.0, adopted.created, adopted.admin),
        (1, false, AdminOutcome::Created)
    );
    let mut tx = world.write().await;
    assert!(signing_keys::signing(&mut tx, adopted.organization_id).await.unwrap().is_some());
}

async fn sign_up(store: &Store, slug: &str, email: &str) -> Result<Registered, RegisterError> {
    let (email, role, password) = (email.parse().unwrap(), role("admin"), hash("admin"));
    let mut tx = store.write().await.unwrap();
    let new = Registration {
        slug: &slug.parse().unwrap(),
        name: slug,
        max_users: None,
        admin: Admin {
            email: &email,
            full_name: "Admin",
            role: &role,
            hashed_password: &password,
            email_verified: false,
            shown_password: None,
        },
        first_key: FIRST_KEY,
    };
    let registered = register(&mut tx, &SystemRandom, &new).await?;
    tx.commit().await.unwrap();
    Ok(registered)
}

async fn a_registered_organization_is_adopted_by_its_id_alone(world: World) {
    let registered = sign_up(&world.store, "a", "founder@a.example").await.unwrap();
    let id = registered.organization.id;
    let mut wish = Wish { adoption: Adoption::Adopt, ..Wish::new("a") };
    let error = world.provision(&wish).await.unwrap_err();
    assert!(matches!(error, ProvisionError::SlugRegistered { id: found, .. } if found == id), "{error}");
    wish.adoption = Adoption::AdoptId(tenantry_directory::OrganizationId(id.0 + 1));
    assert!(world.provision(&wish).await.is_err());
    wish.adoption = Adoption::AdoptId(id);
    wish.admin = Some("Founder@a.example".parse().unwrap());
    let adopted = world.provision(&wish).await.unwrap();
    assert_eq!((adopted.organization_id, adopted.admin), (id, AdminOutcome::Existing));
}

async fn an_admins_address_in_another_organization_is_a_conflict_that_changes_nothing(world: World) {
    world.organization("a").await;
    let wish = Wish { admin: Some("ADMIN@a.example".parse().unwrap()), ..Wish::new("b") };
    let error = world.provision(&wish).await.unwrap_err();
    assert!(matches!(error, ProvisionError::AdminEmailTaken { .. }), "{error}");
    assert_eq!(world.by_hand("SELECT count(*) FROM organizations").await, "1");
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.ownership").await, "1");
}

async fn four_processes_that_provision_at_once_make_one_organization(world: World) {
    let mut processes = JoinSet::new();
    for _ in 0..4 {
        let store = world.open().await.unwrap();
        processes.spawn(async move { provision_on(&store, &Wish::new("a")).await.unwrap().organization_id });
    }
    let mut ids = processes.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.signing_keys").await, "1");
    assert_eq!(world.by_hand("SELECT count(*) FROM users").await, "1");
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.secrets").await, "1");
}

async fn a_re_created_manifest_finds_its_organization_again(world: World) {
    let mut wish = Wish::new("a");
    let first = world.provision(&wish).await.unwrap();
    wish.owner.uid = "another-uid".into();
    let again = world.provision(&wish).await.unwrap();
    assert_eq!((again.organization_id, again.created), (first.organization_id, false));
    assert_eq!(world.by_hand("SELECT uid FROM tenantry.ownership").await, "another-uid");
}

async fn a_suspended_manifest_is_born_closed(world: World) {
    let mut wish = Wish { suspended: true, ..Wish::new("a") };
    world.provision(&wish).await.unwrap();
    assert_eq!(row(&world, &wish).await.status, Status::Suspended);
    wish.suspended = false;
    world.provision(&wish).await.unwrap();
    assert_eq!(row(&world, &wish).await.status, Status::Active);
}

async fn a_crash_at_any_moment_leaves_all_or_nothing(world: World) {
    for n in 0..25_u64 {
        let (store, wish) = (world.open().await.unwrap(), Wish::new(&format!("org-{n}")));
        let task = tokio::spawn(async move { provision_on(&store, &wish).await.map(drop) });
        tokio::time::sleep(std::time::Duration::from_micros(n * 700)).await;
        task.abort();
        drop(task.await);
        let wish = Wish::new(&format!("org-{n}"));
        let again = world.provision(&wish).await.unwrap();
        let mut tx = world.write().await;
        assert!(signing_keys::signing(&mut tx, again.organization_id).await.unwrap().is_some());
        assert!(users::by_email(&mut tx, wish.admin.as_ref().unwrap()).await.unwrap().is_some());
        let keys = secrets::list(&mut tx, Some(again.organization_id), SecretName::DataKey).await.unwrap();
        assert_eq!(keys.len(), 1);
    }
    assert_eq!(world.by_hand("SELECT count(*) FROM organizations").await, "25");
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.signing_keys").await, "25");
}

async fn registering_a_taken_name_or_address_is_refused_and_leaves_nothing(world: World) {
    let first = sign_up(&world.store, "a", "founder@a.example").await.unwrap();
    assert_eq!((first.user.role.as_str(), first.organization.slug.as_str()), ("admin", "a"));
    let name = sign_up(&world.store, "a", "other@a.example").await;
    assert!(matches!(name, Err(RegisterError::SlugTaken)));
    let address = sign_up(&world.store, "b", "FOUNDER@a.example").await;
    assert!(matches!(address, Err(RegisterError::EmailTaken)));
    assert_eq!(world.by_hand("SELECT count(*) FROM organizations").await, "1");
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.signing_keys").await, "1");
}

async fn of_parallel_registrations_of_one_name_one_wins(world: World) {
    let mut founders = JoinSet::new();
    for n in 0..8 {
        let store = world.store.clone();
        founders.spawn(async move { sign_up(&store, "a", &format!("founder{n}@a.example")).await });
    }
    let results = founders.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let lost = results.iter().filter(|result| matches!(result, Err(RegisterError::SlugTaken)));
    assert_eq!(lost.count(), 7);
    assert_eq!(world.by_hand("SELECT count(*) FROM users").await, "1");
}
