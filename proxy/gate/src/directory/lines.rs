use std::time::Duration;

use tenantry_directory::stream::MAX_FRAME_BYTES;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use super::ended::Ended;
use super::source::FrameReader;

/// A stream with nothing to say for so long is dead, whatever its socket says: the authority's heartbeat comes each second.
const SILENCE: Duration = Duration::from_secs(10);
/// Bytes that are kept for the next line; a snapshot's are given back.
const KEPT: usize = 64 * 1024;

/// The lines of one stream.
pub(super) struct Lines {
    reader: BufReader<FrameReader>,
    line: Vec<u8>,
    longest: usize,
    silence: Duration,
}

impl Lines {
    pub fn new(reader: FrameReader) -> Self {
        Self::bounded(reader, MAX_FRAME_BYTES, SILENCE)
    }

    fn bounded(reader: FrameReader, longest: usize, silence: Duration) -> Self {
        Self { reader: BufReader::with_capacity(KEPT, reader), line: Vec::new(), longest, silence }
    }

    /// The next line with its newline. Of one that is longer than a frame may be, as much as shows that it is: nothing after it
    /// can be read. A line that was not sent to its end is none.
    pub async fn next(&mut self) -> Result<&[u8], Ended> {
        self.line.clear();
        self.line.shrink_to(KEPT);
        loop {
            let reading = timeout(self.silence, self.reader.fill_buf()).await;
            let part = reading.map_err(|_| Ended::Silent)?.map_err(Ended::Unread)?;
            if part.is_empty() {
                return Err(if self.line.is_empty() { Ended::Closed } else { Ended::Cut });
            }
            let end = part.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let room = self.longest + 1 - self.line.len();
            let count = end.unwrap_or(part.len()).min(room);
            self.line.extend_from_slice(&part[..count]);
            self.reader.consume(count);
            if self.line.ends_with(b"\n") || self.line.len() > self.longest {
                return Ok(&self.line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn lines(text: &'static str) -> Lines {
        Lines::bounded(Box::new(text.as_bytes()), 8, SILENCE)
    }

    #[tokio::test]
    async fn lines_come_whole_and_what_was_cut_is_none() {
        let mut whole = lines("one\ntwo\nthr");
        assert_eq!(whole.next().await.unwrap(), b"one\n");
        assert_eq!(whole.next().await.unwrap(), b"two\n");
        assert!(matches!(whole.next().await, Err(Ended::Cut)));
        assert!(matches!(lines("").next().await, Err(Ended::Closed)));
    }

    #[tokio::test]
    async fn a_line_without_end_is_not_read_to_its_end() {
        assert_eq!(lines("1234567\n").next().await.unwrap(), b"1234567\n");
        assert_eq!(lines("12345678901234567890").next().await.unwrap(), b"123456789");
    }

    #[tokio::test]
    async fn a_stream_that_says_nothing_is_dead_and_one_that_is_slow_is_not() {
        let silence = Duration::from_millis(400);
        let (mut ours, theirs) = tokio::io::duplex(64);
        let mut slow = Lines::bounded(Box::new(theirs), 8, silence);
        let writing = async {
            for byte in b"slow\n" {
                tokio::time::sleep(silence / 4).await;
                ours.write_all(&[*byte]).await.unwrap();
            }
        };
        let (line, ()) = tokio::join!(async { slow.next().await.unwrap().to_vec() }, writing);
        assert_eq!(line, b"slow\n");
        assert!(matches!(slow.next().await, Err(Ended::Silent)));
    }
}
