//! Finds the operator's secrets in a text, in every form that text can take, and replaces them.
//!
//! One automaton reads the text, and whatever can be made of it by taking off one layer: escapes, characters that nobody
//! sees, markup, base64, base32, hex, and turning round. Each reading is read again, to a fixed depth. All of it is
//! linear in the text: a layer makes at most a fixed number of bytes of each, and nearly always none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, MatchKind};

use super::secret_blocks::Readable;
use super::secret_escapes::{Markup, unescaped};
use super::secret_forms::{FEW, encoded, readings};
use super::secret_view::View;

/// The shortest secret that is looked for in other forms than its own; shorter ones occur by chance in what is decoded.
const SHORTEST_DECODED: usize = 8;
/// The least of a secret's beginning that is not left at the end of a text that was cut.
const SHORTEST_BEGINNING: usize = 4;
/// Most signs of padding: those of base32.
const MOST_PADDING: usize = 6;
/// How much of the end of a cut text is looked at.
const END: usize = 4096;

/// What may still be taken off.
#[derive(Clone, Copy, Debug)]
struct Layers {
    escapes: u8,
    blocks: u8,
    markup: u8,
    turned: bool,
}

const LAYERS: Layers = Layers { escapes: 6, blocks: 3, markup: 2, turned: true };

/// What a pattern is.
#[derive(Debug)]
struct Pattern {
    /// The secret's placeholder.
    placeholder: usize,
    /// The text, where case and what stands around it count: short secrets.
    exact: Option<String>,
    /// Whether it is a placeholder itself, in which nothing is replaced.
    own: bool,
}

/// Secrets, ready to be found.
#[derive(Debug)]
pub(super) struct Matcher {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
    /// What the patterns look for.
    forms: Vec<String>,
    placeholders: Vec<String>,
    /// `None` where all secrets are short.
    readable: Option<Readable>,
    /// How many bytes of all readings were looked at.
    read: AtomicUsize,
}

/// A secret that was found.
#[derive(Clone, Debug)]
struct Found {
    /// The places that it fills.
    places: Vec<(usize, usize)>,
    placeholder: usize,
    /// Whether it was decoded, so that padding may follow.
    decoded: bool,
}

/// A part of the text that is to be replaced.
#[derive(Clone, Copy, Debug)]
struct Part {
    from: usize,
    to: usize,
    /// How much of the text all of its secret fills.
    size: usize,
    placeholder: usize,
    /// Whether it is the first of its secret.
    first: bool,
    decoded: bool,
}

impl Matcher {
    /// For these secrets, by placeholder; `None` where there is none.
    pub(super) fn new(secrets: &[(String, String)]) -> Option<Self> {
        let mut placeholders: Vec<String> = Vec::new();
        let mut forms: BTreeMap<String, Pattern> = BTreeMap::new();
        let few = secrets.len() <= FEW;
        for (placeholder, value) in secrets {
            let index = placeholders.iter().position(|other| other == placeholder).unwrap_or_else(|| {
                placeholders.push(placeholder.clone());
                placeholders.len().saturating_sub(1)
            });
            if value.len() < SHORTEST_DECODED {
                let exact = Pattern { placeholder: index, exact: Some(value.clone()), own: false };
                forms.entry(value.to_ascii_lowercase()).or_insert(exact);
                continue;
            }
            for reading in readings(value).into_iter().filter(|reading| reading.len() >= SHORTEST_DECODED) {
                let mut of = vec![reading.chars().rev().collect::<String>()];
                if few {
                    of.extend(encoded(&reading));
                }
                of.push(reading);
                for form in of {
                    let pattern = Pattern { placeholder: index, exact: None, own: false };
                    forms.entry(form.to_ascii_lowercase()).or_insert(pattern);
                }
            }
        }
        if forms.is_empty() {
            return None;
        }
        for (index, placeholder) in placeholders.iter().enumerate() {
            let pattern = Pattern { placeholder: index, exact: None, own: true };
            forms.insert(placeholder.to_ascii_lowercase(), pattern);
        }
        let long =
            secrets.iter().map(|(_, value)| value.as_bytes()).filter(|value| value.len() >= SHORTEST_DECODED);
        let readable = (long.clone().count() > 0).then(|| Readable::new(long));
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(forms.keys())
            .ok()?;
        let (forms, patterns) = forms.into_iter().unzip();
        Some(Self { automaton, patterns, forms, placeholders, readable, read: AtomicUsize::new(0) })
    }

    /// The text without secrets; `None` where it has none.
    pub(super) fn masked(&self, text: &str) -> Option<String> {
        let mut found = Vec::new();
        self.explore(&View::of(text), LAYERS, &mut found);
        self.replaced(text, found)
    }

    /// The same for a text that was cut and may end inside a secret.
    pub(super) fn masked_cut(&self, text: &str) -> Option<String> {
        let mut found = Vec::new();
        let whole = View::of(text);
        self.explore(&whole, LAYERS, &mut found);
        let from = (text.len().saturating_sub(END)..=text.len()).find(|from| text.is_char_boundary(*from));
        let tail = text.get(from.unwrap_or_default()..).unwrap_or_default();
        // An escape may be cut as well.
        let broken = tail.bytes().rev().take(12).position(|byte| matches!(byte, b'%' | b'&' | b'\\'));
        let ends = broken.map(|back| tail.len().saturating_sub(back).saturating_sub(1));
        for end in std::iter::once(tail.len()).chain(ends) {
            let Some(tail) = tail.get(..end) else { continue };
            self.beginnings(&View::of(tail), from.unwrap_or_default(), &mut found);
            for markup in [Markup::Kept, Markup::Dropped] {
                if let Some(view) = unescaped(&View::of(tail), markup) {
                    self.beginnings(&view, from.unwrap_or_default(), &mut found);
                }
            }
        }
        self.replaced(text, found)
    }

    /// The longest beginning of a secret at the end of a view of what begins here in the text.
    fn beginnings(&self, view: &View<'_>, shift: usize, found: &mut Vec<Found>) {
        let ends = |beginning: &[u8]| {
            let from = view.bytes.len().checked_sub(beginning.len());
            from.and_then(|from| view.bytes.get(from..))
                .is_some_and(|end| end.eq_ignore_ascii_case(beginning))
        };
        let mut longest: Option<(usize, usize)> = None;
        for (form, pattern) in self.forms.iter().zip(&self.patterns).filter(|(_, pattern)| !pattern.own) {
            let least = longest.map_or(SHORTEST_BEGINNING, |(length, _)| length.saturating_add(1));
            let length =
                (least..form.len()).rev().find(|length| form.as_bytes().get(..*length).is_some_and(ends));
            if let Some(length) = length {
                longest = Some((length, pattern.placeholder));
            }
        }
        if let Some((length, placeholder)) = longest {
            let end = view.bytes.len();
            let places = view.places(end.saturating_sub(length), end);
            let moved = |(from, to): &(usize, usize)| (from.saturating_add(shift), to.saturating_add(shift));
            let places = places.iter().map(moved).collect();
            found.push(Found { places, placeholder, decoded: false });
        }
    }

    /// Reads a view and everything that can be made of it.
    fn explore(&self, view: &View<'_>, layers: Layers, found: &mut Vec<Found>) {
        self.read.fetch_add(view.bytes.len(), Ordering::Relaxed);
        self.search(view, layers, found);
        let Some(readable) = &self.readable else { return };
        if let Some(escapes) = layers.escapes.checked_sub(1) {
            let next = Layers { escapes, ..layers };
            if let Some(view) = unescaped(view, Markup::Kept) {
                self.explore(&view, next, found);
            }
            if let Some(less) = layers.markup.checked_sub(1) {
                for markup in [Markup::Dropped, Markup::DroppedBackwards] {
                    if let Some(view) = unescaped(view, markup) {
                        self.explore(&view, Layers { markup: less, ..next }, found);
                    }
                }
            }
        }
        if let Some(blocks) = layers.blocks.checked_sub(1) {
            for view in readable.decoded(view) {
                self.explore(&view, Layers { blocks, ..layers }, found);
            }
        }
        if layers.turned && escaped_backwards(&view.bytes) {
            self.explore(&view.reversed(), Layers { turned: false, ..layers }, found);
        }
    }

    fn search(&self, view: &View<'_>, layers: Layers, found: &mut Vec<Found>) {
        let mut own: Vec<(usize, usize)> = Vec::new();
        let before = found.len();
        for hit in self.automaton.find_overlapping_iter(&*view.bytes) {
            let Some(pattern) = self.patterns.get(hit.pattern().as_usize()) else { continue };
            if pattern.own {
                own.push((hit.start(), hit.end()));
                continue;
            }
            if pattern
                .exact
                .as_ref()
                .is_some_and(|exact| !stands_alone(&view.bytes, exact, hit.start(), hit.end()))
            {
                continue;
            }
            let places = view.places(hit.start(), hit.end());
            let decoded = layers.blocks < LAYERS.blocks;
            found.push(Found { places, placeholder: pattern.placeholder, decoded });
        }
        if own.is_empty() {
            return;
        }
        // What is a placeholder already stays.
        let own: Vec<(usize, usize)> = own.iter().flat_map(|(from, to)| view.places(*from, *to)).collect();
        let mut index = 0_usize;
        found.retain(|found| {
            index = index.saturating_add(1);
            let inside = |place: &(usize, usize)| {
                let at = own.partition_point(|own| own.1 < place.1);
                own.get(at).is_some_and(|own| own.0 <= place.0 && place.1 <= own.1)
            };
            index <= before || !found.places.iter().all(inside)
        });
    }

    /// The text with everything that was found replaced, and everything between its parts kept.
    fn replaced(&self, text: &str, found: Vec<Found>) -> Option<String> {
        let mut parts: Vec<Part> = Vec::new();
        for Found { places, placeholder, decoded } in found {
            let size = places.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
            let begin = places.iter().map(|(from, _)| *from).min();
            parts.extend(places.iter().map(|(from, to)| {
                let first = Some(*from) == begin;
                let (from, to) = whole_escapes(text, *from, *to);
                Part { from, to, size, placeholder, first, decoded }
            }));
        }
        parts.sort_unstable_by_key(|part| (part.from, std::cmp::Reverse(part.to)));
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match joined.last_mut().filter(|last| part.from < last.to) {
                Some(last) => {
                    last.to = last.to.max(part.to);
                    last.first |= part.first;
                    last.decoded |= part.decoded;
                    if part.size > last.size {
                        (last.size, last.placeholder) = (part.size, part.placeholder);
                    }
                }
                None => joined.push(part),
            }
        }
        if joined.is_empty() {
            return None;
        }
        let mut masked = String::with_capacity(text.len());
        let mut strings = Strings::new(text);
        let mut kept = 0_usize;
        for Part { from, to, placeholder, first, decoded, .. } in joined {
            if to <= kept {
                continue;
            }
            let from = from.max(kept);
            masked.push_str(text.get(kept..from).unwrap_or_default());
            let gone = text.get(from..to).unwrap_or_default();
            let placeholder = self.placeholders.get(placeholder).map_or("", String::as_str);
            if let Some((begin, end)) = strings.number(gone, from, to) {
                // Only a value may stand for a number: all of it goes.
                let extra = from.saturating_sub(begin.max(kept));
                masked.truncate(masked.len().saturating_sub(extra));
                masked.push('"');
                masked.push_str(placeholder);
                masked.push('"');
                kept = end;
                continue;
            }
            if first {
                masked.push_str(placeholder);
            }
            let rest = text.as_bytes().get(to..).unwrap_or_default();
            let padding = rest
                .iter()
                .take(if decoded { MOST_PADDING } else { 0 })
                .take_while(|byte| **byte == b'=')
                .count();
            kept = to.saturating_add(padding);
        }
        masked.push_str(text.get(kept..).unwrap_or_default());
        Some(masked)
    }

    /// How many bytes of all readings were looked at so far: what masking costs.
    pub(super) fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }
}

/// Whether a short secret stands here as it is, and is no part of a word.
fn stands_alone(bytes: &[u8], exact: &str, from: usize, to: usize) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = from.checked_sub(1).and_then(|at| bytes.get(at));
    bytes.get(from..to) == Some(exact.as_bytes()) && !word(before) && !word(bytes.get(to))
}

/// Whether there may be escapes that run backwards: `14%`, `1400u\`, `;56#&`, `;pma&`.
fn escaped_backwards(bytes: &[u8]) -> bool {
    let before = |at: usize, back: usize| {
        at.checked_sub(back).and_then(|at| bytes.get(at)).copied().unwrap_or_default()
    };
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'%' => before(at, 1).is_ascii_hexdigit() && before(at, 2).is_ascii_hexdigit(),
        b'\\' => match before(at, 1) {
            b'u' => (2..6).all(|back| before(at, back).is_ascii_hexdigit()),
            b'x' => (2..4).all(|back| before(at, back).is_ascii_hexdigit()),
            _ => false,
        },
        b'&' => {
            let word = |back: &usize| before(at, *back).is_ascii_alphanumeric() || before(at, *back) == b'#';
            let length = (1..10_usize).take_while(word).count();
            length > 1 && before(at, length.saturating_add(1)) == b';'
        }
        _ => false,
    })
}

/// A place that does not cut an escape of JSON in two, at either end.
fn whole_escapes(text: &str, from: usize, to: usize) -> (usize, usize) {
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
struct Strings<'t> {
    bytes: &'t [u8],
    /// Whether it looks like JSON.
    json: bool,
    at: usize,
    inside: bool,
}

impl<'t> Strings<'t> {
    fn new(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        // A line of an event stream has a name before it.
        let at = bytes.iter().take(16).position(|byte| matches!(byte, b'{' | b'['));
        Self { bytes, json: at.is_some(), at: at.unwrap_or_default(), inside: false }
    }

    /// The number of JSON, outside of strings, of which this is a part.
    fn number(&mut self, gone: &str, from: usize, to: usize) -> Option<(usize, usize)> {
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
