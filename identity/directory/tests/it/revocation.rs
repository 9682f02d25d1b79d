//! BYPASS 20, 31: a cached identity is checked against what is known now.

use std::time::Duration;

use tenantry_directory::fixtures::{self, NOW, ORGANIZATION, SESSION, USER};
use tenantry_directory::{
    Change, ChangeState, Identity, MinEpoch, OrganizationId, OrganizationStatus, Refusal, SessionId, UserId,
    View, check_current, verify,
};

fn after(state: ChangeState) -> View {
    let view = fixtures::view();
    let change = Change::following(&view.digest, view.version + 1, "kind", "key", "nonce-2", state);
    view.apply(&change).unwrap()
}

fn cached() -> Identity {
    verify(&fixtures::token(NOW), &fixtures::view(), NOW).unwrap()
}

/// What a gate that has the token in its cache says, and what one that has not.
fn refusals(state: ChangeState) -> (Option<Refusal>, Option<Refusal>) {
    let view = after(state);
    (check_current(&cached(), &view, NOW).err(), verify(&fixtures::token(NOW), &view, NOW).err())
}

fn organization_is(status: Option<OrganizationStatus>) -> ChangeState {
    let organization = status.map(|status| {
        let mut organization = fixtures::organization("mini-corp", "mini corp");
        organization.status = status;
        organization
    });
    ChangeState::Organization { id: ORGANIZATION, organization }
}

const UNTIL: tenantry_directory::Timestamp = tenantry_directory::Timestamp::MAX;

#[test]
fn bypass_31_a_suspended_deleted_or_unknown_organization_is_not_served() {
    use OrganizationStatus::{Deleted, Suspended, Unknown};
    for status in [Some(Suspended), Some(Deleted), Some(Unknown), None] {
        let both = (Some(Refusal::Suspended), Some(Refusal::Suspended));
        assert_eq!(refusals(organization_is(status)), both, "{status:?}");
    }
    assert_eq!(refusals(organization_is(Some(OrganizationStatus::Active))), (None, None));
}

#[test]
fn bypass_31_a_status_written_by_hand_that_we_do_not_know_is_not_active() {
    let status: OrganizationStatus = serde_json::from_str(r#""activ""#).unwrap();
    assert_eq!(status, OrganizationStatus::Unknown);
}

#[test]
fn an_ended_session_is_refused_and_its_neighbour_is_not() {
    let end = |id| ChangeState::Session { id, until: UNTIL };
    assert_eq!(refusals(end(SESSION)), (Some(Refusal::RevokedSession), Some(Refusal::RevokedSession)));
    assert_eq!(refusals(end(SessionId::from_bytes([1; 16]))), (None, None));
}

#[test]
fn a_demotion_is_felt_by_tokens_of_before_and_not_of_after() {
    let raise = |id, min_epoch| ChangeState::User { id, min_epoch, until: UNTIL };
    assert_eq!(refusals(raise(USER, 4)), (Some(Refusal::StaleEpoch), Some(Refusal::StaleEpoch)));
    assert_eq!(refusals(raise(USER, MinEpoch::NONE)), (Some(Refusal::StaleEpoch), Some(Refusal::StaleEpoch)));
    assert_eq!(refusals(raise(USER, 3)), (None, None));
    assert_eq!(refusals(raise(UserId(43), 4)), (None, None));
}

#[test]
fn a_revoked_key_is_felt_at_once() {
    let revoke = ChangeState::Key { kid: fixtures::key().kid(), key: None };
    assert_eq!(refusals(revoke), (Some(Refusal::RevokedKey), Some(Refusal::UnknownKey)));
}

#[test]
fn bypass_20_a_cached_token_does_not_follow_its_key_to_another_organization() {
    let moved = fixtures::key().public(OrganizationId(8));
    let moved = ChangeState::Key { kid: fixtures::key().kid(), key: Some(moved) };
    assert_eq!(refusals(moved), (Some(Refusal::RevokedKey), Some(Refusal::WrongOrganization)));
}

#[test]
fn a_key_under_another_name_than_its_thumbprint_verifies_nothing() {
    let stranger = fixtures::TestKey::new(99).public(ORGANIZATION);
    let swapped = ChangeState::Key { kid: fixtures::key().kid(), key: Some(stranger) };
    assert_eq!(refusals(swapped), (Some(Refusal::RevokedKey), Some(Refusal::UnknownKey)));
}

#[test]
fn revocations_are_forgotten_when_nothing_they_revoke_lives() {
    let until = NOW.plus(Duration::from_hours(8));
    for state in
        [ChangeState::Session { id: SESSION, until }, ChangeState::User { id: USER, min_epoch: 4, until }]
    {
        let view = after(state);
        assert!(view.pruned(until.minus(Duration::from_millis(1))).is_none());
        let pruned = view.pruned(until).unwrap();
        assert!(pruned.users.is_empty() && pruned.sessions.is_empty());
        assert_eq!((pruned.version, pruned.digest), (view.version, view.digest));
    }
}
