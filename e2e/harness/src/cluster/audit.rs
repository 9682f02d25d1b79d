//! What the API server was asked, by whom and how it answered: its audit log at level `Metadata`.

use serde::Deserialize;
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// The API server's audit policy: everything, without bodies. A request is told once it is answered (and, if it goes
/// on answering as a watch does, once it begins).
pub(super) const POLICY: &str = r#"{ "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
  "omitStages": ["RequestReceived"], "rules": [{ "level": "Metadata" }] }"#;

/// A moment of the audit log.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditMark(pub(super) u64);

/// One request to the API server. What a request does not have is an empty string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// The request's id.
    pub id: String,
    /// `ResponseComplete`; `ResponseStarted` for a watch that goes on; `Panic`.
    pub stage: String,
    /// When the request came, RFC 3339 with microseconds, so that text order is time order.
    pub timestamp: String,
    /// The user, `system:serviceaccount:<namespace>:<name>` for a service account.
    pub user: String,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; the method for other paths.
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource in plural, such as `secrets`.
    pub resource: String,
    /// The subresource, such as `status`.
    pub subresource: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name; empty for `list`, and for `create` with a generated name.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// Authorization's decision, `allow` or `forbid`: a 403 can also come from admission.
    pub decision: String,
}

/// The events of the log from `mark` on, in the order in which their requests came; one a request.
pub(super) fn read(log: &Path, mark: AuditMark) -> std::io::Result<Vec<AuditEvent>> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(mark.0))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    parse(&text)
}

fn parse(text: &[u8]) -> std::io::Result<Vec<AuditEvent>> {
    // The last line may be half written.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut last: HashMap<String, AuditEvent> = HashMap::new();
    for line in text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Line = serde_json::from_slice(line)?;
        // A later stage of the same request takes the place of the earlier.
        last.insert(event.audit_id.clone(), event.into());
    }
    let mut events: Vec<_> = last.into_values().collect();
    events.sort_by(|one, other| one.timestamp.cmp(&other.timestamp));
    Ok(events)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "auditID")]
    audit_id: String,
    stage: String,
    request_received_timestamp: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: Object,
    #[serde(default)]
    response_status: Status,
    #[serde(default)]
    annotations: HashMap<String, String>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

impl From<Line> for AuditEvent {
    fn from(mut line: Line) -> Self {
        Self {
            id: line.audit_id,
            stage: line.stage,
            timestamp: line.request_received_timestamp,
            user: line.user.username,
            user_agent: line.user_agent,
            verb: line.verb,
            uri: line.request_uri,
            group: line.object_ref.api_group,
            resource: line.object_ref.resource,
            subresource: line.object_ref.subresource,
            namespace: line.object_ref.namespace,
            name: line.object_ref.name,
            code: line.response_status.code,
            decision: line.annotations.remove("authorization.k8s.io/decision").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, stage: &str, second: u8) -> String {
        format!(
            r#"{{"kind":"Event","auditID":"{id}","stage":"{stage}","requestReceivedTimestamp":"2026-01-01T00:00:0{second}.000000Z",
            "verb":"watch","requestURI":"/api/v1/namespaces/apps/secrets?watch=1","user":{{"username":"system:serviceaccount:apps:one"}},
            "userAgent":"test","objectRef":{{"resource":"secrets","namespace":"apps","apiVersion":"v1"}},
            "responseStatus":{{"code":403}},"annotations":{{"authorization.k8s.io/decision":"forbid"}}}}"#
        )
        .replace('\n', "")
            + "\n"
    }

    #[test]
    fn an_event_tells_who_asked_for_what_and_the_answer() {
        let events = parse(line("a", "ResponseComplete", 1).as_bytes()).unwrap();
        let expected = AuditEvent {
            id: "a".into(),
            stage: "ResponseComplete".into(),
            timestamp: "2026-01-01T00:00:01.000000Z".into(),
            user: "system:serviceaccount:apps:one".into(),
            user_agent: "test".into(),
            verb: "watch".into(),
            uri: "/api/v1/namespaces/apps/secrets?watch=1".into(),
            group: String::new(),
            resource: "secrets".into(),
            subresource: String::new(),
            namespace: "apps".into(),
            name: String::new(),
            code: 403,
            decision: "forbid".into(),
        };
        assert_eq!(events, [expected]);
    }

    #[test]
    fn a_watch_is_one_event_in_its_latest_stage_and_requests_are_in_order() {
        let text = line("b", "ResponseStarted", 2)
            + &line("a", "ResponseStarted", 1)
            + &line("b", "ResponseComplete", 2);
        let events = parse(text.as_bytes()).unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.id.as_str(), event.stage.as_str())).collect();
        assert_eq!(told, [("a", "ResponseStarted"), ("b", "ResponseComplete")]);
    }

    #[test]
    fn half_a_line_waits_and_a_broken_one_is_an_error() {
        let text = line("a", "ResponseComplete", 1) + "{\"auditID\":\"b\"";
        assert_eq!(parse(text.as_bytes()).unwrap().len(), 1);
        assert!(parse(b"{}\n").is_err());
    }
}
