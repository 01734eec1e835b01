//! One layer of what is written letter by letter taken off a text: escapes of JSON, of URLs and of HTML, characters
//! that nobody sees, and markup.

use super::printable::harmless;
use super::secret_references::{BARE, LONGEST_NAME, NAMED};
use super::secret_view::{Builder, View};

/// What is left out of a text besides what nobody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    /// Nothing.
    Kept,
    /// Tags and comments: `ab<b>c</b>`.
    Dropped,
    /// The same in a text that runs backwards: `>b/<c>b<ba`.
    DroppedBackwards,
}

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
    let bytes = &*view.bytes;
    let mut tags = Tags::new(bytes, markup)?;
    let mut builder: Option<Builder> = None;
    let mut kept = 0_usize;
    let mut at = 0_usize;
    while let Some(next) = tags.next(at) {
        let rest = bytes.get(next..).unwrap_or_default();
        let (meant, length) = match tags.tag(next) {
            Some(length) => (Meant::default(), length),
            None => match meant(rest).filter(|_| markup == Markup::Kept) {
                Some(found) => found,
                None => {
                    at = next.saturating_add(1);
                    continue;
                }
            },
        };
        let builder = builder.get_or_insert_default();
        builder.copy(view, kept, next);
        let end = next.saturating_add(length);
        if !meant.bytes().is_empty() {
            builder.put(view, meant.bytes(), next, end);
        }
        (kept, at) = (end, end);
    }
    let mut builder = builder?;
    builder.copy(view, kept, bytes.len());
    Some(builder.finish())
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
        && let Ok(index) = NAMED.binary_search_by(|(other, _)| other.as_bytes().cmp(name))
    {
        return Some((Meant::of(NAMED.get(index)?.1), count.saturating_add(2)));
    }
    let bare = BARE.iter().find(|bare| name.starts_with(bare.as_bytes()))?;
    let index = NAMED.binary_search_by(|(other, _)| other.cmp(bare)).ok()?;
    Some((Meant::of(NAMED.get(index)?.1), bare.len().saturating_add(1)))
}

/// Finds what begins with an interesting byte, and tags; each byte is looked at a fixed number of times.
struct Tags<'b> {
    bytes: &'b [u8],
    markup: Markup,
    /// How often the end of a tag may still be looked for in vain with regard to quotes.
    patience: usize,
    /// Where the closing sign comes next, as far as known.
    close: usize,
}

/// Tags whose quotes never end. After so many they count as if they had none.
const UNENDED: usize = 8;

impl<'b> Tags<'b> {
    /// `None` where markup shall be dropped and there can be none.
    fn new(bytes: &'b [u8], markup: Markup) -> Option<Self> {
        let position = |byte: u8| bytes.iter().position(|other| *other == byte);
        let last = |byte: u8| bytes.iter().rposition(|other| *other == byte);
        let possible = match markup {
            Markup::Kept => true,
            Markup::Dropped => position(b'<')? < last(b'>')?,
            Markup::DroppedBackwards => position(b'>')? < last(b'<')?,
        };
        possible.then_some(Self { bytes, markup, patience: UNENDED, close: 0 })
    }

    const fn signs(&self) -> Option<(u8, u8)> {
        match self.markup {
            Markup::Kept => None,
            Markup::Dropped => Some((b'<', b'>')),
            Markup::DroppedBackwards => Some((b'>', b'<')),
        }
    }

    /// Where something may begin.
    fn next(&self, from: usize) -> Option<usize> {
        let rest = self.bytes.get(from..)?;
        let found = match self.signs() {
            Some((open, _)) => rest.iter().position(|byte| *byte == open),
            None => rest.iter().position(|byte| BEGINS.get(usize::from(*byte)).copied().unwrap_or_default()),
        }?;
        Some(from.saturating_add(found))
    }

    /// The length of the tag that begins here.
    fn tag(&mut self, at: usize) -> Option<usize> {
        let (open, close) = self.signs()?;
        if *self.bytes.get(at)? != open {
            return None;
        }
        if self.close <= at {
            let rest = self.bytes.get(at..)?;
            let found = rest.iter().position(|byte| *byte == close);
            self.close = found.map_or(usize::MAX, |found| at.saturating_add(found));
        }
        if self.close == usize::MAX {
            return None;
        }
        let plain = self.close.saturating_sub(at).saturating_add(1);
        if self.markup == Markup::DroppedBackwards {
            return Some(plain);
        }
        let rest = self.bytes.get(at..)?;
        let next = *rest.get(1)?;
        if !(next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?')) {
            return None;
        }
        let quoted = rest.get(..plain)?.iter().any(|byte| matches!(byte, b'"' | b'\''));
        let comment = rest.starts_with(b"<!--");
        if !(quoted || comment) || self.patience == 0 {
            return Some(plain);
        }
        let whole = if comment {
            rest.windows(3).position(|end| end == b"-->").map(|end| end.saturating_add(3))
        } else {
            quoted_end(rest)
        };
        if whole.is_none() {
            self.patience = self.patience.saturating_sub(1);
        }
        Some(whole.unwrap_or(plain))
    }
}

/// The length of a tag in whose quotes `>` ends nothing.
fn quoted_end(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (index, byte) in tag.iter().enumerate() {
        match (quote, *byte) {
            (None, b'>') => return Some(index.saturating_add(1)),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
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
        }
        for plain in ["", "abc", "% %4 %zz", r"\q \u00 \", "& &; &#; &#x; &unknown;", "é – <b>"] {
            assert_eq!(read(plain, Markup::Kept), None, "{plain:?}");
        }
    }

    #[test]
    fn tags_are_left_out() {
        for (text, meant) in [
            ("a<b>c</b>d", "acd"),
            ("a<i t='>'>b<!-- > -->c", "abc"),
            ("a<i t=\">b", "ab"),
            ("1 < 2 > 0<br/>", "1 < 2 > 0"),
        ] {
            assert_eq!(read(text, Markup::Dropped).as_deref(), Some(meant), "{text:?}");
        }
        assert_eq!(read("d>b/<c>b<a", Markup::DroppedBackwards).as_deref(), Some("dca"));
        assert_eq!(read("a < b", Markup::Dropped), None);
    }

    #[test]
    fn references_are_in_order() {
        assert!(NAMED.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NAMED.iter().all(|(name, _)| name.len() < LONGEST_NAME));
    }
}
