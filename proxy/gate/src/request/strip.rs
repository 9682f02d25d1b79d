//! What is removed from a request before ours is set: every header that could pose as one of ours, in any spelling; everything
//! that belongs to one connection only; our credential.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::credential::OUR_COOKIES;
use super::refusal::Refusal;

/// Headers that only a gate may set, folded: lower case, letters and digits alone.
const OURS: [&str; 12] = [
    "xorganizationid",
    "xorganizationslug",
    "xorganizationname",
    "xuserid",
    "xuseremail",
    "xuseremailverified",
    "xusername",
    "xuserrole",
    "xsessionid",
    "xrequestid",
    "forwarded",
    "xrealip",
];
/// Whole families, folded. All but the first two make some frameworks route by another path or method than those that were
/// matched.
const FAMILIES: [&str; 7] = [
    "xtenantry",
    "xforwarded",
    "xoriginalurl",
    "xoriginaluri",
    "xrewriteurl",
    "xhttpmethod",
    "xmethodoverride",
];
const LONGEST: usize = 64;

/// Headers of one connection (RFC 9110, section 7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a backend that folds names (case, `_` for `-`, dots) could take this header for one of ours.
pub(super) fn poses_as_ours(name: &str) -> bool {
    let mut folded = [0_u8; LONGEST];
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
        if length == LONGEST {
            break;
        }
        folded[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    let folded = &folded[..length];
    OURS.iter().any(|ours| ours.as_bytes() == folded)
        || FAMILIES.iter().any(|family| folded.starts_with(family.as_bytes()))
}

/// Removes what could pose as ours and what belongs to this connection; refuses a `Connection` that names one of ours, which
/// a kinder proxy behind us would remove.
pub(super) fn inbound(headers: &mut HeaderMap) -> Result<(), Refusal> {
    if headers.get_all(header::CONNECTION).iter().any(|line| line.to_str().is_err()) {
        return Err(Refusal::unclear("malformed_connection"));
    }
    for option in connection_options(headers) {
        let names_ours = poses_as_ours(&option)
            || ["authorization", "cookie", "host", "content-length", "transfer-encoding"]
                .contains(&option.as_str());
        if names_ours {
            return Err(Refusal::unclear("connection_names_ours"));
        }
        headers.remove(option.as_str());
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    let posing: Vec<HeaderName> =
        headers.keys().filter(|name| poses_as_ours(name.as_str())).cloned().collect();
    for name in posing {
        headers.remove(name);
    }
    Ok(())
}

/// What the headers of an answer lose: those of one connection, and cookies of ours that the backend tries to set.
pub(super) fn outbound(headers: &mut HeaderMap, keep_our_cookies: bool) {
    for option in connection_options(headers) {
        headers.remove(option.as_str());
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if keep_our_cookies || !headers.contains_key(header::SET_COOKIE) {
        return;
    }
    let kept: Vec<HeaderValue> =
        headers.get_all(header::SET_COOKIE).iter().filter(|line| !sets_ours(line)).cloned().collect();
    headers.remove(header::SET_COOKIE);
    for line in kept {
        headers.append(header::SET_COOKIE, line);
    }
}

fn sets_ours(line: &HeaderValue) -> bool {
    // A cookie without a name is sent back as its value alone: `=__Host-tenantry=x` would come back as ours.
    let nameless = |byte: &u8| *byte == b'=' || byte.is_ascii_whitespace();
    let line = line.as_bytes();
    let start = line.iter().position(|byte| !nameless(byte)).unwrap_or(line.len());
    let name =
        line[start..].split(|byte| matches!(byte, b'=' | b';')).next().unwrap_or_default().trim_ascii();
    OUR_COOKIES.iter().any(|ours| ours.as_bytes().eq_ignore_ascii_case(name))
}

/// Removes our cookies and leaves the application's.
pub(super) fn our_cookies(headers: &mut HeaderMap) {
    let mentions = |line: &HeaderValue| {
        let line = line.as_bytes();
        OUR_COOKIES
            .iter()
            .any(|ours| line.windows(ours.len()).any(|part| part.eq_ignore_ascii_case(ours.as_bytes())))
    };
    if !headers.get_all(header::COOKIE).iter().any(mentions) {
        return;
    }
    let lines: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    headers.remove(header::COOKIE);
    for line in lines {
        if !mentions(&line) {
            headers.append(header::COOKIE, line);
            continue;
        }
        let kept: Vec<&[u8]> = line
            .as_bytes()
            .split(|byte| *byte == b';')
            .map(<[u8]>::trim_ascii)
            .filter(|pair| {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
                !pair.is_empty() && !OUR_COOKIES.iter().any(|ours| ours.as_bytes().eq_ignore_ascii_case(name))
            })
            .collect();
        if let (false, Ok(line)) = (kept.is_empty(), HeaderValue::from_bytes(&kept.join(&b"; "[..]))) {
            headers.append(header::COOKIE, line);
        }
    }
}

/// What every `Connection` line names, in lower case.
fn connection_options(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let options = lines.flat_map(|line| line.split(',')).map(|option| option.trim().to_ascii_lowercase());
    options.filter(|option| !option.is_empty() && option != "close" && option != "keep-alive").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bypass_1_2_3_any_spelling_of_ours_poses_as_ours() {
        for name in [
            "x-organization-id",
            "X_Organization_Id",
            "x.organization.id",
            "X-ORGANIZATION.ID",
            "xorganizationid",
            "x--organization__id",
            "x-user-email-verified",
            "x-tenantry-assertion",
            "x_tenantry_gate",
            "x-forwarded-host",
            "x-forwarded-prefix",
            "forwarded",
            "x-real-ip",
            "x-original-url",
            "X_Original_URI",
            "x-http-method-override",
            "X-HTTP-Method",
            "x_method_override",
        ] {
            assert!(poses_as_ours(name), "{name}");
        }
        for name in ["x-user", "x-organization", "accept", "x-api-key", "x-user-identity", "authorization"] {
            assert!(!poses_as_ours(name), "{name}");
        }
    }

    #[test]
    fn bypass_5_no_connection_line_may_name_one_of_ours() {
        for line in ["X-Organization-Id", "close, x_user_id", "authorization", "X-Forwarded-For"] {
            let mut headers = HeaderMap::new();
            headers.append("connection", HeaderValue::from_static("keep-alive"));
            headers.append("connection", HeaderValue::from_str(line).unwrap());
            assert!(inbound(&mut headers).is_err(), "{line}");
        }
        let mut headers = HeaderMap::new();
        headers.append("connection", HeaderValue::from_static("x-first"));
        headers.append("connection", HeaderValue::from_static("x-second"));
        headers.append("x-first", HeaderValue::from_static("1"));
        headers.append("x-second", HeaderValue::from_static("2"));
        headers.append("x-third", HeaderValue::from_static("3"));
        inbound(&mut headers).unwrap();
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-third"]);
    }

    #[test]
    fn our_cookies_go_and_the_applications_stay() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1; __Host-tenantry=t; b=2"));
        headers.append("cookie", HeaderValue::from_static("__secure-TENANTRY-refresh=r"));
        headers.append("cookie", HeaderValue::from_static("c=3"));
        our_cookies(&mut headers);
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2", "c=3"]);
    }

    #[test]
    fn bypass_38_the_backend_cannot_set_our_cookies() {
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", HeaderValue::from_static("app=1; Path=/"));
        headers.append("set-cookie", HeaderValue::from_static(" __Host-Tenantry =evil; Path=/; Secure"));
        headers.append("set-cookie", HeaderValue::from_static("=__Host-tenantry=evil; Path=/; Secure"));
        headers.append("set-cookie", HeaderValue::from_static(" = =__Secure-tenantry-refresh=evil"));
        outbound(&mut headers, false);
        assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["app=1; Path=/"]);
    }
}
