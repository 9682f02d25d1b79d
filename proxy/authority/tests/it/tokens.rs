//! Access tokens that the authority must not take, each an attack on its own key set or claims (BYPASS 22-25, 31).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry_directory::{AccessClaims, KeyAlgorithm, OrganizationId, SigningKey};
use tenantry_rules::key_life::KeyBounds;
use tenantry_rules::signing;
use tenantry_store::signing_keys;

use crate::wire::by_hand;
use crate::world::{Answer, PASSWORD, START, World};

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn claims(token: &str) -> AccessClaims {
    serde_json::from_value(part(token, 1)).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn me(world: &World, token: &str) -> Answer {
    world.get("/api/auth/me", Some(token)).await
}

/// A key of the organization's whose private half the attacker holds.
async fn stolen_key(world: &World, organization: i64) -> SigningKey {
    let key = signing::generate(KeyAlgorithm::EdDsa).unwrap();
    let until = START.plus(Duration::from_hours(24));
    let bounds = KeyBounds { active_from: START, sign_until: until, verify_until: until };
    let mut tx = world.store.write().await.unwrap();
    signing_keys::create(&mut tx, OrganizationId(organization), &key, Some(bounds)).await.unwrap();
    tx.commit().await.unwrap();
    world.authority.changed();
    SigningKey::from_pkcs8(key.kid, KeyAlgorithm::EdDsa, &key.pkcs8).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_23_a_stolen_key_mints_for_its_own_organization_and_backend_alone() {
    let world = World::new().await;
    let (ours, theirs) = (world.register("our corp").await, world.register("their corp").await);
    let (us, them) = (ours["access_token"].as_str().unwrap(), theirs["access_token"].as_str().unwrap());
    let key = stolen_key(&world, ours["organization"]["id"].as_i64().unwrap()).await;
    let control = key.mint(&claims(us)).unwrap();
    let published = async {
        while me(&world, &control).await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), published).await.expect("the key is known");

    let with = |change: &dyn Fn(&mut AccessClaims)| {
        let mut forged = claims(us);
        change(&mut forged);
        key.mint(&forged).unwrap()
    };
    let other = OrganizationId(theirs["organization"]["id"].as_i64().unwrap());
    let mut answers = Vec::new();
    for (what, token) in [
        ("another organization's claims", key.mint(&claims(them)).unwrap()),
        ("another organization", with(&|c| c.organization_id = other)),
        ("another issuer", with(&|c| c.iss = claims(them).iss)),
        ("another backend", with(&|c| "default/other".clone_into(&mut c.aud))),
        ("no access token", with(&|c| "refresh".clone_into(&mut c.kind))),
        ("expired", with(&|c| c.exp = c.iat - 60)),
        ("not yet valid", with(&|c| c.nbf += 3600)),
        ("another's session", with(&|c| c.sid = claims(them).sid)),
    ] {
        let answer = me(&world, &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        answers.push(answer.body);
    }
    assert!(answers.iter().all(|body| *body == answers[0]), "nothing tells why: {answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_22_and_24_no_header_talks_the_authority_into_a_token() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let [_, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let header = part(token, 0);
    let with = |name: &str, value: Value| {
        let mut changed = header.clone();
        changed[name] = value;
        format!("{}.{payload}.{signature}", encoded(&changed))
    };
    let own = serde_json::to_value(signing::generate(KeyAlgorithm::EdDsa).unwrap().jwk).unwrap();
    for forged in [
        with("crit", json!(["exp"])),
        with("alg", json!("none")),
        with("alg", json!("HS256")),
        with("typ", json!("JWT")),
        with("kid", json!("unknown")),
        with("jwk", own),
        with("jku", json!("https://evil.example/jwks.json")),
        format!("{}.{payload}.", encoded(&json!({"alg": "none", "typ": "at+jwt", "kid": header["kid"]}))),
        format!("{}.{payload}", encoded(&header)),
        token[..token.len() - 2].to_owned(),
        format!("{token}.{signature}"),
    ] {
        let answer = me(&world, &forged).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{forged}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
    assert_eq!(me(&world, token).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_25_what_a_person_is_called_overwrites_no_claim() {
    let world = World::new().await;
    let name = r#"Ann","role":"admin","organization_id":1,"sub":"1"#;
    let body = json!({"organization_name": "mini corp", "admin_email": "ann@minicorp.example", "admin_password": PASSWORD, "admin_name": name});
    let registered = world.post("/api/auth/register", None, body).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    let token = claims(&registered.text("/access_token"));
    assert_eq!(token.name, name);
    assert_eq!(token.user_id.get(), registered.body["user"]["id"].as_i64().unwrap());
    assert_eq!(token.organization_id.get(), registered.body["organization"]["id"].as_i64().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_31_a_suspended_organization_gets_nothing_from_any_credential() {
    let world = World::new().await;
    world.register("mini corp").await;
    let login = world.login("admin@minicorp.example", PASSWORD).await;
    by_hand(&world, "UPDATE organizations SET status = 'suspended'");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(me(&world, &login.text("/access_token")).await.status, StatusCode::UNAUTHORIZED);
    let body = json!({"refresh_token": login.text("/refresh_token")});
    assert_eq!(world.post("/api/auth/refresh", None, body.clone()).await.status, StatusCode::UNAUTHORIZED);
    let refused = world.login("admin@minicorp.example", PASSWORD).await;
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("organization_suspended"))
    );
    let wrong = world.login("admin@minicorp.example", "not-the-password").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "only who knows the password learns of it");
    by_hand(&world, "UPDATE organizations SET status = 'active'");
    assert_eq!(world.post("/api/auth/refresh", None, body).await.status, StatusCode::OK, "nothing was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demotion_while_the_password_changes_is_not_outlived_by_the_new_token() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let body = json!({"current_password": PASSWORD, "new_password": "quartz-lantern-birch-18"});
    let change = world.post("/api/auth/change-password", Some(token), body);
    let demote = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tokio::task::block_in_place(|| by_hand(&world, "UPDATE users SET role = 'viewer'"));
    };
    let (changed, ()) = tokio::join!(change, demote);
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let token = changed.text("/access_token");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counts = me(&world, &token).await.status == StatusCode::OK;
    assert!(!counts || claims(&token).role.as_str() == "viewer", "{:?}", part(&token, 1));
}
