//! What is done to the lines of an event stream as they arrive, before anybody else sees them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::handles::HandleKind;
use super::shared::Shared;
use crate::protocol::sse::{self, Line, LineKind};
use crate::transcript::tokens::{Shapes, UriOf};

/// Masks lines as they arrive; learns the tokens of announced URIs, and keeps what may be sent again.
pub(super) struct Masker<'a> {
    shared: &'a Shared,
    done: usize,
    endpoint: bool,
    pub(super) shapes: Shapes,
    /// The lines that masking changed, as they came, until their event was looked at.
    raw: BTreeMap<usize, String>,
}

impl<'a> Masker<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self { shared, done: 0, endpoint: false, shapes: Shapes::default(), raw: BTreeMap::new() }
    }

    /// Masks the lines that came since.
    pub(super) fn mask(&mut self, lines: &mut [Line]) {
        let vault = &self.shared.vault;
        for (index, line) in lines.iter_mut().enumerate().skip(self.done) {
            let mut announced = None;
            match line.kind() {
                LineKind::Blank => self.endpoint = false,
                LineKind::Field(sse::Field::Event, name) => self.endpoint = name == "endpoint",
                LineKind::Field(sse::Field::Data, uri) if self.endpoint && !line.cut => {
                    let shown = vault.record_uri(UriOf::Announcement, uri, &mut self.shapes);
                    let before = line.text.strip_suffix(uri).unwrap_or("data: ");
                    announced = (shown != uri).then(|| format!("{before}{shown}"));
                }
                _ => {}
            }
            let shown = if line.cut {
                Some(vault.record_cut(&line.text))
            } else if announced.is_some() {
                announced
            } else {
                vault.recorded(&line.text)
            };
            let Some(shown) = shown.filter(|shown| *shown != line.text) else { continue };
            let raw = std::mem::replace(&mut line.text, shown);
            if let (Some(("id", value)), LineKind::Field(sse::Field::Id, shown)) =
                (raw.split_once(':'), line.kind())
            {
                self.shared.given.keep(HandleKind::EventId, shown, value.strip_prefix(' ').unwrap_or(value));
            }
            self.raw.insert(index, raw);
        }
        self.done = lines.len();
    }

    /// Whole events as they came, which begin at line `from`; what may be sent again is kept. They are not
    /// asked for again.
    pub(super) fn said<'l>(&mut self, from: usize, events: &'l [Line]) -> Cow<'l, [Line]> {
        let later = self.raw.split_off(&from.saturating_add(events.len()));
        let mut raw = std::mem::replace(&mut self.raw, later);
        if raw.is_empty() {
            return Cow::Borrowed(events);
        }
        let line = |(index, line): (usize, &Line)| match raw.remove(&from.saturating_add(index)) {
            Some(text) => Line { text, ..line.clone() },
            None => line.clone(),
        };
        let said: Vec<Line> = events.iter().enumerate().map(line).collect();
        for (raw, shown) in sse::blocks(&said).iter().zip(sse::blocks(events)) {
            let (Some(raw_data), Some(shown_data)) = (&raw.data, &shown.data) else { continue };
            if raw_data == shown_data {
                continue;
            }
            if raw.name() == "endpoint" {
                self.shared.given.keep(HandleKind::Announced, shown_data, raw_data);
            } else {
                self.shared.given.keep_message(raw_data, shown_data);
            }
        }
        Cow::Owned(said)
    }
}
