//! The forms a string may take: each pattern with the sentence that says what to write instead.
//!
//! The schema carries the pattern, so an API server judges by the same text; the sentence is looked up by it.

/// A pattern and the sentence for who missed it.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// An anchored regular expression in the syntax Go and Rust share.
    pub pattern: &'static str,
    /// What to write instead.
    pub sentence: &'static str,
    /// A text that has this form.
    pub example: &'static str,
}

/// The form that belongs to a pattern of the schema.
pub fn of(pattern: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.pattern == pattern)
}

/// Perhaps a port, from 1 to 65535.
macro_rules! port {
    () => {
        r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
    };
}

/// One label of a host name.
macro_rules! label {
    () => {
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    };
}

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr, $example:literal => $sentence:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $pattern;)*
        /// All forms of the schema.
        pub const FORMS: &[Form] = &[$(Form { pattern: $name, sentence: $sentence, example: $example }),*];
    };
}

forms! {
    /// A length of time, see [`crate::Period`].
    PERIOD = r"^[1-9][0-9]{0,5}[smhd]$", "15m"
        => "write a whole number and one unit, s, m, h or d, such as 15m, 8h or 30d";
    /// The public URL: https, host, perhaps a port.
    PUBLIC_URL = concat!("^https://", label!(), r"(\.", label!(), ")*", port!(), "$"), "https://app.example.com"
        => "write https://, a host name in lower case and perhaps a port up to 65535, without path or trailing slash, such as https://app.example.com";
    /// Where the gate finds the backend.
    UPSTREAM_URL = concat!(r"^http://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])", port!(), "$"), "http://127.0.0.1:8000"
        => "write http://, a host in lower case and perhaps a port up to 65535, without path or trailing slash, such as http://127.0.0.1:8000";
    /// An origin of a browser front end.
    ORIGIN = concat!("^https?://(", label!(), r"(\.", label!(), r")*|\[[0-9a-f:.]+\])", port!(), "$"), "http://localhost:3000"
        => "write one origin in lower case, scheme, host and port without path or trailing slash, such as http://localhost:3000; wildcards and null are not accepted";
    /// A page: a path of this host or an https URL.
    LOGIN_URL = concat!(r"^(/|/[A-Za-z0-9._~!$&'()+,;=:@%-][A-Za-z0-9._~!$&'()+,;=:@%/?-]*|https://", label!(), r"(\.", label!(), ")*", port!(), r"(/[A-Za-z0-9._~!$&'()+,;=:@%/?-]*)?)$"), "/-/login"
        => "write a path that begins with one slash, such as /-/login, or an https:// URL";
    /// A path pattern of a route.
    ROUTE_PATH = r"^(/|(/([A-Za-z0-9._~!$&'()+,=:@-]+|\*))*(/|/\*\*)?)$", "/api/agents/**"
        => "write a path that begins with /, of literal segments (no percent-encoding), * for one segment, and perhaps a final /**, such as /api/agents/**";
    /// A role.
    ROLE = r"^[a-z][a-z0-9_]{0,49}$", "soc_lead"
        => "write a lower-case letter, then lower-case letters, digits or underscores, at most 50 in all, such as soc_lead";
    /// A slug.
    SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$", "mini-corp"
        => "write lower-case letters and digits, words joined by single hyphens, such as mini-corp";
    /// An e-mail address without quoting, comments or non-ASCII characters.
    EMAIL = r"^[A-Za-z0-9#$&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9#$&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$", "admin@example.com"
        => "write one plain e-mail address, such as admin@example.com";
    /// A name of a Kubernetes object.
    OBJECT_NAME = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", "mini-xdr-db"
        => "write lower-case letters, digits, hyphens or dots, beginning and ending with a letter or digit";
    /// A name of a Kubernetes object that is one DNS label (namespaces, service accounts).
    LABEL_NAME = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "mini-xdr"
        => "write lower-case letters, digits or hyphens, beginning and ending with a letter or digit";
    /// A key in a Secret.
    SECRET_KEY = r"^[A-Za-z0-9._-]+$", "password"
        => "write the key of the Secret: letters, digits, dots, hyphens or underscores";
    /// A value of a Kubernetes label.
    LABEL_VALUE = r"^(([A-Za-z0-9][A-Za-z0-9_.-]*)?[A-Za-z0-9])?$", "mini-xdr"
        => "write a label value: letters, digits, hyphens, dots or underscores, beginning and ending with a letter or digit";
    /// A key of a Kubernetes label.
    LABEL_KEY = r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$", "example.com/app"
        => "write a label's key: a name of at most 63 letters, digits, hyphens, dots or underscores, perhaps after a domain and a slash";
    /// Text of one line.
    ONE_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$", "mini corp"
        => "write one line of text that is not only spaces";
    /// A network in CIDR notation.
    CIDR = r"^[0-9a-fA-F:.]+/[0-9]{1,3}$", "10.0.0.0/8"
        => "write a network as address and prefix length, such as 10.0.0.0/8 or fd00::/8";
    /// A region of AWS.
    AWS_REGION = r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$", "us-east-1"
        => "write a region of AWS, such as us-east-1";
    /// Where an organization's secrets live in AWS Secrets Manager.
    AWS_PREFIX = r"^[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*$", "tenantry/mini-xdr"
        => "write path segments of letters, digits and _+=.@- joined by single slashes, such as tenantry/mini-xdr";
    /// A URL of an endpoint.
    ENDPOINT = concat!(r"^(https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])", port!(), r"(/[A-Za-z0-9._~/-]*)?)?$"), ""
        => "write an http:// or https:// URL, or leave it empty for the region's own endpoint";
    /// A name of a table, perhaps with its schema.
    TABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$", "public.incidents"
        => "write a table's name, perhaps with its schema, such as public.incidents";
    /// A name of a column or database role.
    SQL_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$", "organization_id"
        => "write one plain SQL name of at most 63 letters, digits or underscores, such as organization_id";
    /// A moment (RFC 3339).
    MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$", "2026-12-31T23:59:59Z"
        => "write a moment as RFC 3339 does, such as 2026-12-31T23:59:59Z";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_has_its_form() {
        for form in FORMS {
            assert!(regex::Regex::new(form.pattern).unwrap().is_match(form.example), "{}", form.pattern);
        }
    }

    #[test]
    fn each_pattern_has_one_sentence() {
        for form in FORMS {
            assert_eq!(of(form.pattern).unwrap().sentence, form.sentence);
            assert!(form.pattern.starts_with('^') && form.pattern.ends_with('$'), "{}", form.pattern);
        }
    }
}
