//! Lines of a terminal: width, wrapping, colour. Every text passes the sanitiser here.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::report::text::sanitise;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The verdict alone.
    Verdict,
    /// What to mend, then the verdict; of several targets one line each.
    #[default]
    Findings,
    /// Also what passed, what was not judged, and how the score came about; of several targets the findings
    /// of each.
    Passes,
    /// The same of each of several targets.
    Everything,
}

/// How a terminal report is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours are used. They never carry meaning alone.
    pub colour: bool,
    /// Columns; [`Style::UNLIMITED`] where nothing is wrapped.
    pub width: usize,
    /// How much is told.
    pub detail: Detail,
}

impl Style {
    /// A width at which nothing is wrapped.
    pub const UNLIMITED: usize = usize::MAX;

    /// Without colours, as much as is usual.
    #[must_use]
    pub const fn plain(width: usize) -> Self {
        Self { colour: false, width, detail: Detail::Findings }
    }

    /// The same, and this much told.
    #[must_use]
    pub const fn telling(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }
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

/// A text in parts, each with its tone.
pub(super) type Pieces<'p> = [(Tone, &'p str)];

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

    /// What another page holds, after a blank line if there is something.
    pub(super) fn append(&mut self, other: Self) {
        if other.len() > 0 {
            self.blank();
            self.lines.extend(other.lines);
        }
    }

    /// A heading after a blank line.
    pub(super) fn heading(&mut self, text: &str) {
        self.blank();
        self.text(Tone::Strong, text);
    }

    /// A wrapped paragraph.
    pub(super) fn text(&mut self, tone: Tone, text: &str) {
        self.pieces(0, 0, &[(tone, text)]);
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
        self.item_pieces(indent, label, hang, &[text], most);
    }

    /// The same with a text in parts.
    pub(super) fn item_pieces(
        &mut self,
        indent: usize,
        label: (Tone, &str),
        hang: usize,
        text: &Pieces<'_>,
        most: usize,
    ) {
        let shown = sanitise(label.1);
        let used = indent.saturating_add(columns(&shown));
        let painted = self.paint(label.0, &shown);
        let room = self.style.width.saturating_sub(hang).max(20);
        let mut lines = broken(text, room, room);
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                cut(last, room.saturating_sub(1));
            }
        }
        let mut rest = lines.into_iter();
        // A label too long for its column has a line of its own.
        if used < hang || shown.is_empty() {
            let gap = hang.saturating_sub(used);
            let first = self.painted(&rest.next().unwrap_or_default());
            self.lines.push(format!("{:indent$}{painted}{:gap$}{first}", "", "").trim_end().to_owned());
        } else {
            self.pieces(indent, indent.saturating_add(2), &[label]);
        }
        for line in rest {
            let line = self.painted(&line);
            self.lines.push(format!("{:hang$}{line}", ""));
        }
    }

    /// Text in parts at `indent`; where it is too long its further lines hang at `hang`, each part in its tone.
    pub(super) fn pieces(&mut self, indent: usize, hang: usize, pieces: &Pieces<'_>) {
        let room = |used: usize| self.style.width.saturating_sub(used);
        for (index, line) in broken(pieces, room(indent), room(hang)).iter().enumerate() {
            let at = if index == 0 { indent } else { hang };
            self.lines.push(format!("{:at$}{}", "", self.painted(line)).trim_end().to_owned());
        }
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        if self.style.colour && tone != Tone::Plain && !text.is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code())
        } else {
            text.to_owned()
        }
    }

    fn painted(&self, line: &Line) -> String {
        line.iter().map(|(tone, text)| self.paint(*tone, text)).collect()
    }

    pub(super) fn finish(self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }
}

/// The longest start of a text that takes at most `room` columns.
pub(super) fn fit(text: &str, room: usize) -> &str {
    let mut used = 0_usize;
    for (index, grapheme) in text.grapheme_indices(true) {
        used = used.saturating_add(columns(grapheme));
        if used > room {
            return text.get(..index).unwrap_or_default();
        }
    }
    text
}

/// The same of its end.
pub(super) fn fit_end(text: &str, room: usize) -> &str {
    let mut used = 0_usize;
    let mut start = text.len();
    for (index, grapheme) in text.grapheme_indices(true).rev() {
        used = used.saturating_add(columns(grapheme));
        if used > room {
            break;
        }
        start = index;
    }
    text.get(start..).unwrap_or_default()
}

/// A line in parts.
type Line = Vec<(Tone, String)>;

fn width_of(line: &Line) -> usize {
    line.iter().map(|(_, text)| columns(text)).fold(0, usize::saturating_add)
}

/// Cuts a line, with an ellipsis behind `room` columns.
fn cut(line: &mut Line, room: usize) {
    let mut left = room;
    for (_, text) in line.iter_mut() {
        let kept = fit(text, left).len();
        text.truncate(kept);
        left = left.saturating_sub(columns(text));
    }
    line.retain(|(_, text)| !text.is_empty());
    match line.last_mut() {
        Some((_, text)) => text.push('…'),
        None => line.push((Tone::Plain, "…".to_owned())),
    }
}

/// Adds text to a line, in the run of the same tone.
fn add(line: &mut Line, tone: Tone, text: &str) {
    match line.last_mut() {
        Some((last, run)) if *last == tone => run.push_str(text),
        _ if text.is_empty() => {}
        _ => line.push((tone, text.to_owned())),
    }
}

/// How many lines a text takes.
pub(super) fn lines_of(text: &str, width: usize) -> usize {
    broken(&[(Tone::Plain, text)], width, width).len()
}

/// Sanitises a text in parts and breaks it at spaces, or within words longer than a line; the first line has a
/// width of its own.
fn broken(pieces: &Pieces<'_>, first: usize, further: usize) -> Vec<Line> {
    let (mut width, further) = (first.max(2), further.max(2));
    let mut lines = Vec::new();
    let mut line = Line::new();
    let mut used = 0_usize;
    // Whether a word stands before the next one. Spaces at the start of the text stay.
    let mut begun = false;
    for word in words(pieces) {
        let wide = width_of(&word);
        if used.saturating_add(usize::from(begun)).saturating_add(wide) <= width {
            if !begun && word.is_empty() && lines.is_empty() {
                add(&mut line, Tone::Plain, " ");
                used = used.saturating_add(1);
                continue;
            }
            if begun {
                let tone = word.first().map_or(Tone::Plain, |(tone, _)| *tone);
                let same = line.last().is_some_and(|(last, _)| *last == tone);
                add(&mut line, if same { tone } else { Tone::Plain }, " ");
                used = used.saturating_add(1);
            }
            used = used.saturating_add(wide);
            begun = begun || !word.is_empty();
            for (tone, text) in word {
                add(&mut line, tone, &text);
            }
            continue;
        }
        if begun {
            lines.push(std::mem::take(&mut line));
            (width, used) = (further, 0);
        }
        begun = true;
        for (tone, text) in word {
            let mut rest = text.as_str();
            loop {
                // Only as much is measured as fits: a word may be a megabyte long.
                let part = fit(rest, width.saturating_sub(used));
                if part.len() >= rest.len() {
                    break;
                }
                add(&mut line, tone, part);
                lines.push(std::mem::take(&mut line));
                (width, used) = (further, 0);
                rest = rest.get(part.len()..).unwrap_or_default();
            }
            add(&mut line, tone, rest);
            used = used.saturating_add(columns(rest));
        }
    }
    if !begun {
        line.clear();
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The words between single spaces: a word may have several tones, and more spaces are empty words.
fn words(pieces: &Pieces<'_>) -> Vec<Line> {
    let mut words = vec![Line::new()];
    for (tone, text) in pieces {
        for (index, part) in sanitise(text).split(' ').enumerate() {
            if index > 0 {
                words.push(Line::new());
            }
            if let Some(word) = words.last_mut() {
                add(word, *tone, part);
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::tests::{HOSTILE, is_safe};

    fn wrap(text: &str, width: usize) -> Vec<String> {
        let whole = |line: &Line| line.iter().map(|(_, text)| text.as_str()).collect();
        broken(&[(Tone::Plain, text)], width, width).iter().map(whole).collect()
    }

    #[test]
    fn wrapping_keeps_the_words_and_the_width() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("a  b", 10), ["a  b"]);
        assert_eq!(wrap("  a bcd", 5), ["  a", "bcd"]);
        assert_eq!(wrap("one two", Style::UNLIMITED), ["one two"]);
        for line in wrap("日本語のツール をたくさん使う", 10) {
            assert!(columns(&line) <= 10, "{line}");
        }
    }

    #[test]
    fn tones_and_indents_survive_wrapping() {
        let mut page = Page::new(Style { colour: true, ..Style::plain(30) });
        let pieces =
            [(Tone::Bad, "FAIL"), (Tone::Plain, " a-check-with-a-name"), (Tone::Fair, " · of some harm")];
        page.pieces(0, 5, &pieces);
        let first = "\u{1b}[1;31mFAIL\u{1b}[0m a-check-with-a-name \u{1b}[33m· of\u{1b}[0m";
        // Where a tone goes on in the next line, so does its colour.
        assert_eq!(page.finish(), format!("{first}\n     \u{1b}[33msome harm\u{1b}[0m\n"));
    }

    #[test]
    fn every_way_onto_the_page_is_sanitised() {
        for text in HOSTILE {
            let mut page = Page::new(Style::plain(60));
            page.text(Tone::Strong, text);
            page.heading(text);
            page.verbatim(2, "", text);
            page.item(2, (Tone::Good, text), 20, text);
            page.item_of(2, (Tone::Good, "x"), 8, (Tone::Quiet, text), 1);
            page.pieces(2, 4, &[(Tone::Name, text), (Tone::Plain, text)]);
            assert!(is_safe(&page.finish()), "{text:?}");
        }
    }

    #[test]
    fn cut_items_end_in_an_ellipsis_within_the_width() {
        let mut page = Page::new(Style::plain(40));
        page.item_of(2, (Tone::Plain, "Fix"), 8, (Tone::Plain, &"word ".repeat(40)), 2);
        let text = page.finish();
        assert_eq!(text.lines().count(), 2);
        assert!(text.trim_end().ends_with('…'));
        assert!(text.lines().all(|line| columns(line) <= 40), "{text}");
    }

    #[test]
    fn both_ends_of_a_text_are_measured_in_columns() {
        assert_eq!((fit("日本語", 4), fit_end("日本語", 4)), ("日本", "本語"));
        assert_eq!((fit("abc", 9), fit_end("abc", 9)), ("abc", "abc"));
    }
}
