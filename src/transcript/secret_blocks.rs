//! Stretches of a text that are base64, base32 or hex of something readable, decoded.
//!
//! Any stretch of letters is base64 of something, at each of four places to begin. What decodes to bytes that no text
//! has is left alone; so little is left that it can be searched like a text.

use super::secret_view::{Builder, View};

/// No digit.
const NONE: u8 = 0xFF;

const fn table(standard: &[u8], other: &[u8]) -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut index = 0_usize;
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects,
        reason = "alphabets of at most 64, at compile time"
    )]
    while index < standard.len() {
        table[standard[index] as usize] = index as u8;
        table[other[index] as usize] = index as u8;
        index += 1;
    }
    table
}

static BASE64: [u8; 256] = table(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
);
/// Nobody mixes both cases of base32; names and base64 do.
static BASE32: [[u8; 256]; 2] = [
    table(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    table(b"abcdefghijklmnopqrstuvwxyz234567", b"abcdefghijklmnopqrstuvwxyz234567"),
];
/// What may stand between digits of hex, besides `0x`.
const SEPARATORS: &[u8] = b":- ,._;";
/// Digits of hex and what may stand between them.
static SEPARATED: [u8; 256] = table(b"0123456789abcdefxABCDEF:", b"0123456789ABCDEFX- ,._;;");
static HEX: [u8; 256] = table(b"0123456789abcdef", b"0123456789ABCDEF");

fn value(table: &[u8; 256], byte: u8) -> Option<u32> {
    let value = table.get(usize::from(byte)).copied().unwrap_or(NONE);
    (value != NONE).then_some(u32::from(value))
}

/// What is looked for in decoded bytes.
#[derive(Debug)]
pub(super) struct Readable {
    /// Bytes that a secret may have, in any encoding of it.
    bytes: [bool; 256],
    /// The length of the shortest secret, in bytes.
    shortest: usize,
}

/// Characters that nobody sees may stand between those of a secret; these are the bytes of the usual ones.
const UNSEEN: [u8; 18] = [
    0, b'\t', b'\n', b'\r', 0x7F, 0x80, 0x81, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0xA0, 0xAD, 0xBB, 0xBF, 0xC2,
    0xE2,
];

impl Readable {
    pub(super) fn new<'v>(values: impl Iterator<Item = &'v [u8]>) -> Self {
        let mut bytes = [false; 256];
        let mut shortest = usize::MAX;
        let mut add = |byte: u8| {
            if let Some(place) = bytes.get_mut(usize::from(byte)) {
                *place = true;
            }
        };
        (b' '..=b'~').chain(UNSEEN).for_each(&mut add);
        for value in values {
            value.iter().copied().for_each(&mut add);
            shortest = shortest.min(value.len());
        }
        Self { bytes, shortest }
    }

    fn has(&self, byte: u8) -> bool {
        self.bytes.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// What is encoded in this view, by encoding.
    pub(super) fn decoded(&self, view: &View<'_>) -> impl Iterator<Item = View<'static>> + use<> {
        let builders = [self.base64(view), self.base32(view), self.hex(view)];
        builders.into_iter().filter(|builder| !builder.is_empty()).map(Builder::finish)
    }

    fn base64(&self, view: &View<'_>) -> Builder {
        let mut builder = Builder::default();
        // However a secret lies, it fills so many groups of four characters.
        let least = (self.shortest.saturating_sub(2) / 3).clamp(2, 8);
        let shortest = self.shortest.saturating_mul(4).div_ceil(3);
        for (from, to) in runs(&view.bytes, &BASE64, shortest) {
            let run = Run { view, from, to };
            for begin in 0..4_usize {
                let digits = view.bytes.get(from.saturating_add(begin)..to).unwrap_or_default();
                let place = |group: usize| group.saturating_mul(4);
                let readable = |group: usize| {
                    let at = place(group);
                    let digits = digits.get(at..at.saturating_add(4)).unwrap_or_default();
                    let [_, bytes @ ..] = joined(&BASE64, 6, digits).to_be_bytes();
                    bytes.iter().all(|byte| self.has(*byte))
                };
                stretches(digits.len() / 4, least, readable, |first, end| {
                    let at = |group: usize| begin.saturating_add(place(group));
                    run.base64(&mut builder, at(first), at(end));
                });
            }
        }
        builder
    }

    fn base32(&self, view: &View<'_>) -> Builder {
        let mut builder = Builder::default();
        let shortest = self.shortest.saturating_mul(8).div_ceil(5);
        let runs =
            |alphabet| runs(&view.bytes, alphabet, shortest).map(move |(from, to)| (alphabet, from, to));
        for (alphabet, from, to) in BASE32.iter().flat_map(runs) {
            for begin in 0..8_usize {
                let from = from.saturating_add(begin);
                let digits = view.bytes.get(from..to).unwrap_or_default();
                // The first letter that has bits of a byte, and how many of its bits are of the one before.
                let first = |index: usize| {
                    let bit = index.saturating_mul(8);
                    (bit / 5, bit % 5)
                };
                let byte = |index: usize| {
                    let (at, before) = first(index);
                    let three =
                        [0, 1, 2].map(|next| digits.get(at.saturating_add(next)).copied().unwrap_or(b'A'));
                    let [.., byte] =
                        (joined(alphabet, 5, &three) >> 7_usize.saturating_sub(before)).to_be_bytes();
                    byte
                };
                let place = |index: usize| {
                    let (at, before) = first(index);
                    let letters = before.saturating_add(8).div_ceil(5);
                    let at = from.saturating_add(at);
                    (at, at.saturating_add(letters))
                };
                self.put(&mut builder, view, digits.len().saturating_mul(5) / 8, byte, place);
            }
        }
        builder
    }

    fn hex(&self, view: &View<'_>) -> Builder {
        let mut builder = Builder::default();
        let bytes = &*view.bytes;
        let mut places: Vec<usize> = Vec::new();
        for (from, to) in runs(bytes, &SEPARATED, self.shortest.saturating_mul(2)) {
            let mut between = 0_usize;
            let mut at = from;
            while let Some(byte) = bytes.get(at).filter(|_| at < to) {
                let prefix = *byte == b'0' && matches!(bytes.get(at.saturating_add(1)), Some(b'x' | b'X'));
                if !prefix && value(&HEX, *byte).is_some() {
                    places.push(at);
                    at = at.saturating_add(1);
                    between = 0;
                    continue;
                }
                at = at.saturating_add(if prefix { 2 } else { 1 });
                between = between.saturating_add(1);
                if !(prefix || SEPARATORS.contains(byte)) || between > MOST_BETWEEN {
                    self.pairs(&mut builder, view, &places);
                    places.clear();
                }
            }
            self.pairs(&mut builder, view, &places);
            places.clear();
        }
        builder
    }

    /// Pairs of hexadecimal digits at these places, from the first and from the second on, and backwards.
    fn pairs(&self, builder: &mut Builder, view: &View<'_>, places: &[usize]) {
        if places.len() < self.shortest.saturating_mul(2) {
            return;
        }
        let last = places.len().saturating_sub(1);
        for (begin, backwards) in [(0_usize, false), (1, false), (0, true), (1, true)] {
            let place = |index: usize| {
                let index = begin.saturating_add(index);
                let index = if backwards { last.saturating_sub(index) } else { index };
                places.get(index).copied().unwrap_or_default()
            };
            let pair = |index: usize| {
                let high = index.saturating_mul(2);
                (place(high), place(high.saturating_add(1)))
            };
            let byte = |index: usize| {
                let (high, low) = pair(index);
                let digit = |at: usize| view.bytes.get(at).copied().unwrap_or_default();
                let [.., byte] = joined(&HEX, 4, &[digit(high), digit(low)]).to_be_bytes();
                byte
            };
            let both = |index: usize| {
                let (high, low) = pair(index);
                (high.min(low), high.max(low).saturating_add(1))
            };
            self.put(builder, view, places.len().saturating_sub(begin) / 2, byte, both);
        }
    }

    /// Puts what is readable among so many bytes into a view, where enough of it follows each other.
    fn put(
        &self,
        builder: &mut Builder,
        view: &View<'_>,
        count: usize,
        byte: impl Fn(usize) -> u8,
        place: impl Fn(usize) -> (usize, usize),
    ) {
        let readable = |index: usize| self.has(byte(index));
        stretches(count, self.shortest, readable, |first, end| {
            // Of nothing that anybody sees there can be much: `aaaa` in base32.
            let seen = (first..end).filter(|index| byte(*index) > b' ').take(self.shortest).count();
            if seen < self.shortest / 2 {
                return;
            }
            for index in first..end {
                let (from, to) = place(index);
                builder.put(view, &[byte(index)], from, to);
            }
            builder.gap();
        });
    }
}

/// The bits of these digits, one after the other.
fn joined(alphabet: &[u8; 256], bits: u32, digits: &[u8]) -> u32 {
    digits.iter().fold(0, |joined, digit| (joined << bits) | value(alphabet, *digit).unwrap_or_default())
}

/// Where at least so many of these follow each other that are readable. Of those that must be, the last is looked at
/// first: nearly always it tells that none of them needs to be.
fn stretches(
    count: usize,
    least: usize,
    readable: impl Fn(usize) -> bool,
    mut found: impl FnMut(usize, usize),
) {
    let mut from = 0_usize;
    while from.saturating_add(least) <= count {
        let end = from.saturating_add(least);
        match (from..end).rev().find(|index| !readable(*index)) {
            Some(other) => from = other.saturating_add(1),
            None => {
                let to = (end..count).find(|index| !readable(*index)).unwrap_or(count);
                found(from, to);
                from = to;
            }
        }
    }
}

/// Most separators between two digits of hex: `, 0x`.
const MOST_BETWEEN: usize = 3;

/// Characters of one alphabet.
#[derive(Clone, Copy, Debug)]
struct Run<'v> {
    view: &'v View<'v>,
    from: usize,
    to: usize,
}

impl Run<'_> {
    /// Decodes these groups, the one before and the one behind them, in which a secret may begin and end, and what is
    /// left at the end of the run.
    fn base64(self, builder: &mut Builder, first: usize, end: usize) {
        let length = self.to.saturating_sub(self.from);
        let mut at = first.checked_sub(4).unwrap_or(first);
        let end = end.saturating_add(4).min(length);
        while at < end {
            let size = length.saturating_sub(at).min(4);
            let from = self.from.saturating_add(at);
            let to = from.saturating_add(size);
            let group = joined(&BASE64, 6, self.view.bytes.get(from..to).unwrap_or_default());
            let decoded = match size {
                4 => group << 8,
                3 => group << 14,
                2 => group << 20,
                _ => break,
            };
            let decoded = decoded.to_be_bytes();
            let decoded = decoded.get(..size.saturating_sub(1)).unwrap_or_default();
            builder.put(self.view, decoded, from, to);
            at = at.saturating_add(4);
        }
        builder.gap();
    }
}

/// Where characters of an alphabet follow each other, at least so many.
fn runs<'b>(
    bytes: &'b [u8],
    alphabet: &'static [u8; 256],
    least: usize,
) -> impl Iterator<Item = (usize, usize)> + 'b {
    let within = move |byte: &u8| value(alphabet, *byte).is_some();
    let mut from = 0_usize;
    std::iter::from_fn(move || {
        loop {
            // Before `from` is none of the alphabet. The last of those that must be is looked at first.
            let window = bytes.get(from..from.saturating_add(least))?;
            if let Some(other) = window.iter().rposition(|byte| !within(byte)) {
                from = from.saturating_add(other).saturating_add(1);
                continue;
            }
            let begin = from;
            let more = bytes.get(begin..)?.iter().position(|byte| !within(byte));
            from = more.map_or(bytes.len(), |more| begin.saturating_add(more));
            return Some((begin, from));
        }
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn decoded(text: &str) -> String {
        let readable = Readable::new([&b"12345678"[..]].into_iter());
        let view = View::of(text);
        readable.decoded(&view).map(|view| String::from_utf8_lossy(&view.bytes).into_owned()).collect()
    }

    #[test]
    fn what_is_readable_is_decoded() {
        let secret = "canary/+secret~?>";
        for offset in 0..4 {
            let inside = format!("{}{secret}, and more", "\u{1}".repeat(offset));
            for text in [STANDARD.encode(&inside), URL_SAFE_NO_PAD.encode(&inside)] {
                for before in ["", "a", "ab", "abc", "/path/"] {
                    assert!(decoded(&format!("x {before}{text}")).contains(secret), "{text}");
                }
            }
        }
        let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for text in [
            hex.concat(),
            hex.concat().to_uppercase(),
            hex.join(":"),
            hex.join("-"),
            hex.join(" "),
            hex.iter().map(|byte| format!("0x{byte}")).collect::<Vec<_>>().join(", "),
            format!("a{}", hex.concat()),
        ] {
            assert!(decoded(&text).contains(secret), "{text}");
        }
        for text in ["MNQW4YLSPEXSW43FMNZGK5A", "mnqw4ylspexsw43fmnzgk5a", "AAAMNQW4YLSPEXSW43FMNZGK5A==="] {
            assert!(decoded(text).contains("canary/+secret"), "{text}");
        }
        for plain in ["", "notifications/message", "a bad face is no hex", "01234567890123456789012345678"] {
            assert!(!decoded(plain).contains("canary"), "{plain}");
        }
    }

    #[test]
    fn random_letters_decode_to_nothing() {
        let mut state = 7_u32;
        let bytes: Vec<u8> = (0..30_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        let text = STANDARD.encode(bytes);
        let length = decoded(&text).len();
        assert!(length < text.len() / 5, "{length} of {}", text.len());
    }
}
