//! A stream that keeps the first bytes it read, so that what is not HTTP can be shown, and counts bytes
//! and lines, so that a head over its limit is told from a head that breaks the grammar. Of HTTP/2 it counts
//! frames, and breaks the stream under a flood of them.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::{Flood, FrameCounter, Unsent};
use crate::transcript::{Limits, Vault};

/// How many first bytes are kept: enough to find a whole secret in them, so that an excerpt never shows a
/// part of one.
const KEPT: usize = 4096;
/// How much of it an excerpt shows, in characters.
const SHOWN: usize = 64;
/// How many bytes are searched for line ends; no head is longer.
const COUNTED: u64 = 64 * 1024;

/// What a tap saw; shared with the exchange that uses the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    first: Vec<u8>,
    bytes: u64,
    lines: usize,
    /// Set on HTTP/2.
    frames: Option<FrameCounter>,
    flood: Option<Flood>,
    /// Set on HTTP/2, too.
    unsent: Option<Unsent>,
}

impl Seen {
    /// The first bytes since the last [`Self::reset`], masked, as printable text.
    pub(super) fn excerpt(&self, vault: &Vault) -> String {
        let masked = vault.record_cut(&String::from_utf8_lossy(&self.lock().first));
        masked.chars().take(SHOWN).collect::<String>().escape_default().to_string()
    }

    /// Whether what was read since the last [`Self::reset`] begins so.
    pub(super) fn begins(&self, with: &[u8]) -> bool {
        self.lock().first.starts_with(with)
    }

    /// Whether anything was read since the last [`Self::reset`].
    pub(super) fn any(&self) -> bool {
        self.lock().bytes > 0
    }

    /// Bytes read since the last [`Self::reset`], and line ends among the first of them.
    pub(super) fn count(&self) -> (u64, usize) {
        let counts = self.lock();
        (counts.bytes, counts.lines)
    }

    /// Counts frames from here on: the stream speaks HTTP/2, and nothing was read of it.
    pub(super) fn count_frames(&self, limits: &Limits) {
        let mut counts = self.lock();
        counts.frames = Some(FrameCounter::new(limits.h2_frames, limits.interim));
        counts.unsent = Some(Unsent::new());
    }

    /// Whether flow control of HTTP/2 keeps the request from being sent to its end.
    pub(super) fn held_back(&self) -> bool {
        self.lock().unsent.as_ref().is_some_and(Unsent::held_back)
    }

    /// The flood that broke the stream.
    pub(super) fn flood(&self) -> Option<Flood> {
        self.lock().flood
    }

    /// Forgets what was read: a new request begins.
    pub(super) fn reset(&self) {
        let mut counts = self.lock();
        let mut frames = counts.frames.take();
        if let Some(frames) = &mut frames {
            frames.begin();
        }
        let mut unsent = counts.unsent.take();
        if let Some(unsent) = &mut unsent {
            unsent.begin();
        }
        *counts = Counts { frames, unsent, ..Counts::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tapped stream.
#[derive(Debug)]
pub(super) struct Tap<S> {
    inner: S,
    seen: Seen,
}

impl<S> Tap<S> {
    /// Wraps a stream.
    pub(super) fn new(inner: S, seen: Seen) -> Self {
        Self { inner, seen }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let mut counts = self.seen.lock();
        let new = buf.filled().get(before..).unwrap_or_default();
        let room = KEPT.saturating_sub(counts.first.len());
        counts.first.extend(new.iter().take(room));
        if counts.bytes < COUNTED {
            let lines = new.iter().filter(|byte| **byte == b'\n').count();
            counts.lines = counts.lines.saturating_add(lines);
        }
        counts.bytes = counts.bytes.saturating_add(new.len() as u64);
        let passed = counts.frames.as_mut().map_or(Ok(()), |frames| frames.pass(new));
        counts.flood = counts.flood.or(passed.err());
        Poll::Ready(passed.map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, data))?;
        if let Some(unsent) = &mut self.seen.lock().unsent {
            unsent.pass(data.get(..written).unwrap_or_default());
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, data))?;
        if let Some(unsent) = &mut self.seen.lock().unsent {
            let mut left = written;
            for slice in data {
                let part = slice.get(..left.min(slice.len())).unwrap_or_default();
                left = left.saturating_sub(part.len());
                unsent.pass(part);
            }
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
