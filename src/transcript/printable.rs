//! Which characters may be shown as they are, and JSON that has no others.

use std::fmt::Write;

/// Whether a character may be shown as it is.
#[must_use]
pub fn harmless(character: char) -> bool {
    // Nearly every character of a report is one of these.
    if matches!(character, ' '..='~') {
        return true;
    }
    !character.is_control() && !reorders(character) && !hides(character)
}

/// Bidirectional controls and the two separators that end a line in some terminals and browsers.
fn reorders(character: char) -> bool {
    matches!(
        character,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
    )
}

/// Characters without a shape of their own: zero-width, fillers, tags, selectors, annotation, and code
/// points that will never be characters.
fn hides(character: char) -> bool {
    matches!(
        character,
        '\u{00ad}'
            | '\u{034f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{e0000}'..='\u{10ffff}'
    ) || u32::from(character) & 0xfffe == 0xfffe
}

/// JSON as it may be shown on a terminal and in the log of a CI system: the same value for a reader.
///
/// Everything outside ASCII, and every `#`, stands inside a string, so that escapes may replace it. A line
/// end does not: inside a string it is an escape already.
#[must_use]
pub fn escaped_json(text: &str) -> String {
    let plain = |byte: u8| (byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n')) && byte != b'#';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut hash = false;
    while !rest.is_empty() {
        // Nearly all of a document is plain.
        let run = rest.bytes().position(|byte| !plain(byte)).unwrap_or(rest.len());
        let (before, after) = rest.split_at_checked(run).unwrap_or((rest, ""));
        shown.push_str(before);
        hash &= before.is_empty();
        let mut characters = after.chars();
        if let Some(character) = characters.next() {
            if !harmless(character) || (hash && character == '#') {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(shown, "\\u{unit:04x}");
                }
            } else {
                shown.push(character);
            }
            hash = character == '#';
        }
        rest = characters.as_str();
    }
    shown
}
