//! Transcripts as JSON Lines: a header line, exchange and skip lines as they end, an end line.
//!
//! A body or header list equal to an earlier one of the file is written as a reference to it.
//! A cut last line is dropped; damage before the last line, a foreign format or no header is an error.
//!
//! FORMAT 2 (formats 1 and 2 are read, for good; a header keeps the number that its file has):
//! - `request.handles` names what the endpoint gave and got back. Format 1 could not tell a value that was sent
//!   back from a text of ours.
//! - A text of the endpoint's that looks like a placeholder has a `!` behind its tilde (`~!session-1~`). In format 1
//!   it could not be told from a placeholder.
//! - A server's token is masked where it stands, and elsewhere only if it looks random. Format 1 masked every
//!   value of eight characters everywhere, and with it words of the protocol.
//! - Skips may have the reason `not-sent-back`.

use std::collections::HashMap;
use std::io::{BufRead, Read, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::parts::{self, Part};
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
    #[error("transcript format {found} is not supported; this version reads formats 1 to {FORMAT}")]
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
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// First line.
    Header(Box<Header>),
    /// A finished exchange.
    Exchange(Arc<Exchange>),
    /// Something left out.
    Skip(Skip),
    /// Last line.
    End(End),
}

/// A line as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Found {
    Header(Box<Header>),
    Exchange(Box<Exchange>),
    Skip(Skip),
    End(End),
}

/// A line to be written, of what is not copied for it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Line<'t> {
    Header(&'t Header),
    Exchange(&'t Exchange),
    Skip(&'t Skip),
    End(&'t End),
}

/// Writes entries one by one, so that a crash keeps what was recorded.
#[derive(Debug, Default)]
pub struct Encoder {
    /// By part: the texts that may be referred to, and the exchange of each.
    seen: [HashMap<Box<[u8]>, u32>; Part::ALL.len()],
    /// Whether texts stand as they are, as in version 1 of the format: reports name a transcript by the digest
    /// of its lines, and that of an old one must not move.
    verbatim: bool,
}

impl Encoder {
    /// Writes one line with one call and flushes it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, entry: &Entry, out: &mut impl Write) -> std::io::Result<()> {
        let line = match entry {
            Entry::Header(header) => Line::Header(header),
            Entry::Exchange(exchange) => Line::Exchange(exchange),
            Entry::Skip(skip) => Line::Skip(skip),
            Entry::End(end) => Line::End(end),
        };
        let mut text = Vec::new();
        self.add(&line, &mut text)?;
        out.write_all(&text)?;
        out.flush()
    }

    /// Appends one line. A transcript is shown on terminals and in logs, too: what could act there is
    /// written as an escape of JSON.
    fn add(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> std::io::Result<()> {
        let mut written = match line {
            Line::Exchange(exchange) => self.shared(line, exchange.id)?,
            _ => serde_json::to_vec(line)?,
        };
        if let Line::Header(header) = line {
            self.verbatim = header.format == 1;
        }
        if self.verbatim {
            out.append(&mut written);
            out.push(b'\n');
            return Ok(());
        }
        let text = std::str::from_utf8(&written).map_err(std::io::Error::other)?;
        out.extend_from_slice(escaped_json(text).as_bytes());
        out.push(b'\n');
        Ok(())
    }

    /// The line of an exchange, with references to what earlier ones hold.
    fn shared(&mut self, line: &Line<'_>, id: u32) -> std::io::Result<Vec<u8>> {
        let (text, parts) = parts::mark(line)?;
        let mut out = Vec::with_capacity(text.len());
        let mut written = 0;
        for (part, place) in parts {
            let Some(bytes) = text.get(place.clone()).filter(|bytes| bytes.len() >= MIN_SHARED) else {
                continue;
            };
            let Some(seen) = self.seen.get_mut(part as usize) else { continue };
            if let Some(earlier) = seen.get(bytes) {
                out.extend_from_slice(text.get(written..place.start).unwrap_or_default());
                write!(out, "{{\"same\":{earlier}}}")?;
                written = place.end;
            } else {
                seen.insert(bytes.into(), id);
            }
        }
        out.extend_from_slice(text.get(written..).unwrap_or_default());
        Ok(out)
    }
}

/// A transcript and its encoded form, which is made once: judged, named by its digest, and saved.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The transcript.
    pub transcript: Transcript,
    /// Its lines.
    pub bytes: Vec<u8>,
}

impl Encoded {
    /// Encodes a transcript.
    #[must_use]
    pub fn of(transcript: Transcript) -> Self {
        let bytes = encode(&transcript);
        Self { transcript, bytes }
    }

    /// Encodes a transcript and takes what reading it gives: nothing can be judged then that its file
    /// does not hold.
    #[must_use]
    pub fn reread(transcript: Transcript) -> Self {
        let bytes = encode(&transcript);
        let transcript = decode(bytes.as_slice()).unwrap_or(transcript);
        Self { transcript, bytes }
    }
}

/// Encodes a whole transcript. Exchanges come in order of their ids.
#[must_use]
pub fn encode(transcript: &Transcript) -> Vec<u8> {
    let mut encoder = Encoder::default();
    let mut out = Vec::new();
    let lines = std::iter::once(Line::Header(&transcript.header))
        .chain(transcript.exchanges.iter().map(Line::Exchange))
        .chain(transcript.skips.iter().map(Line::Skip))
        .chain(transcript.end.iter().map(Line::End));
    for line in lines {
        // Writing to memory fails only where an own type cannot be JSON, which none can.
        let _ = encoder.add(&line, &mut out);
    }
    out
}

/// Reads a transcript.
///
/// # Errors
/// See [`CodecError`].
pub fn decode(mut input: impl BufRead) -> Result<Transcript, CodecError> {
    let mut header = None;
    let mut transcript: Option<Transcript> = None;
    // Where each exchange stands: lines come in whatever order they ended.
    let mut places: HashMap<u32, usize> = HashMap::new();
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
        let earlier = |id: u32| {
            let place = places.get(&id)?;
            transcript.as_ref().and_then(|transcript| transcript.exchanges.get(*place))
        };
        match entry(&bytes, number, earlier, &mut held) {
            Ok(Found::Header(read)) if number == 1 => header = Some(*read),
            Ok(_) | Err(CodecError::Damaged { .. }) if header.is_none() => return Err(CodecError::NoHeader),
            Ok(Found::Header(_)) => {
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
                    Found::Exchange(exchange) => {
                        places.insert(exchange.id, transcript.exchanges.len());
                        transcript.exchanges.push(*exchange);
                    }
                    Found::Skip(skip) => transcript.skips.push(skip),
                    Found::End(end) => transcript.end = Some(end),
                    Found::Header(_) => {}
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

/// Reads one line. What it refers to is taken from `earlier`, and counts once more.
fn entry<'e>(
    bytes: &[u8],
    number: usize,
    earlier: impl Fn(u32) -> Option<&'e Exchange>,
    held: &mut u64,
) -> Result<Found, CodecError> {
    let damaged = |reason: String| CodecError::Damaged { line: number, reason };
    if number == 1 {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| damaged(words(&error)))?;
        match value.pointer("/header/format").and_then(Value::as_u64) {
            None => return Err(CodecError::NoHeader),
            Some(found) if !(1..=u64::from(FORMAT)).contains(&found) => {
                return Err(CodecError::Format { found });
            }
            Some(_) => {}
        }
    }
    let (line, references) = parts::without_references(bytes);
    let entry = serde_json::from_slice(&line).map_err(|error| damaged(words(&error)))?;
    let Found::Exchange(mut exchange) = entry else { return Ok(entry) };
    for (part, id) in references {
        let length = earlier(id).and_then(|from| part.copy(from, &mut exchange));
        let length = length.ok_or_else(|| {
            damaged(format!("it refers to exchange {id}, which has no such part before it"))
        })?;
        *held = held.saturating_add(length);
        if *held > MAX_BYTES {
            return Err(CodecError::TooLong);
        }
    }
    Ok(Found::Exchange(exchange))
}

/// What is wrong with a line, without its text.
fn words(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.is_data() {
        let text = error.to_string();
        return text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text).to_owned();
    }
    format!("{:?} error at column {column}", error.classify()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::checks::synthetic::{Scan, get};
    use crate::transcript::{Content, ProbeId};

    /// Two replies with the same text.
    fn repeated() -> Transcript {
        let content = Content::Text { text: "x".repeat(1_000), bytes: 1_000, cut: false };
        let mut scan = Scan::empty();
        for _ in 0..2 {
            let mut made = get(ProbeId::Classify, "get");
            made.made.content = content.clone();
            scan = scan.with(made);
        }
        scan.transcript
    }

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
        let Found::Skip(read) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
        assert_eq!(read, skip);
    }

    #[test]
    fn what_is_repeated_counts_each_time() {
        let transcript = repeated();
        let bytes = encode(&transcript);
        let line = bytes.split(|byte| *byte == b'\n').nth(3).unwrap();
        let read = |mut held| {
            let read = entry(line, 4, |id| transcript.exchange(id), &mut held);
            (matches!(read, Err(CodecError::TooLong)), held)
        };
        let (too_long, held) = read(7);
        assert!(!too_long && (1_007..1_500).contains(&held), "{held}");
        assert!(read(MAX_BYTES - 999).0);
    }
}
