//! BYPASS 8-14: paths that two readers read differently.

use crate::world::{HOST, World, bearer, status};

#[tokio::test(flavor = "multi_thread")]
async fn bypass_8_9_10_11_14_a_path_of_two_readings_is_refused() {
    let world = World::new().await;
    let bearer = bearer();
    for path in [
        "/public/../admin/x",
        "/public/./x",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public%2fx",
        "/public%5cx",
        "/public\\x",
        "/public//x",
        "//admin/x",
        "/public;a=b/x",
        "/public/..;/admin/x",
        "/public/x#/admin",
        "/public/%zz",
        "/public/%00",
        "/public/%252e%252e/admin",
        "public/x",
        "*",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{bearer}\r\n\r\n");
        assert_eq!(status(&world.raw(&request).await), 400, "{path}");
        world.nothing_reached_the_backend();
        let Ok(_) = format!("https://{HOST}{path}").parse::<http::Uri>() else { continue };
        if path.starts_with('/') && !path.contains('#') {
            assert_eq!(world.h2("GET", path, &[]).await.unwrap(), 400, "{path} over HTTP/2");
            world.nothing_reached_the_backend();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_12_a_query_is_never_part_of_the_match() {
    let world = World::new().await;
    for path in ["/x?/public/a", "/admin/x?a=/public/", "/x?%2fpublic%2fa"] {
        assert_eq!(world.send("GET", path, &[]).await.0, 401, "{path}");
        assert_eq!(world.h2("GET", path, &[]).await.unwrap(), 401, "{path}");
    }
    world.nothing_reached_the_backend();
    assert_eq!(world.send("GET", "/public/a?x=/admin/../y&z=%2e%2e", &[]).await.0, 200);
    assert_eq!(world.only().line(), "GET /public/a?x=/admin/../y&z=%2e%2e HTTP/1.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_13_case_and_escapes_open_nothing_and_close_nothing() {
    let world = World::new().await;
    let bearer = bearer();
    for path in ["/Public/a", "/PUBLIC/a", "/%70ublic/a", "/pub%6cic/a"] {
        assert_eq!(world.send("GET", path, &[]).await.0, 401, "{path}: public is matched as sent alone");
    }
    for path in ["/ADMIN/x", "/Admin/x", "/%61dmin/x", "/admin"] {
        assert_eq!(world.send("GET", path, &[&bearer]).await.0, 403, "{path}: an analyst is no admin");
    }
    world.nothing_reached_the_backend();
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_13_host_and_authority_must_agree() {
    let world = World::new().await;
    let request =
        format!("GET https://{HOST}/public/a HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    assert_eq!(status(&world.raw(&request).await), 400);
    assert_eq!(world.h2("GET", "/public/a", &[("host", "evil.example")]).await.unwrap(), 400);
    world.nothing_reached_the_backend();
}
