use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tenantry_operator::names::{self, tag};
use tenantry_operator::stores::Store;
use tenantry_operator::stores::rows::{
    Adoption, Password, Place, Provision, Provisioned, Purged, Row, Rows, RowsView, SlugState,
};
use tenantry_operator::trouble::Trouble;

use super::{Actor, Kept, State, keys};

fn owned<'a>(state: &'a mut State, place: &Place) -> Option<&'a mut Kept> {
    state.database.rows.values_mut().find(|kept| kept.owner.as_ref() == Some(place))
}

fn slug_state(state: &State, slug: &str) -> SlugState {
    let Some(kept) = state.database.rows.values().find(|kept| kept.row.slug == slug) else {
        return SlugState::Free;
    };
    match &kept.owner {
        Some(owner) => SlugState::Owned(owner.clone()),
        None if kept.row.buried => SlugState::Deleted { id: kept.row.id },
        None => SlugState::Unowned { id: kept.row.id, registered: false },
    }
}

/// Whether a projection of this place still shows keys that are in use.
fn shown(state: &mut State, place: &Place) -> bool {
    let name = names::organization_secret(&place.name);
    let organization = tenantry_operator::stores::secrets::SecretOwner::Organization(place.name.clone());
    let in_secret = state.secret(place, &name).is_some_and(|secret| {
        secret.owner.as_ref() == Some(&organization) && !keys(&secret.content).is_empty()
    });
    let owner = format!("Organization/{}", place.name);
    let in_vault = state.vault.values().any(|entry| {
        let is = |tag: &str, value: &str| entry.tags.get(tag).is_some_and(|found| found == value);
        is(tag::CLUSTER, &place.cluster)
            && is(tag::NAMESPACE, &place.namespace)
            && is(tag::OWNER, &owner)
            && is(tag::STATE, tag::LIVE)
    });
    in_secret || in_vault
}

fn insert(state: &mut State, wanted: &Provision) -> i64 {
    let id = state.database.next_id;
    state.database.next_id += 1;
    let row = Row {
        id,
        slug: wanted.slug.clone(),
        name: String::new(),
        max_users: None,
        settings: serde_json::Map::new(),
        uid: String::new(),
        policy: wanted.policy,
        suspended: false,
        retained: false,
        buried: false,
        admin_made: false,
        generated_admin: None,
        data_keys: Vec::new(),
        has_signing_key: true,
        rotate_seen: None,
    };
    state.database.rows.insert(id, Kept { row, owner: None });
    id
}

fn refused(text: &str) -> Trouble {
    Trouble::standing("Refused", text)
}

#[async_trait]
impl Rows for Actor {
    async fn observe(&self, place: &Place, slug: &str) -> Result<RowsView, Trouble> {
        self.call(Store::Database, false, |state| {
            let mine = owned(state, place).map(|kept| kept.row.clone());
            Ok(RowsView { mine, slug: slug_state(state, slug) })
        })
        .await
    }

    async fn provision(&self, wanted: &Provision) -> Result<Provisioned, Trouble> {
        self.call(Store::Database, true, |state| {
            let place = &wanted.place;
            let found = owned(state, place).map(|kept| kept.row.id);
            let (id, created, claimed) = match (found, slug_state(state, &wanted.slug)) {
                (Some(id), _) => (id, false, false),
                (None, SlugState::Free) => (insert(state, wanted), true, true),
                (None, SlugState::Unowned { id, .. }) if wanted.adoption == Adoption::Adopt => {
                    (id, false, true)
                }
                (None, other) => return Err(refused(&format!("{other:?}"))),
            };
            let lacks = state.database.rows[&id].row.data_keys.is_empty() && wanted.data_keys.is_empty();
            if lacks && shown(state, place) {
                state
                    .violations
                    .push(format!("keys of {place:?} were made anew although a projection shows some"));
            }
            let (first, next) = (state.key(), state.key());
            let password = format!("password-{}", state.next());
            let kept = state.database.rows.get_mut(&id).unwrap();
            if kept.row.buried {
                return Err(refused("it is buried"));
            }
            kept.owner = Some(place.clone());
            let row = &mut kept.row;
            row.name.clone_from(&wanted.name);
            row.max_users = Some(i64::from(wanted.max_users));
            row.suspended = wanted.suspended;
            row.retained = false;
            row.policy = wanted.policy;
            row.uid.clone_from(&wanted.uid);
            let mut known_elsewhere = false;
            for key in wanted.data_keys.iter().rev() {
                if !row.data_keys.iter().any(|known| known.expose_secret() == key.expose_secret()) {
                    row.data_keys.insert(0, key.clone());
                    known_elsewhere = true;
                }
            }
            if row.data_keys.is_empty() {
                row.data_keys.push(first.into());
            }
            let mut rotated = false;
            if claimed || (known_elsewhere && wanted.rotate.is_some()) {
                row.rotate_seen.clone_from(&wanted.rotate);
            } else if wanted.rotate.is_some() && wanted.rotate != row.rotate_seen {
                row.data_keys.insert(0, next.into());
                row.rotate_seen.clone_from(&wanted.rotate);
                rotated = true;
            }
            if let Some(admin) = wanted.admin.as_ref().filter(|_| !row.admin_made) {
                row.admin_made = true;
                row.generated_admin = match &admin.password {
                    Password::Given(_) => None,
                    Password::Found(found) => Some((admin.email.clone(), found.clone())),
                    Password::Generated => Some((admin.email.clone(), SecretString::from(password))),
                };
            }
            state.wrote(format!("rows of {place:?}: {id}"));
            Ok(Provisioned { id, created, rotated })
        })
        .await
    }

    async fn retain(&self, place: &Place) -> Result<(), Trouble> {
        self.call(Store::Database, true, |state| {
            if let Some(kept) = owned(state, place) {
                kept.row.retained = true;
                state.wrote(format!("{place:?} retained"));
            }
            Ok(())
        })
        .await
    }

    async fn bury(&self, place: &Place) -> Result<(), Trouble> {
        self.call(Store::Database, true, |state| {
            if let Some(kept) = owned(state, place) {
                kept.row.buried = true;
                kept.row.data_keys.clear();
                state.wrote(format!("{place:?} buried"));
            }
            Ok(())
        })
        .await
    }

    async fn purge(&self, place: &Place) -> Result<Purged, Trouble> {
        self.call(Store::Database, true, |state| {
            let Some(id) = owned(state, place).map(|kept| kept.row.id) else { return Ok(Purged::Done) };
            if state.database.referenced.contains(&id) {
                return Ok(Purged::Blocked(vec!["events (1 rows)".into()]));
            }
            state.database.rows.remove(&id);
            state.wrote(format!("{place:?} purged"));
            Ok(Purged::Done)
        })
        .await
    }

    async fn release(&self, place: &Place) -> Result<(), Trouble> {
        self.call(Store::Database, true, |state| {
            if let Some(kept) = owned(state, place) {
                kept.owner = None;
                state.wrote(format!("{place:?} released"));
            }
            Ok(())
        })
        .await
    }

    async fn owned(&self, cluster: &str) -> Result<Vec<Place>, Trouble> {
        self.call(Store::Database, false, |state| {
            let kept = state.database.rows.values().filter(|kept| !kept.row.retained && !kept.row.buried);
            let places = kept.filter_map(|kept| kept.owner.clone());
            Ok(places.filter(|place| place.cluster == cluster).collect())
        })
        .await
    }
}
