//! What every check file needs.

pub(crate) use crate::check::{Applies, Basis, Check, Gated, How, Reads};
pub(crate) use crate::checks::cases::{Cases, Refusal};
pub(crate) use crate::facts::{Facts, Kind, Outcome, answered};
pub(crate) use crate::protocol::revision::{Era, Revision};
pub(crate) use crate::protocol::transport::Transport;
pub(crate) use crate::protocol::{jsonrpc, names};
pub(crate) use crate::transcript::{Exchange, Expectation, ProbeId};
pub(crate) use crate::verdict::{
    Cause, Dimension, Evidence, Judgement, Level, Observations, Severity, Status, Undecided, Verdict,
    charged_to, cut, fail, inconclusive, info, milliseconds, not_applicable, pass, warn,
};

/// A section of an MCP specification: revision, section in words, page and anchor below the revision. Title
/// and address cannot name different revisions.
macro_rules! mcp {
    ($revision:literal, $section:literal, $page:literal $(,)?) => {
        Basis {
            title: concat!("MCP ", $revision, ", ", $section),
            url: concat!("https://modelcontextprotocol.io/specification/", $revision, "/", $page),
        }
    };
}

/// A section of an RFC: number, section, what it is about.
macro_rules! rfc {
    ($number:literal, $section:literal, $about:literal $(,)?) => {
        Basis {
            title: concat!("RFC ", $number, ", section ", $section, ", ", $about),
            url: concat!("https://www.rfc-editor.org/rfc/rfc", $number, "#section-", $section),
        }
    };
}

pub(crate) use {mcp, rfc};
