//! What of a JSON text may be replaced, so that it stays JSON.

/// A place that does not cut an escape of JSON in two, at either end.
pub(super) fn whole_escapes(text: &str, from: usize, to: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    // Where the escape begins that covers what is just before `at`, and where it ends.
    let around = |at: usize| {
        (1..6_usize).find_map(|back| {
            let start = at.checked_sub(back)?;
            let slashes = bytes.get(..=start)?.iter().rev().take_while(|byte| **byte == b'\\').count();
            if slashes % 2 == 0 {
                return None;
            }
            let length = match bytes.get(start.saturating_add(1)) {
                Some(b'u') => 6_usize,
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                _ => return None,
            };
            let end = start.saturating_add(length);
            (end > at && end <= bytes.len()).then_some((start, end))
        })
    };
    let from = around(from).map_or(from, |(start, _)| start);
    let to = around(to)
        .filter(|(start, end)| *start >= from && text.is_char_boundary(*end))
        .map_or(to, |(_, end)| end);
    (from, to)
}

/// Which parts of a JSON text are strings; read from left to right.
pub(super) struct Strings<'t> {
    bytes: &'t [u8],
    /// Whether it looks like JSON.
    json: bool,
    at: usize,
    inside: bool,
}

impl<'t> Strings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        // A line of an event stream has a name before it.
        let at = bytes.iter().take(16).position(|byte| matches!(byte, b'{' | b'['));
        Self { bytes, json: at.is_some(), at: at.unwrap_or_default(), inside: false }
    }

    /// The number of JSON, outside of strings, of which this is a part.
    pub(super) fn number(&mut self, gone: &str, from: usize, to: usize) -> Option<(usize, usize)> {
        let part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        if !self.json || !gone.as_bytes().iter().all(part) {
            return None;
        }
        while self.at < from {
            match self.bytes.get(self.at) {
                Some(b'\\') if self.inside => self.at = self.at.saturating_add(1),
                Some(b'"') => self.inside = !self.inside,
                _ => {}
            }
            self.at = self.at.saturating_add(1);
        }
        let before = self.bytes.get(..from)?.iter().rev().take_while(|byte| part(byte)).count();
        let after = self.bytes.get(to..)?.iter().take_while(|byte| part(byte)).count();
        (!self.inside).then_some((from.saturating_sub(before), to.saturating_add(after)))
    }
}
