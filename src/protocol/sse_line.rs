//! One line of an event stream, and what it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a line ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Eol {
    /// `\n`.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
    /// `\r` alone.
    Cr,
    /// The stream ended inside the line.
    Eof,
}

/// One line as it arrived, without its terminator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// When the read that completed it arrived, in microseconds since the scan began.
    #[serde(rename = "t")]
    pub at_us: u64,
    /// The text; invalid UTF-8 is replaced by U+FFFD.
    #[serde(rename = "s")]
    pub text: String,
    /// Its terminator.
    #[serde(rename = "e", default, skip_serializing_if = "is_lf")]
    pub eol: Eol,
    /// Whether invalid UTF-8 was replaced.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub lossy: bool,
    /// Whether it was cut at the line limit.
    #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

fn is_lf(eol: &Eol) -> bool {
    *eol == Eol::Lf
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind<'a> {
    /// Empty: dispatches the pending event.
    Blank,
    /// Starts with a colon. The text after it.
    Comment(&'a str),
    /// `event`, `data`, `id` or `retry`, with its value (one leading space removed).
    Field(Field, &'a str),
    /// Any other field name: ignored by clients.
    Unknown(&'a str),
}

/// The four fields that the grammar knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `event`.
    Event,
    /// `data`.
    Data,
    /// `id`.
    Id,
    /// `retry`.
    Retry,
}

impl Line {
    /// Classifies the line. Field names are case-sensitive; only one space after the colon goes.
    #[must_use]
    pub fn kind(&self) -> LineKind<'_> {
        let text = self.text.as_str();
        if text.is_empty() {
            return LineKind::Blank;
        }
        if let Some(comment) = text.strip_prefix(':') {
            return LineKind::Comment(comment);
        }
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => LineKind::Field(Field::Event, value),
            "data" => LineKind::Field(Field::Data, value),
            "id" => LineKind::Field(Field::Id, value),
            "retry" => LineKind::Field(Field::Retry, value),
            _ => LineKind::Unknown(name),
        }
    }
}
