//! What an HTTP/2 library hides: frames that bring nothing.
//!
//! h2 answers pings and settings one by one and drops informational responses without a word, for as long as
//! they come. The counter reads the headers of frames (RFC 9113 section 4.1) as their bytes pass.

use std::fmt;

/// Bytes of a frame's header.
const HEADER: usize = 9;
/// Bytes of what a client begins a connection with.
const PREFACE: usize = 24;
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const END_STREAM: u8 = 0x1;

/// More than allowed: the limit's name and value, and the frame that was too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood {
    pub(super) limit: &'static str,
    pub(super) most: usize,
    pub(super) frame: u8,
}

impl fmt::Display for Flood {
    /// Begins as every detail does that names a limit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.limit, self.most)?;
        if self.limit == "h2_frames" {
            write!(f, ", a flood of {} frames", name(self.frame))
        } else {
            f.write_str(", a flood of informational (1xx) responses")
        }
    }
}

impl std::error::Error for Flood {}

/// Finds the headers of frames among bytes, whatever the pieces they come in.
#[derive(Debug, Default)]
struct Splitter {
    header: Vec<u8>,
    /// Payload bytes of the current frame that are still to come.
    payload: usize,
}

impl Splitter {
    /// Type and flags of the next frame whose header ends in these bytes, which are taken up to there.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<(u8, u8)> {
        while !bytes.is_empty() {
            let wanted =
                if self.payload > 0 { self.payload } else { HEADER.saturating_sub(self.header.len()) };
            let (now, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
            *bytes = rest;
            if self.payload > 0 {
                self.payload = self.payload.saturating_sub(now.len());
                continue;
            }
            self.header.extend_from_slice(now);
            if let [high, middle, low, kind, flags, _, _, _, _] = *self.header.as_slice() {
                self.payload = u32::from_be_bytes([0, high, middle, low]) as usize;
                self.header.clear();
                return Some((kind, flags));
            }
        }
        None
    }
}

/// Watches what is written for the end of the current request: flow control may hold it back for ever.
#[derive(Debug)]
pub(super) struct Unsent {
    frames: Splitter,
    /// Bytes of the connection preface (RFC 9113 section 3.4) that are still to come.
    preface: usize,
    begun: bool,
    ended: bool,
}

impl Unsent {
    /// Of a connection on which nothing was written.
    pub(super) fn new() -> Self {
        Self { frames: Splitter::default(), preface: PREFACE, begun: false, ended: false }
    }

    /// A new request begins.
    pub(super) fn begin(&mut self) {
        (self.begun, self.ended) = (false, false);
    }

    /// Reads what was written.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let mut rest = bytes.get(self.preface..).unwrap_or_default();
        self.preface = self.preface.saturating_sub(bytes.len());
        while let Some((kind, flags)) = self.frames.next(&mut rest) {
            self.begun |= kind == HEADERS;
            self.ended |= matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
        }
    }

    /// Whether the current request was begun and not sent to its end.
    pub(super) fn held_back(&self) -> bool {
        self.begun && !self.ended
    }
}

/// Counts the frames of a connection that carries one request at a time.
#[derive(Debug)]
pub(super) struct FrameCounter {
    most_frames: usize,
    most_interim: usize,
    read: Splitter,
    /// Frames in a row that brought neither head nor body.
    frames: usize,
    /// HEADERS frames of the current request that end no stream: the last of them may be the response.
    heads: usize,
}

impl FrameCounter {
    /// Of a connection on which frames begin at once.
    pub(super) fn new(most_frames: usize, most_interim: usize) -> Self {
        Self { most_frames, most_interim, read: Splitter::default(), frames: 0, heads: 0 }
    }

    /// A new request begins.
    pub(super) fn begin(&mut self) {
        (self.frames, self.heads) = (0, 0);
    }

    /// Reads what came.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        while let Some((kind, flags)) = self.read.next(&mut bytes) {
            self.count(kind, flags)?;
        }
        Ok(())
    }

    fn count(&mut self, kind: u8, flags: u8) -> Result<(), Flood> {
        let flood = |limit, most| Err(Flood { limit, most, frame: kind });
        if matches!(kind, DATA | HEADERS) {
            // What a body weighs is counted where it is read, and the library counts empty ones.
            self.frames = 0;
            let ends = kind == DATA || flags & END_STREAM != 0;
            self.heads = self.heads.saturating_add(usize::from(!ends));
            let too_many = self.heads > self.most_interim.saturating_add(1);
            return if too_many { flood("interim", self.most_interim) } else { Ok(()) };
        }
        self.frames = self.frames.saturating_add(1);
        if self.frames > self.most_frames { flood("h2_frames", self.most_frames) } else { Ok(()) }
    }
}

/// The name of a frame type (RFC 9113 section 6).
fn name(kind: u8) -> &'static str {
    match kind {
        HEADERS => "HEADERS",
        0x2 => "PRIORITY",
        0x3 => "RST_STREAM",
        0x4 => "SETTINGS",
        0x5 => "PUSH_PROMISE",
        0x6 => "PING",
        0x7 => "GOAWAY",
        0x8 => "WINDOW_UPDATE",
        0x9 => "CONTINUATION",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 0x6;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn frames_are_counted_whatever_the_pieces() {
        let bytes: Vec<u8> = [frame(PING, 0, &[HEADERS; 8]), frame(0x4, 0, &[])].concat().repeat(2);
        assert_eq!(FrameCounter::new(4, 1).pass(&bytes), Ok(()));
        let flood = Flood { limit: "h2_frames", most: 3, frame: 0x4 };
        assert_eq!(FrameCounter::new(3, 1).pass(&bytes), Err(flood));
        assert_eq!(flood.to_string(), "h2_frames 3, a flood of SETTINGS frames");
        let mut slow = FrameCounter::new(3, 1);
        let stopped = bytes.iter().position(|byte| slow.pass(&[*byte]).is_err());
        assert_eq!(stopped, Some(bytes.len() - 1));
    }

    #[test]
    fn a_request_is_held_back_until_its_last_frame_is_written() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let bytes =
            [&preface[..], &frame(0x4, 1, &[0; 6]), &frame(HEADERS, 4, b"x"), &frame(DATA, 0, b"y")].concat();
        let mut unsent = Unsent::new();
        for byte in &bytes {
            unsent.pass(&[*byte]);
        }
        assert!(unsent.held_back());
        unsent.pass(&frame(DATA, END_STREAM, b"z"));
        assert!(!unsent.held_back());
        unsent.begin();
        assert!(!unsent.held_back(), "nothing of the next was sent yet");
        unsent.pass(&frame(HEADERS, END_STREAM | 4, b"x"));
        assert!(!unsent.held_back());
    }

    #[test]
    fn what_brings_something_begins_the_count_anew() {
        let ping = frame(PING, 0, &[0; 8]);
        let mut counter = FrameCounter::new(3, 1);
        for kind in [HEADERS, DATA, DATA, DATA] {
            assert_eq!(counter.pass(&[ping.repeat(3), frame(kind, 0, b"x")].concat()), Ok(()));
        }
        assert_eq!(counter.pass(&ping.repeat(3)), Ok(()));
        // A frame that began before the next request does not shift what follows.
        assert_eq!(counter.pass(&frame(0x8, 0, &[0; 4])[..5]), Ok(()));
        counter.begin();
        assert_eq!(counter.pass(&frame(0x8, 0, &[0; 4])[5..]), Ok(()));
        assert_eq!(counter.pass(&ping.repeat(2)), Ok(()));
        assert!(counter.pass(&ping).is_err());
    }

    #[test]
    fn informational_responses_are_counted_and_the_response_is_none() {
        let head = frame(HEADERS, 4, &[0x48, 3, b'1', b'0', b'3']);
        let last = frame(HEADERS, 5, &[0x88]);
        assert_eq!(FrameCounter::new(100, 20).pass(&[head.repeat(21), last].concat()), Ok(()));
        let flood = FrameCounter::new(100, 20).pass(&head.repeat(22)).unwrap_err();
        assert_eq!(flood.to_string(), "interim 20, a flood of informational (1xx) responses");
    }
}
