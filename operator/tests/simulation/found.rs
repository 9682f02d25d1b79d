//! Histories that once failed, by what was wrong.

use crate::drive::run;
use crate::history::Event::{self, Create, Delete, Down, Work};

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
