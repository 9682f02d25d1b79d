use std::borrow::Cow;

/// Why a path is refused with 400 before any route is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PathRefusal {
    /// It does not begin with `/`.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// `%2F`.
    #[error("the path contains an encoded slash")]
    EncodedSlash,
    /// `\` or `%5C`.
    #[error("the path contains a backslash")]
    Backslash,
    /// `.` or `..` as a segment, encoded or before a `;` too.
    #[error("the path contains a dot segment")]
    DotSegment,
    /// `#`.
    #[error("the path contains a fragment")]
    Fragment,
    /// A byte below 0x20, 0x7F or a space, also encoded where no reader may see it.
    #[error("the path contains a control character")]
    ControlByte,
    /// `%` without two hexadecimal digits, or escapes that are no UTF-8.
    #[error("the path contains a bad escape")]
    BadEscape,
    /// An escape that decodes to another escape.
    #[error("the path is encoded twice")]
    DoubleEncoding,
    /// `//`, where the route does not allow it.
    #[error("the path contains an empty segment")]
    DoubleSlash,
    /// `;`, where the route does not allow it.
    #[error("the path contains a semicolon")]
    Semicolon,
}

impl PathRefusal {
    /// Every refusal, for metrics that exist before the first one.
    pub const ALL: [Self; 10] = [
        Self::NotAbsolute,
        Self::EncodedSlash,
        Self::Backslash,
        Self::DotSegment,
        Self::Fragment,
        Self::ControlByte,
        Self::BadEscape,
        Self::DoubleEncoding,
        Self::DoubleSlash,
        Self::Semicolon,
    ];

    /// A word for logs and metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotAbsolute => "path_not_absolute",
            Self::EncodedSlash => "path_encoded_slash",
            Self::Backslash => "path_backslash",
            Self::DotSegment => "path_dot_segment",
            Self::Fragment => "path_fragment",
            Self::ControlByte => "path_control_byte",
            Self::BadEscape => "path_bad_escape",
            Self::DoubleEncoding => "path_double_encoding",
            Self::DoubleSlash => "path_double_slash",
            Self::Semicolon => "path_semicolon",
        }
    }
}

/// A path that every reader takes apart at the same slashes.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent findings of one scan")]
pub(super) struct Path<'a> {
    /// After the leading slash, as sent.
    pub raw: &'a str,
    /// `//` somewhere.
    pub double_slash: bool,
    /// `;` somewhere, encoded or not.
    pub semicolon: bool,
    /// Written the one way RFC 3986 §6.2.2 prefers: no escape that could be a plain character, capitals in escapes.
    pub canonical: bool,
    /// A segment that begins with a dot.
    leading_dot: bool,
    /// Only ASCII and no escapes: what was sent is what is decoded.
    pub plain: bool,
}

impl<'a> Path<'a> {
    /// Takes a request path (a query, if there is one, is cut off) or says why no route may see it.
    pub fn new(target: &'a str) -> Result<Self, PathRefusal> {
        let sent = target.split_once('?').map_or(target, |(path, _)| path);
        let raw = sent.strip_prefix('/').ok_or(PathRefusal::NotAbsolute)?;
        let mut path = Self {
            raw,
            double_slash: false,
            semicolon: false,
            canonical: true,
            leading_dot: false,
            plain: true,
        };
        path.scan()?;
        path.refuse_segments()?;
        Ok(path)
    }

    fn scan(&mut self) -> Result<(), PathRefusal> {
        let bytes = self.raw.as_bytes();
        let mut previous = b'/';
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                _ if ORDINARY[usize::from(byte)] => {}
                b'/' if previous == b'/' => self.double_slash = true,
                b'.' if previous == b'/' => self.leading_dot = true,
                b'/' | b'.' => {}
                b'%' => {
                    self.escape(bytes, at)?;
                    at += 2;
                }
                b';' => self.semicolon = true,
                b'#' => return Err(PathRefusal::Fragment),
                b'\\' => return Err(PathRefusal::Backslash),
                0..=0x20 | 0x7f => return Err(PathRefusal::ControlByte),
                0x80.. => (self.plain, self.canonical) = (false, false),
                _ => self.canonical = false,
            }
            previous = byte;
            at += 1;
        }
        Ok(())
    }

    fn escape(&mut self, bytes: &[u8], at: usize) -> Result<(), PathRefusal> {
        self.plain = false;
        let (Some(&high), Some(&low)) = (bytes.get(at + 1), bytes.get(at + 2)) else {
            return Err(PathRefusal::BadEscape);
        };
        let decoded = hex_pair(high, low).ok_or(PathRefusal::BadEscape)?;
        match decoded {
            b'/' => return Err(PathRefusal::EncodedSlash),
            b'\\' => return Err(PathRefusal::Backslash),
            0..=0x1f | 0x7f => return Err(PathRefusal::ControlByte),
            b';' => self.semicolon = true,
            _ => {}
        }
        if is_unreserved(decoded) || high.is_ascii_lowercase() || low.is_ascii_lowercase() {
            self.canonical = false;
        }
        Ok(())
    }

    /// Dot segments in every reading: as sent, decoded, and with parameters cut off (`..;a` is `..` to a servlet). What
    /// decodes to an escape has more readings than that.
    fn refuse_segments(&self) -> Result<(), PathRefusal> {
        if self.plain && !self.leading_dot {
            return Ok(());
        }
        for sent in self.sent_segments() {
            let decoded = if self.plain { Cow::Borrowed(sent) } else { decode(sent)? };
            if matches!(without_parameters(&decoded), "." | "..") {
                return Err(PathRefusal::DotSegment);
            }
            if !self.plain && has_escape(&decoded) {
                return Err(PathRefusal::DoubleEncoding);
            }
        }
        Ok(())
    }

    /// Segments as sent, empty ones too; none for the root. A trailing slash is not a segment.
    pub fn sent_segments(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let body = self.raw.strip_suffix('/').unwrap_or(self.raw);
        let root = self.raw.is_empty();
        body.split('/').filter(move |_| !root)
    }

    /// Whether it ends in a slash that is not the root's own.
    pub fn trailing_slash(&self) -> bool {
        self.raw.ends_with('/')
    }

    /// Decoded segments without empty ones, with or without `;` parameters. Only for paths that are not `plain`, or
    /// that have a semicolon: it allocates.
    pub fn read_segments(&self, parameters: bool) -> Result<Vec<Cow<'a, str>>, PathRefusal> {
        let mut segments = Vec::new();
        for sent in self.sent_segments() {
            let decoded = decode(sent)?;
            let read = match decoded {
                _ if parameters => decoded,
                Cow::Borrowed(text) => Cow::Borrowed(without_parameters(text)),
                Cow::Owned(text) => Cow::Owned(without_parameters(&text).to_owned()),
            };
            if !read.is_empty() {
                segments.push(read);
            }
        }
        Ok(segments)
    }
}

/// A segment without what follows its first `;`.
fn without_parameters(segment: &str) -> &str {
    segment.split_once(';').map_or(segment, |(name, _)| name)
}

/// Decodes escapes; what they spell must be UTF-8, which also refuses over-long forms of `.` and `/`.
pub(super) fn decode(segment: &str) -> Result<Cow<'_, str>, PathRefusal> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let [high, low, after @ ..] = rest else { return Err(PathRefusal::BadEscape) };
        bytes.push(hex_pair(*high, *low).ok_or(PathRefusal::BadEscape)?);
        rest = after;
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| PathRefusal::BadEscape)
}

/// One spelling for all that differ only in case, also by Unicode's rules (the Kelvin sign is a `k`, `ſ` an `s`).
pub(super) fn fold_case(segment: &str) -> Cow<'_, str> {
    if segment.is_ascii() {
        if segment.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(segment.to_ascii_lowercase());
        }
        return Cow::Borrowed(segment);
    }
    Cow::Owned(segment.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect())
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Whether a decoded segment could be decoded once more.
pub(super) fn has_escape(decoded: &str) -> bool {
    decoded.as_bytes().windows(3).any(|three| three[0] == b'%' && hex_pair(three[1], three[2]).is_some())
}

/// RFC 3986 §2.3.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `pchar` of RFC 3986 §3.3, or a slash.
pub(super) const fn is_path_char(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/'
        )
}

/// Path characters that mean nothing by themselves: nearly every byte of nearly every path.
const ORDINARY: [bool; 256] = {
    let mut ordinary = [false; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        ordinary[byte as usize] = is_path_char(byte) && !matches!(byte, b'/' | b'.' | b';');
        byte += 1;
    }
    ordinary
};
