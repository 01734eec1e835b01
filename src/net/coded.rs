//! Where a reader gets its bytes from: a body as it comes, or what it decodes to.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::decode::Decoder;
use super::failure::{broken, failure, over};
use super::unframe::Fault;
use crate::protocol::coding::Coding;
use crate::transcript::{Coded, Decoding, Failure, FailureKind, Limits, Phase};

/// Decoded bytes from which the ratio of a body counts: short texts of one letter are no attack.
const FREE: u64 = 1024 * 1024;
/// How much of a body is kept that has decoded to nothing so far, to be read as it is if it does not decode.
const UNCERTAIN: usize = 64 * 1024;

/// Something that came, or why nothing more does.
pub(super) enum Frame {
    Data(Bytes),
    End,
    Failed(Failure),
}

/// A body that is read piece by piece.
pub(super) struct Source {
    body: Incoming,
    unpack: Option<Unpack>,
    coded: Option<Coded>,
    /// A body that cannot be decoded is still counted.
    unread: bool,
    reply_ms: u64,
}

struct Unpack {
    decoder: Decoder,
    /// Received and not decoded yet.
    input: Bytes,
    /// What decoded to nothing so far.
    uncertain: Vec<u8>,
    given: u64,
    /// Most bytes received, and most bytes for each of them.
    bytes: u64,
    ratio: u64,
}

impl Source {
    pub(super) fn new(body: Incoming, coding: Coding, limits: &Limits) -> Self {
        let unpack = Decoder::of(coding).map(|decoder| Unpack {
            decoder,
            input: Bytes::new(),
            uncertain: Vec::new(),
            given: 0,
            bytes: limits.stream_bytes.max(limits.body_bytes as u64),
            ratio: limits.coding_ratio,
        });
        Self { body, unpack, coded: None, unread: coding == Coding::Unread, reply_ms: limits.reply_ms }
    }

    /// What became of a coded body so far; `None` for one without a coding or without a byte.
    pub(super) fn coded(&self) -> Option<Coded> {
        self.coded
    }

    /// The next piece, which is small: what is large in the end is cut off by its reader on the way. It is empty
    /// where bytes came that decode to nothing yet.
    pub(super) async fn frame(&mut self, limit: Instant) -> Frame {
        if let Some(frame) = self.decoded() {
            // Decoding a bomb must not keep the other readers of this thread waiting.
            tokio::task::yield_now().await;
            return frame;
        }
        match timeout_at(limit, self.body.frame()).await {
            Err(_) => {
                let kind = FailureKind::BodyTimeout;
                Frame::Failed(over(Phase::Body, kind, "reply_ms", self.reply_ms))
            }
            Ok(Some(Err(error))) => Frame::Failed(broken(&error)),
            Ok(None) => self.end(),
            Ok(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_default();
                self.take(data).or_else(|| self.decoded()).unwrap_or_else(|| Frame::Data(Bytes::new()))
            }
        }
    }

    /// Takes what came. Gives it back where nothing is to be decoded.
    fn take(&mut self, data: Bytes) -> Option<Frame> {
        if (self.unpack.is_some() || self.unread) && !data.is_empty() {
            let decoding = if self.unread { Decoding::Unread } else { Decoding::Open };
            let coded = self.coded.get_or_insert(Coded { bytes: 0, decoding });
            coded.bytes = coded.bytes.saturating_add(data.len() as u64);
        }
        let received = self.coded.map_or(0, |coded| coded.bytes);
        let Some(unpack) = &mut self.unpack else { return Some(Frame::Data(data)) };
        if received > unpack.bytes {
            let failure = over(Phase::Body, FailureKind::TooLarge, "stream_bytes", unpack.bytes);
            return Some(Frame::Failed(failure));
        }
        unpack.input = data;
        None
    }

    /// What the received bytes decode to; `None` once nothing more can be made of them.
    fn decoded(&mut self) -> Option<Frame> {
        let received = self.coded.map_or(0, |coded| coded.bytes);
        while let Some(unpack) = &mut self.unpack {
            if unpack.input.is_empty() {
                return None;
            }
            match unpack.decoder.step(&unpack.input) {
                Ok((taken, out)) => {
                    let stuck = taken == 0 && out.is_empty();
                    let taken = unpack.input.split_to(taken.min(unpack.input.len()));
                    if unpack.given == 0 && out.is_empty() {
                        unpack.uncertain.extend_from_slice(&taken);
                    }
                    unpack.given = unpack.given.saturating_add(out.len() as u64);
                    if unpack.given > FREE
                        && unpack.given.checked_div(unpack.ratio).unwrap_or(u64::MAX) > received
                    {
                        let limit = unpack.ratio;
                        return Some(self.failed(over(
                            Phase::Body,
                            FailureKind::TooLarge,
                            "coding_ratio",
                            limit,
                        )));
                    }
                    if !out.is_empty() {
                        unpack.uncertain = Vec::new();
                        return Some(Frame::Data(out.into()));
                    }
                    if stuck || unpack.uncertain.len() > UNCERTAIN {
                        return Some(self.broken());
                    }
                }
                Err(Fault::Broken) => return Some(self.broken()),
                Err(Fault::Costly) => {
                    let failure = over(Phase::Body, FailureKind::TooLarge, "coding_ratio", unpack.ratio);
                    return Some(self.failed(failure));
                }
            }
        }
        None
    }

    /// It is not what it is called. What never was is read as it came: `gzip` on a plain body is a slip of a
    /// proxy, and what the body says can still be judged.
    fn broken(&mut self) -> Frame {
        if let Some(coded) = &mut self.coded {
            coded.decoding = Decoding::Broken;
        }
        match self.unpack.take() {
            Some(unpack) if unpack.given == 0 => {
                let mut all = unpack.uncertain;
                all.extend_from_slice(&unpack.input);
                Frame::Data(all.into())
            }
            _ => Frame::Failed(failure(Phase::Body, FailureKind::Undecodable, "")),
        }
    }

    fn failed(&mut self, failure: Failure) -> Frame {
        self.unpack = None;
        Frame::Failed(failure)
    }

    fn end(&mut self) -> Frame {
        let (Some(unpack), Some(coded)) = (&mut self.unpack, &mut self.coded) else { return Frame::End };
        if unpack.decoder.whole() {
            coded.decoding = Decoding::Whole;
        } else if unpack.given == 0 && std::str::from_utf8(&unpack.uncertain).is_ok() {
            // A text too short for a decoder to see that it is none of its own.
            return self.broken();
        }
        Frame::End
    }
}
