//! The one place for limits: every read of the wire has a byte cap, an item cap and a deadline.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::sse::SseLimits;

/// Which probes run and how long idle streams are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Under a second: no idle watch, newest era only, no wait for silence over 300 ms.
    Quick,
    /// Idle streams are watched for up to 35 s, both eras.
    #[default]
    Standard,
    /// Idle streams are watched for up to 95 s, until two gaps between keep-alives were measured; otherwise
    /// as `Standard`.
    Deep,
}

impl Profile {
    /// Every profile, the quickest first.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Standard, Self::Deep];

    /// The name as typed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Deep => "deep",
        }
    }
}

/// Limits of one scan. Times in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Name resolution and TCP connect, each address.
    pub connect_ms: u64,
    /// TLS handshake.
    pub tls_ms: u64,
    /// Response head, from the end of sending, for a request that can be answered at once.
    pub header_ms: u64,
    /// Response head and body of an ordinary reply, in all, from the end of sending.
    pub reply_ms: u64,
    /// First event of a stream that may stay silent.
    pub first_event_ms: u64,
    /// How long a probe may wait for silence; 0 means as long as it needs.
    pub silence_ms: u64,
    /// Idle streams are watched this long; 0 means not at all.
    pub idle_watch_ms: u64,
    /// A negative probe's answer, before it counts as slow.
    pub negative_ms: u64,
    /// The whole scan.
    pub target_ms: u64,
    /// Response head.
    pub header_bytes: usize,
    /// Header lines.
    pub header_lines: usize,
    /// Interim (1xx) responses before the response to one request.
    #[serde(default = "most_interim")]
    pub interim: usize,
    /// HTTP/2 frames in a row that bring neither a head nor a body (settings, pings and the like).
    #[serde(default = "most_h2_frames")]
    pub h2_frames: usize,
    /// A document on another origin that a reply of the target points to (authorization metadata), from its
    /// name to its end.
    #[serde(default = "document_ms")]
    pub document_ms: u64,
    /// Body of a document on another origin.
    #[serde(default = "document_bytes")]
    pub document_bytes: usize,
    /// Body, before and after decoding.
    pub body_bytes: usize,
    /// How many times larger a body may become by decoding, once it decodes to more than 1 MiB; 250 where none is
    /// written.
    #[serde(default = "coding_ratio", skip_serializing_if = "is_coding_ratio")]
    pub coding_ratio: u64,
    /// Memory for all bodies, lines and frames of the scan together, as estimated: 4 for a byte of text, 160
    /// more for a JSON value, 480 for an object, 256 more for a line or frame. A reply that does not fit any more is not kept.
    #[serde(default = "most_kept")]
    pub kept_bytes: u64,
    /// One event-stream line.
    pub line_bytes: usize,
    /// One event, in bytes.
    pub event_bytes: usize,
    /// One event, in lines.
    pub event_lines: usize,
    /// One event stream, in bytes.
    pub stream_bytes: u64,
    /// One event stream, in lines.
    pub stream_lines: usize,
    /// One WebSocket frame.
    pub frame_bytes: usize,
    /// One WebSocket message.
    pub message_bytes: usize,
    /// Frames on one WebSocket.
    pub frames: usize,
    /// Frames of one WebSocket message: empty fragments add no bytes.
    #[serde(default = "most_fragments")]
    pub fragments: usize,
    /// Nesting of JSON texts (fixed by `serde_json`).
    pub json_depth: usize,
    /// Pages of one list.
    pub pages: usize,
    /// Items of one list.
    pub list_items: usize,
    /// Requests to the target in all.
    pub requests: u32,
    /// Requests under way at once.
    pub in_flight: usize,
    /// Streams held open at once, beside those.
    pub held_streams: usize,
    /// Sessions opened in all.
    pub sessions: u32,
    /// Requests per second to a public host; 0 means no pacing.
    pub public_rate: u32,
}

impl Limits {
    /// The limits of a profile.
    #[must_use]
    pub const fn of(profile: Profile) -> Self {
        let standard = Self {
            connect_ms: 5_000,
            tls_ms: 5_000,
            header_ms: 10_000,
            reply_ms: 30_000,
            first_event_ms: 10_000,
            silence_ms: 0,
            idle_watch_ms: 35_000,
            negative_ms: 3_000,
            target_ms: 90_000,
            header_bytes: 64 * 1024,
            header_lines: 200,
            interim: most_interim(),
            h2_frames: most_h2_frames(),
            document_ms: document_ms(),
            document_bytes: document_bytes(),
            body_bytes: 4 * 1024 * 1024,
            coding_ratio: coding_ratio(),
            kept_bytes: most_kept(),
            line_bytes: 1024 * 1024,
            event_bytes: 4 * 1024 * 1024,
            event_lines: 10_000,
            stream_bytes: 10 * 1024 * 1024,
            stream_lines: 100_000,
            frame_bytes: 1024 * 1024,
            message_bytes: 4 * 1024 * 1024,
            frames: 10_000,
            fragments: most_fragments(),
            json_depth: 128,
            pages: 20,
            list_items: 2_000,
            requests: 200,
            in_flight: 5,
            held_streams: 4,
            sessions: 8,
            public_rate: 10,
        };
        match profile {
            Profile::Standard => standard,
            // Time for two of the longest gaps that pass, and for more than the minute after which
            // proxies cut.
            Profile::Deep => Self { idle_watch_ms: 95_000, target_ms: 300_000, requests: 300, ..standard },
            Profile::Quick => Self {
                reply_ms: 10_000,
                silence_ms: 300,
                idle_watch_ms: 0,
                target_ms: 30_000,
                kept_bytes: 48 * 1024 * 1024,
                stream_bytes: 4 * 1024 * 1024,
                stream_lines: 20_000,
                frames: 2_000,
                pages: 5,
                requests: 80,
                ..standard
            },
        }
    }

    /// The part of them that the event-stream decoder keeps.
    #[must_use]
    pub const fn sse(&self) -> SseLimits {
        SseLimits {
            line_bytes: self.line_bytes,
            event_bytes: self.event_bytes,
            event_lines: self.event_lines,
            stream_bytes: self.stream_bytes,
            stream_lines: self.stream_lines,
        }
    }

    /// Every limit by its name, as `--show-limits` prints them.
    #[must_use]
    pub fn by_name(&self) -> BTreeMap<String, u64> {
        // A plain struct of numbers: it cannot fail to be JSON.
        let value = serde_json::to_value(self).unwrap_or_default();
        let all = value.as_object().into_iter().flatten();
        let mut named: BTreeMap<String, u64> =
            all.filter_map(|(name, value)| Some((name.clone(), value.as_u64()?))).collect();
        // The one that is not written where it has its usual value.
        named.insert("coding_ratio".to_owned(), self.coding_ratio);
        named
    }

    /// Deadline of the whole scan.
    #[must_use]
    pub const fn target(&self) -> Duration {
        Duration::from_millis(self.target_ms)
    }
}

// Older transcripts have no such limits: these are read into them.
const fn most_interim() -> usize {
    20
}

const fn coding_ratio() -> u64 {
    250
}

/// Not written then: what older versions recorded keeps its bytes, and so its digest.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_coding_ratio(ratio: &u64) -> bool {
    *ratio == coding_ratio()
}

const fn most_kept() -> u64 {
    96 * 1024 * 1024
}

const fn most_fragments() -> usize {
    1_000
}

const fn most_h2_frames() -> usize {
    1_000
}

const fn document_ms() -> u64 {
    5_000
}

const fn document_bytes() -> usize {
    1024 * 1024
}
