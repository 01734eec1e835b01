//! A text as it reads after something was decoded, dropped or turned round, with the way back to the text that came.

use std::borrow::Cow;
use std::cell::Cell;

/// Between two stretches of a view that do not follow each other. No UTF-8 has this byte, so no secret crosses it.
pub(super) const GAP: u8 = 0xFF;

/// Bytes of a view that come from one place of the text.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Where they begin in the view.
    at: u32,
    /// Where the place begins in the text, and where it ends. As long as the segment: byte for byte. Otherwise all of
    /// the place stands for each byte.
    from: u32,
    to: u32,
}

/// A reading of a text.
#[derive(Clone, Debug)]
pub(super) struct View<'t> {
    pub(super) bytes: Cow<'t, [u8]>,
    segments: Vec<Segment>,
    /// The segment that was asked for last: the next is nearly always the same, or the one behind it.
    last: Cell<usize>,
}

fn short(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn long(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl<'t> View<'t> {
    /// The text itself.
    pub(super) fn of(text: &'t str) -> Self {
        Self::raw(text.as_bytes())
    }

    /// Bytes of no text.
    pub(super) fn raw(bytes: &'t [u8]) -> Self {
        Self::part(bytes, 0)
    }

    /// Bytes that begin here in the text.
    pub(super) fn part(bytes: &'t [u8], from: usize) -> Self {
        let segments =
            vec![Segment { at: 0, from: short(from), to: short(from.saturating_add(bytes.len())) }];
        Self { bytes: Cow::Borrowed(bytes), segments, last: Cell::new(0) }
    }

    /// The segment that has this byte, and where it ends in the view.
    fn segment(&self, at: usize) -> Option<(Segment, usize)> {
        let begin = |index: usize| self.segments.get(index).map(|segment| long(segment.at));
        let end = |index: usize| begin(index.saturating_add(1)).unwrap_or(self.bytes.len());
        let last = self.last.get();
        let known = [last, last.saturating_add(1)]
            .into_iter()
            .find(|index| begin(*index).is_some_and(|begin| begin <= at) && at < end(*index));
        let index = match known {
            Some(index) => index,
            None => self.segments.partition_point(|segment| long(segment.at) <= at).checked_sub(1)?,
        };
        self.last.set(index);
        Some((*self.segments.get(index)?, end(index)))
    }

    /// The places of the text that these bytes come from, in the order of the view.
    pub(super) fn places(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = Vec::new();
        let mut at = from;
        while at < to {
            let Some((segment, whole)) = self.segment(at) else { break };
            let end = whole.min(to);
            let place = segment.place(whole, at, end);
            match places.last_mut() {
                Some(last) if *last == place => {}
                Some(last) if last.1 == place.0 => last.1 = place.1,
                _ => places.push(place),
            }
            at = end.max(at.saturating_add(1));
        }
        places
    }

    /// The same bytes from the last to the first.
    pub(super) fn reversed(&self) -> View<'static> {
        let mut builder = Builder::default();
        for at in (0..self.bytes.len()).rev() {
            builder.put(
                self,
                self.bytes.get(at..at.saturating_add(1)).unwrap_or_default(),
                at,
                at.saturating_add(1),
            );
        }
        builder.finish()
    }
}

impl Segment {
    /// The place of some of its bytes.
    fn place(self, end: usize, from: usize, to: usize) -> (usize, usize) {
        let (begin, finish) = (long(self.from), long(self.to));
        let at = long(self.at);
        if finish.saturating_sub(begin) == end.saturating_sub(at) {
            let shift = |index: usize| begin.saturating_add(index.saturating_sub(at));
            (shift(from), shift(to))
        } else {
            (begin, finish)
        }
    }
}

/// Makes a view of a view.
#[derive(Debug, Default)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
}

impl Builder {
    /// Bytes of the parent as they are.
    pub(super) fn copy(&mut self, parent: &View<'_>, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let Some((segment, whole)) = parent.segment(at) else { break };
            let end = whole.min(to);
            let (begin, finish) = segment.place(whole, at, end);
            self.place(begin, finish, end.saturating_sub(at));
            self.bytes.extend_from_slice(parent.bytes.get(at..end).unwrap_or_default());
            at = end.max(at.saturating_add(1));
        }
    }

    /// Other bytes for a stretch of the parent.
    pub(super) fn put(&mut self, parent: &View<'_>, bytes: &[u8], from: usize, to: usize) {
        let Some((first, first_end)) = parent.segment(from) else { return };
        let last = to.saturating_sub(1).max(from);
        let Some((end, end_end)) = parent.segment(last) else { return };
        let begin = first.place(first_end, from, from.saturating_add(1)).0;
        let finish = end.place(end_end, last, last.saturating_add(1)).1;
        // What is read backwards comes from places in the order of the text all the same.
        let (begin, finish) = (begin.min(finish), begin.max(finish));
        self.place(begin, finish, bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn place(&mut self, begin: usize, finish: usize, length: usize) {
        let at = self.bytes.len();
        let plain = finish.saturating_sub(begin) == length;
        // What goes on byte for byte is no new segment.
        let continued = self.segments.last().is_some_and(|last| {
            plain
                && long(last.to) == begin
                && long(last.to).saturating_sub(long(last.from)) == at.saturating_sub(long(last.at))
        });
        match self.segments.last_mut().filter(|_| continued) {
            Some(last) => last.to = short(finish),
            None => self.segments.push(Segment { at: short(at), from: short(begin), to: short(finish) }),
        }
    }

    /// What comes next does not follow what came before.
    pub(super) fn gap(&mut self) {
        if self.bytes.last().is_some_and(|last| *last != GAP) {
            let end = self.segments.last().map_or(0, |last| last.to);
            self.segments.push(Segment { at: short(self.bytes.len()), from: end, to: end });
            self.bytes.push(GAP);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn finish(self) -> View<'static> {
        View { bytes: Cow::Owned(self.bytes), segments: self.segments, last: Cell::new(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_knows_its_place() {
        let text = View::of("ab%41cd");
        let mut builder = Builder::default();
        builder.copy(&text, 0, 2);
        builder.put(&text, b"A", 2, 5);
        builder.copy(&text, 5, 7);
        let view = builder.finish();
        assert_eq!(&*view.bytes, b"abAcd");
        assert_eq!(view.places(1, 4), [(1, 6)]);
        assert_eq!(view.places(2, 3), [(2, 5)]);
        let mut builder = Builder::default();
        builder.copy(&view, 1, 2);
        builder.copy(&view, 3, 5);
        let inner = builder.finish();
        assert_eq!((&*inner.bytes, inner.places(0, 3)), (&b"bcd"[..], vec![(1, 2), (5, 7)]));
        assert_eq!(view.reversed().places(0, 3), [(6, 7), (5, 6), (2, 5)]);
    }

    #[test]
    fn several_bytes_of_one_place_are_replaced_together() {
        let text = View::of("xYWJjx");
        let mut builder = Builder::default();
        builder.put(&text, b"abc", 1, 5);
        builder.gap();
        builder.copy(&text, 5, 6);
        let view = builder.finish();
        assert_eq!(view.places(1, 2), [(1, 5)]);
        assert_eq!(view.places(4, 5), [(5, 6)]);
    }
}
