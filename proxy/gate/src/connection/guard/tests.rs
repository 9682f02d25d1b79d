use std::collections::VecDeque;

use proptest::prelude::*;
use tokio::io::AsyncReadExt as _;

use super::*;

/// Bytes that arrive in pieces of these sizes, over and over, and then end.
struct Pieces {
    bytes: VecDeque<u8>,
    sizes: Vec<usize>,
    next: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = self.sizes[self.next % self.sizes.len()];
        self.next += 1;
        let count = size.min(buf.remaining()).min(self.bytes.len());
        let piece: Vec<u8> = self.bytes.drain(..count).collect();
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

/// What passes, and what was found against the rest.
fn through(bytes: &[u8], sizes: Vec<usize>, room: usize) -> (Vec<u8>, Option<FramingFault>) {
    let stream = Pieces { bytes: bytes.iter().copied().collect(), sizes, next: 0 };
    let limits = HeadLimits { bytes: 1024, headers: 10, time: Duration::from_secs(1) };
    let mut guard = Guard::new(stream, limits, Activity::new());
    let mut passed = Vec::new();
    let mut part = vec![0; room];
    let read = async {
        while let Ok(count) = guard.read(&mut part).await {
            if count == 0 {
                break;
            }
            passed.extend_from_slice(&part[..count]);
        }
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(read);
    (passed, guard.fault)
}

/// A message that nobody could misread, with a body that looks like the next one.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        Just(b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..200)
    ];
    let chunks = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..4);
    prop_oneof![
        Just(b"GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        body.prop_map(|body| {
            let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
            [head.into_bytes(), body].concat()
        }),
        (chunks, any::<bool>()).prop_map(|(chunks, trailer)| {
            let mut message = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            for chunk in chunks {
                message.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                message.extend(chunk);
                message.extend(b"\r\n");
            }
            message.extend(b"0\r\n");
            message.extend(if trailer { &b"x-trailer: a\r\n\r\n"[..] } else { b"\r\n" });
            message
        }),
    ]
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1_usize..90, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn well_framed_messages_pass_unchanged_however_they_arrive(
        messages in proptest::collection::vec(message(), 1..5), sizes in sizes(), room in 1_usize..200,
    ) {
        let sent = messages.concat();
        prop_assert_eq!(through(&sent, sizes, room), (sent, None));
    }

    #[test]
    fn a_bad_head_stops_what_follows_and_nothing_before_it(
        messages in proptest::collection::vec(message(), 0..4), sizes in sizes(), room in 1_usize..200,
    ) {
        let good = messages.concat();
        let bad = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        let after = b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        let (passed, fault) = through(&[&good, &bad[..], after].concat(), sizes, room);
        prop_assert_eq!((passed, fault), (good, Some(FramingFault::ContentLengthWithTransferEncoding)));
    }

    #[test]
    fn no_input_is_judged_by_how_it_arrives(
        bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), any::<u8>()], 0..300),
        messages in proptest::collection::vec(message(), 0..2), sizes in sizes(),
    ) {
        let sent = [messages.concat(), bytes].concat();
        let whole = through(&sent, vec![usize::MAX], 4096);
        let (passed, fault) = through(&sent, sizes, 7);
        prop_assert!(sent.starts_with(&passed));
        prop_assert_eq!((passed, fault), whole);
    }
}

#[test]
fn bypass_17_chunks_of_two_readings_pass_no_further_than_they_are_clear() {
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunk in [
        "5;a=b\r\nhello\r\n",
        "5\nhello\r\n",
        "0x5\r\nhello\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "-5\r\n",
        " 5\r\nhello\r\n",
    ] {
        let sent = format!("{head}{chunk}0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n");
        let (passed, fault) = through(sent.as_bytes(), vec![13], 64);
        assert_eq!(fault, Some(FramingFault::BadChunk), "{chunk:?}");
        assert!(!String::from_utf8_lossy(&passed).contains("smuggled"), "{chunk:?}");
    }
}

#[test]
fn a_head_without_an_end_is_kept_no_longer_than_allowed() {
    let (passed, fault) = through(&vec![b'a'; 100_000], vec![100], 64);
    assert_eq!((passed.len(), fault), (0, Some(FramingFault::HeadTooLarge)));
    let half = b"GET / HTTP/1.1\r\nhost: a\r\n";
    assert_eq!(through(half, vec![5], 64), (Vec::new(), None), "half a head never passes");
}
