//! Histories that once failed, by what was wrong.

use crate::drive::{log, run};
use crate::history::Event::{self, Create, Delete, Down, EditEntry, Rotate, UntagEntry, Work};

fn ends_well(events: &[Event]) {
    run(events).unwrap();
}

fn create(place: usize) -> Event {
    Create { place, slug: 0, delete: false, adopt: false, admin: false }
}

#[test]
fn nothing_is_made_that_a_deletion_sees_to_before_the_finalizer_stands() {
    ends_well(&[Down { store: 0, down: true }, create(3), Work { place: 3 }, Delete { place: 3 }]);
}

#[test]
fn an_entry_that_lost_its_tags_and_nothing_else_is_still_ours() {
    ends_well(&[create(0), Work { place: 0 }, UntagEntry { place: 0 }]);
}

#[test]
fn a_rotation_that_was_asked_for_is_no_drift() {
    let log = log(&[create(0), Work { place: 0 }, Rotate { place: 0, value: 1 }, Work { place: 0 }]);
    assert!(log.iter().any(|line| line.contains("KeysRotated")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("DriftRepaired")), "{log:?}");
}

#[test]
fn an_entry_that_somebody_changed_a_moment_ago_does_not_keep_new_keys_waiting() {
    let log = log(&[
        create(0),
        Work { place: 0 },
        EditEntry { place: 0 },
        Work { place: 0 },
        Rotate { place: 0, value: 1 },
        Work { place: 0 },
    ]);
    assert_eq!(log.iter().filter(|line| line.ends_with(" put")).count(), 1, "{log:?}");
}
