//! Stands between the client's bytes and the HTTP/1.1 parser: a head passes only whole and unambiguous, and only as many
//! body bytes as it announced. The parser merges duplicates and drops fragments silently; nothing behind it could notice.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::activity::Activity;
use super::framing::{BodyLength, FramingFault, check_head, check_trailer, chunk_size, head_end};

const LINE: usize = 8 * 1024;
const READ: usize = 16 * 1024;

/// What the guard tolerates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadLimits {
    pub(crate) bytes: usize,
    pub(crate) headers: usize,
    /// From a head's first byte to its last.
    pub(crate) time: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
}

/// An HTTP/1.1 byte stream that yields only well-framed messages.
pub(crate) struct Guard<S> {
    stream: S,
    limits: HeadLimits,
    activity: Rc<Activity>,
    phase: Phase,
    /// Read, not yet judged.
    raw: BytesMut,
    /// Judged, not yet taken.
    passed: BytesMut,
    deadline: Option<Pin<Box<Sleep>>>,
    fault: Option<FramingFault>,
    answer: &'static [u8],
}

impl<S> Guard<S> {
    pub(crate) fn new(stream: S, limits: HeadLimits, activity: Rc<Activity>) -> Self {
        Self {
            stream,
            limits,
            activity,
            phase: Phase::Head,
            raw: BytesMut::new(),
            passed: BytesMut::new(),
            deadline: None,
            fault: None,
            answer: b"",
        }
    }

    /// Moves what can be judged from `raw` to `passed`.
    fn judge(&mut self) -> Result<(), FramingFault> {
        while !self.raw.is_empty() {
            let taken = match self.phase {
                Phase::Head => self.judge_head()?,
                Phase::Body(left) => self.pass_body(left, Phase::Body, Phase::Head),
                Phase::ChunkData(left) => self.pass_body(left, Phase::ChunkData, Phase::ChunkEnd),
                Phase::ChunkSize | Phase::ChunkEnd | Phase::Trailers => self.judge_line()?,
            };
            if taken == 0 {
                break;
            }
        }
        Ok(())
    }

    fn judge_head(&mut self) -> Result<usize, FramingFault> {
        let Some(end) = head_end(&self.raw) else {
            return if self.raw.len() > self.limits.bytes { Err(FramingFault::HeadTooLarge) } else { Ok(0) };
        };
        if end > self.limits.bytes {
            return Err(FramingFault::HeadTooLarge);
        }
        self.phase = match check_head(&self.raw[..end], self.limits.headers)? {
            BodyLength::Exactly(0) => Phase::Head,
            BodyLength::Exactly(length) => Phase::Body(length),
            BodyLength::Chunked => Phase::ChunkSize,
        };
        self.deadline = None;
        Ok(self.pass(end))
    }

    fn judge_line(&mut self) -> Result<usize, FramingFault> {
        let Some(end) = self.raw.iter().position(|byte| *byte == b'\n') else {
            return if self.raw.len() > LINE { Err(FramingFault::BadChunk) } else { Ok(0) };
        };
        let line = self.raw[..end].strip_suffix(b"\r").ok_or(FramingFault::BadChunk)?;
        self.phase = match self.phase {
            Phase::ChunkSize => match chunk_size(line)? {
                0 => Phase::Trailers,
                size => Phase::ChunkData(size),
            },
            Phase::ChunkEnd if line.is_empty() => Phase::ChunkSize,
            Phase::Trailers if line.is_empty() => Phase::Head,
            Phase::Trailers => {
                check_trailer(line)?;
                Phase::Trailers
            }
            _ => return Err(FramingFault::BadChunk),
        };
        Ok(self.pass(end + 1))
    }

    fn pass_body(&mut self, left: u64, more: fn(u64) -> Phase, done: Phase) -> usize {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(self.raw.len());
        self.advance(taken, left, more, done);
        self.pass(taken)
    }

    fn advance(&mut self, taken: usize, left: u64, more: fn(u64) -> Phase, done: Phase) {
        let left = left - taken as u64;
        self.phase = if left == 0 { done } else { more(left) };
    }

    fn pass(&mut self, count: usize) -> usize {
        if self.passed.is_empty() && count == self.raw.len() {
            self.passed = self.raw.split();
        } else {
            self.passed.extend_from_slice(&self.raw[..count]);
            self.raw.advance(count);
        }
        count
    }

    /// A fault between messages is answered; one inside a body ends the connection, because an answer may be under way.
    fn fail(&mut self, fault: FramingFault) {
        self.fault = Some(fault);
        self.deadline = None;
        self.activity.note_fault(fault.reason());
        if self.phase == Phase::Head {
            self.answer = fault.answer();
        }
    }

    fn poll_head_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.phase != Phase::Head || self.raw.is_empty() {
            return Poll::Pending;
        }
        let until = self.limits.time;
        let deadline =
            self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + until)));
        deadline.as_mut().poll(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.passed.is_empty() {
                let count = this.passed.len().min(buf.remaining());
                buf.put_slice(&this.passed.split_to(count));
                return Poll::Ready(Ok(()));
            }
            if let Some(fault) = this.fault {
                if this.phase != Phase::Head {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault.reason())));
                }
                // End of input only once earlier answers are out, so that they are not cut short.
                return this.activity.poll_idle(cx).map(Ok);
            }
            if let (true, Phase::Body(left) | Phase::ChunkData(left)) = (this.raw.is_empty(), this.phase) {
                let count = ready!(read_at_most(&mut this.stream, cx, buf, left))?;
                match this.phase {
                    Phase::Body(_) => this.advance(count, left, Phase::Body, Phase::Head),
                    _ => this.advance(count, left, Phase::ChunkData, Phase::ChunkEnd),
                }
                return Poll::Ready(Ok(()));
            }
            this.raw.reserve(READ);
            let count = match tokio_util::io::poll_read_buf(Pin::new(&mut this.stream), cx, &mut this.raw)? {
                Poll::Ready(count) => count,
                Poll::Pending => {
                    ready!(this.poll_head_time(cx));
                    this.fail(FramingFault::HeadTooSlow);
                    continue;
                }
            };
            if count == 0 {
                // A head that ends half-way never reaches the parser.
                return Poll::Ready(Ok(()));
            }
            if let Err(fault) = this.judge() {
                this.fail(fault);
            }
        }
    }
}

/// Reads straight into the parser's buffer, never past the end of the body.
fn read_at_most<S: AsyncRead + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
    left: u64,
) -> Poll<io::Result<usize>> {
    let room = usize::try_from(left).unwrap_or(usize::MAX).min(buf.remaining());
    let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
    ready!(Pin::new(stream).poll_read(cx, &mut part))?;
    let count = part.filled().len();
    buf.advance(count);
    Poll::Ready(Ok(count))
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.answer.is_empty() {
            let answer = self.answer;
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, answer))?;
            if count == 0 {
                break;
            }
            self.answer = &answer[count..];
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
