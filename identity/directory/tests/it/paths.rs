//! BYPASS 8-14: spellings of a path that a gate and a backend could read differently.
//!
//! The table: `/api/admin/**` for admins, `/api/**` for members, `/health` and `/static/**` for anyone, `/agents/**`
//! for machines with credentials of their own, `/files/**` for anyone with `//` and `;` allowed.

use tenantry_directory::{Access, PathRefusal, Route, RouteTable};

pub fn table() -> RouteTable {
    let admins =
        Route { roles: vec!["admin".parse().unwrap()], ..Route::new("/api/admin/**", Access::Authenticated) };
    let files =
        Route { allow_double_slash: true, allow_semicolon: true, ..Route::new("/files/**", Access::Public) };
    RouteTable::new(vec![
        admins,
        Route::new("/api/**", Access::Authenticated),
        Route::new("/health", Access::Public),
        Route::new("/static/**", Access::Public),
        Route::new("/agents/**", Access::Passthrough),
        files,
    ])
    .unwrap()
}

/// The pattern that decided, or why none did.
pub fn matched(path: &str) -> Result<String, PathRefusal> {
    let table = table();
    let decision = table.decide("GET", path)?;
    Ok(decision.route.map_or("default", |route| &route.pattern).to_owned())
}

fn refused(path: &str) -> Option<PathRefusal> {
    matched(path).err()
}

#[test]
fn honest_paths_find_their_routes() {
    for (path, pattern) in [
        ("/api/admin/users", "/api/admin/**"),
        ("/api/admin", "/api/admin/**"),
        ("/api/incidents", "/api/**"),
        ("/health", "/health"),
        ("/static/app.js", "/static/**"),
        ("/static/caf%C3%A9%20menu.pdf", "/static/**"),
        ("/static/a!$&'()*+,=:@b", "/static/**"),
        ("/agents/heartbeat", "/agents/**"),
        ("/files/a;v=1//b", "/files/**"),
        ("/", "default"),
        ("/.well-known/change-password", "default"),
        ("/static/...", "/static/**"),
        ("/static/a..b/.hidden", "/static/**"),
    ] {
        assert_eq!(matched(path).as_deref(), Ok(pattern), "{path}");
    }
}

#[test]
fn bypass_08_dot_segments_are_refused_in_every_spelling() {
    for path in [
        "/static/../api/admin/users",
        "/static/./x",
        "/..",
        "/.",
        "/static/..",
        "/static/%2e%2e/api/admin",
        "/static/%2E./api/admin",
        "/static/.%2e/api/admin",
        "/static/%2e",
        "/files/..;/api/admin",
        "/files/..;jsessionid=1/api/admin",
        "/files/%2e%2e%3bx/api/admin",
        "/files/.;/x",
        "/files//../x",
        "/../",
    ] {
        assert_eq!(refused(path), Some(PathRefusal::DotSegment), "{path}");
    }
}

#[test]
fn bypass_08_over_long_and_double_encoded_dots_are_refused() {
    for path in ["/static/%c0%ae%c0%ae/x", "/static/%e0%80%ae/x", "/static/%ff", "/static/%C3/x"] {
        assert_eq!(refused(path), Some(PathRefusal::BadEscape), "{path}");
    }
    for path in ["/static/%252e%252e/x", "/static/%252E/x", "/static/%25%32%65/x", "/static/%25252e/x"] {
        assert!(refused(path).is_some(), "{path}");
    }
}

#[test]
fn bypass_09_encoded_slashes_and_backslashes_are_refused() {
    for path in ["/static%2f..%2fapi", "/static/a%2Fb", "/api%2fadmin", "/files/%2f"] {
        assert_eq!(refused(path), Some(PathRefusal::EncodedSlash), "{path}");
    }
    for path in ["/static\\..\\api", "/static/a%5cb", "/static/%5C", "/\\evil.example"] {
        assert_eq!(refused(path), Some(PathRefusal::Backslash), "{path}");
    }
    for path in ["/static/%c0%af", "/static/%252fapi", "/static/%255c"] {
        assert!(refused(path).is_some(), "{path}");
    }
}

#[test]
fn bypass_09_double_slashes_are_refused_unless_the_route_that_a_merging_backend_sees_allows_them() {
    for path in ["//", "//api/admin", "/api//admin", "/static//x", "/health//", "//health", "/static/x//"] {
        assert_eq!(refused(path), Some(PathRefusal::DoubleSlash), "{path}");
    }
    for path in ["/files//x", "/files/x//", "/files///"] {
        assert_eq!(matched(path).as_deref(), Ok("/files/**"), "{path}");
    }
    assert_eq!(refused("//files/x"), Some(PathRefusal::DoubleSlash), "as sent it is not below /files");
}

#[test]
fn bypass_10_parameters_are_refused_unless_the_route_that_a_stripping_backend_sees_allows_them() {
    for path in
        ["/api;x/admin", "/api/admin;a=b", "/health;", "/;/api/admin", "/static/x;y", "/static/a%3Bb", "/a;"]
    {
        assert_eq!(refused(path), Some(PathRefusal::Semicolon), "{path}");
    }
    for path in ["/files/a;v=1", "/files/a%3Bb", "/files/;"] {
        assert_eq!(matched(path).as_deref(), Ok("/files/**"), "{path}");
    }
    for path in ["/files;x/a", "/;x/files/a"] {
        assert_eq!(refused(path), Some(PathRefusal::Semicolon), "{path} is not below /files as sent");
    }
}

#[test]
fn bypass_10_a_trailing_slash_escapes_no_restriction_and_opens_nothing() {
    assert_eq!(matched("/api/admin/").as_deref(), Ok("/api/admin/**"));
    assert_eq!(matched("/health/").as_deref(), Ok("default"));
    assert_eq!(matched("/static/").as_deref(), Ok("/static/**"));
}

#[test]
fn bypass_11_a_fragment_is_refused() {
    for path in ["/static/#/api/admin", "/health#", "/#", "/static/x#?y"] {
        assert_eq!(refused(path), Some(PathRefusal::Fragment), "{path}");
    }
    assert_eq!(
        matched("/static/a%23b").as_deref(),
        Ok("/static/**"),
        "an encoded one is a character of a name"
    );
}

#[test]
fn bypass_12_a_query_is_never_part_of_the_match() {
    for (path, pattern) in [
        ("/api/admin?x=/health", "/api/admin/**"),
        ("/api/admin?/../../health", "/api/admin/**"),
        ("/health?next=/api//admin;x%2f#", "/health"),
        ("/health?", "/health"),
        ("/?/static/x", "default"),
    ] {
        assert_eq!(matched(path).as_deref(), Ok(pattern), "{path}");
    }
    assert_eq!(matched("/api/admin%3Fx=1").as_deref(), Ok("/api/**"));
    assert_eq!(matched("/health%3F").as_deref(), Ok("default"));
}

#[test]
fn bypass_13_case_escapes_no_restriction_and_opens_nothing() {
    for path in ["/API/ADMIN/users", "/Api/aDmin", "/api/%41dmin", "/api/%61dm%69n/x", "/API/%41DMIN/"] {
        assert_eq!(matched(path).as_deref(), Ok("/api/admin/**"), "{path}");
    }
    for path in ["/Health", "/STATIC/app.js", "/Agents/x", "/%68ealth", "/%73tatic/x", "/static/%7Euser"] {
        assert_eq!(matched(path).as_deref(), Ok("default"), "{path}");
    }
    assert_eq!(
        matched("/static/caf%c3%a9").as_deref(),
        Ok("default"),
        "escapes in small letters are not canonical"
    );
}

#[test]
fn bypass_13_letters_that_unicode_folds_to_ascii_escape_no_restriction() {
    let keys = Route { roles: vec!["admin".parse().unwrap()], ..Route::new("/keys", Access::Authenticated) };
    let table = RouteTable::new(vec![keys, Route::new("/*", Access::Public)]).unwrap();
    for path in ["/key%C5%BF", "/%E2%84%AAeys", "/\u{212a}EY\u{17f}"] {
        assert_eq!(table.decide("GET", path).unwrap().roles.len(), 1, "{path}");
    }
}

#[test]
fn bypass_14_a_path_without_a_leading_slash_is_refused() {
    for path in ["", "api/admin", "*", "?", "http://xdr.example.com/health", "%2Fhealth", "health"] {
        assert_eq!(refused(path), Some(PathRefusal::NotAbsolute), "{path}");
    }
}

#[test]
fn control_characters_and_bad_escapes_are_refused() {
    for path in
        ["/static/%00", "/static/a%0d%0ab", "/static/\t", "/static/ x", "/static/%7f", "/\u{7f}", "/%1F"]
    {
        assert_eq!(refused(path), Some(PathRefusal::ControlByte), "{path}");
    }
    for path in ["/static/%", "/static/%4", "/static/%zz", "/static/%u002e", "/%+1", "/static/%2", "/%-0"] {
        assert_eq!(refused(path), Some(PathRefusal::BadEscape), "{path}");
    }
}

#[test]
fn characters_that_a_url_should_escape_open_nothing() {
    for path in
        ["/static/\"", "/static/<x>", "/static/{id}", "/static/a|b", "/static/^", "/static/`", "/static/é"]
    {
        assert_eq!(matched(path).as_deref(), Ok("default"), "{path}");
        let api = path.replace("/static", "/api");
        assert_eq!(matched(&api).as_deref(), Ok("/api/**"), "{api}");
    }
}

#[test]
fn every_refusal_has_a_word_of_its_own() {
    let words: std::collections::HashSet<_> =
        PathRefusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    assert_eq!(words.len(), PathRefusal::ALL.len());
}
