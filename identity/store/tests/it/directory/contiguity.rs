use tokio::task::JoinSet;

use super::Gate;
use crate::world::{Wish, World, on_both, provision_on};

on_both!(
    versions_are_contiguous_under_parallel_writers_and_a_reader_misses_nothing,
    two_publishers_compute_the_same_chain,
);

async fn versions_are_contiguous_under_parallel_writers_and_a_reader_misses_nothing(world: World) {
    world.write_settings().await;
    let mut gate = Gate::new(&world.store).await;
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        let store = world.open().await.unwrap();
        writers.spawn(async move {
            for n in 0..8 {
                let wish = Wish::new(&format!("org-{writer}-{n}"));
                let abandoned = n % 4 == 3;
                if abandoned {
                    let store = store.clone();
                    let task = tokio::spawn(async move { provision_on(&store, &wish).await.map(drop) });
                    tokio::task::yield_now().await;
                    task.abort();
                    drop(task.await);
                } else {
                    provision_on(&store, &wish).await.unwrap();
                }
            }
        });
    }
    while !writers.is_empty() {
        gate.catch_up(&world.store).await;
        let finished = tokio::time::timeout(std::time::Duration::from_millis(5), writers.join_next()).await;
        if let Ok(Some(result)) = finished {
            result.unwrap();
        }
    }
    gate.catch_up(&world.store).await;
    let gaps = world
        .by_hand(
            "SELECT (SELECT version FROM tenantry.directory_head) - count(*) FROM tenantry.directory_changes",
        )
        .await;
    assert_eq!(gaps, "0");
    let fresh = Gate::new(&world.store).await;
    assert_eq!(gate.view, fresh.view, "changes lead where a snapshot leads");
    assert!(gate.view.organizations.len() >= 36);
}

async fn two_publishers_compute_the_same_chain(world: World) {
    world.write_settings().await;
    let (here, there) = (world.store.clone(), world.open().await.unwrap());
    let mut gates = (Gate::new(&here).await, Gate::new(&there).await);
    for slug in ["a", "b", "c"] {
        world.organization(slug).await;
        world.by_hand("UPDATE users SET role = 'viewer' WHERE role = 'admin'").await;
        let (one, two) = gates;
        let mut one = one;
        let mut two = two;
        tokio::join!(one.catch_up(&here), two.catch_up(&there));
        one.catch_up(&here).await;
        two.catch_up(&there).await;
        assert_eq!(one.view, two.view);
        gates = (one, two);
    }
}
