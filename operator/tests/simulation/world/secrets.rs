use async_trait::async_trait;
use tenantry_operator::stores::Store;
use tenantry_operator::stores::secrets::{SecretView, SecretWanted, Secrets};
use tenantry_operator::trouble::Trouble;

use super::Actor;

fn conflict() -> Trouble {
    Trouble::passing("Conflict", "the Secret changed in between")
}

impl Actor {
    fn secret_key(&self, namespace: &str, name: &str) -> (String, String, String) {
        (self.cluster.clone(), namespace.to_owned(), name.to_owned())
    }
}

#[async_trait]
impl Secrets for Actor {
    async fn observe(&self, namespace: &str, name: &str) -> Result<Option<SecretView>, Trouble> {
        let key = self.secret_key(namespace, name);
        self.call(Store::Secrets, false, |state| Ok(state.secrets.get(&key).cloned())).await
    }

    async fn create(&self, wanted: &SecretWanted) -> Result<SecretView, Trouble> {
        let key = self.secret_key(&wanted.namespace, &wanted.name);
        self.call(Store::Secrets, true, |state| {
            if state.secrets.contains_key(&key) {
                return Err(conflict());
            }
            let (uid, version) = (state.next().to_string(), state.next().to_string());
            let owner = Some(wanted.owner.clone());
            state.wrote(format!("Secret {key:?} made"));
            let made = SecretView { uid, version, owner, content: wanted.content.clone() };
            state.secrets.insert(key, made.clone());
            Ok(made)
        })
        .await
    }

    async fn replace(&self, wanted: &SecretWanted, seen: &SecretView) -> Result<SecretView, Trouble> {
        let key = self.secret_key(&wanted.namespace, &wanted.name);
        self.call(Store::Secrets, true, |state| {
            let version = state.next().to_string();
            let found = state.secrets.get_mut(&key).ok_or_else(conflict)?;
            if (&found.uid, &found.version) != (&seen.uid, &seen.version) {
                return Err(conflict());
            }
            found.version = version;
            found.owner = Some(wanted.owner.clone());
            found.content = wanted.content.clone();
            let found = found.clone();
            state.wrote(format!("Secret {key:?} replaced"));
            Ok(found)
        })
        .await
    }

    async fn delete(&self, namespace: &str, name: &str, seen: &SecretView) -> Result<(), Trouble> {
        let key = self.secret_key(namespace, name);
        self.call(Store::Secrets, true, |state| {
            if state.secrets.get(&key).is_some_and(|found| found.uid == seen.uid) {
                state.secrets.remove(&key);
                state.wrote(format!("Secret {key:?} deleted"));
            }
            Ok(())
        })
        .await
    }
}
