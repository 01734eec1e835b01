//! Finds the operator's secrets in a text, in every form that text can take, and replaces them.
//!
//! One automaton reads the text, and whatever can be made of it by taking off one layer: escapes, characters that nobody
//! sees, markup, base64, base32, hex, and turning round. Each reading is read again, to a fixed depth. All of it is
//! linear in the text: a layer makes at most a fixed number of bytes of each, and nearly always none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, MatchKind};

use super::secret_blocks::Readable;
use super::secret_escapes::unescaped;
use super::secret_filter::{Backwards, Filter};
use super::secret_forms::{FEW, encoded, readings};
use super::secret_markup::Markup;
use super::secret_replace::{Found, replaced};
use super::secret_spaced::joined;
use super::secret_view::View;

/// The shortest secret that is looked for in other forms than its own; shorter ones occur by chance in what is decoded.
const SHORTEST_DECODED: usize = 8;
/// The least of a secret's beginning that is not left at the end of a text that was cut.
const SHORTEST_BEGINNING: usize = 4;
/// How much of the end of a cut text is looked at.
const END: usize = 4096;

/// The least length of a part of a text that is looked at by itself, in bytes: its readings stay in the cache.
const PART: usize = 1 << 16;
/// How many times its own length the longest form of a long secret is in a part.
const WIDEST: usize = 256;
/// Which share of a part is in the next one as well.
const OVERLAP: usize = 8;
/// What escapes begin with.
const SIGNS: [u8; 3] = [b'\\', b'%', b'&'];
/// How far back a word may begin.
const LONGEST_WORD: usize = 256;

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
    forms: Vec<Vec<u8>>,
    placeholders: Vec<String>,
    /// `None` where all secrets are short.
    decoder: Option<Decoder>,
    /// Whether some secrets are short.
    short: bool,
    /// The length of a part that is looked at by itself, in bytes.
    part: usize,
    /// How many bytes of all readings were looked at.
    read: AtomicUsize,
}

/// What is needed to find other forms than a secret's own.
#[derive(Debug)]
struct Decoder {
    readable: Readable,
    filter: Filter,
}

impl Matcher {
    /// For these secrets, by placeholder; `None` where there is none.
    pub(super) fn new(secrets: &[(String, String)]) -> Option<Self> {
        let mut placeholders: Vec<String> = Vec::new();
        let mut forms: BTreeMap<Vec<u8>, Pattern> = BTreeMap::new();
        let few = secrets.len() <= FEW;
        for (placeholder, value) in secrets {
            let index = placeholders.iter().position(|other| other == placeholder).unwrap_or_else(|| {
                placeholders.push(placeholder.clone());
                placeholders.len().saturating_sub(1)
            });
            if value.len() < SHORTEST_DECODED {
                let exact = Pattern { placeholder: index, exact: Some(value.clone()), own: false };
                forms.entry(value.to_ascii_lowercase().into_bytes()).or_insert(exact);
                continue;
            }
            let readings = readings(value.as_bytes()).into_iter();
            for reading in readings.filter(|reading| reading.len() >= SHORTEST_DECODED) {
                let mut of = vec![turned(&reading)];
                if few {
                    of.extend(encoded(&reading).into_iter().map(String::into_bytes));
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
        let long =
            secrets.iter().map(|(_, value)| value.as_bytes()).filter(|value| value.len() >= SHORTEST_DECODED);
        let decoder = (long.clone().count() > 0).then(|| {
            let other = forms.iter().filter(|(_, pattern)| pattern.exact.is_none());
            let filter = Filter::new(other.map(|(form, _)| form.as_slice()));
            Decoder { readable: Readable::new(long.clone()), filter }
        });
        let short = forms.values().any(|pattern| pattern.exact.is_some());
        for (index, placeholder) in placeholders.iter().enumerate() {
            let pattern = Pattern { placeholder: index, exact: None, own: true };
            forms.insert(placeholder.to_ascii_lowercase().into_bytes(), pattern);
        }
        let longest = long.map(<[u8]>::len).max().unwrap_or_default();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(forms.keys())
            .ok()?;
        let (forms, patterns) = forms.into_iter().unzip();
        Some(Self {
            automaton,
            patterns,
            forms,
            placeholders,
            decoder,
            short,
            part: longest.saturating_mul(WIDEST).max(PART),
            read: AtomicUsize::new(0),
        })
    }

    /// The text without secrets; `None` where it has none.
    pub(super) fn masked(&self, text: &str) -> Option<String> {
        let found = self.found(text);
        replaced(text, found, &self.placeholders)
    }

    /// The same for a text that was cut and may end inside a secret.
    pub(super) fn masked_cut(&self, text: &str) -> Option<String> {
        let mut found = self.found(text);
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
        replaced(text, found, &self.placeholders)
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
            let length = (least..form.len()).rev().find(|length| form.get(..*length).is_some_and(ends));
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

    /// Every secret in a text, part by part; each part begins in the one before.
    fn found(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let bytes = text.as_bytes();
        let mut from = 0_usize;
        loop {
            let to = from.saturating_add(self.part).min(bytes.len());
            let part = bytes.get(from..to).unwrap_or_default();
            let view = View::part(part, from);
            self.explore(&view, LAYERS, &mut found);
            if let Some(view) = self.decoder.as_ref().and_then(|_| joined(&view)) {
                self.explore(&view, LAYERS, &mut found);
            }
            if to == bytes.len() {
                return found;
            }
            // A word is not cut: a short secret is no part of one.
            let overlap = to.saturating_sub(self.part / OVERLAP);
            let word =
                |at: &usize| bytes.get(*at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
            let start = (from.saturating_add(1)..=overlap).rev().take(LONGEST_WORD).find(|at| !word(at));
            from = start.unwrap_or(overlap);
        }
    }

    /// Reads a view and everything that can be made of it.
    fn explore(&self, view: &View<'_>, layers: Layers, found: &mut Vec<Found>) {
        self.read.fetch_add(view.bytes.len(), Ordering::Relaxed);
        let Some(Decoder { readable, filter }) = &self.decoder else {
            self.search(view, layers, found);
            return;
        };
        if !filter.passes(readable, &view.bytes, (layers.blocks, layers.turned), &self.read) {
            if self.short {
                self.search_short(view, layers, found);
            }
            return;
        }
        self.search(view, layers, found);
        if let Some(escapes) = layers.escapes.checked_sub(1) {
            let next = Layers { escapes, ..layers };
            if let Some(view) = unescaped(view, Markup::Kept) {
                self.explore(&view, next, found);
            }
            if layers.escapes == LAYERS.escapes {
                let signs = SIGNS.into_iter().filter(|sign| view.bytes.contains(sign));
                // One sign alone is all of the escapes.
                for sign in signs.clone().filter(|_| signs.clone().count() > 1) {
                    if let Some(view) = unescaped(view, Markup::Only(sign)) {
                        self.explore(&view, next, found);
                    }
                }
            }
            if let Some(less) = layers.markup.checked_sub(1) {
                for markup in [Markup::Dropped, Markup::Innermost, Markup::DroppedBackwards] {
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
        if layers.turned && Backwards::of(&view.bytes).any() {
            self.explore(&view.reversed(), Layers { turned: false, ..layers }, found);
        }
    }

    /// Short secrets are looked for as they are, in a text that has no others: escapes may stand around them.
    fn search_short(&self, view: &View<'_>, layers: Layers, found: &mut Vec<Found>) {
        self.search(view, layers, found);
        let Some(escapes) = layers.escapes.checked_sub(1) else { return };
        if let Some(view) = unescaped(view, Markup::Kept) {
            self.read.fetch_add(view.bytes.len(), Ordering::Relaxed);
            self.search_short(&view, Layers { escapes, ..layers }, found);
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

/// The characters from the last to the first; the bytes where they are no text.
fn turned(value: &[u8]) -> Vec<u8> {
    std::str::from_utf8(value).map_or_else(
        |_| value.iter().rev().copied().collect(),
        |text| text.chars().rev().collect::<String>().into_bytes(),
    )
}
