//! The headers that tell the backend who is calling.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tenantry_directory::settings::Assertion;
use tenantry_directory::{Identity, Timestamp, View};

use super::cache::Entry;
use crate::assertion::{AssertionKey, LIFE_SECONDS};

/// What a header value cannot carry, and what would make two readings of it.
const ENCODED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'%').add(b'"').add(b',').add(b';').add(b'<').add(b'>').add(b'\\');

const ORGANIZATION_ID: HeaderName = HeaderName::from_static("x-organization-id");
const ORGANIZATION_SLUG: HeaderName = HeaderName::from_static("x-organization-slug");
const ORGANIZATION_NAME: HeaderName = HeaderName::from_static("x-organization-name");
const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const USER_EMAIL: HeaderName = HeaderName::from_static("x-user-email");
const USER_EMAIL_VERIFIED: HeaderName = HeaderName::from_static("x-user-email-verified");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");
const USER_ROLE: HeaderName = HeaderName::from_static("x-user-role");
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
const ASSERTION: HeaderName = HeaderName::from_static("x-tenantry-assertion");

/// Ready-made values for one token; the organization's name comes from the directory, which may change it.
pub(crate) struct IdentityHeaders(Vec<(HeaderName, HeaderValue)>);

impl IdentityHeaders {
    /// `None` where a value cannot stand in a header, which no token of ours has.
    pub fn new(identity: &Identity, view: &View) -> Option<Self> {
        let text = |text: &str| HeaderValue::try_from(utf8_percent_encode(text, ENCODED).to_string()).ok();
        view.organizations.get(&identity.organization_id)?;
        Some(Self(vec![
            (ORGANIZATION_ID, HeaderValue::from(identity.organization_id.0)),
            (ORGANIZATION_SLUG, text(&identity.organization_slug)?),
            (USER_ID, HeaderValue::from(identity.user_id.0)),
            (USER_EMAIL, text(&identity.email)?),
            (
                USER_EMAIL_VERIFIED,
                HeaderValue::from_static(if identity.email_verified { "true" } else { "false" }),
            ),
            (USER_NAME, text(&identity.name)?),
            (USER_ROLE, text(identity.role.as_str())?),
            (SESSION_ID, text(&identity.session_id.to_string())?),
        ]))
    }
}

/// Sets who is calling, once each, and the assertion that proves it. `false` where that cannot be made: then nobody is let in.
#[must_use]
pub(super) fn set(
    headers: &mut HeaderMap,
    entry: &Entry,
    view: &View,
    key: &AssertionKey,
    now: Timestamp,
) -> bool {
    let Some(organization) = view.organizations.get(&entry.organization()) else { return false };
    for (name, value) in &entry.headers.0 {
        headers.insert(name.clone(), value.clone());
    }
    let name = utf8_percent_encode(&organization.name, ENCODED).to_string();
    let Ok(name) = HeaderValue::try_from(name) else { return false };
    headers.insert(ORGANIZATION_NAME, name);
    if view.backend.identity.assertion != Assertion::Strict {
        return view.backend.identity.assertion == Assertion::None;
    }
    let mut kept = entry.assertion.borrow_mut();
    if let Some((assertion, minted)) = kept.as_ref()
        && now >= *minted
        && now.secs() - minted.secs() < LIFE_SECONDS / 2
    {
        headers.insert(ASSERTION, assertion.clone());
        return true;
    }
    let minted = key.mint(&view.backend.audience, &entry.identity, organization, now);
    let Some(assertion) = minted.and_then(|assertion| HeaderValue::try_from(assertion).ok()) else {
        return false;
    };
    headers.insert(ASSERTION, assertion.clone());
    *kept = Some((assertion, now));
    true
}
