//! Text whose letters stand apart: what a folded header and a spaced-out word become.

use memchr::memchr_iter;

use super::secret_view::{Builder, GAP, View};

/// Fewer single letters in a row are no secret.
const FEWEST: usize = 6;

/// The stretches of single letters between blanks, without the blanks; `None` where there are none.
pub(super) fn joined(view: &View<'_>) -> Option<View<'static>> {
    let bytes = &*view.bytes;
    let mut builder: Option<Builder> = None;
    let mut letters: Vec<usize> = Vec::new();
    let mut start = 0_usize;
    for blank in memchr_iter(b' ', bytes).chain(std::iter::once(bytes.len())) {
        match blank.saturating_sub(start) {
            0 => {}
            1 => {
                if letters.is_empty() {
                    // The first letter may end a longer word.
                    let before = bytes.get(..start).unwrap_or_default();
                    letters.extend(before.iter().rposition(|byte| *byte != b' '));
                }
                letters.push(start);
            }
            _ => {
                letters.push(start);
                take(view, &mut letters, &mut builder);
            }
        }
        start = blank.saturating_add(1);
    }
    take(view, &mut letters, &mut builder);
    builder.map(Builder::finish)
}

fn take(view: &View<'_>, letters: &mut Vec<usize>, builder: &mut Option<Builder>) {
    if letters.len() > FEWEST {
        let builder = builder.get_or_insert_default();
        for at in letters.iter().copied() {
            builder.copy(view, at, at.saturating_add(1));
        }
        let last = letters.last().copied().unwrap_or_default();
        builder.put(view, &[GAP], last, last.saturating_add(1));
    }
    letters.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let view = joined(&View::of(text))?;
        Some(String::from_utf8_lossy(&view.bytes).replace(char::REPLACEMENT_CHARACTER, "|"))
    }

    #[test]
    fn letters_that_stand_apart_are_read_as_one_word() {
        assert_eq!(read("you sent s 3 c r 3 t 9 thanks").as_deref(), Some("ts3cr3t9t|"));
        assert_eq!(read("s  3  c  r  3  t  9").as_deref(), Some("s3cr3t9|"));
        assert_eq!(read("a plain sentence with a word of one letter"), None);
        assert_eq!(read("a b c, d"), None);
        assert_eq!(read(""), None);
    }
}
