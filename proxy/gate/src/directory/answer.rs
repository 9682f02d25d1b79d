//! Whether an answer is a directory, and what to tell a person where it is none.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use http::{HeaderMap, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;

/// Longest problem document that is read, in bytes.
const MOST: usize = 16 * 1024;
/// Longest part of its sentence that is told, in characters.
const TOLD: usize = 200;
const PATIENCE: Duration = Duration::from_secs(2);

/// A problem document (RFC 9457), as far as it is told.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// The body of an answer whose lines are frames. Refused with [`ErrorKind::PermissionDenied`] where the authority does not know
/// this gate, with [`ErrorKind::Unsupported`] where something else than an authority answers.
pub(super) async fn judge<B>(response: Response<B>) -> Result<B, Error>
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let (parts, body) = response.into_parts();
    let status = parts.status;
    if status == StatusCode::OK {
        let kind = media_type(&parts.headers);
        if kind == "application/x-ndjson" {
            return Ok(body);
        }
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("the answer is no directory (content type {kind:?}); name the authority's stream port"),
        ));
    }
    let said = detail(body).await.map(|detail| format!(", {detail:?}")).unwrap_or_default();
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the authority does not accept this gate ({}{said}): is its ServiceAccount listed in the Backend's spec.gates.serviceAccounts, or its token in the authority's token file?",
                status.as_u16()
            ),
        ),
        StatusCode::NOT_FOUND => Error::new(
            ErrorKind::Unsupported,
            format!("there is no directory at that address (404{said}); name the authority's stream port"),
        ),
        _ => Error::other(format!("the authority answered {}{said}", status.as_u16())),
    })
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.chars().take(TOLD).collect()
}

async fn detail<B>(body: B) -> Option<String>
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let reading = tokio::time::timeout(PATIENCE, Limited::new(body, MOST).collect());
    // Without a sentence the status is told alone.
    let bytes = reading.await.ok()?.ok()?.to_bytes();
    let Problem { detail } = serde_json::from_slice(&bytes).ok()?;
    Some(detail.chars().take(TOLD).collect())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    async fn judged(status: u16, kind: &str, body: &str) -> Result<(), (ErrorKind, String)> {
        let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let judged = judge(response.body(body).unwrap()).await;
        judged.map(drop).map_err(|error| (error.kind(), error.to_string()))
    }

    #[tokio::test]
    async fn only_newline_delimited_json_is_a_directory() {
        for kind in ["application/x-ndjson", "Application/X-NDJSON; charset=utf-8"] {
            assert_eq!(judged(200, kind, "").await, Ok(()));
        }
        for kind in ["", "text/html", "application/json", "application/x-ndjson-not"] {
            let (found, said) = judged(200, kind, "").await.unwrap_err();
            assert!(found == ErrorKind::Unsupported && said.contains("stream port"), "{kind}: {said}");
        }
    }

    #[tokio::test]
    async fn a_refusal_says_what_to_do_and_what_the_authority_said_of_it() {
        let problem = serde_json::json!({ "detail": format!("Not you.\n{}", "x".repeat(300)) }).to_string();
        for status in [401, 403] {
            let (found, said) = judged(status, "application/problem+json", &problem).await.unwrap_err();
            assert_eq!(found, ErrorKind::PermissionDenied);
            assert!(said.contains("spec.gates.serviceAccounts") && said.contains("Not you."), "{said}");
            assert!(said.len() < 450 && !said.contains('\n'), "{said}");
        }
        for (status, body) in [(503, "no JSON"), (302, ""), (500, &"a".repeat(MOST + 1))] {
            let (_, said) = judged(status, "text/plain", body).await.unwrap_err();
            assert_eq!(said, format!("the authority answered {status}"));
        }
    }
}
