//! What came after the head: a body, the lines of an event stream, the frames of a WebSocket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::sse::Line;

/// A body that came under a content coding which clients decode (RFC 9110 section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coded {
    /// Bytes received, before decoding.
    pub bytes: u64,
    /// How far decoding came.
    pub decoding: Decoding,
}

/// How far a coded body could be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decoding {
    /// To its final block, and its checksum holds.
    Whole,
    /// All that came, and its final block did not.
    Open,
    /// It is not what it is called. If that showed at its first byte, the content is what came, as it came.
    Broken,
    /// Not tried: a coding that is not known here, or several.
    Unread,
}

/// What came after the head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Content {
    /// Nothing.
    #[default]
    None,
    /// A body that is valid UTF-8 (a leading byte-order mark is kept).
    Text {
        /// The text, up to the limit.
        text: String,
        /// Bytes received, also those not kept.
        bytes: u64,
        /// Whether it was cut at the limit.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// A body that is not UTF-8.
    Binary {
        /// First bytes, base64.
        base64: String,
        /// Bytes received, also those not kept.
        bytes: u64,
    },
    /// An event stream, as lines with arrival times.
    Lines {
        /// The lines.
        lines: Vec<Line>,
        /// Bytes received.
        bytes: u64,
        /// Whether it began with a byte-order mark.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        bom: bool,
    },
    /// WebSocket frames, both directions.
    Frames {
        /// The frames in order.
        frames: Vec<Frame>,
    },
}

impl Content {
    /// Whether nothing came.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Payload bytes received.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Text { bytes, .. } | Self::Binary { bytes, .. } | Self::Lines { bytes, .. } => *bytes,
            Self::Frames { frames } => frames
                .iter()
                .filter(|frame| frame.direction == Direction::In)
                .map(|frame| frame.text.len() as u64)
                .sum(),
        }
    }
}

/// One WebSocket frame or message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// When it was sent or arrived.
    #[serde(rename = "t")]
    pub at_us: u64,
    /// Sent or received.
    #[serde(rename = "d")]
    pub direction: Direction,
    /// What it was.
    #[serde(rename = "k")]
    pub kind: FrameKind,
    /// Text; for a close frame `code reason`; for other payloads lossy text. Masked.
    #[serde(rename = "s")]
    pub text: String,
}

impl Frame {
    /// Whether it is a text message from the endpoint.
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.direction == Direction::In && self.kind == FrameKind::Text
    }
}

/// Direction of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the endpoint.
    In,
    /// From us.
    Out,
}

/// Kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FrameKind {
    /// Text message.
    Text,
    /// Binary message.
    Binary,
    /// Ping.
    Ping,
    /// Pong.
    Pong,
    /// Close.
    Close,
}
