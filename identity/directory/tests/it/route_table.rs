//! What a route table may hold and what it decides.

use tenantry_directory::{Access, Role, Route, RouteError, RouteTable};

fn role(name: &str) -> Role {
    name.parse().unwrap()
}

fn for_methods(pattern: &str, access: Access, methods: &[&str]) -> Route {
    Route { methods: methods.iter().map(|&m| m.into()).collect(), ..Route::new(pattern, access) }
}

fn access(routes: Vec<Route>, method: &str, path: &str) -> Access {
    RouteTable::new(routes).unwrap().decide(method, path).unwrap().access
}

#[test]
fn the_first_match_wins_and_the_default_is_authenticated() {
    let routes = vec![Route::new("/a/b", Access::Public), Route::new("/a/*", Access::Passthrough)];
    assert_eq!(access(routes.clone(), "GET", "/a/b"), Access::Public);
    assert_eq!(access(routes.clone(), "GET", "/a/c"), Access::Passthrough);
    assert_eq!(access(routes, "GET", "/a/b/c"), Access::Authenticated);
    assert_eq!(access(Vec::new(), "GET", "/"), Access::Authenticated);
}

#[test]
fn a_star_is_one_segment_and_two_are_zero_or_more() {
    for (pattern, path, matches) in [
        ("/a/*", "/a", false),
        ("/a/*", "/a/", false),
        ("/a/*", "/a/b", true),
        ("/a/*", "/a/b/c", false),
        ("/a/*/c", "/a/b/c", true),
        ("/a/**", "/a", true),
        ("/a/**", "/a/", true),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/ab", false),
        ("/a/*/**", "/a", false),
        ("/a/*/**", "/a/b", true),
        ("/**", "/", true),
        ("/**", "/a/b", true),
        ("/*", "/", false),
        ("/", "/", true),
        ("/", "/a", false),
        ("/a/", "/a/", true),
        ("/a/", "/a", false),
        ("/a", "/a/", false),
    ] {
        let public = access(vec![Route::new(pattern, Access::Public)], "GET", path) == Access::Public;
        assert_eq!(public, matches, "{pattern} {path}");
    }
}

#[test]
fn a_literal_may_be_written_as_people_write_it() {
    for pattern in ["/über/%7euser/%e2%82%ac", "/%C3%BCber/~user/€"] {
        let routes = vec![Route::new(pattern, Access::Public)];
        assert_eq!(access(routes, "GET", "/%C3%BCber/~user/%E2%82%AC"), Access::Public, "{pattern}");
    }
    let restricted =
        vec![Route { roles: vec![role("admin")], ..Route::new("/Ünder", Access::Authenticated) }];
    let table = RouteTable::new(restricted).unwrap();
    for path in ["/%C3%9Cnder", "/%c3%bcnder", "/ünder", "/ÜNDER"] {
        assert_eq!(table.decide("GET", path).unwrap().roles, [role("admin")], "{path}");
    }
}

#[test]
fn methods_narrow_a_route_and_get_covers_head() {
    let public = vec![for_methods("/a", Access::Public, &["GET"])];
    assert_eq!(access(public.clone(), "GET", "/a"), Access::Public);
    assert_eq!(access(public.clone(), "HEAD", "/a"), Access::Public);
    assert_eq!(access(public.clone(), "POST", "/a"), Access::Authenticated);
    assert_eq!(access(public, "get", "/a"), Access::Authenticated);
}

#[test]
fn a_restriction_on_methods_is_escaped_neither_by_case_nor_by_head() {
    let restricted =
        Route { roles: vec![role("admin")], ..for_methods("/a", Access::Authenticated, &["GET", "DELETE"]) };
    let table = RouteTable::new(vec![restricted, Route::new("/a", Access::Public)]).unwrap();
    for method in ["GET", "HEAD", "head", "delete", "Delete", "DELETE"] {
        assert_eq!(table.decide(method, "/a").unwrap().roles, [role("admin")], "{method}");
    }
    assert_eq!(table.decide("POST", "/a").unwrap().access, Access::Public);
}

#[test]
fn a_decision_admits_the_roles_of_its_route() {
    let route =
        Route { roles: vec![role("admin"), role("soc_lead")], ..Route::new("/a", Access::Authenticated) };
    let table = RouteTable::new(vec![route]).unwrap();
    let decision = table.decide("GET", "/a").unwrap();
    assert!(decision.admits(&role("admin")) && decision.admits(&role("soc_lead")));
    assert!(!decision.admits(&role("viewer")) && !decision.admits(&role("administrator")));
    assert!(table.decide("GET", "/b").unwrap().admits(&role("viewer")));
}

#[test]
fn patterns_that_could_never_match_what_was_meant_are_refused() {
    for pattern in [
        "",
        "a",
        "a/b",
        "//",
        "/a//b",
        "/a//",
        "/a?x=1",
        "/a#b",
        "/a;b",
        "/a b",
        "/a/../b",
        "/a/.",
        "/a/%2e%2e/b",
        "/a%2fb",
        "/a\\b",
        "/a%5cb",
        "/%3b",
        "/%",
        "/%zz",
        "/%ff",
        "/a*",
        "/*a",
        "/***",
        "/a**",
        "/**/a",
        "/a/**/",
        "/a/**b",
        "/\u{1}",
        "/%00",
        "/%2541",
    ] {
        let refused = RouteTable::new(vec![Route::new(pattern, Access::Public)]);
        assert!(matches!(refused, Err(RouteError::Pattern { .. })), "{pattern}");
    }
}

#[test]
fn routes_that_contradict_themselves_are_refused_by_name() {
    let roles = Route { roles: vec![role("admin")], ..Route::new("/a", Access::Public) };
    assert_eq!(RouteTable::new(vec![roles]).err(), Some(RouteError::Roles { pattern: "/a".into() }));
    for method in ["get", "", "GET POST", "GET\r\n"] {
        let refused = RouteTable::new(vec![for_methods("/a", Access::Public, &[method])]);
        assert_eq!(refused.err(), Some(RouteError::Method { pattern: "/a".into(), method: method.into() }));
    }
    let many = vec![Route::new("/a", Access::Public); RouteTable::MAX_ROUTES + 1];
    assert_eq!(RouteTable::new(many).err(), Some(RouteError::TooMany));
}

#[test]
fn a_table_survives_the_wire_and_a_bad_one_does_not() {
    let routes =
        vec![Route::new("/a/*/**", Access::Passthrough), for_methods("/b", Access::Public, &["GET"])];
    let table = RouteTable::new(routes).unwrap();
    let json = serde_json::to_string(&table).unwrap();
    assert_eq!(serde_json::from_str::<RouteTable>(&json).unwrap(), table);
    assert!(serde_json::from_str::<RouteTable>(r#"[{"pattern":"a","access":"public"}]"#).is_err());
    assert!(serde_json::from_str::<RouteTable>(r#"[{"pattern":"/a","access":"open"}]"#).is_err());
}
