//! MCP protocol revisions and the two eras they form.
//!
//! Source: the 2026-07-28 versioning page, which names the per-request form *modern* and the
//! initialize handshake *legacy*.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a conversation is opened. The era belongs to a reply, so a dual endpoint has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Era {
    /// The `initialize` handshake: revisions up to 2025-11-25.
    Legacy,
    /// Per-request `_meta`: 2026-07-28 and later.
    Modern,
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        })
    }
}

/// A published MCP revision, in order of publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Revision {
    /// HTTP+SSE.
    #[serde(rename = "2024-11-05")]
    V2024_11_05,
    /// First Streamable HTTP; the only one with batches.
    #[serde(rename = "2025-03-26")]
    V2025_03_26,
    /// `MCP-Protocol-Version` header, protected-resource metadata.
    #[serde(rename = "2025-06-18")]
    V2025_06_18,
    /// Priming events, Origin 403.
    #[serde(rename = "2025-11-25")]
    V2025_11_25,
    /// Stateless: per-request `_meta`, `server/discover`.
    #[serde(rename = "2026-07-28")]
    V2026_07_28,
}

impl Revision {
    /// Every published revision, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];
    /// The newest revision with the initialize handshake.
    pub const NEWEST_LEGACY: Self = Self::V2025_11_25;
    /// The newest revision of the modern era that this tool speaks.
    pub const NEWEST_MODERN: Self = Self::V2026_07_28;

    /// The date as it appears on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision with exactly this date, if it was published.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// The era this revision belongs to.
    #[must_use]
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
