//! Cross-site requests by cookie: an unsafe method needs an allowed `Origin`.

use super::Caller;
use crate::problem::Problem;

/// Refuses an unsafe request unless its `Origin` is one of `allowed`. A missing `Origin` passes only when the browser itself says `same-origin`.
pub fn same_site_only<'a>(
    caller: &Caller,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Result<(), Problem> {
    let passes = match (caller.origin.as_deref(), caller.fetch_site.as_deref()) {
        (Some(origin), _) => allowed.into_iter().any(|one| one == origin),
        (None, Some("same-origin")) => true,
        (None, _) => false,
    };
    if passes {
        Ok(())
    } else {
        Err(Problem::forbidden("origin_not_allowed", "This request came from a page that may not make it."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Credential;

    fn caller(origin: Option<&str>, fetch_site: Option<&str>) -> Caller {
        Caller {
            address: [127, 0, 0, 1].into(),
            over_tls: true,
            request_id: String::new(),
            credential: Credential::None,
            refresh_cookie: None,
            origin: origin.map(str::to_owned),
            fetch_site: fetch_site.map(str::to_owned),
            user_agent: None,
        }
    }

    #[test]
    fn only_an_allowed_origin_passes() {
        let allowed = ["https://xdr.example.com", "https://app.example.com"];
        for (origin, site, passes) in [
            (Some("https://xdr.example.com"), None, true),
            (Some("https://app.example.com"), Some("same-site"), true),
            (Some("https://xdr.example.com.evil.example"), Some("same-origin"), false),
            (Some("http://xdr.example.com"), None, false),
            (Some("null"), None, false),
            (Some(""), Some("same-origin"), false),
            (None, Some("same-origin"), true),
            (None, Some("same-site"), false),
            (None, Some("cross-site"), false),
            (None, None, false),
        ] {
            assert_eq!(same_site_only(&caller(origin, site), allowed).is_ok(), passes, "{origin:?} {site:?}");
        }
    }
}
