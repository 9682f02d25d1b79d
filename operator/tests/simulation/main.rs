//! Random histories of manifests, people and accidents, with a crash, a lost answer or a pause at any call, end as the manifests say:
//! no orphan, no key lost or made anew, and a second pass that writes nothing.
//!
//! [`history`] is what happens, [`world`] the stores in memory with their faults, [`drive`] runs the operator's own reconcile on them,
//! [`check`] says what must hold. A failing history is shrunk to its shortest form and printed with its seed, which is also kept in
//! `proptest-regressions`. Histories that once failed stand in [`found`].
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod check;
mod drive;
mod found;
mod history;
mod world;

use proptest::prelude::*;

/// At least so many random histories; `SIMULATION_HISTORIES` asks for another number.
fn histories() -> u32 {
    std::env::var("SIMULATION_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

/// Two halves, for two cores.
macro_rules! half {
    ($($name:ident),*) => {
        proptest! {
            #![proptest_config(ProptestConfig {
                cases: histories() / 2,
                max_shrink_iters: 20_000,
                ..ProptestConfig::default()
            })]
            $(
                #[test]
                fn $name(events in history::events()) {
                    let outcome = drive::run(&events);
                    prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
                }
            )*
        }
    };
}

half!(every_history_ends_as_its_manifests_say, and_so_does_every_other_one);
