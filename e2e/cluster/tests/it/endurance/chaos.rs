//! An operator that is killed again and again in the middle of its work leaves nothing half done behind, and loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::operator::world::{Wanted, World};

const DEATHS: usize = 50;
const ORGANIZATIONS: usize = 12;

type Texts = BTreeMap<String, String>;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_killed_fifty_times_ends_where_the_manifests_say_and_loses_no_key() {
    let mut chance = Chance::seeded();
    let world = World::start(Wanted { vault: true, own_postgres: true, ..Wanted::default() }).await;
    world.no_vacuum().await;
    world.backend("").await;
    // Calls that take a while are more often under way when the operator dies.
    world.vault.as_ref().unwrap().delay(Duration::from_millis(60));
    let mut slots: Vec<Slot> = (0..ORGANIZATIONS).map(Slot::new).collect();
    let mut kept = Texts::new();
    for death in 0..DEATHS {
        tokio::time::sleep(chance.milliseconds(200..900)).await;
        people(&world, &mut slots, &mut chance).await;
        tokio::time::sleep(chance.milliseconds(0..1_600)).await;
        world.kill();
        look(&world, &mut slots, &mut kept).await;
        // The Lease of the dead need not be waited for here: nobody else lives.
        world.kubectl(&["delete", "leases", "--all"]).await;
        world.start_again();
        if death == DEATHS / 2 {
            world.ready("backend/app").await;
        }
    }
    world.vault.as_ref().unwrap().delay(Duration::ZERO);

    settled(&world, &slots).await;
    look(&world, &mut slots, &mut kept).await;
    as_the_manifests_say(&world, &slots).await;
    world.rested(Duration::from_secs(3)).await;
    let mark = world.mark().await;
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert_eq!(world.written_since(&mark).await, Vec::<String>::new(), "a second pass writes nothing");
}

/// An Organization, or the place of one, with what must not be lost of it.
struct Slot {
    name: String,
    has_admin: bool,
    manifest: Option<Manifest>,
    /// How often new keys were asked for, over all lives of it.
    rotate: u32,
    /// What its last deletion was to do.
    fate: Fate,
    /// The keys last seen, and the most that there may be.
    keys: Vec<String>,
    most: usize,
    admin: Option<Texts>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Nothing of it is to be left.
    Removed,
    /// It may be left, closed: its policy says so, or the operator may not have met the manifest before it was gone.
    Closed,
}

#[derive(Clone)]
struct Manifest {
    display: String,
    suspended: bool,
    delete: bool,
}

impl Slot {
    fn new(number: usize) -> Self {
        Self {
            name: format!("org-{number}"),
            has_admin: number.is_multiple_of(3),
            manifest: None,
            rotate: 0,
            fate: Fate::Removed,
            keys: Vec::new(),
            most: 1,
            admin: None,
        }
    }

    fn document(&self, manifest: &Manifest) -> String {
        let Manifest { display, suspended, delete } = manifest;
        let policy = if *delete { "Delete" } else { "Retain" };
        let (name, rotate) = (&self.name, self.rotate);
        let rotate = if rotate == 0 { String::new() } else { format!("tenantry.io/rotate: \"{rotate}\"") };
        let admin = if self.has_admin {
            format!("  admin: {{ email: admin@{name}.example, name: Admin }}\n")
        } else {
            String::new()
        };
        format!(
            "---\napiVersion: tenantry.io/v1alpha1\nkind: Organization\nmetadata: {{ name: {name}, annotations: {{ {rotate} }} }}\n\
             spec:\n  displayName: {display}\n  suspended: {suspended}\n  deletionPolicy: {policy}\n{admin}"
        )
    }
}

/// What people do between two deaths: they make, edit, suspend, rotate and delete some Organizations.
async fn people(world: &World, slots: &mut [Slot], chance: &mut Chance) {
    let going = organizations(world).await;
    let (mut documents, mut deleted) = (String::new(), Vec::new());
    for _ in 0..=chance.below(3) {
        let number = chance.below(slots.len());
        let slot = &mut slots[number];
        if deleted.contains(&slot.name) {
            continue;
        }
        let Some(mut manifest) = slot.manifest.clone() else {
            // One that is still going cannot be made again yet.
            if !going.contains_key(&slot.name) {
                let manifest = Manifest {
                    display: format!("Made {}", chance.below(1000)),
                    suspended: chance.below(5) == 0,
                    delete: chance.below(2) == 0,
                };
                documents += &slot.document(&manifest);
                slot.manifest = Some(manifest);
            }
            continue;
        };
        match chance.below(6) {
            0 => manifest.display = format!("Edited {}", chance.below(1000)),
            1 => manifest.suspended = !manifest.suspended,
            2 => manifest.delete = !manifest.delete,
            3 => {
                slot.rotate += 1;
                slot.most += 1;
            }
            _ => {
                deleted.push(slot.name.clone());
                continue;
            }
        }
        documents += &slot.document(&manifest);
        slot.manifest = Some(manifest);
    }
    if !documents.is_empty() {
        world.apply(&documents).await;
    }
    for name in deleted {
        let slot = slots.iter_mut().find(|slot| slot.name == name).unwrap();
        let manifest = slot.manifest.take().unwrap();
        let is_met = going.get(&name).is_some_and(|found| found["metadata"]["finalizers"].is_array());
        slot.fate = if manifest.delete && is_met { Fate::Removed } else { Fate::Closed };
        if manifest.delete {
            // What was seen until now is to go; what comes after it is another's.
            (slot.keys, slot.admin) = (Vec::new(), None);
            slot.most = if is_met { 1 } else { slot.most };
        }
        world.kubectl(&["delete", &format!("org/{name}"), "--wait=false"]).await;
    }
}

/// Compares what is shown with what was shown before: keys are only added, and only where that was asked for.
async fn look(world: &World, slots: &mut [Slot], kept: &mut Texts) {
    for name in ["tenantry-backend-app", "tenantry-keyring-app"] {
        if let Some(secret) = world.secret(name).await {
            let now = format!("{secret:?}");
            let before = kept.entry(name.to_owned()).or_insert_with(|| now.clone());
            assert_eq!(*before, now, "the keys of {name} changed");
        }
    }
    let secrets = secrets(world).await;
    for slot in slots.iter_mut().filter(|slot| slot.manifest.is_some()) {
        let name = &slot.name;
        if let Some(secret) = secrets.get(&format!("tenantry-org-{name}")) {
            let keys: Vec<String> = secret["DATA_KEYS"].split(',').map(str::to_owned).collect();
            assert!(keys.ends_with(&slot.keys), "{name} lost a key: {:?}, then {keys:?}", slot.keys);
            assert!(
                keys.len() <= slot.most,
                "{name} has {} keys, at most {} were asked for",
                keys.len(),
                slot.most
            );
            slot.keys = keys;
        }
        if let Some(secret) = secrets.get(&format!("tenantry-org-{name}-admin")) {
            let before = slot.admin.get_or_insert_with(|| secret.clone());
            assert_eq!(before, secret, "the password of {name} changed");
        }
    }
}

/// Waits until every manifest is followed and every deleted one is gone.
async fn settled(world: &World, slots: &[Slot]) {
    world.ready("backend/app").await;
    for slot in slots {
        let what = format!("org/{}", slot.name);
        if slot.manifest.is_none() {
            world.gone(&what).await;
            continue;
        }
        let followed = async || {
            let found = world.get(&what).await?;
            let ready = crate::operator::world::find(&found, "Ready")?["status"] == "True";
            (ready && found["status"]["observedGeneration"] == found["metadata"]["generation"]).then_some(())
        };
        world.wait(&format!("{what}: followed"), followed).await;
    }
    // Rows of what vanished before it bore the finalizer are swept up.
    let mut known: Vec<&str> =
        slots.iter().filter(|slot| slot.manifest.is_some()).map(|slot| &*slot.name).collect();
    known.push("");
    let unswept = format!(
        "SELECT count(*) FROM tenantry.ownership w WHERE NOT name = ANY(string_to_array('{}', ',')) AND NOT EXISTS \
         (SELECT 1 FROM tenantry.holds h WHERE h.organization_id = w.organization_id AND h.kind = 'retained')",
        known.join(",")
    );
    world.wait("the sweep", async || (world.psql(&unswept).await == "0").then_some(())).await;
    // The Backend counts its Organizations when it is looked at again.
    let living = slots.iter().filter(|slot| slot.manifest.is_some()).count();
    let counted = async || {
        let backend = world.get("backend/app").await?;
        let complete = crate::operator::world::find(&backend, "AwsSecretsReady")?["reason"] == "Complete";
        (complete && backend["status"]["organizations"] == living).then_some(())
    };
    world.wait("the Backend's count", counted).await;
}

async fn as_the_manifests_say(world: &World, slots: &[Slot]) {
    let mut wrong = String::new();
    let mut names = BTreeSet::from(["tenantry-backend-app".to_owned(), "tenantry-keyring-app".to_owned()]);
    let secrets = secrets(world).await;
    let mut ids = BTreeSet::new();
    for slot in slots {
        let name = &slot.name;
        let row = world
            .psql(&format!(
                "SELECT o.id, o.name, o.status, w.name, (SELECT count(*) FROM tenantry.holds h \
                 WHERE h.organization_id = o.id AND h.kind = 'retained') FROM organizations o \
                 LEFT JOIN tenantry.ownership w ON w.organization_id = o.id WHERE o.slug = '{name}'"
            ))
            .await;
        let entry = world.vault.as_ref().unwrap().secret(&format!("tenantry/app/{name}")).await.unwrap();
        let Some(manifest) = &slot.manifest else {
            let is_retained = slot.fate == Fate::Closed && row.ends_with(&format!("|suspended|{name}|1"));
            if !row.is_empty() && !is_retained {
                writeln!(wrong, "{name} is gone, its row is not: {row}").unwrap();
            }
            if slot.fate == Fate::Removed && entry.is_some_and(|entry| !entry.deletion_scheduled) {
                writeln!(wrong, "{name} is gone, its entry is not").unwrap();
            }
            continue;
        };
        let status = if manifest.suspended { "suspended" } else { "active" };
        if !row.ends_with(&format!("|{}|{status}|{name}|0", manifest.display)) {
            writeln!(wrong, "{name} is to be {} and {status}: {row}", manifest.display).unwrap();
        }
        names.insert(format!("tenantry-org-{name}"));
        if slot.has_admin {
            names.insert(format!("tenantry-org-{name}-admin"));
            let email = format!("SELECT count(*) FROM users WHERE email = 'admin@{name}.example'");
            assert_eq!(world.psql(&email).await, "1");
        }
        let Some(secret) = secrets.get(&format!("tenantry-org-{name}")) else { continue };
        if !row.starts_with(&format!("{}|", secret["ORGANIZATION_ID"])) || !ids.insert(row.clone()) {
            writeln!(wrong, "{name} shows the id {}: {row}", secret["ORGANIZATION_ID"]).unwrap();
        }
        let shown = entry.and_then(|entry| entry.content);
        let shown: Option<Texts> = shown.and_then(|text| serde_json::from_str(&text).ok());
        if shown.as_ref() != Some(secret) {
            writeln!(wrong, "the entry of {name} differs from its Secret").unwrap();
        }
    }
    let found: BTreeSet<String> = secrets.keys().cloned().collect();
    assert_eq!(wrong, "");
    assert_eq!(found, names, "orphans among the Secrets, or some are missing");
    for table in ["ownership", "holds", "secrets", "signing_keys", "rotation_requests"] {
        let orphans = format!(
            "SELECT count(*) FROM tenantry.{table} WHERE organization_id <> 0 \
             AND organization_id NOT IN (SELECT id FROM organizations)"
        );
        assert_eq!(world.psql(&orphans).await, "0", "orphans in tenantry.{table}");
    }
    no_orphan_in_aws(world, slots).await;
}

/// Of everything that was ever made there, what is in use belongs to somebody.
async fn no_orphan_in_aws(world: &World, slots: &[Slot]) {
    let vault = world.vault.as_ref().unwrap();
    let made: BTreeSet<String> = vault
        .calls()
        .into_iter()
        .filter(|call| call.action == "CreateSecret")
        .map(|call| call.name)
        .collect();
    assert!(made.len() > 2, "{made:?}");
    for name in made {
        let of = slots.iter().find(|slot| name == format!("tenantry/app/{}", slot.name));
        let expected = match of {
            Some(slot) => slot.manifest.is_some() || slot.fate == Fate::Closed,
            None => ["tenantry/app", "tenantry/app/_sealing-keyring"].contains(&name.as_str()),
        };
        let is_gone = vault.secret(&name).await.unwrap().is_none_or(|entry| entry.deletion_scheduled);
        assert!(expected || is_gone, "{name} is an orphan");
    }
}

/// The Organizations that there are.
async fn organizations(world: &World) -> BTreeMap<String, Value> {
    by_name(world.list("org", "").await)
}

/// The Secrets that say they are ours.
async fn secrets(world: &World) -> BTreeMap<String, Texts> {
    let found =
        by_name(world.list("secret", "labelSelector=app.kubernetes.io/managed-by=tenantry-operator").await);
    found.into_iter().map(|(name, secret)| (name, crate::operator::world::texts(&secret))).collect()
}

fn by_name(list: Vec<Value>) -> BTreeMap<String, Value> {
    list.into_iter().map(|item| (item["metadata"]["name"].as_str().unwrap().to_owned(), item)).collect()
}

/// Chance that can be repeated: `CHAOS_SEED` is the seed that a run printed.
struct Chance(u64);

impl Chance {
    #[allow(clippy::print_stderr, reason = "who wants to see the same again needs the seed")]
    fn seeded() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let given = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::try_from(now).unwrap());
        eprintln!("CHAOS_SEED={seed}");
        Self(seed)
    }

    /// A number below `most` (`SplitMix64`).
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(most).unwrap()).unwrap()
    }

    fn milliseconds(&mut self, range: std::ops::Range<usize>) -> Duration {
        let more = self.below(range.end - range.start);
        Duration::from_millis(u64::try_from(range.start + more).unwrap())
    }
}
