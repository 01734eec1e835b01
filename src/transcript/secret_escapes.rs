//! One layer of what is written letter by letter taken off a text: escapes of JSON, of URLs and of HTML, characters
//! that nobody sees, and markup.

use super::printable::harmless;
use super::secret_markup::{Markup, Tags};
use super::secret_references::{BARE, LONGEST_NAME, NAMED};
use super::secret_view::{Builder, GAP, View};

/// Whether a byte may begin what is left out or decoded.
const fn begins(byte: u8) -> bool {
    // The others are first bytes of characters that nobody sees.
    matches!(
        byte,
        0..0x20
            | b'%'
            | b'&'
            | b'\\'
            | 0x7F
            | 0xC2
            | 0xCD
            | 0xD8
            | 0xE1
            | 0xE2
            | 0xE3
            | 0xEE
            | 0xEF
            | 0xF0
            | 0xF3
            | 0xF4
    )
}

/// [`begins`] for every byte.
static BEGINS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "a byte is within 256")]
        {
            table[byte as usize] = begins(byte);
        }
        if byte == u8::MAX {
            break;
        }
        byte = byte.wrapping_add(1);
    }
    table
};

/// The view without one layer of escapes and without what nobody sees, or else without markup; `None` where there is
/// none of it.
pub(super) fn unescaped(view: &View<'_>, markup: Markup) -> Option<View<'static>> {
    let mut pieces = Pieces::new(&view.bytes, markup)?;
    let mut builder: Option<Builder> = None;
    let mut kept = 0_usize;
    while let Some((from, to, meant)) = pieces.next() {
        let builder = builder.get_or_insert_default();
        builder.copy(view, kept, from);
        if !meant.bytes().is_empty() {
            builder.put(view, meant.bytes(), from, to);
        }
        kept = to;
    }
    let mut builder = builder?;
    builder.copy(view, kept, view.bytes.len());
    Some(builder.finish())
}

/// [`unescaped`] with no way back to the text. A line end that was escaped goes at once, with its indent, unless it may
/// have one that runs backwards.
pub(super) fn reduced(bytes: &[u8], markup: Markup) -> Option<Vec<u8>> {
    let mut pieces = Pieces::new(bytes, markup)?;
    let mut reduced: Option<Vec<u8>> = None;
    let mut kept = 0_usize;
    let mut folded = false;
    while let Some((from, to, meant)) = pieces.next() {
        let reduced = reduced.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
        let between = bytes.get(kept..from).unwrap_or_default();
        let indent = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let space = if folded { between.iter().take_while(indent).count() } else { 0 };
        folded = folded && space == between.len();
        reduced.extend_from_slice(between.get(space..).unwrap_or_default());
        match meant.bytes() {
            b"\n" if folded || !reduced.ends_with(b" ") => folded = true,
            b" " | b"" if folded => {}
            other => {
                folded = false;
                reduced.extend_from_slice(other);
            }
        }
        kept = to;
    }
    let mut reduced = reduced?;
    let rest = bytes.get(kept..).unwrap_or_default();
    reduced.extend_from_slice(if folded { rest.trim_ascii_start() } else { rest });
    Some(reduced)
}

/// A text without its tags.
pub(super) struct Untagged {
    pub(super) text: Vec<u8>,
    /// The tags in which something stands for something else.
    pub(super) tags: Vec<u8>,
    /// Whether a tag had the sign of another in it.
    pub(super) nested: bool,
}

/// `None` where there are no tags.
pub(super) fn untagged(bytes: &[u8]) -> Option<Untagged> {
    let mut pieces = Pieces::new(bytes, Markup::Dropped)?;
    let (mut text, mut tags) = (Vec::new(), Vec::new());
    let mut kept = 0_usize;
    while let Some((from, to, _)) = pieces.next() {
        if text.is_empty() {
            text.reserve(bytes.len());
        }
        text.extend_from_slice(bytes.get(kept..from).unwrap_or_default());
        let tag = bytes.get(from..to).unwrap_or_default();
        if tag.iter().any(|byte| BEGINS.get(usize::from(*byte)).copied().unwrap_or_default()) {
            tags.extend_from_slice(tag);
            tags.push(GAP);
        }
        kept = to;
    }
    text.extend_from_slice(bytes.get(kept..).unwrap_or_default());
    let nested = pieces.tags.is_some_and(|tags| tags.nested);
    (kept > 0).then_some(Untagged { text, tags, nested })
}

/// What stands for something else in a text, from left to right.
struct Pieces<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Where markup is left out.
    tags: Option<Tags<'b>>,
    /// What a piece may begin with.
    sign: Option<u8>,
}

impl<'b> Pieces<'b> {
    /// `None` where there is no markup to be left out.
    fn new(bytes: &'b [u8], markup: Markup) -> Option<Self> {
        let (tags, sign) = match markup {
            Markup::Kept => (None, None),
            Markup::Only(sign) => (None, Some(sign)),
            _ => {
                let tags = Tags::new(bytes, markup)?;
                let open = tags.open();
                (Some(tags), Some(open))
            }
        };
        Some(Self { bytes, at: 0, tags, sign })
    }

    /// Where the next one begins and ends, and what it stands for.
    #[inline]
    fn next(&mut self) -> Option<(usize, usize, Meant)> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let found = match self.sign {
                Some(sign) => memchr::memchr(sign, rest),
                None => {
                    rest.iter().position(|byte| BEGINS.get(usize::from(*byte)).copied().unwrap_or_default())
                }
            }?;
            let from = self.at.saturating_add(found);
            let taken = match &mut self.tags {
                Some(tags) => tags.tag(from).map(|length| (Meant::default(), length)),
                None => meant(self.bytes.get(from..).unwrap_or_default()),
            };
            let Some((meant, length)) = taken else {
                self.at = from.saturating_add(1);
                continue;
            };
            self.at = from.saturating_add(length);
            return Some((from, self.at, meant));
        }
    }
}

/// What an escape stands for: at most a character.
#[derive(Clone, Copy, Debug, Default)]
struct Meant {
    bytes: [u8; 4],
    length: usize,
}

impl Meant {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn of(bytes: &[u8]) -> Self {
        let mut meant = Self::default();
        for (place, byte) in meant.bytes.iter_mut().zip(bytes) {
            *place = *byte;
            meant.length = meant.length.saturating_add(1);
        }
        meant
    }

    /// A character, unless nobody sees it. A line end stays for the next layer: its indent may be escaped as well.
    fn character(code: u32) -> Option<Self> {
        // A byte of a longer character stands alone where it is written as an escape.
        let character = char::from_u32(code)?;
        if matches!(character, '\n' | '\r') {
            return Some(Self::of(b"\n"));
        }
        if !harmless(character) {
            return Some(Self::default());
        }
        Some(Self::of(character.encode_utf8(&mut [0; 4]).as_bytes()))
    }
}

/// What the start of these bytes stands for, where that is something else, and how long it is.
fn meant(bytes: &[u8]) -> Option<(Meant, usize)> {
    let first = *bytes.first()?;
    match first {
        b'%' => percent(bytes),
        b'&' => reference(bytes),
        b'\\' => backslash(bytes),
        b'\r' | b'\n' => {
            // A line that goes on is indented: folded headers, broken base64.
            let mut length = 1_usize;
            while let Some(rest) = bytes.get(length..).filter(|rest| !rest.is_empty()) {
                let space = matches!(rest.first(), Some(b' ' | b'\t' | b'\r' | b'\n'));
                let next = if space { Some(1) } else { unseen(rest) };
                let Some(next) = next else { break };
                length = length.saturating_add(next);
            }
            Some((Meant::default(), length))
        }
        _ => Some((Meant::default(), unseen(bytes)?)),
    }
}

/// The length of the character here, if nobody sees it.
fn unseen(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.first()? {
        0..0x20 | 0x7F => return Some(1),
        0xF0.. => 4,
        0xE0.. => 3,
        0x80.. => 2,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    text.chars().next().filter(|character| !harmless(*character)).map(|_| length)
}

/// The number of these digits.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        sum.checked_mul(radix)?.checked_add(digit)
    })
}

/// `%41`, and `%u0041` of old scripts.
fn percent(bytes: &[u8]) -> Option<(Meant, usize)> {
    if let [_, b'u' | b'U', digits @ ..] = bytes
        && let Some(code) = digits.get(..4).and_then(|digits| number(digits, 16))
    {
        return Some((Meant::character(code)?, 6));
    }
    let code = number(bytes.get(1..3)?, 16)?;
    Some((byte(code), 3))
}

/// A byte of its own; dropped where it is a control character.
fn byte(code: u32) -> Meant {
    match u8::try_from(code) {
        Ok(b'\n' | b'\r') => Meant::of(b"\n"),
        Ok(byte) if !byte.is_ascii_control() => Meant::of(&[byte]),
        _ => Meant::default(),
    }
}

/// Escapes of JSON and of languages like it: `\u0041`, `\u{41}`, `\x41`, `\/`.
fn backslash(bytes: &[u8]) -> Option<(Meant, usize)> {
    match bytes.get(1)? {
        b'u' if bytes.get(2) == Some(&b'{') => {
            let digits = bytes.get(3..)?.iter().take(7).position(|byte| *byte == b'}')?;
            let end = digits.saturating_add(3);
            Some((Meant::character(number(bytes.get(3..end)?, 16)?)?, end.saturating_add(1)))
        }
        b'u' => Some((Meant::character(number(bytes.get(2..6)?, 16)?)?, 6)),
        b'x' => Some((byte(number(bytes.get(2..4)?, 16)?), 4)),
        other @ (b'/' | b'"' | b'\\' | b'\'') => Some((Meant::of(&[*other]), 2)),
        b'n' | b'r' => Some((Meant::of(b"\n"), 2)),
        b't' | b'b' | b'f' | b'0' => Some((Meant::default(), 2)),
        _ => None,
    }
}

/// The signs that every page escapes; the list would tell the same, later.
const fn usual(name: &[u8]) -> Option<u8> {
    match name {
        b"amp" => Some(b'&'),
        b"lt" => Some(b'<'),
        b"gt" => Some(b'>'),
        b"quot" => Some(b'"'),
        _ => None,
    }
}

/// `&#65;`, `&#x41;`, `&amp;`.
fn reference(bytes: &[u8]) -> Option<(Meant, usize)> {
    let rest = bytes.get(1..)?;
    if let Some(digits) = rest.strip_prefix(b"#") {
        let (radix, prefix) =
            if matches!(digits.first(), Some(b'x' | b'X')) { (16, 1_usize) } else { (10, 0) };
        let digits = digits.get(prefix..)?;
        let count = digits.iter().take(9).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let code = number(digits.get(..count)?, radix)?;
        let closed = usize::from(digits.get(count) == Some(&b';'));
        let length = count.saturating_add(closed).saturating_add(prefix).saturating_add(2);
        return Some((Meant::character(code)?, length));
    }
    let count = rest.iter().take(LONGEST_NAME).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let name = rest.get(..count)?;
    if rest.get(count) == Some(&b';')
        && let Some(sign) = usual(name)
    {
        return Some((Meant::of(&[sign]), count.saturating_add(2)));
    }
    if rest.get(count) == Some(&b';')
        && let Ok(index) = NAMED.binary_search_by(|(other, _)| other.as_bytes().cmp(name))
    {
        return Some((Meant::of(NAMED.get(index)?.1), count.saturating_add(2)));
    }
    let begins = |bare: &&&str| bare.as_bytes().first() == name.first() && name.starts_with(bare.as_bytes());
    let bare = BARE.iter().find(begins)?;
    let index = NAMED.binary_search_by(|(other, _)| other.cmp(bare)).ok()?;
    Some((Meant::of(NAMED.get(index)?.1), bare.len().saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, markup: Markup) -> Option<String> {
        unescaped(&View::of(text), markup).map(|view| String::from_utf8_lossy(&view.bytes).into_owned())
    }

    #[test]
    fn one_layer_is_taken_off() {
        for (text, meant) in [
            ("a%41b%2541", "aAb%41"),
            (r"\u0041\/\x42\u{43}\\\n", "A/BC\\\n"),
            ("&#65;&#x42;&#67&amp;&sol;&lowbar;&hyphen;&shy;&ampx&copy;", "ABC&/_-&x&copy;"),
            ("a\u{200b}b\u{ad}c\0d\te\r\n  f", "abcdef"),
            ("%u0041%00&Tab;", "A"),
        ] {
            assert_eq!(read(text, Markup::Kept).as_deref(), Some(meant), "{text:?}");
            let reduced = reduced(text.as_bytes(), Markup::Kept);
            assert_eq!(reduced.as_deref(), Some(meant.trim_ascii_end().as_bytes()));
        }
        assert_eq!(read("a%41\\\"&lt;", Markup::Only(b'\\')).as_deref(), Some("a%41\"&lt;"));
        for plain in ["", "abc", "% %4 %zz", r"\q \u00 \", "& &; &#; &#x; &unknown;", "é – <b>"] {
            assert_eq!(read(plain, Markup::Kept), None, "{plain:?}");
        }
    }

    #[test]
    fn references_are_in_order() {
        assert!(NAMED.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NAMED.iter().all(|(name, _)| name.len() < LONGEST_NAME));
    }
}
