//! Whether a text may hold a secret in any form. Nearly no text does, and this costs a few looks at each byte, where to
//! find the place costs some hundred.
//!
//! A text is taken apart like the matcher does it, but all layers at once and with no way back. What is looked for are
//! a few bytes at the beginning, in the middle and at the end of each form, so that it does not matter whether what
//! stands around it spoils one of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use memchr::{memchr, memchr2_iter, memchr3_iter, memrchr};

use super::secret_blocks::Readable;
use super::secret_escapes::{reduced, untagged};
use super::secret_markup::Markup;
use super::secret_view::View;

/// The length of an anchor, in bytes.
const ANCHOR: usize = 6;
/// How far an anchor is from where no three bytes of one end.
const SHIFT: u8 = 4;
/// How many digests there are: few enough for the nearest cache.
const SHIFTS: usize = 1 << 14;
/// Layers of escapes.
const LAYERS: u8 = 6;

/// What may still be taken off.
#[derive(Clone, Copy, Debug)]
struct Layers {
    escapes: u8,
    blocks: u8,
    /// Whether markup is left out.
    markup: bool,
    /// What may still be turned round, in which text.
    turned: Backwards,
}

/// Pieces of all forms of all secrets.
#[derive(Debug)]
pub(super) struct Filter {
    /// By a digest of three bytes: how far behind them the last of an anchor is at least.
    shifts: Box<[u8; SHIFTS]>,
    /// Sorted.
    anchors: Vec<[u8; ANCHOR]>,
    /// Whether a form is too short to be known by a piece.
    always: bool,
    /// Whether a form has the sign of a tag in it.
    signs: bool,
}

impl Filter {
    pub(super) fn new<'f>(forms: impl Iterator<Item = &'f [u8]>) -> Self {
        let mut filter =
            Self { shifts: Box::new([SHIFT; SHIFTS]), anchors: Vec::new(), always: false, signs: false };
        for form in forms {
            filter.add(form);
            for markup in [Markup::Kept, Markup::Dropped] {
                let layer = |form: &Vec<u8>| reduced(form, markup);
                let layers = std::iter::successors(layer(&form.to_vec()), layer);
                layers.take(usize::from(LAYERS)).for_each(|form| filter.add(&form));
            }
        }
        filter.anchors.sort_unstable();
        filter.anchors.dedup();
        filter
    }

    fn add(&mut self, form: &[u8]) {
        self.signs |= form.contains(&b'<');
        let Some(last) = form.len().checked_sub(ANCHOR) else {
            self.always = true;
            return;
        };
        for from in [0, last / 2, last] {
            let piece = form.get(from..from.saturating_add(ANCHOR));
            let Some(anchor) = piece.and_then(|piece| <[u8; ANCHOR]>::try_from(piece).ok()) else { continue };
            let anchor = anchor.map(|byte| byte.to_ascii_lowercase());
            for (left, three) in (0..=SHIFT.saturating_sub(1)).rev().zip(anchor.windows(3)) {
                if let Some(shift) = self.shifts.get_mut(digest(three)) {
                    *shift = left.min(*shift);
                }
            }
            self.anchors.push(anchor);
        }
    }

    /// Whether there is a piece of a form.
    fn near(&self, bytes: &[u8]) -> bool {
        let mut at = ANCHOR.saturating_sub(3);
        while let Some(three) = bytes.get(at..at.saturating_add(3)) {
            let shift = self.shifts.get(digest(three)).copied().unwrap_or_default();
            if shift == 0 && self.anchor(bytes, at) {
                return true;
            }
            at = at.saturating_add(usize::from(shift.max(1)));
        }
        false
    }

    /// Whether these three bytes are the last of an anchor.
    #[cold]
    fn anchor(&self, bytes: &[u8], at: usize) -> bool {
        let from = at.saturating_add(3).saturating_sub(ANCHOR);
        let piece = bytes.get(from..from.saturating_add(ANCHOR));
        piece.and_then(|piece| <[u8; ANCHOR]>::try_from(piece).ok()).is_some_and(|mut anchor| {
            anchor.make_ascii_lowercase();
            self.anchors.binary_search(&anchor).is_ok()
        })
    }

    /// Whether a secret may be in this, so many blocks deep, turned round or not. `read` counts the bytes of all
    /// readings.
    pub(super) fn passes(
        &self,
        readable: &Readable,
        bytes: &[u8],
        (blocks, turned): (u8, bool),
        read: &AtomicUsize,
    ) -> bool {
        let turned = Backwards { escapes: turned, tags: turned };
        let layers = Layers { escapes: LAYERS, blocks, markup: true, turned };
        self.always || Pass { filter: self, readable, read }.any(bytes, layers)
    }
}

/// Of three bytes, without regard to case.
#[inline]
fn digest(three: &[u8]) -> usize {
    let [first, second, third] = three else { return 0 };
    let three = u32::from_be_bytes([0, *first, *second, *third]) | 0x0020_2020;
    let mixed = three.wrapping_mul(0x9E37_79B1) >> 18;
    usize::try_from(mixed).unwrap_or_default() % SHIFTS
}

/// One text.
#[derive(Clone, Copy, Debug)]
struct Pass<'m> {
    filter: &'m Filter,
    readable: &'m Readable,
    read: &'m AtomicUsize,
}

impl Pass<'_> {
    fn any(self, bytes: &[u8], layers: Layers) -> bool {
        if self.near(bytes) {
            return true;
        }
        if let Some(blocks) = layers.blocks.checked_sub(1) {
            let inside = Layers { escapes: LAYERS, blocks, ..layers };
            if self.readable.decoded(&View::raw(bytes)).any(|view| self.any(&view.bytes, inside)) {
                return true;
            }
        }
        let mut layers = layers;
        if layers.turned.any() {
            let there = Backwards::of(bytes);
            let (escapes, tags) = (there.escapes && layers.turned.escapes, there.tags && layers.turned.tags);
            let inside = Layers { turned: Backwards::default(), markup: tags, ..layers };
            if escapes {
                let turned: Vec<u8> = bytes.iter().rev().copied().collect();
                if self.layer(&turned, inside) {
                    return true;
                }
            } else if tags {
                let untagged = reduced(bytes, Markup::DroppedBackwards);
                if untagged.is_some_and(|bytes| self.near(&bytes)) {
                    return true;
                }
            }
            // Tags that were looked at backwards need not be again.
            layers.turned.tags &= !tags;
        }
        self.layer(bytes, layers)
    }

    fn near(self, bytes: &[u8]) -> bool {
        self.read.fetch_add(bytes.len(), Ordering::Relaxed);
        self.filter.near(bytes)
    }

    /// Takes off a layer of escapes, or else markup.
    fn layer(self, bytes: &[u8], layers: Layers) -> bool {
        let Some(escapes) = layers.escapes.checked_sub(1) else { return false };
        let next = Layers { escapes, ..layers };
        let escaped = |bytes: &[u8], layers: Layers| {
            reduced(bytes, Markup::Kept).is_some_and(|bytes| self.any(&bytes, layers))
        };
        let Some(untagged) = layers.markup.then(|| untagged(bytes)).flatten() else {
            return escaped(bytes, next);
        };
        // Where markup is left out here, it need not be below.
        let whole = Layers { markup: false, ..next };
        self.any(&untagged.text, next)
            || escaped(if self.filter.signs { bytes } else { &untagged.tags }, whole)
            || (untagged.nested
                && reduced(bytes, Markup::Innermost).is_some_and(|bytes| self.any(&bytes, next)))
    }
}

/// What a text has that reads only from the last byte to the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backwards {
    /// `14%`, `1400u\\`, `;56#&`, `;pma&`, or the indent of a line that goes on.
    escapes: bool,
    /// `>b/<`.
    tags: bool,
}

impl Backwards {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let tags = memchr(b'>', bytes).zip(memrchr(b'<', bytes)).is_some_and(|(open, close)| open < close);
        let mut escapes = memchr3_iter(b'%', b'\\', b'&', bytes).chain(memchr2_iter(b'\n', b'\r', bytes));
        Self { tags, escapes: escapes.any(|at| escape(bytes, at)) }
    }

    pub(super) const fn any(self) -> bool {
        self.escapes || self.tags
    }
}

/// Whether an escape that begins here runs backwards.
fn escape(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| bytes.get(at)).copied().unwrap_or_default();
    let hex = |mut backs: std::ops::Range<usize>| backs.all(|back| before(back).is_ascii_hexdigit());
    match bytes.get(at) {
        Some(b'%') => hex(1..3),
        Some(b'\\') => match before(1) {
            b'u' => hex(2..6),
            b'x' => hex(2..4),
            _ => false,
        },
        Some(b'\n' | b'\r') => matches!(before(1), b' ' | b'\t'),
        Some(b'&') => {
            let word = |back: &usize| before(*back).is_ascii_alphanumeric() || before(*back) == b'#';
            let length = (1..10_usize).take_while(word).count();
            length > 1 && before(length.saturating_add(1)) == b';'
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(text: &str) -> bool {
        let secret = &b"canary/+secret~77"[..];
        let filter = Filter::new([secret].into_iter());
        filter.passes(&Readable::new([secret].into_iter()), text.as_bytes(), (3, true), &AtomicUsize::new(0))
    }

    #[test]
    fn what_may_be_a_secret_passes() {
        for text in [
            "a canary/+secret~77",
            "CANARY%2f%2bSecret",
            "c<b>a</b>n<b>a</b>r<b>y</b>/<b>+</b>s<b>e</b>",
            "Y2FuYXJ5\\r\\n LytzZWNyZXR+Nzc=",
            "canar<!-- -->y&sol;&plus;secr",
            "<i canar<b>y/+s</b>ecret~77",
        ] {
            assert!(passes(text), "{text}");
        }
        for text in [
            "",
            "canar",
            "the canine said <b>nothing</b> &amp; left",
            "data: {\"a\":\"b\\n c\"}",
            "a <b>c</b> 50%",
        ] {
            assert!(!passes(text), "{text}");
        }
    }

    #[test]
    fn what_runs_backwards_is_seen() {
        for text in ["14%", "1400u\\", "14x\\", ";56#&", ";pma&", ">b/<", "a \n\rb"] {
            assert!(Backwards::of(text.as_bytes()).any(), "{text}");
        }
        for text in ["", "a%14", "\\u0041", "&amp;", "<b", "a\r\n b", "a > b"] {
            assert!(!Backwards::of(text.as_bytes()).any(), "{text}");
        }
    }
}
