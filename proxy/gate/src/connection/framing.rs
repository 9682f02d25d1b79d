//! Strict reading of HTTP/1.1 framing, before any parser that is kinder. What is ambiguous here is what request
//! smuggling is made of (RFC 9112 §11.2), so that nothing is repaired: it is refused.

/// How many bytes of body follow a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLength {
    /// As Content-Length says; 0 where there is none.
    Exactly(u64),
    /// Chunks, then trailers.
    Chunked,
}

/// Why a message was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FramingFault {
    BareLineBreak,
    BadRequestLine,
    BadTarget,
    Fragment,
    BadHeader,
    FoldedHeader,
    DuplicateHost,
    DuplicateContentLength,
    BadContentLength,
    ContentLengthWithTransferEncoding,
    BadTransferEncoding,
    TransferEncodingOnHttp10,
    Connect,
    BadChunk,
    HeadTooLarge,
    TooManyHeaders,
    HeadTooSlow,
}

impl FramingFault {
    /// The word for logs and metrics.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::BareLineBreak => "framing_bare_line_break",
            Self::BadRequestLine => "framing_request_line",
            Self::BadTarget => "framing_target",
            Self::Fragment => "fragment",
            Self::BadHeader => "framing_header",
            Self::FoldedHeader => "framing_folded_header",
            Self::DuplicateHost => "duplicate_host",
            Self::DuplicateContentLength => "duplicate_content_length",
            Self::BadContentLength => "bad_content_length",
            Self::ContentLengthWithTransferEncoding => "content_length_with_transfer_encoding",
            Self::BadTransferEncoding => "bad_transfer_encoding",
            Self::TransferEncodingOnHttp10 => "transfer_encoding_on_http10",
            Self::Connect => "connect",
            Self::BadChunk => "bad_chunk",
            Self::HeadTooLarge => "head_too_large",
            Self::TooManyHeaders => "too_many_headers",
            Self::HeadTooSlow => "head_too_slow",
        }
    }

    /// The whole answer; the connection closes after it.
    pub(crate) fn answer(self) -> &'static [u8] {
        macro_rules! answer {
            ($status:literal) => {
                concat!("HTTP/1.1 ", $status, "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").as_bytes()
            };
        }
        match self {
            Self::HeadTooLarge | Self::TooManyHeaders => answer!("431 Request Header Fields Too Large"),
            Self::HeadTooSlow => answer!("408 Request Timeout"),
            Self::Connect => answer!("405 Method Not Allowed"),
            _ => answer!("400 Bad Request"),
        }
    }
}

/// Where the head ends: the index after its empty line.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Judges one head, from the request line to the empty line, and says what body follows.
pub(crate) fn check_head(head: &[u8], max_headers: usize) -> Result<BodyLength, FramingFault> {
    let mut lines = Lines(head);
    let http10 = check_request_line(lines.next_line()?)?;
    let (mut length, mut chunked, mut hosts, mut count) = (None, false, 0_u32, 0_usize);
    loop {
        let line = lines.next_line()?;
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > max_headers {
            return Err(FramingFault::TooManyHeaders);
        }
        let (name, value) = split_header(line)?;
        if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if length.is_some() {
                return Err(FramingFault::DuplicateContentLength);
            }
            length = Some(content_length(value)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if http10 {
                return Err(FramingFault::TransferEncodingOnHttp10);
            }
            if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(FramingFault::BadTransferEncoding);
            }
            chunked = true;
        }
    }
    if hosts > 1 {
        return Err(FramingFault::DuplicateHost);
    }
    match (length, chunked) {
        (Some(_), true) => Err(FramingFault::ContentLengthWithTransferEncoding),
        (None, true) => Ok(BodyLength::Chunked),
        (length, false) => Ok(BodyLength::Exactly(length.unwrap_or(0))),
    }
}

/// Judges one trailer line; what it says is dropped later.
pub(crate) fn check_trailer(line: &[u8]) -> Result<(), FramingFault> {
    split_header(line).map(drop).map_err(|_| FramingFault::BadChunk)
}

/// The size that opens a chunk. Extensions are refused: nobody needs them, and parsers disagree on where they end.
pub(crate) fn chunk_size(line: &[u8]) -> Result<u64, FramingFault> {
    if line.is_empty() || line.len() > 15 || !line.iter().all(u8::is_ascii_hexdigit) {
        return Err(FramingFault::BadChunk);
    }
    let digits = std::str::from_utf8(line).map_err(|_| FramingFault::BadChunk)?;
    u64::from_str_radix(digits, 16).map_err(|_| FramingFault::BadChunk)
}

struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<&'a [u8], FramingFault> {
        let end = self.0.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0));
        match end {
            Some(at) if self.0[at..].starts_with(b"\r\n") => {
                let line = &self.0[..at];
                self.0 = &self.0[at + 2..];
                Ok(line)
            }
            _ => Err(FramingFault::BareLineBreak),
        }
    }
}

/// True for HTTP/1.0.
fn check_request_line(line: &[u8]) -> Result<bool, FramingFault> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(FramingFault::BadRequestLine);
    };
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err(FramingFault::BadRequestLine);
    }
    let http10 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(FramingFault::BadRequestLine),
    };
    if method == b"CONNECT" {
        return Err(FramingFault::Connect);
    }
    if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
        return Err(FramingFault::BadTarget);
    }
    if target.contains(&b'#') {
        return Err(FramingFault::Fragment);
    }
    Ok(http10)
}

fn split_header(line: &[u8]) -> Result<(&[u8], &[u8]), FramingFault> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(FramingFault::FoldedHeader);
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(FramingFault::BadHeader)?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(FramingFault::BadHeader);
    }
    if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(FramingFault::BadHeader);
    }
    Ok((name, value))
}

fn content_length(value: &[u8]) -> Result<u64, FramingFault> {
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(FramingFault::BadContentLength);
    }
    let digits = std::str::from_utf8(value).map_err(|_| FramingFault::BadContentLength)?;
    digits.parse().map_err(|_| FramingFault::BadContentLength)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str) -> Result<BodyLength, FramingFault> {
        check_head(head.as_bytes(), 100)
    }

    #[test]
    fn a_plain_get_has_no_body() {
        assert_eq!(check("GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(BodyLength::Exactly(0)));
    }

    #[test]
    fn bodies_are_counted_or_chunked() {
        assert_eq!(check("POST / HTTP/1.1\r\ncontent-length: 12\r\n\r\n"), Ok(BodyLength::Exactly(12)));
        assert_eq!(check("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"), Ok(BodyLength::Chunked));
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        use FramingFault as F;
        for (head, fault) in [
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                F::ContentLengthWithTransferEncoding,
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                F::ContentLengthWithTransferEncoding,
            ),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", F::DuplicateContentLength),
            ("POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", F::BadContentLength),
            ("POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", F::BadContentLength),
            ("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", F::BadContentLength),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", F::BadTransferEncoding),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", F::BadHeader),
            ("POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n", F::BadHeader),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
                F::BadTransferEncoding,
            ),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", F::TransferEncodingOnHttp10),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", F::DuplicateHost),
            ("GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", F::FoldedHeader),
            ("GET / HTTP/1.1\r\nX: a\nY: b\r\n\r\n", F::BareLineBreak),
            ("GET / HTTP/1.1\r\nX: a\rY: b\r\n\r\n", F::BareLineBreak),
            ("GET /a b HTTP/1.1\r\n\r\n", F::BadRequestLine),
            ("GET  / HTTP/1.1\r\n\r\n", F::BadRequestLine),
            ("GET / HTTP/1.2\r\n\r\n", F::BadRequestLine),
            ("GET / HTTP/0.9\r\n\r\n", F::BadRequestLine),
            ("\r\nGET / HTTP/1.1\r\n\r\n", F::BadRequestLine),
            ("GET /a#b HTTP/1.1\r\n\r\n", F::Fragment),
            ("GET /\u{e9} HTTP/1.1\r\n\r\n", F::BadTarget),
            ("CONNECT a:1 HTTP/1.1\r\n\r\n", F::Connect),
        ] {
            assert_eq!(check(head), Err(fault), "{head:?}");
        }
    }

    #[test]
    fn too_many_headers_are_refused() {
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(101));
        assert_eq!(check(&head), Err(FramingFault::TooManyHeaders));
    }

    #[test]
    fn chunk_sizes_are_bare_hex() {
        assert_eq!(chunk_size(b"1aF"), Ok(0x1af));
        for bad in [&b""[..], b"0x1", b" 1", b"1 ", b"1;a=b", b"-1", b"1111111111111111"] {
            assert_eq!(chunk_size(bad), Err(FramingFault::BadChunk), "{bad:?}");
        }
    }

    #[test]
    fn the_end_of_a_head_is_its_empty_line() {
        assert_eq!(head_end(b"GET / HTTP/1.1\r\n\r\nrest"), Some(18));
        assert_eq!(head_end(b"GET / HTTP/1.1\r\n\r"), None);
    }
}
