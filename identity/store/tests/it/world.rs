//! What a test stands on: an empty database of either kind, a clock that it moves, and people's command lines.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tenantry_directory::{BackendSettings, KeyAlgorithm, OrganizationId, Role, Timestamp};
use tenantry_harness::{Database, Postgres};
use tenantry_rules::clock::ManualClock;
use tenantry_rules::email::Email;
use tenantry_rules::key_life::KeyPolicy;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;
use tenantry_rules::slug::Slug;
use tenantry_store::ownership::{DeletionPolicy, Owner};
use tenantry_store::provision::{
    self, Admin, Adoption, FirstKey, ProvisionError, ProvisionPlan, Provisioned,
};
use tenantry_store::users::{self, NewUser};
use tenantry_store::{OpenError, Options, Store, Tx, User, backend};

/// Tells each story on both databases.
macro_rules! on_both {
    ($($(#[$attribute:meta])* $story:ident),* $(,)?) => {
        mod sqlite {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                super::$story(crate::world::World::sqlite().await).await;
            })*
        }
        mod postgres {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                super::$story(crate::world::World::postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_both;

pub struct World {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub keyring: SecretString,
    pub place: Place,
}

pub enum Place {
    Sqlite { path: PathBuf, _folder: tempfile::TempDir },
    Postgres(Database),
}

pub const START: Timestamp = Timestamp::from_secs(1_767_225_600);
pub const BACKEND: &str = "xdr/mini-xdr";

impl World {
    pub async fn sqlite() -> Self {
        Self::on(sqlite_place()).await
    }

    pub async fn postgres() -> Self {
        Self::on(postgres_place().await).await
    }

    pub async fn on(place: Place) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let keyring = Keyring::generate("one", &SystemRandom).unwrap();
        let store = Store::open(options(&place, &clock, &keyring)).await.unwrap();
        Self { store, clock, keyring, place }
    }

    pub fn options(&self) -> Options {
        options(&self.place, &self.clock, &self.keyring)
    }

    /// Another process's store on the same database.
    pub async fn open(&self) -> Result<Store, OpenError> {
        Store::open(self.options()).await
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Sqlite { .. })
    }

    /// Runs SQL the way a person would: with the sqlite3 or psql program.
    pub async fn by_hand(&self, sql: &str) -> String {
        self.try_by_hand(sql).await.unwrap()
    }

    pub async fn try_by_hand(&self, sql: &str) -> Result<String, String> {
        match &self.place {
            Place::Sqlite { path, .. } => {
                let sql = sql.replace("tenantry.", "tenantry_");
                let output = Command::new("sqlite3")
                    .args(["-bail", "-cmd", ".timeout 5000"])
                    .arg(path)
                    .arg(sql)
                    .output()
                    .expect("the sqlite3 program (apt install sqlite3)");
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
                if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
            }
            Place::Postgres(database) => database
                .psql(sql)
                .await
                .map(|out| out.trim().to_owned())
                .map_err(|error| format!("{error:?}")),
        }
    }

    pub async fn write(&self) -> Tx {
        self.store.write().await.unwrap()
    }

    /// An organization as a manifest makes it, with its admin.
    pub async fn organization(&self, slug: &str) -> OrganizationId {
        self.provision(&Wish::new(slug)).await.unwrap().organization_id
    }

    pub async fn provision(&self, wish: &Wish) -> Result<Provisioned, ProvisionError> {
        provision_on(&self.store, wish).await
    }

    pub async fn user(&self, organization_id: OrganizationId, email: &str) -> User {
        let mut tx = self.write().await;
        let new = NewUser {
            organization_id,
            email: &email.parse().unwrap(),
            full_name: "Somebody",
            role: &role("viewer"),
            hashed_password: &hash("x"),
            email_verified: false,
        };
        let user = users::create(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        user
    }

    pub async fn write_settings(&self) -> BackendSettings {
        let settings = settings();
        let mut tx = self.write().await;
        backend::set_settings(&mut tx, &settings).await.unwrap();
        tx.commit().await.unwrap();
        settings
    }
}

/// What a test's manifest says.
pub struct Wish {
    pub owner: Owner,
    pub slug: Slug,
    pub name: String,
    pub max_users: Option<u32>,
    pub settings: Map<String, Value>,
    pub suspended: bool,
    pub deletion_policy: DeletionPolicy,
    pub adoption: Adoption,
    pub admin: Option<Email>,
    pub data_keys: Vec<SecretString>,
    pub rotate: Option<String>,
}

impl Wish {
    pub fn new(slug: &str) -> Self {
        Self {
            owner: owner(slug),
            slug: slug.parse().unwrap(),
            name: slug.replace('-', " "),
            max_users: None,
            settings: Map::new(),
            suspended: false,
            deletion_policy: DeletionPolicy::Retain,
            adoption: Adoption::Fail,
            admin: Some(format!("admin@{slug}.example").parse().unwrap()),
            data_keys: Vec::new(),
            rotate: None,
        }
    }
}

pub async fn provision_on(store: &Store, wish: &Wish) -> Result<Provisioned, ProvisionError> {
    let (role, password) = (role("admin"), hash("admin"));
    let admin = wish.admin.as_ref().map(|email| Admin {
        email,
        full_name: "Admin",
        role: &role,
        hashed_password: &password,
        email_verified: true,
        shown_password: None,
    });
    let plan = ProvisionPlan {
        owner: &wish.owner,
        slug: &wish.slug,
        name: &wish.name,
        max_users: wish.max_users,
        settings: &wish.settings,
        suspended: wish.suspended,
        deletion_policy: wish.deletion_policy,
        adoption: wish.adoption,
        admin,
        first_key: FIRST_KEY,
        data_keys: &wish.data_keys,
        rotate: wish.rotate.as_deref(),
    };
    provision::apply(store, &SystemRandom, &plan).await
}

pub fn sqlite_place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place::Sqlite { path: folder.path().join("tenantry.db"), _folder: folder }
}

pub async fn postgres_place() -> Place {
    let server = Postgres::shared().await.expect("PostgreSQL's programs");
    Place::Postgres(server.create_database().await.unwrap())
}

pub fn options(place: &Place, clock: &Arc<ManualClock>, keyring: &SecretString) -> Options {
    let (url, ca) = match place {
        Place::Sqlite { path, .. } => (format!("sqlite://{}", path.display()), None),
        Place::Postgres(database) => (database.url(), Some(database.ca_path())),
    };
    Options {
        url: url.into(),
        ca: ca.map(Into::into),
        connections: 10,
        keyring: Keyring::from_json(keyring.expose_secret()).unwrap(),
        backend: BACKEND.to_owned(),
        cluster: "laptop".to_owned(),
        clock: Some(Arc::clone(clock) as _),
    }
}

pub fn owner(name: &str) -> Owner {
    Owner { cluster: "laptop".into(), namespace: "xdr".into(), name: name.into(), uid: format!("uid-{name}") }
}

pub fn role(name: &str) -> Role {
    name.parse().unwrap()
}

/// Something in the column; the store never looks into it.
pub fn hash(of: &str) -> SecretString {
    format!("$2b$04$hash-of-{of}").into()
}

pub fn settings() -> BackendSettings {
    serde_json::from_value(serde_json::json!({
        "audience": BACKEND,
        "public_url": "https://xdr.example.com",
        "upstream": { "address": "127.0.0.1:9000" },
        "roles": ["viewer", "analyst", "admin"],
    }))
    .unwrap()
}

pub const FIRST_KEY: FirstKey = FirstKey {
    algorithm: KeyAlgorithm::EdDsa,
    policy: KeyPolicy {
        rotate_every: days(30),
        longest_ttl: days(1),
        leeway: Duration::from_mins(1),
        publish_ahead: Duration::from_mins(30),
    },
};

pub const fn days(count: u64) -> Duration {
    Duration::from_hours(count * 24)
}
