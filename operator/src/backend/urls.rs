//! The URLs of a Backend's stores, which its entry of the vault holds beside its keys where `spec.aws.connectionUrls` asks for them:
//! what the Secrets say that the Backend refers to, never what the entry itself says.

use secrecy::SecretString;
use tenantry_crds::Backend;
use tenantry_crds::backend::{RedisMode, SecretRef};

use crate::content::Content;
use crate::names::key;

/// What is known of the URL of Redis.
pub enum RedisUrl {
    /// There is no Redis, or no URL of it.
    None,
    /// This one.
    Known(SecretString),
    /// There is one that cannot be read now.
    Unread,
}

/// Whether the entry is to hold URLs.
pub fn are_asked_for(backend: &Backend) -> bool {
    backend.spec.aws.as_ref().is_some_and(|aws| aws.connection_urls)
}

/// Where the URL of Redis is, if there is one.
pub fn of_redis(backend: &Backend) -> Option<&SecretRef> {
    let redis = backend.spec.redis.as_ref().filter(|redis| redis.mode != RedisMode::None)?;
    redis.url_secret_ref.as_ref()
}

/// The content with the URLs. One that cannot be read now stays as the entry of ours `shows` it: applications may still connect by it.
pub fn add(content: Content, database: &SecretString, redis: RedisUrl, shows: Option<&Content>) -> Content {
    let content = content.with(key::DATABASE_URL, database.clone());
    let redis = match redis {
        RedisUrl::None => None,
        RedisUrl::Known(url) => Some(url),
        RedisUrl::Unread => shows.and_then(|shows| shows.get(key::REDIS_URL)).cloned(),
    };
    match redis {
        Some(url) => content.with(key::REDIS_URL, url),
        None => content,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn added(redis: RedisUrl, shows: Option<&Content>) -> Content {
        add(Content::default().with("KEY", "k"), &"postgres://a".into(), redis, shows)
    }

    #[test]
    fn urls_stand_beside_the_keys() {
        let with_database = Content::default().with("KEY", "k").with("DATABASE_URL", "postgres://a");
        let earlier = with_database.clone().with("REDIS_URL", "rediss://old");
        assert_eq!(added(RedisUrl::None, Some(&earlier)), with_database);
        let known = RedisUrl::Known("rediss://new".into());
        assert_eq!(added(known, Some(&earlier)), with_database.with("REDIS_URL", "rediss://new"));
    }

    #[test]
    fn a_url_of_redis_that_cannot_be_read_stays_as_it_was() {
        let edited =
            Content::default().with("DATABASE_URL", "postgres://theirs").with("REDIS_URL", "rediss://old");
        let expected = Content::default()
            .with("KEY", "k")
            .with("DATABASE_URL", "postgres://a")
            .with("REDIS_URL", "rediss://old");
        assert_eq!(added(RedisUrl::Unread, Some(&edited)), expected);
        assert_eq!(added(RedisUrl::Unread, None).get("REDIS_URL").map(|_| ()), None);
    }

    #[test]
    fn a_backend_asks_for_urls_and_has_one_of_redis_unless_it_has_none() {
        let backend = |aws: serde_json::Value, redis: serde_json::Value| {
            let spec = json!({
                "publicUrl": "https://app.example.com",
                "upstream": { "url": "http://127.0.0.1:8000" },
                "aws": aws,
                "redis": redis,
            });
            Backend::new("app", serde_json::from_value(spec).unwrap())
        };
        let aws =
            |asked: bool| json!({ "region": "us-east-1", "prefix": "tenantry", "connectionUrls": asked });
        let redis = |mode: &str| json!({ "mode": mode, "urlSecretRef": { "name": "redis", "key": "url" } });
        assert!(are_asked_for(&backend(aws(true), json!(null))));
        assert!(!are_asked_for(&backend(aws(false), json!(null))));
        assert!(!are_asked_for(&backend(json!(null), json!(null))));
        let name = |redis| of_redis(&backend(json!(null), redis)).map(|reference| reference.name.clone());
        assert_eq!(name(redis("acl")), Some("redis".into()));
        assert_eq!(name(redis("none")), None);
        assert_eq!(name(json!({ "mode": "acl" })), None);
        assert_eq!(name(json!(null)), None);
    }
}
