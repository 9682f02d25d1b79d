use super::*;
use crate::fixtures;

#[test]
fn settings_survive_the_wire() {
    let settings = fixtures::settings();
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<BackendSettings>(&json).unwrap(), settings);
}

#[test]
fn a_field_of_a_newer_authority_is_ignored_and_a_missing_one_has_its_default() {
    let settings: BackendSettings = serde_json::from_str(
        r#"{"audience":"ns/b","public_url":"https://b.example","upstream":{"address":"127.0.0.1:80"},
            "roles":["viewer","admin"],"colour":"blue"}"#,
    )
    .unwrap();
    assert_eq!(settings.max_staleness, Duration::from_mins(15));
    assert_eq!(settings.access_ttl, Duration::from_hours(8));
    assert_eq!(settings.admin_role().map(Role::as_str), Some("admin"));
    assert!(settings.cookies.enabled && settings.pages.enabled && !settings.identity.forward_token);
    assert_eq!(settings.identity.assertion, Assertion::Strict);
}
