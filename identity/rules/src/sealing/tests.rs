use proptest::prelude::*;
use secrecy::ExposeSecret;
use tenantry_directory::OrganizationId;

use super::*;
use crate::random::SeededRandom;

const OLD: &str = r#"{"id":"2025","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#;
const NEW: &str = r#"{"id":"2026","key":"_____________________________________-__-_8="}"#;
const PLACE: Place<'_> = Place { table: "signing_keys", organization: Some(OrganizationId(7)), row: "kid" };

fn ring(keys: &[&str]) -> Keyring {
    Keyring::from_json(&format!("[{}]", keys.join(","))).ok().unwrap()
}

fn error(json: &str) -> KeyringError {
    Keyring::from_json(json).err().unwrap()
}

#[test]
fn what_was_sealed_opens_in_its_place() {
    let ring = ring(&[OLD]);
    let blob = ring.seal(PLACE, b"private").unwrap();
    assert_eq!(ring.open(PLACE, &blob).unwrap().as_slice(), b"private");
    assert_eq!(blob.len(), 1 + 4 + 12 + 7 + 16);
    assert_eq!(&blob[..5], b"\x042025");
    assert!(!blob.windows(7).any(|bytes| bytes == b"private"));
}

#[test]
fn the_same_value_never_seals_alike() {
    let ring = ring(&[OLD]);
    assert_ne!(ring.seal(PLACE, b"x").unwrap(), ring.seal(PLACE, b"x").unwrap());
}

#[test]
fn a_value_moved_to_another_row_table_or_organization_does_not_open() {
    let ring = ring(&[OLD]);
    let blob = ring.seal(PLACE, b"private").unwrap();
    for place in [
        Place { row: "kie", ..PLACE },
        Place { table: "secrets", ..PLACE },
        Place { organization: Some(OrganizationId(8)), ..PLACE },
        Place { organization: None, ..PLACE },
        // The parts joined are the same text: only their bounds moved.
        Place { table: "signing_keys7", organization: None, row: "kid" },
    ] {
        assert_eq!(ring.open(place, &blob).unwrap_err(), SealError::Refused, "{place:?}");
    }
}

#[test]
fn after_a_new_key_is_added_old_values_open_and_are_due_for_sealing_again() {
    let before = ring(&[OLD]);
    let blob = before.seal(PLACE, b"private").unwrap();
    let after = ring(&[NEW, OLD]);
    assert!(!before.needs_reseal(&blob) && after.needs_reseal(&blob));
    let resealed = after.seal(PLACE, &after.open(PLACE, &blob).unwrap()).unwrap();
    assert!(!after.needs_reseal(&resealed));
    assert_eq!(Keyring::id_of(&resealed), Some("2026"));
    assert_eq!(after.ids().collect::<Vec<_>>(), ["2026", "2025"]);
}

#[test]
fn a_value_whose_key_is_gone_names_the_key() {
    let blob = ring(&[OLD]).seal(PLACE, b"private").unwrap();
    let missing = ring(&[NEW]).open(PLACE, &blob).unwrap_err();
    assert_eq!(missing, SealError::KeyMissing { id: "2025".to_owned() });
}

#[test]
fn another_key_of_the_same_id_does_not_open() {
    let blob = ring(&[OLD]).seal(PLACE, b"private").unwrap();
    let other = ring(&[&NEW.replace("2026", "2025")]);
    assert_eq!(other.open(PLACE, &blob).unwrap_err(), SealError::Refused);
}

#[test]
fn a_sealed_value_does_not_pass_for_one_of_another_key_id() {
    // The same key under two ids: the id is bound in, so that nobody can relabel a blob.
    let two = ring(&[OLD, &OLD.replace("2025", "2024")]);
    let mut blob = two.seal(PLACE, b"private").unwrap();
    blob[4] = b'4';
    assert_eq!(two.open(PLACE, &blob).unwrap_err(), SealError::Refused);
}

#[test]
fn a_generated_keyring_reads_back() {
    let json = Keyring::generate("k1", &SeededRandom::new(1)).unwrap();
    let ring = Keyring::from_json(json.expose_secret()).ok().unwrap();
    assert_eq!(ring.sealing_id(), "k1");
    assert!(ring.open(PLACE, &ring.seal(PLACE, b"").unwrap()).unwrap().is_empty());
    assert_eq!(Keyring::generate("no spaces", &SeededRandom::new(1)).err(), Some(KeyringError::Id(0)));
}

#[test]
fn a_bad_keyring_is_refused_without_repeating_it() {
    assert_eq!(error("[]"), KeyringError::Empty);
    assert!(matches!(error("{}"), KeyringError::Json { .. }));
    assert!(matches!(error(r#"[{"id":"a"}]"#), KeyringError::Json { .. }));
    assert!(matches!(error(r#"[{"id":"a","key":"b","use":"c"}]"#), KeyringError::Json { .. }));
    assert_eq!(error(&format!("[{OLD},{OLD}]")), KeyringError::Twice("2025".to_owned()));
    assert_eq!(error(r#"[{"id":"","key":"AA=="}]"#), KeyringError::Id(0));
    let short = error(r#"[{"id":"a","key":"c2VjcmV0LWNhbmFyeQ=="}]"#);
    assert_eq!(short, KeyringError::Key("a".to_owned()));
    assert!(!short.to_string().contains("c2VjcmV0"));
    assert_eq!(
        error(r#"[{"id":"a/b","key":""}]"#).to_string(),
        "sealing key 1: an id has 1 to 64 letters, digits, dots, hyphens or underscores"
    );
}

proptest! {
    #[test]
    fn a_blob_with_any_bit_turned_or_any_end_cut_does_not_open(value in prop::collection::vec(any::<u8>(), 0..40), at in any::<prop::sample::Index>(), bit in 0..8) {
        let ring = ring(&[OLD]);
        let blob = ring.seal(PLACE, &value).unwrap();
        let mut turned = blob.clone();
        turned[at.index(blob.len())] ^= 1_u8 << bit;
        prop_assert!(ring.open(PLACE, &turned).is_err());
        prop_assert!(ring.open(PLACE, &blob[..at.index(blob.len())]).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let ring = ring(&[OLD]);
        prop_assert!(ring.open(PLACE, &bytes).is_err());
        ring.needs_reseal(&bytes);
    }
}
