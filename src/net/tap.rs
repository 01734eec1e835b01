//! A stream that keeps the first bytes it read, so that what is not HTTP can be shown, and counts bytes
//! and lines, so that a head over its limit is told from a head that breaks the grammar. Of HTTP/2 it counts
//! frames, and breaks the stream under a flood of them.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::{Flood, FrameCounter};
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
        self.lock().frames = Some(FrameCounter::new(limits.h2_frames, limits.interim));
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
        *counts = Counts { frames, ..Counts::default() };
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
        Pin::new(&mut self.inner).poll_write(cx, data)
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
        Pin::new(&mut self.inner).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
