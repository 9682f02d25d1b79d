use std::fs;

use super::*;

/// A folder with these files.
fn load_files(files: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    load(folder.path())
}

fn sentences(loaded: &Loaded) -> Vec<String> {
    let short = |problem: &Problem| {
        format!(
            "{}:{}: {}: {}",
            problem.file.file_name().unwrap().display(),
            problem.line,
            problem.path,
            problem.sentence
        )
    };
    loaded.problems.iter().map(short).collect()
}

const BACKEND: &str = "apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: { name: incidents }\nspec:\n  publicUrl: https://xdr.example.com\n  upstream: { url: http://127.0.0.1:8000 }\n";
const ORGANIZATION: &str = "apiVersion: tenantry.io/v1alpha1\nkind: Organization\nmetadata: { name: mini-corp }\nspec:\n  displayName: mini corp\n  admin: { email: admin@minicorp.example, name: Admin, passwordSecretRef: { name: passwords, key: admin } }\n";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: { name: passwords }\nstringData: { admin: demo-sensor-api-key }\n";

#[test]
fn several_documents_several_files_and_lists_are_read() {
    let list = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"passwords\"}, \"data\": {\"admin\": \"ZGVtby1zZW5zb3ItYXBpLWtleQ==\"}}]}";
    let loaded = load_files(&[
        ("a.yaml", &format!("{BACKEND}---\n{ORGANIZATION}")),
        ("b.json", list),
        ("notes.txt", "not read"),
    ]);
    assert_eq!(sentences(&loaded), [""; 0]);
    assert_eq!(loaded.backend.as_ref().map(Backend::audience), Some("default/incidents".into()));
    assert_eq!(loaded.organizations.len(), 1);
    let reference = loaded.organizations[0].spec.admin.as_ref().unwrap().password_secret_ref.clone().unwrap();
    assert_eq!(loaded.secrets.get("default", &reference).unwrap().text(), Some("demo-sensor-api-key"));
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_one_and_stops_no_other_document() {
    let wrong = ORGANIZATION.replace("displayName", "displayNane").replace("mini-corp", "other");
    let loaded =
        load_files(&[("a.yaml", BACKEND), ("b.yaml", &wrong), ("c.yaml", ORGANIZATION), ("d.yaml", SECRET)]);
    assert_eq!(
        sentences(&loaded),
        [
            "b.yaml:5: spec.displayNane: is no field here: did you mean displayName?",
            "b.yaml:5: spec.displayName: is missing: write one line of text that is not only spaces",
        ]
    );
    assert_eq!(loaded.organizations.len(), 1);
}

#[test]
fn yaml_that_is_none_names_its_line() {
    let loaded = load_files(&[("a.yaml", BACKEND), ("b.yaml", "kind: Organization\nspec: [\n")]);
    assert_eq!(loaded.problems.len(), 1);
    assert!(loaded.problems[0].sentence.starts_with("is no YAML: "), "{}", loaded.problems[0]);
    assert!(loaded.backend.is_some());
}

#[test]
fn each_wrong_value_says_what_to_write_instead() {
    let with = |spec: &str| load_files(&[("a.yaml", &format!("{BACKEND}{spec}"))]);
    for (spec, expected) in [
        (
            "  registration: opn\n",
            "a.yaml:7: spec.registration: write one of open, closed (did you mean open?)",
        ),
        (
            "  tokens: { accessTtl: 8 hours }\n",
            "a.yaml:7: spec.tokens.accessTtl: write a whole number and one unit, s, m, h or d, such as 15m, 8h or 30d",
        ),
        (
            "  tokens: { accessTtl: 25h }\n",
            "a.yaml:7: spec.tokens.accessTtl: must be from 1m to 1d: write a time between them",
        ),
        (
            "  passwords: { minLength: 4 }\n",
            "a.yaml:7: spec.passwords.minLength: write a whole number from 8 to 64",
        ),
        ("  cookies: { enabled: sometimes }\n", "a.yaml:7: spec.cookies.enabled: write true or false"),
        ("  roles: [viewer, viewer]\n", "a.yaml:7: spec.roles[1]: names a role twice: keep one of them"),
        ("  roles: []\n", "a.yaml:7: spec.roles: has 0 entries: write at least 1"),
        (
            "  trustedProxies: [10.0.0.0/99]\n",
            "a.yaml:7: spec.trustedProxies[0]: is no network: write one such as 10.0.0.0/8 or fd00::/8",
        ),
        (
            "  routes:\n    - { path: /a, access: public, roles: [admin] }\n",
            "a.yaml:8: spec.routes[0].roles: need access: authenticated, which is the default: leave access out, or the roles",
        ),
        (
            "  routes: [{ path: /a, roles: [boss] }]\n",
            "a.yaml:7: spec.routes[0].roles: names a role that this Backend does not have: write one that stands in spec.roles, or add it there",
        ),
        ("  mode: observe\n", "a.yaml:7: spec.mode: observe is not built yet: write enforce"),
        (
            "  identity: { assertion: legacy }\n",
            "a.yaml:7: spec.identity.assertion: legacy is not built yet: write strict or none",
        ),
        (
            "  registration: open\n  registration: closed\n",
            "a.yaml:8: spec.registration: stands here twice: keep one of them",
        ),
    ] {
        let loaded = with(spec);
        assert_eq!(sentences(&loaded), [expected]);
        assert!(loaded.backend.is_none() && loaded.backend_or_assumed().is_none(), "{spec}");
    }
}

#[test]
fn what_only_all_documents_together_show_is_refused() {
    let second = ORGANIZATION
        .replace("mini-corp }", "second }")
        .replace("displayName: mini corp", "displayName: x\n  slug: mini-corp");
    let loaded =
        load_files(&[("a.yaml", BACKEND), ("b.yaml", ORGANIZATION), ("c.yaml", &second), ("d.yaml", SECRET)]);
    assert_eq!(
        sentences(&loaded),
        [
            "c.yaml:1: spec.slug: \"mini-corp\" is the slug of Organization default/mini-corp too: choose another",
            "c.yaml:1: spec.admin.email: \"admin@minicorp.example\" is the administrator of Organization default/mini-corp too: a user belongs to one organization",
        ]
    );
    let loaded =
        load_files(&[("a.yaml", BACKEND), ("b.yaml", &BACKEND.replace("name: incidents", "name: other"))]);
    assert_eq!(loaded.problems.len(), 1);
    assert!(loaded.backend.is_none());
    let loaded = load_files(&[("a.yaml", BACKEND), ("b.yaml", ORGANIZATION)]);
    assert!(
        loaded.problems[0].sentence.contains("the folder has no Secret passwords"),
        "{}",
        loaded.problems[0]
    );
    let loaded = load_files(&[("a.yaml", BACKEND), ("b.yaml", BACKEND)]);
    assert!(loaded.problems[0].sentence.starts_with("is here twice"), "{}", loaded.problems[0]);
}

#[test]
fn other_kinds_are_left_aside_with_a_word() {
    let loaded = load_files(&[("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: { name: x }\n")]);
    assert!(loaded.problems.is_empty());
    assert!(loaded.warnings[0].sentence.starts_with("a Service is left aside"));
    assert!(loaded.backend_or_assumed().is_some());
}

#[test]
fn a_folder_that_is_not_there_is_a_sentence() {
    let loaded = load(Path::new("/nowhere/at/all"));
    assert!(loaded.problems[0].sentence.starts_with("cannot be read"));
    assert!(loaded.backend_or_assumed().is_none());
}

#[test]
fn a_secret_that_is_refused_is_never_shown() {
    let loaded = load_files(&[(
        "a.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { key: hunter2canary! }\nstringData: { other: 12345678 }\n",
    )]);
    assert_eq!(loaded.problems.len(), 2);
    assert!(
        loaded
            .problems
            .iter()
            .all(|problem| !problem.to_string().contains("hunter2") && !problem.to_string().contains("1234"))
    );
}

#[test]
fn a_password_in_the_place_of_its_reference_is_never_shown() {
    let reference = ORGANIZATION.replace("{ name: passwords, key: admin }", "hunter2canary");
    let digits = ORGANIZATION.replace("{ name: passwords, key: admin }", "987654321");
    let said: Vec<_> = load_files(&[("a.yaml", &digits)]).problems.iter().map(ToString::to_string).collect();
    assert!(!said.is_empty() && said.iter().all(|said| !said.contains("987654321")), "{said:?}");
    let database =
        format!("{BACKEND}  database: {{ urlSecretRef: 'postgres://app:hunter2canary@db/app' }}\n");
    let url = BACKEND.replace("http://127.0.0.1", "http://app:hunter2canary@127.0.0.1");
    for (field, document) in [
        ("spec.admin.passwordSecretRef", &reference),
        ("spec.database.urlSecretRef", &database),
        ("spec.upstream.url", &url),
    ] {
        let loaded = load_files(&[("a.yaml", document)]);
        let said: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|said| said.contains(field)), "{said:?}");
        assert!(said.iter().all(|said| !said.contains("hunter2canary")), "{said:?}");
    }
}

#[test]
fn documents_are_parted_by_a_line_with_a_comment_too() {
    let loaded =
        load_files(&[("a.yaml", &format!("{BACKEND}--- # the customer\n{ORGANIZATION}---\n{SECRET}"))]);
    assert_eq!(sentences(&loaded), [""; 0]);
    assert_eq!(loaded.organizations.len(), 1);
}

#[test]
fn only_paths_of_ours_are_kept_from_routes() {
    let refused = |path: &str| {
        load_files(&[("a.yaml", &format!("{BACKEND}  routes: [{{ path: {path} }}]\n"))]).backend.is_none()
    };
    assert!(["/-", "/-/login", "/internal", "/INTERNAL/**"].into_iter().all(refused));
    assert!(!["/internals", "/internal-docs/**", "/-a"].into_iter().any(refused));
}

#[test]
fn not_everybody_is_a_trusted_proxy() {
    for network in ["0.0.0.0/0", "'::/0'"] {
        let loaded = load_files(&[("a.yaml", &format!("{BACKEND}  trustedProxies: [{network}]\n"))]);
        assert!(loaded.problems[0].sentence.starts_with("trusts every client"), "{}", loaded.problems[0]);
    }
}
