//! What can happen.

use proptest::collection::vec;
use proptest::prelude::*;

/// Places of manifests: cluster, namespace, name. The last is another cluster on the same database.
pub const PLACES: [(&str, &str, &str); 4] =
    [("west", "a", "one"), ("west", "a", "two"), ("west", "b", "one"), ("east", "a", "one")];

/// No look at a manifest makes more calls, so that it is cut at every boundary.
pub const CALLS: u8 = 24;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody applies a manifest where there is none.
    Create {
        place: usize,
        slug: usize,
        delete: bool,
        adopt: bool,
        admin: bool,
    },
    /// Somebody edits it.
    Rename {
        place: usize,
        name: u8,
    },
    Suspend {
        place: usize,
        suspended: bool,
    },
    Policy {
        place: usize,
        delete: bool,
    },
    Rotate {
        place: usize,
        value: u8,
    },
    Pause {
        place: usize,
        paused: bool,
    },
    Delete {
        place: usize,
    },
    /// Somebody changes what is not theirs.
    DropSecret {
        place: usize,
    },
    EditSecret {
        place: usize,
    },
    StripLabels {
        place: usize,
    },
    ForeignSecret {
        place: usize,
    },
    ScheduleEntry {
        place: usize,
    },
    EditEntry {
        place: usize,
    },
    UntagEntry {
        place: usize,
    },
    EditRow {
        place: usize,
    },
    /// Rows of the application refer to the organization, or no more.
    Reference {
        place: usize,
        refers: bool,
    },
    /// Accidents.
    WipeRows,
    Backup,
    RestoreBackup,
    WipeSecrets,
    WipeVault,
    Down {
        store: usize,
        down: bool,
    },
    /// The operator looks at one manifest, undisturbed or not.
    Work {
        place: usize,
    },
    WorkCut {
        place: usize,
        call: u8,
        fault: Fault,
    },
    /// An operator stops in the middle of its work; the next one takes over. Later it wakes up.
    Freeze {
        place: usize,
        call: u8,
    },
    Thaw,
    /// Time passes.
    Minutes(u8),
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The process ends before it.
    CrashBefore,
    /// The process ends after it.
    CrashAfter,
    /// It fails.
    Fails,
    /// It succeeds, and its answer is lost.
    AnswerLost,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::CrashBefore),
        Just(Fault::CrashAfter),
        Just(Fault::Fails),
        Just(Fault::AnswerLost)
    ]
}

/// A history.
pub fn events() -> impl Strategy<Value = Vec<Event>> {
    vec(event(), 0..28)
}

fn event() -> impl Strategy<Value = Event> {
    let place = || 0..PLACES.len();
    prop_oneof![
        4 => (place(), 0..3_usize, any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(place, slug, delete, adopt, admin)| Event::Create { place, slug, delete, adopt, admin }),
        1 => (place(), 0..3_u8).prop_map(|(place, name)| Event::Rename { place, name }),
        1 => (place(), any::<bool>()).prop_map(|(place, suspended)| Event::Suspend { place, suspended }),
        1 => (place(), any::<bool>()).prop_map(|(place, delete)| Event::Policy { place, delete }),
        1 => (place(), 0..3_u8).prop_map(|(place, value)| Event::Rotate { place, value }),
        1 => (place(), any::<bool>()).prop_map(|(place, paused)| Event::Pause { place, paused }),
        2 => place().prop_map(|place| Event::Delete { place }),
        1 => place().prop_map(|place| Event::DropSecret { place }),
        1 => place().prop_map(|place| Event::EditSecret { place }),
        1 => place().prop_map(|place| Event::StripLabels { place }),
        1 => place().prop_map(|place| Event::ForeignSecret { place }),
        1 => place().prop_map(|place| Event::ScheduleEntry { place }),
        1 => place().prop_map(|place| Event::EditEntry { place }),
        1 => place().prop_map(|place| Event::UntagEntry { place }),
        1 => place().prop_map(|place| Event::EditRow { place }),
        1 => (place(), any::<bool>()).prop_map(|(place, refers)| Event::Reference { place, refers }),
        1 => Just(Event::WipeRows),
        1 => Just(Event::Backup),
        1 => Just(Event::RestoreBackup),
        1 => Just(Event::WipeSecrets),
        1 => Just(Event::WipeVault),
        2 => (0..4_usize, any::<bool>()).prop_map(|(store, down)| Event::Down { store, down }),
        6 => place().prop_map(|place| Event::Work { place }),
        5 => (place(), 0..CALLS, fault()).prop_map(|(place, call, fault)| Event::WorkCut { place, call, fault }),
        2 => (place(), 0..CALLS).prop_map(|(place, call)| Event::Freeze { place, call }),
        2 => Just(Event::Thaw),
        1 => (0..40_u8).prop_map(Event::Minutes),
    ]
}
