//! What a directory costs a gate: `cargo run --release --package tenantry-directory --example size`. Memory is a process's resident
//! memory before and after, so that nothing is left out; each row is a process of its own.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use tenantry_directory::settings::{Upstream, UpstreamProtocol};
use tenantry_directory::{
    BackendSettings, Digest, Follower, Frame, MinEpoch, Organization, OrganizationId, OrganizationStatus,
    PublicJwk, PublicKey, SessionId, Snapshot, Timestamp, UserId, encode,
};

const ORGANIZATIONS: i64 = 10_000;
const USERS: i64 = 100_000;
const SESSIONS: u128 = 10_000;

const ROWS: [&str; 4] = [
    "nothing",
    "10,000 organizations with a key each",
    "and 100,000 users who changed lately",
    "and 10,000 sessions that were ended",
];

fn main() {
    match std::env::args().nth(1) {
        Some(row) => measure(row.parse().unwrap()),
        None => {
            for row in 0..ROWS.len() {
                let this = std::env::current_exe().unwrap();
                let ended = std::process::Command::new(this).arg(row.to_string()).status().unwrap();
                assert!(ended.success());
            }
        }
    }
}

fn snapshot(row: usize) -> Snapshot {
    let upstream = Upstream { address: "127.0.0.1:9000".to_owned(), protocol: UpstreamProtocol::Http1 };
    let url = "https://app.example.com".parse().unwrap();
    let backend = BackendSettings::new("apps/app", url, upstream, vec!["admin".parse().unwrap()]);
    let mut snapshot = Snapshot {
        version: 1,
        digest: Digest::genesis("apps/app"),
        read_at_ms: 0,
        critical: Vec::new(),
        backend,
        organizations: Vec::new(),
        keys: Vec::new(),
        users: Vec::new(),
        sessions: Vec::new(),
    };
    let until = Timestamp::from_secs(4_000_000_000);
    for number in 1..=if row > 0 { ORGANIZATIONS } else { 0 } {
        let organization = Organization {
            slug: format!("organization-{number}"),
            name: format!("Organization {number}"),
            status: OrganizationStatus::Active,
        };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let jwk = PublicJwk::ed25519(pair.public_key().as_ref().try_into().unwrap());
        let id = OrganizationId(number);
        snapshot.organizations.push((id, organization));
        snapshot.keys.push((jwk.thumbprint(), PublicKey { organization: id, jwk, verify_until: None }));
    }
    // Only users whose role, password or standing changed within the longest life of a token are in it.
    for number in 1..=if row > 1 { USERS } else { 0 } {
        snapshot.users.push((UserId(number), MinEpoch { min_epoch: 2, until }));
    }
    for number in 0..if row > 2 { SESSIONS } else { 0 } {
        snapshot.sessions.push((SessionId::from_bytes(number.to_be_bytes()), until));
    }
    snapshot
}

/// What a gate holds after it took a snapshot.
fn measure(row: usize) {
    let line = encode(&Frame::Snapshot(Box::new(snapshot(row))));
    let sent = line.len();
    let before = resident();
    let mut follower = Follower::new();
    let began = Instant::now();
    follower.take(&line, began, began).unwrap();
    let took = began.elapsed();
    drop(line);
    let held = resident().saturating_sub(before);
    println!("{}: {} as sent, read in {} ms, {} held", ROWS[row], size(sent), millis(took), size(held));
    drop(follower);
}

fn millis(time: Duration) -> u128 {
    time.as_millis()
}

fn size(bytes: usize) -> String {
    format!("{}.{} MiB", bytes >> 20, (bytes >> 10) % 1024 * 10 / 1024)
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
