//! How much of one scan is kept in memory. Each reply has limits of its own; many replies at their limits
//! must not add up.

use std::sync::atomic::{AtomicU64, Ordering};

use super::failure::over;
use crate::transcript::{Content, Exchange, FailureKind, Phase};

/// What a byte costs: it is written, read back and rendered before it goes.
const BYTE: u64 = 4;
/// What a JSON value costs beside its bytes: parsed, and its answer taken out, it is many times its text.
const VALUE: u64 = 160;
/// What a JSON object costs more: its table has room for several members from the first on.
const OBJECT: u64 = 480;
/// What a line or a frame costs beside its bytes.
const LINE: u64 = 256;
/// How much is kept of what hit a limit: enough to show what it was. It cannot be judged anyway.
pub(super) const BEGINNING: usize = 64 * 1024;
/// The same in lines or frames.
const FEW: usize = 1_000;

/// What is left of `kept_bytes`.
pub(super) struct Kept {
    limit: u64,
    used: AtomicU64,
}

impl Kept {
    /// Nothing kept yet.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// Whether so much text still fits; it is counted if it does.
    fn fits(&self, weight: u64) -> bool {
        let add = |used: u64| Some(used.saturating_add(weight)).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Drops the content of an exchange that does not fit any more; the failure says so.
    pub(super) fn weigh(&self, exchange: &mut Exchange) {
        if exchange.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::TooLarge) {
            shorten(&mut exchange.content);
        }
        let weight = match &exchange.content {
            Content::None => return,
            Content::Text { text, .. } => weight(text),
            Content::Binary { base64, .. } => (base64.len() as u64).saturating_mul(BYTE),
            Content::Lines { lines, .. } => {
                lines.iter().map(|line| weight(&line.text).saturating_add(LINE)).sum()
            }
            Content::Frames { frames } => {
                frames.iter().map(|frame| weight(&frame.text).saturating_add(LINE)).sum()
            }
        };
        if self.fits(weight) {
            return;
        }
        exchange.content = Content::None;
        exchange.ended = crate::transcript::Ended::Failed;
        exchange.failure = Some(over(Phase::Body, FailureKind::TooLarge, "kept_bytes", self.limit));
    }
}

/// Cuts a content to its beginning.
fn shorten(content: &mut Content) {
    let shorten_text = |text: &mut String| {
        if text.len() <= BEGINNING {
            return false;
        }
        let end = (0..=BEGINNING).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.shrink_to_fit();
        true
    };
    match content {
        Content::None | Content::Binary { .. } => {}
        Content::Text { text, cut, .. } => *cut |= shorten_text(text),
        Content::Lines { lines, .. } => {
            lines.truncate(FEW);
            lines.shrink_to_fit();
            lines.iter_mut().for_each(|line| line.cut |= shorten_text(&mut line.text));
        }
        Content::Frames { frames } => {
            frames.truncate(FEW);
            frames.shrink_to_fit();
            frames.iter_mut().for_each(|frame| {
                shorten_text(&mut frame.text);
            });
        }
    }
}

/// What a text costs, with the JSON values that may be in it.
fn weight(text: &str) -> u64 {
    let values = text.bytes().map(|byte| match byte {
        b',' | b'[' => VALUE,
        b'{' => OBJECT,
        _ => 0,
    });
    values.sum::<u64>().saturating_add((text.len() as u64).saturating_mul(BYTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_values_weigh_more_than_their_text() {
        assert!(weight("[0,0,0,0,0,0,0,0]") > 8 * VALUE);
        let kept = Kept::new(1_000);
        assert!(kept.fits(600));
        assert!(!kept.fits(600));
        assert!(kept.fits(400), "what did not fit is not counted");
    }

    #[test]
    fn of_what_hit_a_limit_the_beginning_is_kept() {
        let mut content = Content::Text { text: "é".repeat(100_000), bytes: 200_000, cut: false };
        shorten(&mut content);
        assert!(matches!(content, Content::Text { text, cut: true, .. } if text.len() == BEGINNING));
    }
}
