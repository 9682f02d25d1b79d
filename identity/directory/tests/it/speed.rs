//! What the hot path costs, by hand: `cargo test -p tenantry-directory --release -- --ignored --nocapture`.
#![allow(clippy::print_stdout, clippy::cast_precision_loss)]

use std::hint::black_box;
use std::time::Instant;

use tenantry_directory::fixtures::{self, NOW};
use tenantry_directory::{check_current, verify};

use crate::paths;

fn nanoseconds(name: &str, rounds: u32, mut work: impl FnMut()) {
    let start = Instant::now();
    (0..rounds).for_each(|_| work());
    println!("{name}: {:.0} ns", start.elapsed().as_nanos() as f64 / f64::from(rounds));
}

#[test]
#[ignore = "a measurement, not a test"]
fn the_hot_path() {
    let (table, view, token) = (paths::table(), fixtures::view(), fixtures::token(NOW));
    let identity = verify(&token, &view, NOW).unwrap();
    nanoseconds("decide, first route", 1_000_000, || {
        black_box(table.decide("GET", black_box("/api/admin/users")).ok());
    });
    nanoseconds("decide, default", 1_000_000, || {
        black_box(table.decide("GET", black_box("/some/longer/path/to/a/thing-of-mine.json")).ok());
    });
    nanoseconds("check_current", 1_000_000, || {
        black_box(check_current(black_box(&identity), &view, NOW).ok());
    });
    nanoseconds("verify", 2_000, || {
        black_box(verify(black_box(&token), &view, NOW).ok());
    });
}
