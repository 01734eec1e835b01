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
            let mut group = 0_u32;
            // The readable groups that end here, for each of four places to begin.
            let mut counts = [0_usize; 4];
            for (index, byte) in view.bytes.get(from..to).unwrap_or_default().iter().enumerate() {
                group = (group << 6) | value(&BASE64, *byte).unwrap_or_default();
                let Some(begin) = index.checked_sub(3) else { continue };
                let Some(count) = counts.get_mut(begin & 3) else { continue };
                let [_, a, b, c] = group.to_be_bytes();
                if self.has(a) && self.has(b) && self.has(c) {
                    *count = count.saturating_add(1);
                } else {
                    let count = std::mem::take(count);
                    if count >= least {
                        run.base64(&mut builder, begin.saturating_sub(count.saturating_mul(4)), begin);
                    }
                }
            }
            // What goes on to the end of the run.
            for (begin, count) in counts.iter().enumerate() {
                let whole = to.saturating_sub(from).saturating_sub(begin) / 4;
                let end = begin.saturating_add(whole.saturating_mul(4));
                if *count >= least {
                    run.base64(&mut builder, end.saturating_sub(count.saturating_mul(4)), end);
                }
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
            let run = view.bytes.get(from..to).unwrap_or_default();
            for begin in 0..8_usize {
                let mut stretch = Stretch::default();
                let mut bits = 0_u32;
                // How many bits were read, and how many of them made bytes.
                let (mut read, mut used) = (0_usize, 0_usize);
                for (index, byte) in run.iter().enumerate().skip(begin) {
                    bits = (bits << 5) | value(alphabet, *byte).unwrap_or_default();
                    read = read.saturating_add(5);
                    let over = read.saturating_sub(used);
                    if over >= 8 {
                        let [.., byte] = (bits >> over.saturating_sub(8)).to_be_bytes();
                        let first = from.saturating_add(begin).saturating_add(used / 5);
                        let end = from.saturating_add(index).saturating_add(1);
                        stretch.add(self, &mut builder, view, byte, (first, end));
                        used = used.saturating_add(8);
                    }
                }
                stretch.end(self, &mut builder, view);
            }
        }
        builder
    }

    fn hex(&self, view: &View<'_>) -> Builder {
        let mut builder = Builder::default();
        let bytes = &*view.bytes;
        let mut places: Vec<usize> = Vec::new();
        let mut between = 0_usize;
        let mut at = 0_usize;
        while let Some(byte) = bytes.get(at) {
            let prefix = *byte == b'0' && matches!(bytes.get(at.saturating_add(1)), Some(b'x' | b'X'));
            if !prefix && value(&HEX, *byte).is_some() {
                places.push(at);
                at = at.saturating_add(1);
                between = 0;
                continue;
            }
            at = at.saturating_add(if prefix { 2 } else { 1 });
            between = between.saturating_add(1);
            let separates = prefix || matches!(*byte, b':' | b'-' | b' ' | b',' | b'.' | b'_' | b';');
            if !separates || between > MOST_BETWEEN {
                self.pairs(&mut builder, view, &places);
                places.clear();
            }
        }
        self.pairs(&mut builder, view, &places);
        builder
    }

    /// Pairs of hexadecimal digits at these places, from the first and from the second on, and backwards.
    fn pairs(&self, builder: &mut Builder, view: &View<'_>, places: &[usize]) {
        if places.len() < self.shortest.saturating_mul(2) {
            return;
        }
        let backwards: Vec<usize> = places.iter().rev().copied().collect();
        for places in
            [places, places.get(1..).unwrap_or_default(), &backwards, backwards.get(1..).unwrap_or_default()]
        {
            let mut stretch = Stretch::default();
            for pair in places.chunks_exact(2) {
                let [high, low] = pair else { continue };
                let digit = |at: &usize| view.bytes.get(*at).and_then(|byte| value(&HEX, *byte));
                let byte = (digit(high).unwrap_or_default() << 4) | digit(low).unwrap_or_default();
                let [.., byte] = byte.to_be_bytes();
                let (first, last) = (high.min(low), high.max(low));
                stretch.add(self, builder, view, byte, (*first, last.saturating_add(1)));
            }
            stretch.end(self, builder, view);
        }
    }
}

/// Most separators between two digits of hex: `, 0x`.
const MOST_BETWEEN: usize = 3;

/// Readable bytes that follow each other, with the places that they come from.
#[derive(Debug, Default)]
struct Stretch(Vec<(u8, (usize, usize))>);

impl Stretch {
    fn add(
        &mut self,
        readable: &Readable,
        builder: &mut Builder,
        view: &View<'_>,
        byte: u8,
        place: (usize, usize),
    ) {
        if readable.has(byte) {
            self.0.push((byte, place));
        } else {
            self.end(readable, builder, view);
        }
    }

    fn end(&mut self, readable: &Readable, builder: &mut Builder, view: &View<'_>) {
        if self.0.len() >= readable.shortest {
            for (byte, (from, to)) in &self.0 {
                builder.put(view, &[*byte], *from, *to);
            }
            builder.gap();
        }
        self.0.clear();
    }
}

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
            let digits = self.view.bytes.get(from..to).unwrap_or_default();
            let group = digits
                .iter()
                .fold(0_u32, |group, byte| (group << 6) | value(&BASE64, *byte).unwrap_or_default());
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
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(at..)?;
            let from = at.saturating_add(rest.iter().position(within)?);
            let rest = bytes.get(from..)?;
            let length = rest.iter().position(|byte| !within(byte)).unwrap_or(rest.len());
            at = from.saturating_add(length);
            if length >= least {
                return Some((from, at));
            }
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
