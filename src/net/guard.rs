//! What a WebSocket library does not count: frames of one message, and bytes of one socket.
//!
//! tungstenite limits the size of a frame and of a message. Empty fragments have no size, and never end
//! a message (HOSTILE.md W2): the guard reads frame headers as they pass, and breaks the stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::dial::over;
use crate::transcript::{Failure, FailureKind, Limits, Phase};

/// A message of more frames than allowed.
#[derive(Debug)]
pub(super) struct TooManyFragments(pub(super) usize);

impl std::fmt::Display for TooManyFragments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fragments {}", self.0)
    }
}

impl std::error::Error for TooManyFragments {}

/// A stream whose incoming frames are counted.
#[derive(Debug)]
pub(super) struct Guard<S> {
    inner: S,
    frames: FrameCounter,
}

impl<S> Guard<S> {
    /// Guards a stream on which frames begin at once.
    pub(super) fn new(inner: S, most: usize) -> Self {
        Self { inner, frames: FrameCounter { most, ..FrameCounter::default() } }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        Poll::Ready(self.frames.pass(new).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Reads frame headers (RFC 6455 section 5.2) from bytes that come in any pieces.
#[derive(Debug, Default)]
struct FrameCounter {
    most: usize,
    header: Vec<u8>,
    /// Payload bytes of the current frame that are still to come.
    payload: u64,
    /// Frames of the current message.
    fragments: usize,
}

impl FrameCounter {
    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), TooManyFragments> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let here = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.payload = self.payload.saturating_sub(here as u64);
                bytes = bytes.get(here..).unwrap_or_default();
                continue;
            }
            self.header.push(*first);
            bytes = rest;
            if let Some(payload) = payload(&self.header) {
                self.payload = payload;
                self.count()?;
                self.header.clear();
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), TooManyFragments> {
        let first = self.header.first().copied().unwrap_or_default();
        if first & 0x08 != 0 {
            // Control frames may come between fragments.
            return Ok(());
        }
        self.fragments = if first & 0x0F == 0 { self.fragments.saturating_add(1) } else { 1 };
        if self.fragments > self.most {
            return Err(TooManyFragments(self.most));
        }
        Ok(())
    }
}

/// The payload length, once the header is complete.
fn payload(header: &[u8]) -> Option<u64> {
    let [_, second, rest @ ..] = header else { return None };
    let masked = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, extended) = match second & 0x7F {
        126 => (rest.get(..2)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 2_usize),
        127 => (rest.get(..8)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 8),
        short => (u64::from(short), 0),
    };
    (rest.len() >= extended.saturating_add(masked)).then_some(length)
}

/// What came over one socket in all.
#[derive(Debug, Default)]
pub(super) struct Tally {
    frames: usize,
    bytes: u64,
}

impl Tally {
    /// Counts a message; the failure, if it was one too many or too much.
    pub(super) fn add(&mut self, bytes: usize, limits: &Limits) -> Option<Failure> {
        self.frames = self.frames.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let hit = |name: &str, value: u64| Some(over(Phase::Frames, FailureKind::TooLarge, name, value));
        if self.frames >= limits.frames {
            hit("frames", limits.frames as u64)
        } else if self.bytes > limits.stream_bytes {
            hit("stream_bytes", limits.stream_bytes)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(most: usize) -> FrameCounter {
        FrameCounter { most, ..FrameCounter::default() }
    }

    #[test]
    fn fragments_are_counted_whatever_the_pieces() {
        // A text fragment of 200 bytes, a ping, empty continuations.
        let mut bytes = vec![0x01, 126, 0, 200];
        bytes.extend([b'x'; 200]);
        bytes.extend([0x89, 2, b'h', b'i']);
        bytes.extend([0x00, 0].repeat(3));
        assert!(counter(4).pass(&bytes).is_ok());
        assert!(counter(3).pass(&bytes).is_err());
        let mut slow = counter(3);
        let stopped = bytes.iter().position(|byte| slow.pass(&[*byte]).is_err());
        assert_eq!(stopped, Some(bytes.len() - 1));
    }

    #[test]
    fn whole_messages_do_not_add_up() {
        let mut counter = counter(2);
        for _ in 0..100 {
            assert!(counter.pass(&[0x81, 1, b'x']).is_ok());
        }
    }

    #[test]
    fn a_claim_of_any_length_reserves_nothing() {
        let mut counter = counter(2);
        let claim = [0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(counter.pass(&claim).is_ok());
        assert!(counter.pass(&[0; 4096]).is_ok());
        assert!(counter.header.capacity() < 64);
    }
}
