use std::sync::{Arc, Mutex};

use super::super::tests::Hands;
use super::*;

const LASTS: Duration = Duration::from_secs(10);

/// What an API server does: every write gives the lease another version, and one that is meant for an older version is refused.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lease: Option<Lease>,
    version: u32,
    down: bool,
    /// How long the next write takes to be answered, by the clock of whoever wrote.
    slow: Option<(Hands, Duration)>,
    /// The next write happens, and its answer is lost.
    answer_lost: bool,
    /// The next lease that is made is made only when the next one is to be.
    late: bool,
    under_way: Option<Lease>,
}

impl Server {
    fn spec(&self) -> LeaseSpec {
        self.0.lock().unwrap().lease.clone().unwrap().spec.unwrap()
    }

    fn holder(&self) -> String {
        self.spec().holder_identity.unwrap()
    }

    fn delete(&self) {
        self.0.lock().unwrap().lease = None;
    }

    fn down(&self, down: bool) {
        self.0.lock().unwrap().down = down;
    }

    fn edit(&self, edit: impl FnOnce(&mut LeaseSpec)) {
        let mut state = self.0.lock().unwrap();
        let mut lease = state.lease.clone().unwrap();
        edit(lease.spec.as_mut().unwrap());
        state.write(lease);
    }
}

impl State {
    fn write(&mut self, mut lease: Lease) -> Lease {
        self.version += 1;
        lease.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(lease.clone());
        lease
    }

    fn answered(&mut self, lease: Lease) -> Result<Lease, LeaseError> {
        let written = self.write(lease);
        if let Some((hands, time)) = self.slow.take() {
            hands.pass(time);
        }
        if std::mem::take(&mut self.answer_lost) { Err(no_answer()) } else { Ok(written) }
    }
}

fn no_answer() -> LeaseError {
    LeaseError::Failed(kube::Error::Service("no answer".into()))
}

#[async_trait::async_trait]
impl Leases for Server {
    async fn get(&self) -> Result<Option<Lease>, LeaseError> {
        let state = self.0.lock().unwrap();
        if state.down { Err(no_answer()) } else { Ok(state.lease.clone()) }
    }

    async fn create(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        let mut state = self.0.lock().unwrap();
        if std::mem::take(&mut state.late) {
            state.under_way = Some(lease.clone());
            return Err(no_answer());
        }
        if let Some(lease) = state.under_way.take() {
            state.write(lease);
        }
        match (state.down, &state.lease) {
            (true, _) => Err(no_answer()),
            (false, Some(_)) => Err(LeaseError::Conflict),
            (false, None) => state.answered(lease.clone()),
        }
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        let mut state = self.0.lock().unwrap();
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        match (state.down, &state.lease) {
            (true, _) => Err(no_answer()),
            (false, Some(found)) if version(found) == version(lease) => state.answered(lease.clone()),
            (false, _) => Err(LeaseError::Conflict),
        }
    }
}

/// A process with a clock of its own.
struct Process {
    hands: Hands,
    leadership: Leadership,
    keeper: Keeper,
}

impl Process {
    fn new(server: &Server, identity: &str) -> Self {
        let (hands, settings) = (Hands::default(), settings(identity));
        let leadership = hands.leadership();
        let keeper = Keeper::of(Box::new(server.clone()), settings, leadership.clone());
        Self { hands, leadership, keeper }
    }

    /// After so many seconds of its own it looks at the lease; whether it leads then.
    async fn after(&mut self, seconds: u64) -> bool {
        self.hands.pass(Duration::from_secs(seconds));
        // What goes wrong is what the leadership says afterwards.
        drop(self.keeper.turn().await);
        self.leadership.leads()
    }
}

fn settings(identity: &str) -> LeaseSettings {
    LeaseSettings {
        namespace: "system".into(),
        name: "operator".into(),
        duration: LASTS,
        identity: identity.into(),
    }
}

/// One that leads and one that waits, each of whom has seen the lease.
async fn pair(server: &Server) -> (Process, Process) {
    let (mut one, mut two) = (Process::new(server, "one"), Process::new(server, "two"));
    assert!(one.after(0).await && !two.after(0).await);
    (one, two)
}

#[tokio::test]
async fn where_there_never_was_a_lease_it_is_taken_at_once() {
    let server = Server::default();
    let mut one = Process::new(&server, "one");
    assert!(!one.leadership.leads());
    assert!(one.after(0).await);
    assert_eq!((server.holder().as_str(), server.spec().lease_duration_seconds), ("one", Some(10)));
    assert!(one.leadership.generation() > 50_000_000, "a database may remember those before");
}

#[tokio::test]
async fn of_two_that_see_no_lease_one_makes_it() {
    let server = Server::default();
    let (mut one, mut two) = (Process::new(&server, "one"), Process::new(&server, "two"));
    // Each has seen that there is none before either has made it.
    let sent = one.leadership.now();
    one.keeper.make(sent).await.unwrap();
    two.keeper.make(sent).await.unwrap();
    assert!(one.leadership.leads() && !two.leadership.leads());
}

#[tokio::test]
async fn one_that_renews_its_lease_keeps_it_under_its_number() {
    let server = Server::default();
    let (mut one, mut two) = pair(&server).await;
    let generation = one.leadership.generation();
    for _ in 0..20 {
        assert!(one.after(2).await && !two.after(2).await);
    }
    assert_eq!(one.leadership.generation(), generation);
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_is_taken_after_it_has_run_out_and_not_before() {
    let server = Server::default();
    let (one, mut two) = pair(&server).await;
    assert!(!two.after(9).await);
    one.hands.pass(Duration::from_secs(9));
    assert!(!one.leadership.leads(), "it has ended before anybody else begins");
    assert!(two.after(1).await);
    assert_eq!(two.leadership.generation(), one.leadership.generation() + 1);
    assert_eq!(server.holder(), "two");
}

#[tokio::test]
async fn the_times_that_other_clocks_wrote_into_a_lease_count_for_nothing() {
    let server = Server::default();
    let (_one, mut two) = pair(&server).await;
    for hours in [-1_000, 1_000] {
        let elsewhere = Timestamp::from_second(Timestamp::now().as_second() + hours * 3_600).unwrap();
        server.edit(|spec| spec.renew_time = Some(MicroTime(elsewhere)));
        assert!(!two.after(60).await, "it was renewed since the last look");
        assert!(!two.after(9).await);
    }
    assert!(two.after(1).await);
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_its_holder_says() {
    let server = Server::default();
    let (_one, mut two) = pair(&server).await;
    server.edit(|spec| spec.lease_duration_seconds = Some(30));
    assert!(!two.after(0).await && !two.after(29).await && two.after(1).await);
}

#[tokio::test]
async fn a_leader_whose_lease_was_deleted_makes_it_again_while_others_wait_for_it_to_run_out() {
    let server = Server::default();
    let (mut one, mut two) = pair(&server).await;
    let generation = one.leadership.generation();
    server.delete();
    assert!(!two.after(2).await && server.0.lock().unwrap().lease.is_none());
    assert!(one.after(2).await && server.holder() == "one");
    assert!(one.leadership.generation() >= generation);
    assert!(!two.after(20).await, "it stands again");

    // The leader is gone as well.
    server.delete();
    assert!(!two.after(2).await && !two.after(9).await && server.0.lock().unwrap().lease.is_none());
    assert!(!two.after(1).await, "nobody can tell whether it is");
    assert_eq!(server.holder(), "two");
    assert!(!two.after(9).await && two.after(1).await);
}

#[tokio::test]
async fn a_lease_deleted_again_and_again_just_before_the_other_looks_never_makes_two_leaders() {
    let server = Server::default();
    let (mut one, mut two) = pair(&server).await;
    for lost in 0..30_u64 {
        // It stands while the leader looks and not while the other one does; the write of one of the answers is lost.
        let ones = one.after(1).await;
        server.delete();
        server.0.lock().unwrap().answer_lost = lost == 10;
        one.hands.pass(Duration::from_secs(1));
        let twos = two.after(2).await;
        assert!(!(ones && one.leadership.leads() && twos), "after {lost}");
    }
    assert!(one.leadership.leads() != two.leadership.leads() || !one.leadership.leads());
}

#[tokio::test]
async fn a_lease_made_in_place_of_a_deleted_one_counts_from_when_it_was_seen_to_stand() {
    let server = Server::default();
    let (_one, mut two) = pair(&server).await;
    server.delete();
    assert!(!two.after(1).await);
    server.0.lock().unwrap().answer_lost = true;
    assert!(!two.after(10).await && server.holder() == "two");
    assert!(!two.after(10).await, "it is seen now");
    assert_eq!(two.keeper.pause(), Duration::from_secs(2));
    assert!(!two.after(9).await);
    assert_eq!(two.keeper.pause(), Duration::from_secs(1));
    assert!(two.after(1).await);
}

#[tokio::test]
async fn who_waits_looks_again_when_the_lease_has_run_out_and_not_later() {
    let server = Server::default();
    let (one, mut two) = pair(&server).await;
    assert_eq!(one.keeper.pause(), Duration::from_secs(2));
    assert_eq!(two.keeper.pause(), Duration::from_secs(2));
    assert!(!two.after(9).await);
    assert_eq!(two.keeper.pause(), Duration::from_secs(1));
    server.down(true);
    assert!(!two.after(1).await);
    assert_eq!(two.keeper.pause(), Duration::from_secs(2), "it asks no faster where nobody answers");
}

#[tokio::test]
async fn a_lease_that_was_given_up_is_taken_at_once() {
    let server = Server::default();
    let (mut one, mut two) = pair(&server).await;
    one.keeper.release().await.unwrap();
    assert!(!one.leadership.leads() && server.holder().is_empty());
    assert!(two.after(0).await);
    // Who does not lead gives nothing up.
    one.keeper.release().await.unwrap();
    assert_eq!(server.holder(), "two");
}

#[tokio::test]
async fn who_wrote_second_leads_no_more() {
    let server = Server::default();
    let (mut one, _) = pair(&server).await;
    server.edit(|spec| spec.holder_identity = Some("two".into()));
    assert!(!one.after(1).await, "the lease is another's by now");
    assert_eq!(server.holder(), "two");
}

#[tokio::test]
async fn an_answer_that_comes_late_counts_from_when_it_was_asked_for() {
    let server = Server::default();
    let (mut one, _) = pair(&server).await;
    let late = |one: &Process, seconds| {
        server.0.lock().unwrap().slow = Some((one.hands.clone(), Duration::from_secs(seconds)));
    };
    late(&one, 6);
    assert!(one.after(2).await);
    assert_eq!(one.leadership.left(), Duration::from_secs(2));
    late(&one, 8);
    assert!(!one.after(1).await, "a process that stood still between question and answer");
    assert_eq!(server.holder(), "one", "though the lease is still its own");
}

#[tokio::test]
async fn one_that_let_its_lease_run_out_begins_anew_under_another_number() {
    let server = Server::default();
    let (mut one, _) = pair(&server).await;
    let generation = one.leadership.generation();
    server.down(true);
    assert!(one.after(7).await, "until then nobody else may begin");
    assert!(!one.after(1).await);
    server.down(false);
    assert!(one.after(0).await);
    assert_eq!(one.leadership.generation(), generation + 1);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_found_at_the_next_look() {
    let server = Server::default();
    let mut one = Process::new(&server, "one");
    server.0.lock().unwrap().answer_lost = true;
    assert!(!one.after(0).await && server.holder() == "one");
    assert!(one.after(2).await);
    let generation = one.leadership.generation();
    server.0.lock().unwrap().answer_lost = true;
    assert!(one.after(2).await, "its last renewal counts still");
    assert!(one.after(2).await);
    assert_eq!(one.leadership.generation(), generation);
}

#[tokio::test]
async fn a_call_that_nobody_answers_is_given_up() {
    struct Silent;
    #[async_trait::async_trait]
    impl Leases for Silent {
        async fn get(&self) -> Result<Option<Lease>, LeaseError> {
            std::future::pending().await
        }
        async fn create(&self, _: &Lease) -> Result<Lease, LeaseError> {
            std::future::pending().await
        }
        async fn replace(&self, _: &Lease) -> Result<Lease, LeaseError> {
            std::future::pending().await
        }
    }
    let settings = LeaseSettings { duration: Duration::from_millis(40), ..settings("one") };
    let mut keeper = Keeper::of(Box::new(Silent), settings, Leadership::default());
    let error = keeper.turn().await.unwrap_err().to_string();
    assert!(error.contains("no answer within 10 ms"), "{error}");
}

#[tokio::test]
async fn a_lease_that_was_made_by_a_call_given_up_before_is_no_reason_to_lead_at_once() {
    let server = Server::default();
    let (_one, mut two) = pair(&server).await;
    server.delete();
    assert!(!two.after(1).await);
    server.0.lock().unwrap().late = true;
    assert!(!two.after(10).await && server.0.lock().unwrap().lease.is_none());
    assert!(
        !two.after(2).await && server.holder() == "two",
        "it stands by the first call, and the second is refused"
    );
    assert!(!two.after(2).await, "seen");
    assert!(!two.after(9).await && two.after(1).await);
}

#[tokio::test]
async fn who_waits_for_its_claim_asks_no_faster_where_nobody_answers() {
    let server = Server::default();
    let (_one, mut two) = pair(&server).await;
    server.delete();
    assert!(!two.after(1).await && !two.after(10).await && server.holder() == "two");
    server.down(true);
    assert!(!two.after(10).await);
    assert_eq!(two.keeper.pause(), Duration::from_secs(2));
}

#[tokio::test]
async fn a_leader_whose_clock_is_behind_has_a_higher_number_all_the_same() {
    let server = Server::default();
    let (one, mut two) = pair(&server).await;
    server.edit(|spec| spec.lease_transitions = Some(2_000_000_000));
    assert!(!two.after(1).await);
    server.delete();
    drop(one);
    assert!(!two.after(1).await && !two.after(10).await && two.after(10).await);
    assert!(two.leadership.generation() > 2_000_000_000);
}
