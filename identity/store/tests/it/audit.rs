use tenantry_store::audit::{self, NewEvent};

use crate::world::{World, on_both};

on_both!(
    events_are_read_newest_first_page_by_page,
    an_organization_reads_its_own_events_alone,
    nobody_rewrites_history,
    an_event_of_something_undone_is_undone_with_it,
);

async fn record(world: &World, organization_id: tenantry_directory::OrganizationId, action: &str) {
    let mut tx = world.write().await;
    let event = NewEvent {
        organization_id: Some(organization_id),
        actor: "user:7",
        action,
        address: Some("192.0.2.7"),
        detail: Some(serde_json::json!({ "why": "a test" })),
        ..NewEvent::default()
    };
    audit::record(&mut tx, &event).await.unwrap();
    tx.commit().await.unwrap();
}

async fn events_are_read_newest_first_page_by_page(world: World) {
    let id = world.organization("a").await;
    for n in 0..5 {
        record(&world, id, &format!("test.event_{n}")).await;
    }
    let mut tx = world.write().await;
    let page = audit::list(&mut tx, id, None, 2).await.unwrap();
    let next = audit::list(&mut tx, id, Some(page[1].id), 2).await.unwrap();
    let actions: Vec<_> = page.iter().chain(&next).map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["test.event_4", "test.event_3", "test.event_2", "test.event_1"]);
    assert_eq!(page[0].detail, Some(serde_json::json!({ "why": "a test" })));
}

async fn an_organization_reads_its_own_events_alone(world: World) {
    let (mine, theirs) = (world.organization("a").await, world.organization("b").await);
    record(&world, mine, "test.secret").await;
    let mut tx = world.write().await;
    let events = audit::list(&mut tx, theirs, None, 100).await.unwrap();
    assert!(!events.is_empty() && events.iter().all(|event| event.action != "test.secret"));
}

async fn nobody_rewrites_history(world: World) {
    let id = world.organization("a").await;
    record(&world, id, "test.happened").await;
    for sql in ["UPDATE tenantry.audit_events SET actor = 'nobody'", "DELETE FROM tenantry.audit_events"] {
        let refused = world.try_by_hand(sql).await.unwrap_err();
        assert!(refused.contains("append-only"), "{refused}");
    }
    if !world.is_sqlite() {
        assert!(world.try_by_hand("TRUNCATE tenantry.audit_events").await.is_err());
    }
}

async fn an_event_of_something_undone_is_undone_with_it(world: World) {
    let id = world.organization("a").await;
    let mut tx = world.write().await;
    let event =
        NewEvent { organization_id: Some(id), actor: "a", action: "test.undone", ..NewEvent::default() };
    audit::record(&mut tx, &event).await.unwrap();
    drop(tx);
    assert_eq!(
        world.by_hand("SELECT count(*) FROM tenantry.audit_events WHERE action = 'test.undone'").await,
        "0"
    );
}
