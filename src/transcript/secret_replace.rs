//! Puts placeholders where secrets were found.

use super::secret_json::{Strings, whole_escapes};

/// Most signs of padding: those of base32.
const MOST_PADDING: usize = 6;

/// A secret that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The places that it fills.
    pub(super) places: Vec<(usize, usize)>,
    pub(super) placeholder: usize,
    /// Whether it was decoded, so that padding may follow.
    pub(super) decoded: bool,
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

/// The text with everything that was found replaced, and everything between its parts kept.
pub(super) fn replaced(text: &str, found: Vec<Found>, placeholders: &[String]) -> Option<String> {
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
        let placeholder = placeholders.get(placeholder).map_or("", String::as_str);
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
