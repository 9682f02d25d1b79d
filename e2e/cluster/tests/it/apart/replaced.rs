//! Authorities come and go, and so do their certificates, under people who sign in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tenantry_harness::certificates::Authority;

use super::world::{PASSWORD, World};

/// People who sign in one after the other until they are told to stop, each with what was answered when it was no success.
struct People {
    stop: Arc<AtomicBool>,
    signed_in: Arc<AtomicUsize>,
    all: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl People {
    fn begin(world: &Arc<World>, count: usize) -> Self {
        let (stop, signed_in) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let all = (0..count).map(|number| {
            let (world, stop, signed_in) = (Arc::clone(world), Arc::clone(&stop), Arc::clone(&signed_in));
            tokio::spawn(async move {
                let mut failed = Vec::new();
                while !stop.load(Ordering::Acquire) {
                    let (status, answer) = world.login(&format!("admin@org{number}.example"), PASSWORD).await;
                    if status == 200 {
                        signed_in.fetch_add(1, Ordering::AcqRel);
                    } else {
                        failed.push(format!("{status} {answer}"));
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                failed
            })
        });
        Self { all: all.collect(), stop, signed_in }
    }

    /// Waits until some more have signed in.
    async fn go_on(&self, world: &World) {
        let target = self.signed_in.load(Ordering::Acquire) + 10;
        let done = async || (self.signed_in.load(Ordering::Acquire) >= target).then_some(());
        world.wait("people who sign in", done).await;
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Release);
        let mut failed = Vec::new();
        for person in self.all {
            failed.extend(person.await.unwrap());
        }
        failed
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_authority_is_replaced_and_no_login_fails() {
    let world = Arc::new(World::start(2, 2).await);
    for number in 0..3 {
        world.register(&format!("org{number}")).await;
    }
    let people = People::begin(&world, 3);
    people.go_on(&world).await;
    for number in 0..2 {
        world.authority(&format!("authority{}", number + 2)).await;
        world.retire(&format!("authority{number}"));
        people.go_on(&world).await;
    }
    assert_eq!(people.end().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authoritys_ca_and_certificate_are_renewed_and_no_login_fails() {
    let world = Arc::new(World::start(1, 1).await);
    for number in 0..2 {
        world.register(&format!("org{number}")).await;
    }
    let people = People::begin(&world, 2);
    people.go_on(&world).await;
    // Gates trust both while the certificate moves from one to the other.
    let next = Authority::new("the next authority of this test").unwrap();
    world.process.write("ca.crt", format!("{}{}", world.ca.pem(), next.pem())).unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    world.certificate("authority", &next.server(&[]).unwrap());
    tokio::time::sleep(Duration::from_secs(12)).await;
    people.go_on(&world).await;
    world.process.write("ca.crt", next.pem()).unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    people.go_on(&world).await;
    assert_eq!(people.end().await, Vec::<String>::new());
    let log = world.process.whole_log("authority0");
    assert!(log.contains("the certificate changed"), "{log}");
}
