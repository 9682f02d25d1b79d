use super::path::{decode, fold_case, has_escape, is_path_char, is_unreserved};

/// One segment of a pattern.
#[derive(Clone, Debug)]
enum Segment {
    /// A literal in both spellings it is compared with.
    Literal { canonical: Box<str>, folded: Box<str>, decoded: Box<str> },
    /// Any one segment that is not empty.
    Any,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    segments: Box<[Segment]>,
    open_ended: bool,
    trailing_slash: bool,
}

impl Pattern {
    /// Compiles a pattern, or says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let body = text.strip_prefix('/').ok_or("a pattern begins with /")?;
        if body.contains(['?', '#', '\\', ';']) || body.chars().any(|c| c.is_control() || c == ' ') {
            return Err(
                "a pattern is a path: no query, fragment, backslash, semicolon, space or control character",
            );
        }
        let trailing_slash = body.ends_with('/');
        let body = body.strip_suffix('/').unwrap_or(body);
        let (body, open_ended) = match body.strip_suffix("**") {
            Some(before) if before.is_empty() => (before, true),
            Some(before) => (before.strip_suffix('/').ok_or(STAR)?, true),
            None => (body, false),
        };
        if open_ended && trailing_slash {
            return Err("nothing follows a final **");
        }
        let segments = match body {
            "" if text == "//" => return Err("a pattern has no empty segment"),
            "" => Box::default(),
            _ => body.split('/').map(segment).collect::<Result<_, _>>()?,
        };
        Ok(Self { segments, open_ended, trailing_slash })
    }

    /// Whether the path as sent, segment by segment, is the canonical spelling of this pattern.
    pub fn matches_sent<'a>(&self, mut path: impl Iterator<Item = &'a str>, trailing_slash: bool) -> bool {
        self.segments.iter().all(|segment| match (segment, path.next()) {
            (Segment::Literal { canonical, .. }, Some(sent)) => **canonical == *sent,
            (Segment::Any, Some(sent)) => !sent.is_empty(),
            (_, None) => false,
        }) && (self.open_ended || (path.next().is_none() && trailing_slash == self.trailing_slash))
    }

    /// Whether decoded segments, none of them empty, match with their case.
    pub fn matches_decoded<'a>(&self, path: impl Iterator<Item = &'a str>) -> bool {
        self.matches(path, |segment, read| match segment {
            Segment::Literal { decoded, .. } => **decoded == *read,
            Segment::Any => true,
        })
    }

    /// Whether decoded segments, none of them empty, match whatever their case.
    pub fn matches_any_case<'a>(&self, path: impl Iterator<Item = &'a str>) -> bool {
        self.matches(path, |segment, read| match segment {
            Segment::Literal { folded, .. } if read.is_ascii() => folded.eq_ignore_ascii_case(read),
            Segment::Literal { folded, .. } => **folded == *fold_case(read),
            Segment::Any => true,
        })
    }

    fn matches<'a>(
        &self,
        mut path: impl Iterator<Item = &'a str>,
        same: impl Fn(&Segment, &str) -> bool,
    ) -> bool {
        self.segments.iter().all(|segment| path.next().is_some_and(|read| same(segment, read)))
            && (self.open_ended || path.next().is_none())
    }
}

const STAR: &str = "* stands alone for one segment, ** alone and last for any number";

fn segment(text: &str) -> Result<Segment, &'static str> {
    match text {
        "" => return Err("a pattern has no empty segment"),
        "*" => return Ok(Segment::Any),
        _ if text.contains('*') => return Err(STAR),
        _ => {}
    }
    let decoded = decode(text).map_err(|_| "a pattern has no bad escape")?;
    if decoded.contains(['/', '\\', ';']) || decoded.chars().any(char::is_control) {
        return Err("a pattern has no encoded slash, backslash, semicolon or control character");
    }
    if has_escape(&decoded) {
        return Err("a pattern is not encoded twice");
    }
    if matches!(&*decoded, "." | "..") {
        return Err("a pattern has no dot segment");
    }
    Ok(Segment::Literal {
        canonical: canonical(text).into(),
        folded: fold_case(&decoded).into(),
        decoded: decoded.into(),
    })
}

/// The spelling of RFC 3986 §6.2.2 for a literal whose escapes are known to be good.
fn canonical(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let (byte, escaped) = match (bytes[at], text.get(at + 1..at + 3)) {
            (b'%', Some(hex)) => (u8::from_str_radix(hex, 16).unwrap_or(b'%'), true),
            (byte, _) => (byte, false),
        };
        if is_unreserved(byte) || (!escaped && is_path_char(byte)) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
        at += if escaped { 3 } else { 1 };
    }
    out
}
