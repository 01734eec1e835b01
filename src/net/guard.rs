//! What a WebSocket library does not count or show: frames of one message, bytes of one socket, and close
//! codes that nobody may send.
//!
//! tungstenite limits the size of a frame and of a message. Empty fragments have no size, and never end
//! a message: the guard reads frame headers as they pass, and breaks the stream. A close code
//! that is not allowed it replaces by 1002, so that the peer seems to have sent that: the guard keeps the code.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure::over;
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

    /// The code of the close frame that came.
    pub(super) fn closing(&self) -> Closing {
        self.frames.closing.clone()
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

/// The code of the close frame that came over a socket; 0 until one has. Clones look at the same socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing(Arc<AtomicU16>);

impl Closing {
    /// The code, if it is one that no endpoint may send (RFC 6455 section 7.4, and the registry that it founded,
    /// where 1012 to 1014 came later).
    pub(super) fn forbidden(&self) -> Option<u16> {
        let code = self.0.load(Ordering::Relaxed);
        (code != 0 && !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)).then_some(code)
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
    /// The first bytes of a close frame's payload, once one has begun.
    code: Option<Vec<u8>>,
    closing: Closing,
}

impl FrameCounter {
    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), TooManyFragments> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let here = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.close(bytes.get(..here).unwrap_or_default());
                self.payload = self.payload.saturating_sub(here as u64);
                bytes = bytes.get(here..).unwrap_or_default();
                continue;
            }
            self.header.push(*first);
            bytes = rest;
            if let Some(payload) = payload(&self.header) {
                self.payload = payload;
                self.code = None;
                self.count()?;
                self.header.clear();
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), TooManyFragments> {
        let first = self.header.first().copied().unwrap_or_default();
        if first & 0x08 != 0 {
            self.code = (first & 0x0F == 0x08).then(Vec::new);
            // Control frames may come between fragments.
            return Ok(());
        }
        self.fragments = if first & 0x0F == 0 { self.fragments.saturating_add(1) } else { 1 };
        if self.fragments > self.most {
            return Err(TooManyFragments(self.most));
        }
        Ok(())
    }

    /// Takes the code from a close frame's payload. Masked ones are another fault, which the library names.
    fn close(&mut self, payload: &[u8]) {
        let Some(code) = &mut self.code else { return };
        code.extend(payload.iter().take(2_usize.saturating_sub(code.len())));
        if let [high, low] = code.as_slice() {
            self.closing.0.store(u16::from_be_bytes([*high, *low]), Ordering::Relaxed);
            self.code = None;
        }
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
    fn forbidden_close_codes_are_kept_whatever_the_pieces() {
        let close = |code: u16| [&[0x81, 1, b'x', 0x88, 5][..], &code.to_be_bytes(), b"bye"].concat();
        for (code, forbidden) in [
            (999, true),
            (1000, false),
            (1005, true),
            (1006, true),
            (1014, false),
            (1015, true),
            (2000, true),
        ]
        .into_iter()
        .chain([(3000, false), (4999, false), (5000, true), (65_535, true)])
        {
            for size in [1, 2, 3, 100] {
                let mut counter = counter(9);
                close(code).chunks(size).for_each(|piece| counter.pass(piece).unwrap());
                assert_eq!(counter.closing.forbidden(), forbidden.then_some(code), "{size}");
            }
        }
        let mut counter = counter(9);
        counter.pass(&[0x88, 0, 0x81, 2, 3, 231]).unwrap();
        assert_eq!(counter.closing.forbidden(), None);
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
