//! What is to change next in what is held. Pure. The steps of a rotation, each looked at by itself, so that whoever leads next goes on:
//! a new authority is made; once the API server has been told of it for a while, it signs; once its certificate has been shown for a
//! while, the old authority goes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::held::Held;
use crate::certificates::{MakeError, Pair};

/// How long things last, and for whom the certificate is.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The names and addresses by which the API server asks.
    pub names: Vec<String>,
    /// How long a certificate is good for. A third of it before its end there is another.
    pub certificate: Duration,
    /// How long an authority is. Likewise.
    pub authority: Duration,
}

impl Terms {
    /// How long a step of a rotation waits for everybody to have seen the one before.
    fn overlap(&self) -> TimeDelta {
        let tenth = TimeDelta::from_std(self.certificate / 10).unwrap_or(TimeDelta::MAX);
        tenth.min(TimeDelta::hours(1))
    }

    /// What is held from the beginning.
    pub fn begin(&self, now: DateTime<Utc>) -> Result<Held, MakeError> {
        let authority = Pair::authority(super::OF, now, self.authority)?;
        let shown = authority.signs(super::OF, &self.names, now, self.certificate)?;
        Ok(Held { authority, next: None, shown })
    }

    /// What is to be held next; `None`: all is as it should be. `is_told`: whether the API server is told of all authorities.
    pub fn next(&self, held: &Held, is_told: bool, now: DateTime<Utc>) -> Result<Option<Held>, MakeError> {
        if held.authority.says.ends <= now && held.next.is_none() {
            // Nobody trusts it any more.
            return self.begin(now).map(Some);
        }
        let Some(next) = &held.next else {
            if held.authority.is_old(self.authority, now) {
                let next = Some(Pair::authority(super::OF, now, self.authority)?);
                return Ok(Some(Held { next, ..held.clone() }));
            }
            return self.renewed(held, &held.authority, now);
        };
        let is_seen = |pair: &Pair| now >= pair.says.made + self.overlap();
        let is_signed_by_next = held.shown.says.issuer == next.says.subject;
        if is_signed_by_next && is_seen(&held.shown) {
            return Ok(Some(Held { authority: next.clone(), next: None, shown: held.shown.clone() }));
        }
        let has_ended = held.authority.says.ends <= now;
        if !is_signed_by_next && ((is_told && is_seen(next)) || has_ended) {
            let shown = next.signs(super::OF, &self.names, now, self.certificate)?;
            return Ok(Some(Held { shown, ..held.clone() }));
        }
        self.renewed(held, if is_signed_by_next { next } else { &held.authority }, now)
    }

    /// With another certificate, where the one that is shown will not do for long.
    fn renewed(&self, held: &Held, by: &Pair, now: DateTime<Utc>) -> Result<Option<Held>, MakeError> {
        let says = &held.shown.says;
        let does = says.names == self.names
            && says.issuer == by.says.subject
            && !held.shown.is_old(self.certificate, now);
        if does {
            return Ok(None);
        }
        Ok(Some(Held { shown: by.signs(super::OF, &self.names, now, self.certificate)?, ..held.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use chrono::SubsecRound as _;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn terms() -> Terms {
        Terms { names: vec!["hook.ns.svc".into()], certificate: DAY * 30, authority: DAY * 365 }
    }

    fn is_good(held: &Held, trusted: &str, now: DateTime<Utc>) -> bool {
        let by = [Some(&held.authority), held.next.as_ref()].into_iter().flatten();
        let by = by.into_iter().find(|authority| authority.says.subject == held.shown.says.issuer).unwrap();
        trusted.contains(&by.certificate) && by.says.ends > now && held.shown.says.ends > now
    }

    #[test]
    fn for_three_years_what_is_shown_is_signed_by_an_authority_that_was_told_before() {
        let (terms, start) = (terms(), Utc::now().trunc_subsecs(0));
        let mut held = terms.begin(start).unwrap();
        let (mut trusted, mut certificates, mut authorities) = (held.bundle(), 0, 0);
        // What others trusted a minute ago, who have not seen the last change yet.
        for hour in 0..3 * 365 * 24 {
            let now = start + TimeDelta::hours(hour);
            let before = trusted.clone();
            while let Some(next) = terms.next(&held, trusted == held.bundle(), now).unwrap() {
                assert!(is_good(&next, &before, now), "after {hour} hours");
                certificates += u32::from(next.shown.certificate != held.shown.certificate);
                authorities += u32::from(next.authority.certificate != held.authority.certificate);
                held = next;
            }
            assert!(is_good(&held, &before, now), "after {hour} hours");
            trusted = held.bundle();
        }
        assert!((50..65).contains(&certificates), "{certificates} certificates");
        assert_eq!(authorities, 4);
    }

    #[test]
    fn a_new_authority_signs_nothing_while_the_api_server_is_not_told_of_it() {
        let (terms, start) = (terms(), Utc::now().trunc_subsecs(0));
        let held = terms.begin(start).unwrap();
        let old = start + TimeDelta::days(250);
        let held = terms.next(&held, true, old).unwrap().unwrap();
        let next = held.next.clone().unwrap();
        let later = old + TimeDelta::days(20);
        let held = terms.next(&held, false, later).unwrap().unwrap();
        assert_eq!(held.shown.says.issuer, held.authority.says.subject, "it was renewed by the old one");
        let told = terms.next(&held, true, later).unwrap().unwrap();
        assert_eq!(told.shown.says.issuer, next.says.subject);
        assert!(terms.next(&told, true, later).unwrap().is_none(), "the old one goes after a while");
        let gone = terms.next(&told, true, later + TimeDelta::hours(2)).unwrap().unwrap();
        assert_eq!((gone.authority.says, gone.next.is_none()), (next.says, true));
    }

    #[test]
    fn other_names_and_a_long_absence_make_another_certificate() {
        let (terms, start) = (terms(), Utc::now().trunc_subsecs(0));
        let held = terms.begin(start).unwrap();
        assert!(terms.next(&held, true, start + TimeDelta::days(1)).unwrap().is_none());
        let moved = Terms { names: vec!["other.ns.svc".into()], ..terms.clone() };
        assert_eq!(moved.next(&held, true, start).unwrap().unwrap().shown.says.names, moved.names);
        let late = start + TimeDelta::days(400);
        let anew = terms.next(&held, true, late).unwrap().unwrap();
        assert_ne!(anew.authority.says.subject, held.authority.says.subject);
        assert!(is_good(&anew, &anew.bundle(), late));
    }
}
