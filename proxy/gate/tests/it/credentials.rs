//! The truth table of credentials, and BYPASS 19-24: tokens that must not count.

use serde_json::json;
use tenantry_directory::fixtures::{self, NOW, claims, key, other_key, unsigned};

use crate::world::{World, bearer};

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_table_of_credentials_holds() {
    let world = World::new().await;
    let good = bearer();
    let mut expired = claims(NOW);
    (expired.iat, expired.nbf, expired.exp) =
        (expired.iat - 90_000, expired.nbf - 90_000, expired.exp - 90_000);
    let expired = format!("authorization: Bearer {}", key().token(&expired));
    // credential, (status, who reaches the backend, whether the credential does) on public, passthrough, authenticated
    for (name, credential, anyone, members) in [
        ("none", None, (200, None, false), 401),
        ("foreign bearer", Some("authorization: Bearer abc.def.ghi"), (200, None, true), 401),
        ("basic", Some("authorization: Basic YTpi"), (200, None, true), 401),
        ("api key", Some("authorization: ApiKey 123"), (200, None, true), 401),
        ("ours, valid", Some(good.as_str()), (200, Some("42"), false), 200),
        ("ours, expired", Some(expired.as_str()), (200, None, false), 401),
    ] {
        let lines: Vec<&str> = credential.into_iter().collect();
        for path in ["/public/a", "/agents/a"] {
            let (status, _) = world.send("GET", path, &lines).await;
            let recorded = world.only();
            let who = recorded.all("x-user-id").first().copied();
            assert_eq!((status, who, !recorded.all("authorization").is_empty()), anyone, "{name} on {path}");
        }
        let (status, answer) = world.send("GET", "/x", &lines).await;
        assert_eq!(status, members, "{name}");
        assert_eq!(world.backend.take().len(), usize::from(members == 200), "{name}");
        if members == 401 {
            assert!(answer.to_lowercase().contains("www-authenticate: bearer"), "{answer}");
        }
    }
    assert_eq!(world.send("GET", "/admin/x", &[&good]).await.0, 403);
    world.nothing_reached_the_backend();
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_19_21_22_23_24_no_spoiled_token_counts_and_each_has_its_reason() {
    let world = World::new().await;
    let honest = serde_json::to_value(claims(NOW)).unwrap();
    let header = key().header();
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = honest.clone();
        claims[name] = value;
        key().sign_json(&header, &claims)
    };
    let without = |name: &str| {
        let mut claims = honest.clone();
        claims.as_object_mut().unwrap().remove(name);
        key().sign_json(&header, &claims)
    };
    let headed = |name: &str, value: serde_json::Value| {
        let mut header = header.clone();
        header[name] = value;
        key().sign_json(&header, &honest)
    };
    let good = fixtures::token(NOW);
    let none = format!(
        "{}.",
        unsigned(
            &json!({"alg": "none", "kid": key().kid(), "typ": "at+jwt"}).to_string(),
            &honest.to_string()
        )
    );
    let text = honest.to_string();
    let twice = key().sign_text(&header.to_string(), &format!("{},\"user_id\":1}}", &text[..text.len() - 1]));
    for (name, token, reason) in [
        ("alg none", none, "algorithm"),
        ("HS256", headed("alg", json!("HS256")), "algorithm"),
        ("crit", headed("crit", json!(["b64"])), "crit"),
        ("jku", headed("jku", json!("https://evil.example/jwks")), "unexpected_header"),
        ("jwk", headed("jwk", json!({})), "unexpected_header"),
        ("typ", headed("typ", json!("JWT")), "unknown_typ"),
        ("duplicate member", twice, "duplicate_member"),
        ("no aud", without("aud"), "missing_claim"),
        ("no exp", without("exp"), "missing_claim"),
        ("other aud", with("aud", json!("other/backend")), "wrong_audience"),
        ("other iss", with("iss", json!("https://xdr.example.com/o/8")), "wrong_issuer"),
        ("other organization", with("organization_id", json!(8)), "wrong_organization"),
        ("text id", with("user_id", json!("42")), "claim_type"),
        ("refresh", with("type", json!("refresh")), "not_access"),
        ("yet to come", with("nbf", json!(NOW.secs() + 4000)), "not_yet_valid"),
        ("other's key", other_key().token(&claims(NOW)), "wrong_organization"),
        ("cut", good[..good.len() - 4].to_owned(), "signature"),
    ] {
        let line = format!("authorization: Bearer {token}");
        let before = count(&world, reason).await;
        let (status, answer) = world.send("GET", "/x", &[&line]).await;
        assert_eq!(status, 401, "{name}");
        assert!(
            !answer.contains(reason) && !answer.contains(&token),
            "{name}: the answer tells nothing: {answer}"
        );
        assert_eq!(count(&world, reason).await, before + 1, "{name}: {reason}");
        let authorization = format!("Bearer {token}");
        assert_eq!(world.h2("GET", "/x", &[("authorization", &authorization)]).await.unwrap(), 401, "{name}");
        world.nothing_reached_the_backend();
        assert_eq!(world.send("GET", "/public/a", &[&line]).await.0, 200);
        let recorded = world.only();
        assert!(recorded.all("authorization").is_empty() && recorded.all("x-user-id").is_empty(), "{name}");
    }
}

async fn count(world: &World, reason: &str) -> u64 {
    let line = format!("tenantry_gate_refusals_total{{reason=\"{reason}\"}} ");
    world.metrics().await.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_19_an_authorization_header_hides_the_cookie_and_two_are_unclear() {
    let world = World::new().await;
    let cookie = format!("cookie: __Host-tenantry={}", fixtures::token(NOW));
    for authorization in ["authorization: Bearer", "authorization: Basic YTpi", "authorization: x"] {
        assert_eq!(world.send("GET", "/x", &[authorization, &cookie]).await.0, 401, "{authorization}");
    }
    assert_eq!(world.send("GET", "/x", &[&bearer(), "authorization: Bearer x"]).await.0, 400);
    let twice = format!("{cookie}; __Host-tenantry=x");
    assert_eq!(world.send("GET", "/x", &[&twice]).await.0, 400);
    world.nothing_reached_the_backend();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_changes_things_only_from_an_allowed_origin() {
    let world = World::new().await;
    let cookie = format!("cookie: __Host-tenantry={}", fixtures::token(NOW));
    for (origin, expected) in [
        (Some("origin: https://xdr.example.com"), 200),
        (Some("origin: https://evil.example"), 403),
        (Some("origin: null"), 403),
        (Some("origin: http://localhost:3000"), 403),
        (None, 403),
    ] {
        let mut lines = vec![cookie.as_str(), "content-length: 0"];
        lines.extend(origin);
        assert_eq!(world.send("POST", "/x", &lines).await.0, expected, "{origin:?}");
        assert_eq!(world.backend.take().len(), usize::from(expected == 200));
    }
    assert_eq!(world.send("GET", "/x", &[&cookie, "origin: https://evil.example"]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_41_no_refusal_repeats_a_credential() {
    let world = World::new().await;
    let canary = "canary-0123456789";
    for line in [
        format!("authorization: Bearer {canary}"),
        format!("cookie: __Host-tenantry={canary}"),
        format!("x-{canary}: 1"),
    ] {
        for path in ["/x", "/public/../x", "/admin/x"] {
            let (_, answer) = world.send("GET", path, &[&line, "accept: text/html"]).await;
            assert!(!answer.contains(canary), "{answer}");
        }
    }
}
