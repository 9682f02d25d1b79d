//! Bounds of lengths of time. CEL's own durations know no days, so lengths are compared in seconds.

use super::Rule;
use crate::{Backend, Period, forms};

/// The seconds of a field that is a [`Period`], in CEL.
pub(super) fn seconds(field: &str) -> String {
    let unit = "{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}";
    format!("int({field}.substring(0, size({field}) - 1)) * {unit}[{field}.substring(size({field}) - 1)]")
}

/// An expression that holds, too, where one of the fields is no [`Period`], which another rule says.
pub(super) fn where_read(fields: &[&str], cel: &str) -> String {
    let read: Vec<_> = fields.iter().map(|field| format!("{field}.matches('{}')", forms::PERIOD)).collect();
    format!("!({}) || {cel}", read.join(" && "))
}

/// The bounds of every length of time a Backend names.
pub(super) fn bounds() -> Vec<Rule<Backend>> {
    let seconds = Period::seconds(1);
    let (day, month, year) = (Period::days(1), Period::days(30), Period::days(365));
    vec![
        within("spec.tokens.accessTtl", Period::minutes(1), day, |b| b.spec.tokens.access_ttl),
        within("spec.tokens.refreshTtl", Period::minutes(1), year, |b| b.spec.tokens.refresh_ttl),
        within("spec.tokens.rotateEvery", Period::minutes(1), year, |b| b.spec.tokens.rotate_every),
        within("spec.passwords.lockoutFor", seconds, month, |b| b.spec.passwords.lockout_for),
        within("spec.maxStaleness", Period::seconds(5), day, |b| b.spec.max_staleness),
        within("spec.limits.headerTimeout", seconds, day, |b| b.spec.limits.header_timeout),
        within("spec.limits.idleTimeout", seconds, day, |b| b.spec.limits.idle_timeout),
        within("spec.limits.requestTimeout", seconds, day, |b| b.spec.limits.request_timeout),
        within("spec.limits.connectTimeout", seconds, day, |b| b.spec.limits.connect_timeout),
        within("spec.rateLimits.login.window", seconds, day, |b| b.spec.rate_limits.login.window),
        within("spec.rateLimits.register.window", seconds, day, |b| b.spec.rate_limits.register.window),
        within("spec.rateLimits.refresh.window", seconds, day, |b| b.spec.rate_limits.refresh.window),
        within("spec.rateLimits.other.window", seconds, day, |b| b.spec.rate_limits.other.window),
    ]
}

fn within(at: &'static str, least: Period, most: Period, of: fn(&Backend) -> Period) -> Rule<Backend> {
    let value = seconds("self");
    let (low, high) = (least.duration().as_secs(), most.duration().as_secs());
    let cel = where_read(&["self"], &format!("({value} >= {low} && {value} <= {high})"));
    let sentence = format!("must be from {least} to {most}: write a time between them");
    Rule::holds((at, ""), cel, sentence, move |backend| (least..=most).contains(&of(backend)))
}
