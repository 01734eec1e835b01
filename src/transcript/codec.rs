//! Transcripts as JSON Lines: a header line, exchange and skip lines as they end, an end line.
//!
//! A body or header list equal to an earlier one of the file is written as a reference to it.
//! A cut last line is dropped; damage before the last line, a foreign format or no header is an error.

use std::collections::HashMap;
use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::printable::escaped_json;
use super::{End, Exchange, FORMAT, Header, Skip, Transcript};

/// Longest line accepted: the largest body and everything around it, escaped.
const MAX_LINE: u64 = 64 * 1024 * 1024;
/// Most lines accepted: no scan may send so many requests.
const MAX_LINES: usize = 10_000;
/// Most bytes accepted, those of repeated parts included: some eight times what a scan keeps of replies
/// (`kept_bytes`), because JSON may write six characters for one.
pub const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Shorter texts are not worth a reference.
const MIN_SHARED: usize = 96;

/// Why a file is no transcript of ours. Line numbers count from 1.
#[derive(Debug, Error)]
pub enum CodecError {
    /// Reading failed.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Empty, or the first line is not a header.
    #[error("line 1 is not a transcript header (is this a file written by --save-transcript?)")]
    NoHeader,
    /// A format of another version.
    #[error("transcript format {found} is not supported; this version reads format {FORMAT}")]
    Format {
        /// The version found.
        found: u64,
    },
    /// A line in the middle cannot be read.
    #[error("line {line} is damaged: {reason}")]
    Damaged {
        /// Its number.
        line: usize,
        /// What is wrong, without its text.
        reason: String,
    },
    /// More lines, or a longer line, than any scan writes.
    #[error("line {line} exceeds the limits of a transcript")]
    TooLarge {
        /// Its number.
        line: usize,
    },
    /// More bytes than any scan writes, or parts repeated until they are more.
    #[error("it holds more than {} MiB, the most that is read of a transcript", MAX_BYTES / (1024 * 1024))]
    TooLong,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// First line.
    Header(Box<Header>),
    /// A finished exchange.
    Exchange(Box<Exchange>),
    /// Something left out.
    Skip(Skip),
    /// Last line.
    End(End),
}

/// Writes entries one by one, so that a crash keeps what was recorded.
#[derive(Debug, Default)]
pub struct Encoder {
    seen: HashMap<String, u32>,
}

impl Encoder {
    /// Writes one line and flushes it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, entry: &Entry, out: &mut impl Write) -> std::io::Result<()> {
        let mut value = serde_json::to_value(entry)?;
        if let Entry::Exchange(exchange) = entry {
            for pointer in SHARED {
                if let Some(part) = value.pointer_mut(pointer) {
                    self.share(pointer, part, exchange.id);
                }
            }
        }
        // A transcript is shown on terminals and in logs, too.
        out.write_all(escaped_json(&serde_json::to_string(&value)?).as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    fn share(&mut self, pointer: &str, part: &mut Value, id: u32) {
        let text = part.to_string();
        if text.len() < MIN_SHARED {
            return;
        }
        let key = format!("{pointer} {text}");
        if let Some(earlier) = self.seen.get(&key) {
            *part = json!({ "same": earlier });
        } else {
            self.seen.insert(key, id);
        }
    }
}

/// The parts of an exchange line that may be references to the same part of an earlier one.
const SHARED: [&str; 4] = [
    "/exchange/head/headers",
    "/exchange/content/text",
    "/exchange/request/headers",
    "/exchange/request/body",
];

/// Encodes a whole transcript. Exchanges come in order of their ids.
#[must_use]
pub fn encode(transcript: &Transcript) -> Vec<u8> {
    let mut encoder = Encoder::default();
    let mut out = Vec::new();
    let entries = std::iter::once(Entry::Header(Box::new(transcript.header.clone())))
        .chain(transcript.exchanges.iter().map(|exchange| Entry::Exchange(Box::new(exchange.clone()))))
        .chain(transcript.skips.iter().cloned().map(Entry::Skip))
        .chain(transcript.end.iter().cloned().map(Entry::End));
    for entry in entries {
        // Writing to memory fails only where an own type cannot be JSON, which none can.
        let _ = encoder.write(&entry, &mut out);
    }
    out
}

/// Reads a transcript.
///
/// # Errors
/// See [`CodecError`].
pub fn decode(mut input: impl BufRead) -> Result<Transcript, CodecError> {
    let mut parts: HashMap<(u32, &'static str), Value> = HashMap::new();
    let mut header = None;
    let mut transcript: Option<Transcript> = None;
    let mut damage: Option<CodecError> = None;
    let mut held = 0_u64;
    for number in 1_usize.. {
        let mut bytes = Vec::new();
        let read = (&mut input).take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        // Damage is forgiven on the last line only: a scan that was cut off while writing it.
        if let Some(error) = damage.take() {
            return Err(error);
        }
        if read as u64 == MAX_LINE || number > MAX_LINES {
            return Err(CodecError::TooLarge { line: number });
        }
        held = held.saturating_add(read as u64);
        if held > MAX_BYTES {
            return Err(CodecError::TooLong);
        }
        match entry(&bytes, number, &mut parts, &mut held) {
            Ok(Entry::Header(read)) if number == 1 => header = Some(*read),
            Ok(_) | Err(CodecError::Damaged { .. }) if header.is_none() => return Err(CodecError::NoHeader),
            Ok(Entry::Header(_)) => {
                damage = Some(CodecError::Damaged { line: number, reason: "a second header".to_owned() });
            }
            Ok(entry) => {
                let header = header.clone().ok_or(CodecError::NoHeader)?;
                let transcript = transcript.get_or_insert_with(|| Transcript {
                    header,
                    exchanges: Vec::new(),
                    skips: Vec::new(),
                    end: None,
                });
                match entry {
                    Entry::Exchange(exchange) => transcript.exchanges.push(*exchange),
                    Entry::Skip(skip) => transcript.skips.push(skip),
                    Entry::End(end) => transcript.end = Some(end),
                    Entry::Header(_) => {}
                }
            }
            Err(error @ CodecError::Damaged { .. }) => damage = Some(error),
            Err(error) => return Err(error),
        }
    }
    let header = header.ok_or(CodecError::NoHeader)?;
    let mut transcript = transcript.unwrap_or_else(|| Transcript {
        header,
        exchanges: Vec::new(),
        skips: Vec::new(),
        end: None,
    });
    transcript.exchanges.sort_by_key(|exchange| exchange.id);
    if let Some(pair) = transcript.exchanges.windows(2).find(|pair| matches!(pair, [a, b] if a.id == b.id)) {
        let id = pair.first().map_or(0, |exchange| exchange.id);
        return Err(CodecError::Damaged { line: 0, reason: format!("exchange {id} occurs twice") });
    }
    Ok(transcript)
}

/// About how much memory a part takes.
fn bytes_of(part: &Value) -> u64 {
    match part {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => {
            items.iter().map(|item| bytes_of(item).saturating_add(32)).fold(0, u64::saturating_add)
        }
        _ => 32,
    }
}

fn entry(
    bytes: &[u8],
    number: usize,
    parts: &mut HashMap<(u32, &'static str), Value>,
    held: &mut u64,
) -> Result<Entry, CodecError> {
    let damaged = |reason: String| CodecError::Damaged { line: number, reason };
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| {
        damaged(format!("{:?} error at column {}", error.classify(), error.column()).to_lowercase())
    })?;
    if number == 1 {
        match value.pointer("/header/format").and_then(Value::as_u64) {
            None => return Err(CodecError::NoHeader),
            Some(found) if found != u64::from(FORMAT) => return Err(CodecError::Format { found }),
            Some(_) => {}
        }
    }
    let id = value.pointer("/exchange/id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    if let Some(id) = id {
        for pointer in SHARED {
            let Some(part) = value.pointer_mut(pointer) else { continue };
            let same = part.get("same").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            if let Some(earlier) = same {
                let again = parts.get(&(earlier, pointer)).ok_or_else(|| {
                    damaged(format!("it refers to exchange {earlier}, which has no such part before it"))
                })?;
                *held = held.saturating_add(bytes_of(again));
                if *held > MAX_BYTES {
                    return Err(CodecError::TooLong);
                }
                *part = again.clone();
            } else {
                parts.insert((id, pointer), part.clone());
            }
        }
    }
    serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_harmless_on_a_terminal_and_reads_back_equal() {
        let text = "\u{7f}\u{9b}31m\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}::error::x\n::add-mask::\n##[error]y\n##vso[z]\u{1b}]0;\u{7} \u{1f600} é";
        let skip = Skip {
            probe: crate::transcript::ProbeId::Classify,
            step: Some(text.to_owned()),
            reason: crate::transcript::SkipReason::Crashed,
        };
        let mut line = Vec::new();
        Encoder::default().write(&Entry::Skip(skip.clone()), &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(line.trim_end().chars().all(crate::transcript::printable::harmless), "{line}");
        assert!(line.ends_with("\n") && line.lines().count() == 1 && line.starts_with('{'));
        assert!(!line.contains("##") && line.contains('é'), "{line}");
        let read: Entry = serde_json::from_str(&line).unwrap();
        assert_eq!(read, Entry::Skip(skip));
    }

    #[test]
    fn what_is_repeated_counts_each_time() {
        let mut parts = HashMap::from([((1, "/exchange/content/text"), Value::from("x".repeat(1_000)))]);
        let line = json!({ "exchange": { "id": 2, "content": { "text": { "same": 1 } } } }).to_string();
        let mut read = |mut held| {
            let error = entry(line.as_bytes(), 2, &mut parts, &mut held).unwrap_err();
            (matches!(error, CodecError::TooLong), held)
        };
        assert_eq!(read(7), (false, 1_007));
        assert!(read(MAX_BYTES - 999).0);
    }
}
