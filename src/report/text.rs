//! THE sanitiser for terminals: every text that is not ours passes here before it is shown.
//!
//! What could move the cursor, change colours, title or clipboard, reorder or hide text, or imitate a
//! row of ours is shown as an escape.

use std::fmt::Write;

pub use crate::transcript::printable::harmless;

/// The text with every unsafe character shown as an escape: one value stays one line.
#[must_use]
pub fn sanitise(text: &str) -> String {
    // Most texts are plain, and a report has thousands of them.
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return text.to_owned();
    }
    let mut marks = 0_usize;
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        marks = if combining(character) { marks.saturating_add(1) } else { 0 };
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // A few marks belong to real words; a tower of them covers the lines around it.
            _ if !harmless(character) || marks > MARKS => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Most combining marks on one letter.
const MARKS: usize = 3;

fn combining(character: char) -> bool {
    matches!(
        character,
        '\u{0300}'..='\u{036f}'
            | '\u{0483}'..='\u{0489}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// The text sanitised and cut to `most` characters, with an ellipsis where something was cut.
#[must_use]
pub fn short(text: &str, most: usize) -> String {
    // An escape is longer than what it stands for, so the start decides; the rest may be megabytes.
    if text.len() <= most {
        let shown = sanitise(text);
        if shown.len() <= most {
            return shown;
        }
    }
    let start = text
        .char_indices()
        .nth(most.saturating_add(1))
        .map_or(text, |(index, _)| text.get(..index).unwrap_or(text));
    let shown = sanitise(start);
    match shown.char_indices().nth(most) {
        Some((index, _)) => format!("{}…", shown.get(..index).unwrap_or_default()),
        None => shown,
    }
}

/// One word of a POSIX shell, quoted where it must be, without a character that a terminal would
/// interpret when it is shown or pasted. `None` for a NUL, which no argument can hold.
#[must_use]
pub fn shell(word: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if word.contains('\0') {
        None
    } else if !word.is_empty() && word.chars().all(plain) {
        Some(word.to_owned())
    } else if sanitise(word) == word {
        Some(format!("'{}'", word.replace('\'', "'\\''")))
    } else {
        Some(dollar(word))
    }
}

/// `$'…'` (POSIX 2024; bash, zsh, ksh) with three-digit octal escapes, which no shell reads further.
fn dollar(word: &str) -> String {
    let mut quoted = String::from("$'");
    let mut marks = 0_usize;
    for character in word.chars() {
        marks = if combining(character) { marks.saturating_add(1) } else { 0 };
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            _ if harmless(character) && marks <= MARKS => quoted.push(character),
            _ => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(quoted, "\\{byte:03o}");
                }
            }
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a hostile server says; every human-readable sink is tested with it.
    pub(crate) const HOSTILE: &[&str] = &[
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;http://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "\u{1b}]52;c;ZXZpbA==\u{7}",
        "\u{1b}P+q544e\u{1b}\\",
        "\u{9b}31m c1",
        "\u{90}dcs\u{9c}",
        "back\u{8}space",
        "over\rwritten",
        "del\u{7f}",
        "nul\u{0}",
        "line\nSCORE 100/100",
        "line\u{85}next",
        "tab\tcolumn",
        "v\u{b}f\u{c}",
        "bidi \u{202e}txt.exe\u{202c} \u{2066}x\u{2069} \u{200f}\u{200e}\u{61c}",
        "zero\u{200b}width\u{200d}\u{2060}\u{feff}\u{ad}",
        "separators\u{2028}and\u{2029}",
        "tags \u{e0041}\u{e0042}\u{e007f}",
        "selectors \u{fe0f}\u{e0100}",
        "filler \u{3164}\u{115f}\u{2800}",
        "noncharacter \u{ffff}\u{1fffe}",
        "zalgo h\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}",
        "::error file=x::message",
    ];

    /// Whether a rendered text holds nothing but harmless characters and our own line ends.
    pub(crate) fn is_safe(text: &str) -> bool {
        text.lines().all(|line| sanitise(line) == line) && !text.contains('\r')
    }

    #[test]
    fn the_hostile_corpus_is_neutralised() {
        for text in HOSTILE {
            let shown = sanitise(text);
            assert!(shown.chars().all(harmless), "{shown:?}");
            assert!(!shown.contains('\n') && is_safe(&shown), "{shown:?}");
        }
        assert_eq!(sanitise(HOSTILE[0]), "\\u{1b}[2J\\u{1b}[H");
        assert_eq!(sanitise("a\nb\r\u{202e}"), "a\\nb\\r\\u{202e}");
    }

    #[test]
    fn every_character_is_shown_or_escaped() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            let shown = sanitise(&text);
            assert!(shown == text || shown.starts_with('\\'), "{character:?}");
            assert!(!shown.is_empty());
        }
    }

    #[test]
    fn ordinary_text_of_any_language_stays() {
        for text in [
            "Grüße, naïve",
            "日本語のツール",
            "Ελληνικά",
            "עברית",
            "हिन्दी",
            "Việt e\u{302}\u{301}",
            "😀 sc-é",
            "a\\b",
        ] {
            assert_eq!(sanitise(text), text);
        }
    }

    #[test]
    fn a_shell_reads_back_the_very_word() {
        let words =
            ["", "plain", "two words", "it's", "$(id)`id`", "a\\b", "!x", "-n", "é", "line\nend", "tab\t'q'"];
        for word in words.iter().chain(HOSTILE).filter(|word| !word.contains('\0')) {
            let quoted = shell(word).unwrap();
            assert!(quoted.chars().all(harmless), "{quoted:?}");
            let script = format!("printf %s {quoted}; printf .");
            let out = std::process::Command::new("bash").args(["-c", &script]).output();
            // The quoting is for people with a shell; without bash there is nothing to compare with.
            if let Ok(out) = out {
                // `printf %s -n` is an operand, not an option, in every shell.
                assert_eq!(String::from_utf8(out.stdout).unwrap(), format!("{word}."), "{quoted}");
            }
        }
        assert_eq!(shell("nul\0"), None);
        assert_eq!(shell("it's").unwrap(), "'it'\\''s'");
        assert_eq!(shell("esc\u{1b}[m").unwrap(), "$'esc\\033[m'");
    }

    #[test]
    fn cutting_respects_characters() {
        assert_eq!(short("äöü", 2), "äö…");
        assert_eq!(short("äö", 2), "äö");
    }
}
