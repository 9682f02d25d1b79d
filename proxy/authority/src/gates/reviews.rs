//! Gates in a cluster: each shows the token of its pod's ServiceAccount, made for nobody but the authority, and the API server is asked
//! whose it is (TokenReview). What it said is remembered for a minute, and beyond that while it cannot be asked, at most until the token
//! expires.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::{Api, PostParams};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Checking, Fingerprint, Gates, NotAGate, fingerprint};

/// The audience that a gate's token is made for.
pub const AUDIENCE: &str = "tenantry-authority";

/// For how long an answer counts: a pod that is gone is no gate a minute later.
const GOOD_FOR: Duration = Duration::from_mins(1);
/// For how long a refusal counts, so that whoever knocks without pause costs the API server little.
const BAD_FOR: Duration = Duration::from_secs(5);
/// How long the API server may take.
const WITHIN: Duration = Duration::from_secs(5);
/// Most tokens remembered.
const MOST: usize = 4096;
/// Longest token that anybody is asked about.
const LONGEST: usize = 16 * 1024;
/// Questions to the API server at a time.
const AT_A_TIME: usize = 16;

/// Whose token it is, as the API server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The user, `system:serviceaccount:<namespace>:<name>` for a ServiceAccount.
    pub user: String,
    /// Whether the token ends with a pod.
    pub bound_to_a_pod: bool,
}

/// A pending answer: whose token it is, `None` where it is nobody's; an error where nobody could be asked.
pub type Reviewing<'a> = Pin<Box<dyn Future<Output = Result<Option<Bearer>, String>> + Send + 'a>>;

/// Asks whose a token is.
pub trait TokenReviewer: Send + Sync {
    /// Asks about a token made for [`AUDIENCE`].
    fn review<'a>(&'a self, token: &'a str) -> Reviewing<'a>;
}

impl TokenReviewer for kube::Client {
    fn review<'a>(&'a self, token: &'a str) -> Reviewing<'a> {
        Box::pin(async move {
            let spec =
                TokenReviewSpec { token: token.to_owned(), audiences: Some(vec![AUDIENCE.to_owned()]) };
            let review = TokenReview { spec, ..TokenReview::default() };
            let api: Api<TokenReview> = Api::all(self.clone());
            let asked = timeout(WITHIN, api.create(&PostParams::default(), &review)).await;
            let answered = asked.map_err(|_| "the API server did not answer in time".to_owned())?;
            Ok(bearer(answered.map_err(|error| error.to_string())?))
        })
    }
}

/// Whom an answer names. An API server that knows nothing of audiences vouches for no audience.
fn bearer(review: TokenReview) -> Option<Bearer> {
    let status = review.status?;
    let is_for_us =
        status.audiences.is_some_and(|audiences| audiences.iter().any(|audience| audience == AUDIENCE));
    if status.authenticated != Some(true) || !is_for_us {
        return None;
    }
    let user = status.user?;
    let extra = user.extra.unwrap_or_default();
    let has = |key: &str| extra.get(key).is_some_and(|values| values.iter().any(|value| !value.is_empty()));
    let bound_to_a_pod =
        has("authentication.kubernetes.io/pod-name") && has("authentication.kubernetes.io/pod-uid");
    Some(Bearer { user: user.username?, bound_to_a_pod })
}

/// Which ServiceAccounts may be gates: the Backend's `spec.gates.serviceAccounts`, in its own namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccounts {
    /// The Backend's namespace.
    pub namespace: String,
    /// Their names.
    pub names: Vec<String>,
}

impl ServiceAccounts {
    fn check(&self, bearer: &Bearer) -> Result<(), NotAGate> {
        let Some((namespace, name)) =
            bearer.user.strip_prefix("system:serviceaccount:").and_then(|user| user.split_once(':'))
        else {
            return Err(NotAGate::NotListed(format!("{} is no ServiceAccount", bearer.user)));
        };
        if namespace != self.namespace || !self.names.iter().any(|listed| listed == name) {
            return Err(NotAGate::NotListed(format!(
                "the ServiceAccount {namespace}/{name} may not be a gate: list it in the Backend's spec.gates.serviceAccounts, \
                 which are of the namespace {}",
                self.namespace
            )));
        }
        if !bearer.bound_to_a_pod {
            return Err(NotAGate::NotListed(format!(
                "the token of {namespace}/{name} is bound to no pod: mount a projected token into the pod"
            )));
        }
        Ok(())
    }
}

/// Knows gates by their ServiceAccounts.
pub struct Reviews {
    reviewer: Box<dyn TokenReviewer>,
    listed: ArcSwap<ServiceAccounts>,
    remembered: Mutex<HashMap<Fingerprint, Verdict>>,
    asking: Semaphore,
}

/// What was said of a token.
#[derive(Clone)]
struct Verdict {
    bearer: Option<Arc<Bearer>>,
    at: Instant,
    /// When the token expires, as it says itself: it was vouched for with that in it.
    expires: u64,
}

impl Verdict {
    fn counts(&self) -> bool {
        self.at.elapsed() < if self.bearer.is_some() { GOOD_FOR } else { BAD_FOR } && !self.has_expired()
    }

    fn has_expired(&self) -> bool {
        self.expires <= unix_now()
    }
}

impl Reviews {
    /// Asks `reviewer`, and takes those listed for gates.
    pub fn new(reviewer: Box<dyn TokenReviewer>, listed: ServiceAccounts) -> Self {
        Self {
            reviewer,
            listed: ArcSwap::from_pointee(listed),
            remembered: Mutex::default(),
            asking: Semaphore::new(AT_A_TIME),
        }
    }

    /// Takes others for gates from now on.
    pub fn list(&self, listed: ServiceAccounts) {
        self.listed.store(Arc::new(listed));
    }

    async fn bearer(&self, token: &str) -> Result<Arc<Bearer>, NotAGate> {
        // Whoever knocks with what is no gate's token costs the API server nothing.
        let expires = expiry(token).filter(|expires| *expires > unix_now()).ok_or(NotAGate::Unknown)?;
        let print = fingerprint(token);
        let before = self.remembered().get(&print).cloned();
        if let Some(verdict) = before.as_ref().filter(|verdict| verdict.counts()) {
            return verdict.bearer.clone().ok_or(NotAGate::Unknown);
        }
        match self.ask(token).await {
            Ok(bearer) => {
                let bearer = bearer.map(Arc::new);
                let verdict = Verdict { bearer: bearer.clone(), at: Instant::now(), expires };
                self.remember(print, verdict);
                bearer.ok_or(NotAGate::Unknown)
            }
            Err(reason) => {
                let known =
                    before.filter(|verdict| !verdict.has_expired()).and_then(|verdict| verdict.bearer);
                known.ok_or_else(|| {
                    NotAGate::Unavailable(format!(
                        "the API server could not be asked whose token it is: {reason}"
                    ))
                })
            }
        }
    }

    async fn ask(&self, token: &str) -> Result<Option<Bearer>, String> {
        let turn = timeout(WITHIN, self.asking.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err("too many tokens are asked about at a time".to_owned()) };
        self.reviewer.review(token).await
    }

    fn remember(&self, print: Fingerprint, verdict: Verdict) {
        let mut remembered = self.remembered();
        if remembered.len() >= MOST {
            // Gates last: what was said of them carries them while nobody can be asked.
            remembered.retain(|_, verdict| verdict.bearer.is_some() && !verdict.has_expired());
            if remembered.len() >= MOST {
                remembered.clear();
            }
        }
        remembered.insert(print, verdict);
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<Fingerprint, Verdict>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gates for Reviews {
    fn check<'a>(&'a self, credential: &'a str) -> Checking<'a> {
        Box::pin(async move {
            let bearer = self.bearer(credential).await?;
            self.listed.load().check(&bearer)
        })
    }
}

/// When a token that is made for us says that it expires, in seconds since 1970; nothing of what it says is proved.
fn expiry(token: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Claims {
        aud: Vec<String>,
        exp: u64,
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [_, claims, _] = parts.as_slice() else { return None };
    if token.len() > LONGEST {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    claims.aud.iter().any(|audience| audience == AUDIENCE).then_some(claims.exp)
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;

    type Answer = Result<Option<Bearer>, String>;

    /// An API server that says what a test wants, and counts how often it was asked.
    #[derive(Clone, Default)]
    struct Server {
        says: Arc<Mutex<Option<Answer>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Server {
        fn says(&self, answer: Answer) {
            *self.says.lock().unwrap() = Some(answer);
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Acquire)
        }
    }

    impl TokenReviewer for Server {
        fn review<'a>(&'a self, _: &'a str) -> Reviewing<'a> {
            self.asked.fetch_add(1, Ordering::AcqRel);
            let answer = self.says.lock().unwrap().clone().unwrap();
            Box::pin(std::future::ready(answer))
        }
    }

    fn pod(user: &str) -> Bearer {
        Bearer { user: user.into(), bound_to_a_pod: true }
    }

    const GATE: &str = "system:serviceaccount:apps:default";

    fn reviews() -> (Server, Reviews) {
        let server = Server::default();
        server.says(Ok(Some(pod(GATE))));
        let listed = ServiceAccounts { namespace: "apps".into(), names: vec!["default".into()] };
        (server.clone(), Reviews::new(Box::new(server), listed))
    }

    /// As if so much time had passed since all that is remembered was said.
    fn pass(reviews: &Reviews, time: Duration) {
        for verdict in reviews.remembered().values_mut() {
            verdict.at = verdict.at.checked_sub(time).unwrap();
        }
    }

    fn token(lasts: u64) -> String {
        numbered(lasts, 0)
    }

    fn numbered(lasts: u64, number: usize) -> String {
        made(&json!({ "aud": [AUDIENCE], "exp": unix_now() + lasts, "jti": number }))
    }

    fn made(claims: &serde_json::Value) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[tokio::test]
    async fn a_token_of_another_account_namespace_or_of_no_pod_is_no_gates() {
        for bearer in [
            pod("system:serviceaccount:apps:other"),
            pod("system:serviceaccount:other:default"),
            pod("system:serviceaccount:apps:default:default"),
            pod("system:node:one"),
            pod("apps:default"),
            Bearer { bound_to_a_pod: false, ..pod(GATE) },
        ] {
            let (server, reviews) = reviews();
            server.says(Ok(Some(bearer.clone())));
            let refused = reviews.check(&token(60)).await;
            assert!(matches!(refused, Err(NotAGate::NotListed(_))), "{bearer:?}: {refused:?}");
        }
        let (server, reviews) = reviews();
        server.says(Ok(None));
        assert_eq!(reviews.check(&token(60)).await, Err(NotAGate::Unknown));
    }

    #[tokio::test]
    async fn an_account_that_is_taken_off_the_list_is_no_gates_at_once() {
        let (server, reviews) = reviews();
        let token = token(600);
        assert_eq!(reviews.check(&token).await, Ok(()));
        reviews.list(ServiceAccounts { namespace: "apps".into(), names: vec!["gates".into()] });
        assert!(matches!(reviews.check(&token).await, Err(NotAGate::NotListed(_))));
        assert_eq!(server.asked(), 1);
    }

    #[tokio::test]
    async fn a_pod_that_is_gone_is_no_gates_within_a_minute() {
        let (server, reviews) = reviews();
        let token = token(3600);
        for _ in 0..10 {
            assert_eq!(reviews.check(&token).await, Ok(()));
        }
        assert_eq!(server.asked(), 1, "remembered");
        server.says(Ok(None));
        pass(&reviews, GOOD_FOR);
        assert_eq!(reviews.check(&token).await, Err(NotAGate::Unknown));
        // And whoever knocks without pause costs little.
        for _ in 0..10 {
            assert_eq!(reviews.check(&token).await, Err(NotAGate::Unknown));
        }
        assert_eq!(server.asked(), 2);
        server.says(Ok(Some(pod(GATE))));
        pass(&reviews, BAD_FOR);
        assert_eq!(reviews.check(&token).await, Ok(()));
    }

    #[tokio::test]
    async fn while_the_api_server_is_away_gates_that_were_known_go_on_and_no_others() {
        let (server, reviews) = reviews();
        let (known, expiring) = (token(3600), token(2));
        assert_eq!(reviews.check(&known).await, Ok(()));
        assert_eq!(reviews.check(&expiring).await, Ok(()));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        server.says(Err("connection refused".into()));
        pass(&reviews, GOOD_FOR * 10);
        assert_eq!(reviews.check(&known).await, Ok(()));
        assert!(matches!(reviews.check(&token(61)).await, Err(NotAGate::Unavailable(_))));
        assert_eq!(reviews.check(&expiring).await, Err(NotAGate::Unknown));
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let (server, reviews) = reviews();
        let known = token(3600);
        assert_eq!(reviews.check(&known).await, Ok(()));
        server.says(Ok(None));
        for number in 1..MOST + 10 {
            assert!(reviews.check(&numbered(3600, number)).await.is_err());
        }
        assert!(reviews.remembered().len() <= MOST);
        assert_eq!(reviews.check(&known).await, Ok(()), "those who knock push out no gate");
    }

    #[tokio::test]
    async fn nobody_is_asked_about_what_is_no_gates_token() {
        let (server, reviews) = reviews();
        let expires = unix_now() + 60;
        for other in [
            String::new(),
            "no token".to_owned(),
            "a.b.c".to_owned(),
            format!("{}.d", token(60)),
            made(&json!({ "aud": ["https://kubernetes.default.svc"], "exp": expires })),
            made(&json!({ "exp": expires })),
            made(&json!({ "aud": [AUDIENCE] })),
            made(&json!({ "aud": [AUDIENCE], "exp": unix_now() })),
            made(&json!({ "aud": [AUDIENCE], "exp": expires, "more": "x".repeat(LONGEST) })),
        ] {
            assert_eq!(reviews.check(&other).await, Err(NotAGate::Unknown), "{other:.80}");
        }
        assert_eq!((server.asked(), reviews.remembered().len()), (0, 0));
    }

    #[test]
    fn an_answer_counts_only_for_our_audience_and_says_what_the_token_is_bound_to() {
        let answer = |status: serde_json::Value| {
            bearer(serde_json::from_value(json!({ "spec": {}, "status": status })).unwrap())
        };
        let extra = json!({
            "authentication.kubernetes.io/pod-name": ["app-1"],
            "authentication.kubernetes.io/pod-uid": ["6f2c"],
        });
        let user = json!({ "username": GATE, "extra": extra });
        let good = json!({ "authenticated": true, "audiences": [AUDIENCE], "user": user });
        assert_eq!(answer(good.clone()), Some(pod(GATE)));
        for (key, other) in [
            ("authenticated", json!(false)),
            ("authenticated", json!(null)),
            ("audiences", json!(["https://kubernetes.default.svc"])),
            ("audiences", json!(null)),
            ("user", json!(null)),
        ] {
            let mut status = good.clone();
            status[key] = other.clone();
            assert_eq!(answer(status), None, "{key}: {other}");
        }
        let mut unbound = good;
        unbound["user"]["extra"] = json!({});
        assert!(answer(unbound).is_some_and(|bearer| !bearer.bound_to_a_pod));
    }
}
