use secrecy::ExposeSecret;

use super::*;
use crate::random::SeededRandom;

fn token() -> InvitationToken {
    InvitationToken::generate(&SeededRandom::new(3)).unwrap()
}

#[test]
fn a_link_finds_the_row_that_stores_only_its_hash() {
    let (token, text) = (token(), token().to_text());
    let text = text.expose_secret();
    assert_eq!(text.len(), 48);
    assert_eq!(InvitationToken::parse(text).unwrap().digest(), token.digest());
    assert!(!token.digest().to_string().contains(&text[5..]));
    assert_eq!(token.digest().to_string().len(), 64);
}

#[test]
fn the_digest_is_sha_256_of_the_secret() {
    let abc = InvitationToken::parse("tni1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    assert_eq!(abc.digest().to_string(), "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

#[test]
fn a_truncated_or_altered_link_is_refused() {
    let text = token().to_text();
    let text = text.expose_secret();
    for cut in 0..text.len() {
        assert!(InvitationToken::parse(&text[..cut]).is_err(), "{cut} characters");
    }
    // 43 characters hold 258 bits: the two spare ones must be zero, or two texts would be one token.
    let spare = format!("{}B", "tni1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for other in
        [format!("{text}A"), format!(" {text}"), format!("{text}="), text.replace("tni1_", "tni2_"), spare]
    {
        assert!(InvitationToken::parse(&other).is_err(), "{other}");
    }
}

#[test]
fn an_invitation_is_accepted_once_within_seven_days() {
    let sent = Timestamp::from_millis(1_000);
    let fresh = InvitationTimes { created_at: sent, accepted_at: None, revoked_at: None };
    let last = Timestamp::from_millis(fresh.expires_at().millis() - 1);
    assert_eq!(fresh.expires_at().millis(), 1_000 + 7 * 24 * 3_600_000);
    assert_eq!(fresh.state(last), InvitationState::Pending);
    assert_eq!(fresh.state(fresh.expires_at()), InvitationState::Expired);
    let accepted = InvitationTimes { accepted_at: Some(sent), ..fresh };
    assert_eq!(accepted.state(sent), InvitationState::Accepted);
    let revoked = InvitationTimes { revoked_at: Some(sent), ..fresh };
    assert_eq!(revoked.state(sent), InvitationState::Revoked);
}
