//! Event-stream bytes → lines → blocks, by the WHATWG algorithm
//! (html.spec.whatwg.org, "Parsing an event stream" and "Interpreting an event stream").
//!
//! The lines are the record that checks read: comments, `retry`, id-only blocks and unknown fields
//! stay visible, with the time of the socket read that completed each. Linear in the input,
//! whatever its chunking; never panics; keeps at most what [`SseLimits`] allow.

pub use super::sse_client::{ClientEvent, client_events};
pub use super::sse_line::{Eol, Field, Line, LineKind};

/// Limits of one stream. Hitting one ends the stream; nothing beyond it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseLimits {
    /// Longest line kept, in bytes; the rest of a longer line is dropped and it is marked cut.
    pub line_bytes: usize,
    /// Largest event, in bytes of its lines.
    pub event_bytes: usize,
    /// Largest event, in lines: empty `data` lines cost memory and add no bytes.
    pub event_lines: usize,
    /// Longest stream, in bytes.
    pub stream_bytes: u64,
    /// Longest stream, in lines.
    pub stream_lines: usize,
}

/// Which limit was hit, in words for the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SseLimit {
    /// More bytes in one event than allowed.
    EventBytes,
    /// More lines in one event than allowed.
    EventLines,
    /// More bytes or lines in the stream than allowed.
    Stream,
}

/// Incremental decoder. Feed it bytes as they arrive; read `lines` at any time.
#[derive(Debug)]
pub struct LineDecoder {
    limits: SseLimits,
    /// Lines so far.
    pub lines: Vec<Line>,
    /// Bytes seen, also those not kept.
    pub bytes: u64,
    /// Whether the stream began with a byte-order mark (legal, skipped).
    pub bom: bool,
    partial: Vec<u8>,
    cut: bool,
    after_cr: bool,
    event_bytes: usize,
    event_lines: usize,
    /// Bytes of a possible byte-order mark at the very start, until decided.
    start: Option<Vec<u8>>,
}

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl LineDecoder {
    /// An empty decoder.
    #[must_use]
    pub fn new(limits: SseLimits) -> Self {
        Self {
            limits,
            lines: Vec::new(),
            bytes: 0,
            bom: false,
            partial: Vec::new(),
            cut: false,
            after_cr: false,
            event_bytes: 0,
            event_lines: 0,
            start: Some(Vec::new()),
        }
    }

    /// Takes one read. `at_us` is its arrival in microseconds since the scan began.
    ///
    /// # Errors
    /// The limit that was hit; the decoder must not be fed further.
    pub fn push(&mut self, chunk: &[u8], at_us: u64) -> Result<(), SseLimit> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        let mut rest = chunk;
        while let Some((&byte, after)) = rest.split_first() {
            if let Some(start) = &mut self.start {
                if BOM.get(start.len()) == Some(&byte) {
                    start.push(byte);
                    if start.len() == BOM.len() {
                        self.bom = true;
                        self.start = None;
                    }
                    rest = after;
                    continue;
                }
                for early in self.start.take().unwrap_or_default() {
                    self.byte(early, at_us)?;
                }
            }
            if matches!(byte, b'\n' | b'\r') {
                self.byte(byte, at_us)?;
                rest = after;
            } else {
                let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                let (run, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                self.run(run);
                rest = after;
            }
        }
        if self.bytes > self.limits.stream_bytes { Err(SseLimit::Stream) } else { Ok(()) }
    }

    /// Ends the stream: an unterminated line is kept with [`Eol::Eof`].
    pub fn finish(&mut self, at_us: u64) {
        for early in self.start.take().unwrap_or_default() {
            // Three bytes at most: no limit can be hit that was not hit before.
            let _ = self.byte(early, at_us);
        }
        if !self.partial.is_empty() || self.cut {
            let _ = self.end_line(Eol::Eof, at_us);
        }
    }

    fn byte(&mut self, byte: u8, at_us: u64) -> Result<(), SseLimit> {
        let after_cr = std::mem::take(&mut self.after_cr);
        match byte {
            b'\n' if after_cr => {
                if let Some(line) = self.lines.last_mut() {
                    line.eol = Eol::CrLf;
                }
                Ok(())
            }
            b'\n' => self.end_line(Eol::Lf, at_us),
            b'\r' => {
                self.after_cr = true;
                self.end_line(Eol::Cr, at_us)
            }
            _ => {
                self.run(&[byte]);
                Ok(())
            }
        }
    }

    /// Takes bytes that end no line.
    fn run(&mut self, bytes: &[u8]) {
        self.after_cr = false;
        let room = self.limits.line_bytes.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.cut |= bytes.len() > room;
    }

    fn end_line(&mut self, eol: Eol, at_us: u64) -> Result<(), SseLimit> {
        let bytes = std::mem::take(&mut self.partial);
        let (text, lossy) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
        };
        if text.is_empty() {
            (self.event_bytes, self.event_lines) = (0, 0);
        } else {
            self.event_bytes = self.event_bytes.saturating_add(text.len());
            self.event_lines = self.event_lines.saturating_add(1);
        }
        self.lines.push(Line { at_us, text, eol, lossy, cut: std::mem::take(&mut self.cut) });
        if self.event_bytes > self.limits.event_bytes {
            return Err(SseLimit::EventBytes);
        }
        if self.event_lines > self.limits.event_lines {
            return Err(SseLimit::EventLines);
        }
        if self.lines.len() > self.limits.stream_lines {
            return Err(SseLimit::Stream);
        }
        Ok(())
    }
}

/// A group of lines up to a blank one (or the end), as the interpretation algorithm sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Index of its first line in the recorded lines.
    pub first_line: usize,
    /// Index of its last line (the blank one, if it was ended).
    pub last_line: usize,
    /// Arrival of its last line, microseconds since the scan began.
    pub at_us: u64,
    /// Value of the last `event` field.
    pub event: Option<String>,
    /// `data` fields joined by newlines; `None` without any.
    pub data: Option<String>,
    /// Value of the last `id` field, unless it held NUL (then clients ignore it).
    pub id: Option<String>,
    /// Value of the last `retry` field, as sent.
    pub retry: Option<String>,
    /// Whether a blank line ended it. A pending block at the end of a stream is discarded.
    pub ended: bool,
}

impl Block {
    /// Whether clients dispatch it: it was ended and has at least one `data` field.
    ///
    /// The algorithm drops a block whose data buffer is empty; `data:` alone leaves a newline that
    /// is stripped, which browsers dispatch as empty data.
    #[must_use]
    pub fn dispatched(&self) -> bool {
        self.ended && self.data.is_some()
    }

    /// The event type clients see: `message` unless named.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.event.as_deref() {
            None | Some("") => "message",
            Some(name) => name,
        }
    }

    fn is_empty(&self) -> bool {
        self.event.is_none() && self.data.is_none() && self.id.is_none() && self.retry.is_none()
    }
}

/// Assembles blocks from lines. Blocks of comments and unknown fields alone are left out.
#[must_use]
pub fn blocks(lines: &[Line]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in lines.iter().enumerate() {
        if line.kind() == LineKind::Blank {
            if let Some(mut block) = open.take() {
                block.last_line = index;
                block.at_us = line.at_us;
                // A blank line cut off by the end of the stream cannot occur: it has no bytes.
                block.ended = true;
                if !block.is_empty() {
                    found.push(block);
                }
            }
            continue;
        }
        let block = open.get_or_insert_with(|| Block { first_line: index, ..Block::default() });
        block.last_line = index;
        block.at_us = line.at_us;
        if let LineKind::Field(field, value) = line.kind() {
            match field {
                Field::Event => block.event = Some(value.to_owned()),
                Field::Data => match &mut block.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => block.data = Some(value.to_owned()),
                },
                Field::Id if value.contains('\0') => {}
                Field::Id => block.id = Some(value.to_owned()),
                Field::Retry => block.retry = Some(value.to_owned()),
            }
        }
    }
    if let Some(block) = open.filter(|block| !block.is_empty()) {
        found.push(block);
    }
    found
}

/// The last event id a client would send on reconnection: of completed blocks only, id-only
/// blocks included; an empty `id` resets it.
#[must_use]
pub fn last_event_id(blocks: &[Block]) -> Option<&str> {
    blocks
        .iter()
        .filter(|block| block.ended)
        .filter_map(|block| block.id.as_deref())
        .next_back()
        .filter(|id| !id.is_empty())
}

/// Whether a body looks like an event stream although its type says otherwise: its first lines are
/// comments or known fields.
#[must_use]
pub fn looks_like_events(start: &str) -> bool {
    let mut fields = 0_usize;
    for line in start.lines().take(8).filter(|line| !line.is_empty()) {
        let known = line.starts_with(':')
            || ["data:", "event:", "id:", "retry:"].iter().any(|field| line.starts_with(field));
        if !known {
            return false;
        }
        fields = fields.saturating_add(1);
    }
    fields > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: SseLimits = SseLimits {
        line_bytes: 64,
        event_bytes: 4096,
        event_lines: 100,
        stream_bytes: 1 << 20,
        stream_lines: 10_000,
    };

    fn decode(chunks: &[&[u8]]) -> LineDecoder {
        let mut decoder = LineDecoder::new(LIMITS);
        for chunk in chunks {
            decoder.push(chunk, 0).unwrap();
        }
        decoder.finish(0);
        decoder
    }

    fn read(bytes: &[u8]) -> Vec<Block> {
        blocks(&decode(&[bytes]).lines)
    }

    #[test]
    fn every_line_end_is_understood_also_split() {
        let whole = decode(&[b"data: a\r\ndata: b\rdata: c\n\r\n"]);
        let split = decode(&[b"data: a\r", b"\ndata: b\r", b"data: c\n\r", b"\n"]);
        assert_eq!(whole.lines, split.lines);
        let ends: Vec<Eol> = whole.lines.iter().map(|line| line.eol).collect();
        assert_eq!(ends, [Eol::CrLf, Eol::Cr, Eol::Lf, Eol::CrLf]);
    }

    #[test]
    fn the_last_cr_only_event_is_not_lost() {
        let found = read(b"data: x\r\r");
        assert_eq!(found.len(), 1);
        assert!(found[0].dispatched());
    }

    #[test]
    fn a_bom_is_skipped_once_even_split_and_bad_utf8_does_not_deafen() {
        let decoder = decode(&[b"\xEF", b"\xBB\xBFdata: 1\n\ndata: \xFF\n\ndata: 3\n\n"]);
        assert!(decoder.bom);
        let found = blocks(&decoder.lines);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1].data.as_deref(), Some("\u{FFFD}"));
        assert!(decoder.lines.iter().any(|line| line.lossy));
        // A second mark in mid-stream is no mark: the field name is then unknown.
        assert_eq!(read(b"data: 1\n\n\xEF\xBB\xBFdata: 2\n\n").len(), 1);
    }

    #[test]
    fn fields_follow_the_standard() {
        let found =
            read(b"data\ndata:  x\nid: 7\nretry: 10\nData: no\n: hi\n\nid: 8\n\nid: a\0b\ndata: y\n\n");
        assert_eq!(found[0].data.as_deref(), Some("\n x"));
        assert_eq!(found[0].retry.as_deref(), Some("10"));
        assert!(!found[1].dispatched());
        assert_eq!(found[2].id, None);
        assert_eq!(last_event_id(&found), Some("8"));
    }

    #[test]
    fn an_unfinished_event_is_pending() {
        let found = read(b"data: x");
        assert!(!found[0].ended);
        assert_eq!(last_event_id(&read(b"id: 4\ndata: x\n")), None);
    }

    #[test]
    fn limits_end_a_stream() {
        let mut decoder = LineDecoder::new(LIMITS);
        let flood = b"data\n".repeat(200);
        assert_eq!(decoder.push(&flood, 0), Err(SseLimit::EventLines));
        let long = decode(&[&[b'x'; 1000]]);
        assert_eq!(long.lines[0].text.len(), 64);
        assert!(long.lines[0].cut);
    }

    #[test]
    fn the_second_opinion_agrees_on_sound_streams() {
        let decoder = decode(&[b"\xEF\xBB\xBFid: 1\ndata: a\r\rdata: b\r\n\r\n: c\n\n"]);
        let seen = client_events(&decoder.lines);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1].data, "b");
        assert_eq!(seen[1].id, "1");
    }

    /// Fragments that hit every branch: terminators, marks, bad UTF-8, fields.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"\n"[..],
            b"\r",
            b"\r\n",
            b"data: x",
            b"data",
            b"data:",
            b"id: 1",
            b"id:",
            b"id: \0",
            b"retry: 5",
            b"event: e",
            b": c",
            b":",
            b"\xEF\xBB\xBF",
            b"\xFF",
            b"\xC3\xA9",
            b"\xE2\x82",
            b"Data: y",
            b"{",
            b" ",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn decoding_does_not_depend_on_chunking(bytes in stream(), size in 1_usize..9) {
            let whole = decode(&[&bytes]);
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            let split = decode(&chunks);
            prop_assert_eq!(whole.lines, split.lines);
            prop_assert_eq!(whole.bom, split.bom);
        }

        #[test]
        fn the_second_opinion_sees_the_same_data(bytes in stream()) {
            let decoder = decode(&[&bytes]);
            let ours: Vec<String> = blocks(&decoder.lines).into_iter()
                .filter(Block::dispatched)
                .filter_map(|block| block.data)
                .collect();
            let theirs: Vec<String> = client_events(&decoder.lines).into_iter().map(|event| event.data).collect();
            // The crate drops an event whose data is empty only where it also has no id or name.
            let ours: Vec<&String> = ours.iter().filter(|data| !data.is_empty()).collect();
            let theirs: Vec<&String> = theirs.iter().filter(|data| !data.is_empty()).collect();
            prop_assert_eq!(ours, theirs);
        }
    }
}
