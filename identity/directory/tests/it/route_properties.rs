//! No spelling escapes a restriction, and nothing but its canonical spelling reaches a public route.

use proptest::prelude::*;
use tenantry_directory::{Access, Role, Route, RouteTable};

fn admin() -> Role {
    "admin".parse().unwrap()
}

/// How a lenient backend might be asked for a segment: letters in either case, any character escaped, parameters.
fn spellings(segment: &'static str) -> impl Strategy<Value = String> {
    let character = |c: char| {
        let (lower, upper) = (c.to_ascii_lowercase(), c.to_ascii_uppercase());
        prop_oneof![
            Just(lower.to_string()),
            Just(upper.to_string()),
            Just(format!("%{:02x}", u32::from(lower))),
            Just(format!("%{:02X}", u32::from(upper))),
        ]
    };
    let letters = segment.chars().map(character).collect::<Vec<_>>();
    let parameters = prop_oneof![8 => Just(""), 1 => Just(";"), 1 => Just(";a=b"), 1 => Just("%3Bx")];
    (letters, parameters).prop_map(|(letters, parameters)| letters.concat() + parameters)
}

fn slashes() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just("/"), 1 => Just("//"), 1 => Just("///"), 1 => Just("/;/"), 1 => Just("/;x/")]
}

/// A path that some backend reads as `/api/admin/users`, perhaps with more after it.
fn disguised() -> impl Strategy<Value = String> {
    let tail = prop_oneof![Just(""), Just("/"), Just("//"), Just("?x=/health"), Just("/7"), Just("/%C3%A9")];
    (slashes(), spellings("api"), slashes(), spellings("admin"), slashes(), spellings("users"), tail)
        .prop_map(|(a, api, b, admin, c, users, tail)| format!("{a}{api}{b}{admin}{c}{users}{tail}"))
}

/// The restriction in front of openings that allow as much as can be allowed.
fn table(open: Access) -> RouteTable {
    let lenient = |pattern: &str, access| Route {
        allow_double_slash: true,
        allow_semicolon: true,
        ..Route::new(pattern, access)
    };
    RouteTable::new(vec![
        Route { roles: vec![admin()], ..lenient("/api/admin/**", Access::Authenticated) },
        lenient("/**", open),
        lenient("/*/*/*", open),
    ])
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restriction_is_never_escaped_by_a_spelling(path in disguised(), method in "GET|POST|get|HEAD") {
        for open in [Access::Public, Access::Passthrough, Access::Authenticated] {
            let table = table(open);
            if let Ok(decision) = table.decide(&method, &path) {
                prop_assert_eq!(decision.roles, &[admin()][..], "{}", path);
            }
        }
    }

    #[test]
    fn only_the_canonical_spelling_is_public(path in disguised()) {
        let table = RouteTable::new(vec![Route {
            allow_double_slash: true,
            allow_semicolon: true,
            ..Route::new("/api/admin/users", Access::Public)
        }])
        .unwrap();
        let public = table.decide("GET", &path).is_ok_and(|decision| decision.access == Access::Public);
        let sent = path.split('?').next().unwrap();
        prop_assert_eq!(public, sent == "/api/admin/users", "{}", path);
    }

    #[test]
    fn any_text_at_all_is_decided_or_refused(path in "\\PC{0,40}|[/%.;a-zA-Z0-9*?#\\\\]{0,40}|/[/%2ef.;5cCa]{0,40}") {
        let everything = table(Access::Public);
        if let Ok(decision) = everything.decide("GET", &path) {
            prop_assert!(path.starts_with('/'));
            let sent = path.split('?').next().unwrap();
            let lower = sent.to_ascii_lowercase();
            for refused in ["%2f", "%5c", "\\", "#", "%00"] {
                prop_assert!(!lower.contains(refused));
            }
            let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
            prop_assert!(!lower.replace("%2e", ".").replace("%3b", ";").split('/').any(dots));
            if decision.access == Access::Public {
                prop_assert!(sent.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
