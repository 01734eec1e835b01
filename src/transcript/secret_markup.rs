//! Markup in a text: where tags and comments are, however the text reads.

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter, memrchr};

/// What is left out of a text besides what nobody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    /// Nothing.
    Kept,
    /// Nothing, and of the escapes only those that begin with this sign: another may be a part of the secret, and what
    /// stands beside it no part of an escape.
    Only(u8),
    /// Tags and comments, as HTML reads them: `ab<b>c</b>`.
    Dropped,
    /// The same where a tag that has not ended is none as soon as the next one begins: `<i a<b>b</b>`. `None` of a text
    /// in which that is no difference.
    Innermost,
    /// The same in a text that runs backwards: `>b/<c>b<ba`.
    DroppedBackwards,
}

/// Finds tags; each byte is looked at a fixed number of times.
pub(super) struct Tags<'b> {
    bytes: &'b [u8],
    markup: Markup,
    /// How often the end of a tag may still be looked for in vain with regard to quotes.
    patience: usize,
    /// Where the closing sign comes next, as far as known.
    close: usize,
    /// Whether a tag had the sign of another in it.
    pub(super) nested: bool,
}

/// Tags whose quotes never end. After so many they count as if they had none.
const UNENDED: usize = 8;

impl<'b> Tags<'b> {
    /// `None` where no markup is to be left out, or there can be none.
    pub(super) fn new(bytes: &'b [u8], markup: Markup) -> Option<Self> {
        let possible = match markup {
            Markup::Kept | Markup::Only(_) => false,
            Markup::Innermost => memchr(b'<', bytes)? < memrchr(b'>', bytes)? && nested(bytes),
            Markup::Dropped => memchr(b'<', bytes)? < memrchr(b'>', bytes)?,
            Markup::DroppedBackwards => memchr(b'>', bytes)? < memrchr(b'<', bytes)?,
        };
        possible.then_some(Self { bytes, markup, patience: UNENDED, close: 0, nested: false })
    }

    /// The sign that opens a tag.
    pub(super) const fn open(&self) -> u8 {
        if matches!(self.markup, Markup::DroppedBackwards) { b'>' } else { b'<' }
    }

    /// The length of the tag that begins here.
    pub(super) fn tag(&mut self, at: usize) -> Option<usize> {
        if *self.bytes.get(at)? != self.open() {
            return None;
        }
        let rest = self.bytes.get(at..)?;
        if self.markup == Markup::Innermost {
            return innermost(rest);
        }
        let close = if self.open() == b'<' { b'>' } else { b'<' };
        if self.close <= at {
            let found = memchr(close, rest);
            self.close = found.map_or(usize::MAX, |found| at.saturating_add(found));
        }
        if self.close == usize::MAX {
            return None;
        }
        let plain = self.close.saturating_sub(at).saturating_add(1);
        if self.markup == Markup::DroppedBackwards {
            return Some(plain);
        }
        if !begins(rest) {
            return None;
        }
        let quoted = rest.get(..plain).is_some_and(|tag| memchr2(b'"', b'\'', tag).is_some());
        let comment = rest.starts_with(b"<!--");
        let mut length = plain;
        if (quoted || comment) && self.patience > 0 {
            match if comment { comment_end(rest) } else { quoted_end(rest) } {
                Some(whole) => length = whole,
                None => self.patience = self.patience.saturating_sub(1),
            }
        }
        self.nested = self.nested || rest.get(1..length).is_some_and(|tag| memchr(b'<', tag).is_some());
        Some(length)
    }
}

/// Whether these bytes, of which the first is `<`, may be a tag or a comment.
fn begins(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?'))
}

/// Whether a tag begins before another has ended.
fn nested(bytes: &[u8]) -> bool {
    let mut open = false;
    memchr2_iter(b'<', b'>', bytes).any(|at| match bytes.get(at..) {
        Some([b'>', ..]) => {
            open = false;
            false
        }
        Some(rest) => begins(rest) && std::mem::replace(&mut open, true),
        None => false,
    })
}

/// The length of the tag here that has no other in it.
fn innermost(bytes: &[u8]) -> Option<usize> {
    if !begins(bytes) {
        return None;
    }
    let next = memchr_iter(b'<', bytes).skip(1).find(|at| bytes.get(*at..).is_some_and(begins));
    let own = bytes.get(..next.unwrap_or(bytes.len()))?;
    let whole = if own.starts_with(b"<!--") { comment_end(own) } else { quoted_end(own) };
    whole.or_else(|| Some(memchr(b'>', own)?.saturating_add(1)))
}

/// The length of a comment.
fn comment_end(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"-->").map(|end| end.saturating_add(3))
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
    use super::super::secret_escapes::{reduced, unescaped};
    use super::super::secret_view::View;
    use super::*;

    fn read(text: &str, markup: Markup) -> Option<String> {
        unescaped(&View::of(text), markup).map(|view| String::from_utf8_lossy(&view.bytes).into_owned())
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
            assert_eq!(reduced(text.as_bytes(), Markup::Dropped).as_deref(), Some(meant.as_bytes()));
        }
        assert_eq!(read("d>b/<c>b<a", Markup::DroppedBackwards).as_deref(), Some("dca"));
        assert_eq!(read("a < b", Markup::Dropped), None);
    }

    #[test]
    fn a_tag_that_has_not_ended_hides_nothing_behind_the_next() {
        for (text, meant) in [
            ("<i a<b t='>'></b>c<b t='>'></b>", "<i ac"),
            ("<i t='a<b>b</b>", "<i t='ab"),
            ("<!-- a<!--x-->b<!-- > -->", "<!-- ab"),
            ("</a<b>b", "</ab"),
        ] {
            assert_eq!(read(text, Markup::Innermost).as_deref(), Some(meant), "{text:?}");
        }
        assert_eq!(read("<i t='a'>b</b>", Markup::Innermost), None);
    }
}
