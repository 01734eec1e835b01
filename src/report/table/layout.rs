//! Lines of a terminal: width, wrapping, colour. Every text passes the sanitiser here.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::report::text::sanitise;

/// How a terminal report is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours are used. They never carry meaning alone.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Quiet,
    Good,
    Fair,
    Bad,
    Name,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Quiet => "2",
            Self::Good => "32",
            Self::Fair => "33",
            Self::Bad => "1;31",
            Self::Name => "36",
        }
    }
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// A page being written.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) style: Style,
    lines: Vec<String>,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        // Narrower than this nothing can be laid out.
        Self { style: Style { width: style.width.max(30), ..style }, lines: Vec::new() }
    }

    /// Whether there is room for columns.
    pub(super) fn wide(&self) -> bool {
        self.style.width >= 72
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    /// A heading after a blank line.
    pub(super) fn heading(&mut self, text: &str) {
        self.blank();
        self.text(Tone::Strong, text);
    }

    /// A wrapped paragraph.
    pub(super) fn text(&mut self, tone: Tone, text: &str) {
        for line in wrap(text, self.style.width) {
            self.lines.push(self.paint(tone, &line));
        }
    }

    /// A line that is never wrapped, because it is meant to be copied.
    pub(super) fn verbatim(&mut self, indent: usize, label: &str, text: &str) {
        let label = self.paint(Tone::Quiet, label);
        self.lines.push(format!("{:indent$}{label}{}", "", sanitise(text)));
    }

    /// A label at `indent` and a wrapped text that hangs beside it at `hang`.
    pub(super) fn item(&mut self, indent: usize, label: (Tone, &str), hang: usize, text: &str) {
        self.item_of(indent, label, hang, (Tone::Plain, text), usize::MAX);
    }

    /// The same with a tone of its own and at most `most` lines; a cut text ends in an ellipsis.
    pub(super) fn item_of(
        &mut self,
        indent: usize,
        label: (Tone, &str),
        hang: usize,
        text: (Tone, &str),
        most: usize,
    ) {
        let shown = sanitise(label.1);
        let used = indent.saturating_add(columns(&shown));
        let painted = self.paint(label.0, &shown);
        let mut lines = wrap(text.1, self.style.width.saturating_sub(hang).max(20));
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                let room = self.style.width.saturating_sub(hang).saturating_sub(1);
                *last = format!("{}…", fit(last, room));
            }
        }
        let mut rest = lines.into_iter();
        // A label too long for its column has a line of its own.
        if used < hang || shown.is_empty() {
            let gap = hang.saturating_sub(used);
            let first = rest.next().unwrap_or_default();
            let first = self.paint(text.0, &first);
            self.lines.push(format!("{:indent$}{painted}{:gap$}{first}", "", "").trim_end().to_owned());
        } else {
            self.lines.push(format!("{:indent$}{painted}", ""));
        }
        for line in rest {
            let line = self.paint(text.0, &line);
            self.lines.push(format!("{:hang$}{line}", ""));
        }
    }

    /// A label, and a text beside it whose further lines hang deeper than its first.
    pub(super) fn item_hanging(
        &mut self,
        indent: usize,
        label: (Tone, &str),
        column: usize,
        text: &str,
        hang: usize,
    ) {
        let label_width = columns(label.1);
        let painted = self.paint(label.0, label.1);
        let gap = column.saturating_sub(indent).saturating_sub(label_width);
        let mut lines =
            wrap_at(text, self.style.width.saturating_sub(column), self.style.width.saturating_sub(hang))
                .into_iter();
        let first = lines.next().unwrap_or_default();
        self.lines.push(format!("{:indent$}{painted}{:gap$}{first}", "", ""));
        for line in lines {
            self.lines.push(format!("{:hang$}{line}", ""));
        }
    }

    /// A line made of painted pieces; where it is too long, a paragraph in the tone of the first.
    pub(super) fn pieces(&mut self, pieces: &[(Tone, &str)]) {
        let shown: Vec<(Tone, String)> = pieces.iter().map(|(tone, text)| (*tone, sanitise(text))).collect();
        let width: usize = shown.iter().map(|(_, text)| columns(text)).sum();
        if width <= self.style.width {
            let line = shown.iter().map(|(tone, text)| self.paint(*tone, text)).collect();
            self.lines.push(line);
        } else {
            let tone = shown.first().map_or(Tone::Plain, |(tone, _)| *tone);
            let text: String = shown.into_iter().map(|(_, text)| text).collect();
            self.text(tone, &text);
        }
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        if self.style.colour && tone != Tone::Plain && !text.is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code())
        } else {
            text.to_owned()
        }
    }

    pub(super) fn finish(self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }
}

/// The longest start of a text that takes at most `room` columns.
fn fit(text: &str, room: usize) -> &str {
    let mut used = 0_usize;
    for (index, grapheme) in text.grapheme_indices(true) {
        used = used.saturating_add(columns(grapheme));
        if used > room {
            return text.get(..index).unwrap_or_default();
        }
    }
    text
}

/// Sanitises a text and breaks it at spaces, or within words longer than a line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_at(text, width, width)
}

/// The same with a first line of another width.
fn wrap_at(text: &str, first: usize, further: usize) -> Vec<String> {
    let (mut width, further) = (first.max(2), further.max(2));
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in sanitise(text).split(' ') {
        let joined =
            columns(&line).saturating_add(usize::from(!line.is_empty())).saturating_add(columns(word));
        if joined <= width {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            width = further;
        }
        let mut rest = word;
        loop {
            // Only as much is measured as fits: a word may be a megabyte long.
            let part = fit(rest, width);
            if part.len() >= rest.len() {
                break;
            }
            lines.push(part.to_owned());
            width = further;
            rest = rest.get(part.len()..).unwrap_or_default();
        }
        line.push_str(rest);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::tests::{HOSTILE, is_safe};

    #[test]
    fn wrapping_keeps_the_words_and_the_width() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 10), [""]);
        for line in wrap("日本語のツール をたくさん使う", 10) {
            assert!(columns(&line) <= 10, "{line}");
        }
    }

    #[test]
    fn every_way_onto_the_page_is_sanitised() {
        for text in HOSTILE {
            let mut page = Page::new(Style { colour: false, width: 60 });
            page.text(Tone::Strong, text);
            page.heading(text);
            page.verbatim(2, "", text);
            page.item(2, (Tone::Good, text), 20, text);
            page.item_of(2, (Tone::Good, "x"), 8, (Tone::Quiet, text), 1);
            page.pieces(&[(Tone::Name, text), (Tone::Plain, text)]);
            assert!(is_safe(&page.finish()), "{text:?}");
        }
    }

    #[test]
    fn cut_items_end_in_an_ellipsis_within_the_width() {
        let mut page = Page::new(Style { colour: false, width: 40 });
        page.item_of(2, (Tone::Plain, "Fix"), 8, (Tone::Plain, &"word ".repeat(40)), 2);
        let text = page.finish();
        assert_eq!(text.lines().count(), 2);
        assert!(text.trim_end().ends_with('…'));
        assert!(text.lines().all(|line| columns(line) <= 40), "{text}");
    }
}
