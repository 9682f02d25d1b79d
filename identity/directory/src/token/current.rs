use super::{EXPIRY_LEEWAY, Identity, Refusal};
use crate::{Timestamp, View};

/// Whether a verified identity still counts: not expired, organization active, key still verifying, session not ended,
/// epoch not raised. Five look-ups at most, no allocation.
pub fn check_current(identity: &Identity, view: &View, now: Timestamp) -> Result<(), Refusal> {
    if now >= identity.expires_at.plus(EXPIRY_LEEWAY) {
        return Err(Refusal::Expired);
    }
    if !view.organizations.get(&identity.organization_id).is_some_and(|o| o.is_active()) {
        return Err(Refusal::Suspended);
    }
    match view.keys.get(&identity.key) {
        Some(key) if key.verifies_at(now) && key.organization() == identity.organization_id => {}
        _ => return Err(Refusal::RevokedKey),
    }
    if view.sessions.contains_key(&identity.session_id) {
        return Err(Refusal::RevokedSession);
    }
    if view.users.get(&identity.user_id).is_some_and(|min| identity.epoch < min.min_epoch) {
        return Err(Refusal::StaleEpoch);
    }
    Ok(())
}
