//! One escape function for each kind of sink. What an endpoint says passes exactly one of them on its way
//! into a document; a terminal's is [`sanitise`] itself.
//!
//! All of them begin with [`sanitise`], so that control, bidirectional and invisible characters are shown
//! as escapes in every format; the rest is what the format itself would interpret.

use std::fmt::Write;

use serde::Serialize;

use super::text::{sanitise, short};
use crate::transcript::printable::escaped_json;

/// A value as JSON without a line end. Unsafe characters, and what would begin a command of a CI system's
/// log (`##[`, `##vso[`), become `\u` escapes: the same value for a reader, harmless on a terminal.
#[must_use]
pub fn json(value: &impl Serialize, pretty: bool) -> String {
    // None of the types can fail to be JSON: keys are words, numbers are finite.
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    escaped_json(&text.unwrap_or_default())
}

/// Text for an XML attribute or element, at most `most` characters of it. What XML 1.0 forbids is shown as
/// an escape, because `&#x1B;` is forbidden as well.
#[must_use]
pub fn xml(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut hash = false;
    for character in short(text, most).chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            '#' if hash => shown.push_str("&#35;"),
            _ => shown.push(character),
        }
        hash = character == '#';
    }
    shown
}

/// The message of a GitHub workflow command, one line; other systems read none in it either.
#[must_use]
pub fn command_message(text: &str, most: usize) -> String {
    unhashing(&short(text, most).replace('%', "%25"))
}

/// A property of a GitHub workflow command.
#[must_use]
pub fn command_property(text: &str, most: usize) -> String {
    command_message(text, most).replace(':', "%3A").replace(',', "%2C")
}

/// Text inside a Markdown line, at most `most` characters of it. Plain words stay plain; anything that a
/// Markdown reader, or the site that shows it, could interpret is put into a code span: there neither
/// mentions, nor references, links, images, mathematics or HTML exist.
#[must_use]
pub fn markdown(text: &str, most: usize) -> String {
    let shown = short(text, most);
    if is_plain(&shown) { shown } else { code(&shown) }
}

/// [`markdown`] for a cell of a table, where a pipe ends the cell even inside a code span.
#[must_use]
pub fn markdown_cell(text: &str, most: usize) -> String {
    markdown(&text.replace('|', "\u{a6}"), most)
}

/// Words and punctuation without a meaning of their own in Markdown.
fn is_plain(text: &str) -> bool {
    let mut before = ' ';
    let mut all = true;
    for character in text.chars() {
        all &= match character {
            // `://` would begin a link, `:word:` a picture.
            ' ' => true,
            _ if matches!(before, ':' | '%') => false,
            '.' | ',' | ';' | ':' | '%' | '(' | ')' | '/' | '\'' | '"' | '-' | '=' | '…' | '+' => true,
            _ => character.is_alphanumeric(),
        };
        before = character;
    }
    // Bare names of hosts become links: a dot stands before a space, a digit, or at the end.
    let linked = text.split(' ').any(|word| {
        let word = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        word.split('.').skip(1).any(|part| part.starts_with(|c: char| c.is_alphabetic()))
    });
    all && !linked && !text.is_empty() && !text.starts_with(' ')
}

/// A command as a Markdown code span.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    code(&sanitise(text))
}

/// A code span that nothing inside can end.
fn code(shown: &str) -> String {
    if shown.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1));
    // One space on each side belongs to the fence.
    let pad = if longest > 0 || shown.starts_with(' ') || shown.ends_with(' ') { " " } else { "" };
    // A log may interpret `##[` anywhere in a line.
    format!("{fence}{pad}{}{pad}{fence}", unhashed(shown))
}

/// Without what the log of a CI system reads as a command anywhere in a line (`##[`, `##vso[`).
#[must_use]
pub fn unhashed(shown: &str) -> String {
    shown.replace("##", "#\\u{23}")
}

/// Text inside a SARIF message, at most `most` characters of it: a viewer would take `[a](b)` for a link
/// and `{0}` for a placeholder (SARIF 2.1.0, 3.11.5 and 3.11.6).
#[must_use]
pub fn sarif_message(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut before = ' ';
    for character in short(text, most).chars() {
        if (before == ']' && character == '(') || (before == '{' && character.is_ascii_digit()) {
            shown.push(' ');
        }
        shown.push(character);
        before = character;
    }
    shown
}

/// Our own prose, which marks code with backticks: what is outside is escaped for Markdown.
#[must_use]
pub fn own_markdown(prose: &str) -> String {
    let mut shown = String::new();
    for (index, part) in prose.split('`').enumerate() {
        if index > 0 {
            shown.push('`');
        }
        for character in part.chars() {
            if index % 2 == 0 && matches!(character, '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '|' | '#') {
                shown.push('\\');
            }
            shown.push(character);
        }
    }
    shown
}

/// Part of a URI path: everything but unreserved characters, `/` and finished escapes is percent-encoded.
/// A colon too, or the start of a relative reference would read as a scheme (RFC 3986, 4.2).
#[must_use]
pub fn uri_path(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        let escape = after.get(..2).filter(|hex| hex.chars().all(|c| c.is_ascii_hexdigit()));
        let plain = character.is_ascii_alphanumeric() || "-._~/".contains(character);
        if plain || (character == '%' && escape.is_some()) {
            shown.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(shown, "%{byte:02X}");
            }
        }
        rest = after;
    }
    shown
}

/// Text for a terminal whose locale is not UTF-8: signs of our own become ASCII, any other character an escape.
/// Its bytes would be others there, some of them control characters.
#[must_use]
pub fn ascii(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if character.is_ascii() => shown.push(character),
            '·' | '–' | '─' => shown.push('-'),
            '█' => shown.push('='),
            '░' => shown.push('.'),
            '│' => shown.push('|'),
            '▇' => shown.push('^'),
            '▃' => shown.push('+'),
            '▁' => shown.push('_'),
            '×' => shown.push('x'),
            '→' => shown.push_str("->"),
            '…' => shown.push_str("..."),
            _ => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
            }
        }
    }
    shown
}

/// Whether a CI system would read a command in this line of a log: GitHub's at its start, those of Azure
/// Pipelines (`##[error]`, `##vso[…]`), TeamCity (`##teamcity[…]`) and older GitHub runners anywhere.
#[must_use]
pub fn commands_a_log(line: &str) -> bool {
    line.trim_start().starts_with("::") || hashed(line).is_some()
}

/// Where `##word[` begins, with any word or none.
fn hashed(line: &str) -> Option<usize> {
    line.match_indices("##").map(|(at, _)| at).find(|at| {
        let after = line.get(at.saturating_add(2)..).unwrap_or_default();
        after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || ".-_".contains(c)).starts_with('[')
    })
}

/// Lines of text for a log: where one would be read as a command, its first character is an escape.
#[must_use]
pub fn without_commands(text: &str) -> String {
    if !text.lines().any(commands_a_log) {
        return text.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(uncommanding).collect();
    lines.join("\n")
}

fn uncommanding(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    if let Some(command) = line.trim_start().strip_prefix("::") {
        let indent = line.len().saturating_sub(command.len()).saturating_sub(2);
        shown.push_str(line.get(..indent).unwrap_or_default());
        shown.push_str("\\u{3a}");
        rest = line.get(indent.saturating_add(1)..).unwrap_or_default();
    }
    shown.push_str(&unhashing(rest));
    shown
}

fn unhashing(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = hashed(rest) {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        shown.push_str(before);
        shown.push_str("\\u{23}");
        rest = after.strip_prefix('#').unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::tests::HOSTILE;
    use crate::transcript::printable::harmless;

    #[test]
    fn json_reads_back_the_very_value_and_shows_nothing_unsafe() {
        let more = ["##[error]x", "###", "plain", "\u{1f600}", "a\"b\\"];
        for text in HOSTILE.iter().chain(&more) {
            for pretty in [true, false] {
                let shown = json(&[*text], pretty);
                assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [*text]);
                assert!(shown.chars().all(|c| harmless(c) || c == '\n'), "{shown:?}");
                assert!(!shown.lines().any(commands_a_log), "{shown:?}");
            }
        }
    }

    #[test]
    fn markdown_keeps_words_and_quotes_the_rest() {
        for plain in
            ["all three ids came back", "score 77.9 is below 80", "answered with 400 (bad)", "47 % of D7"]
        {
            assert_eq!(markdown(plain, 100), plain);
        }
        for (text, shown) in [
            ("@team", "`@team`"),
            ("see #12", "`see #12`"),
            ("https://evil.example/x", "`https://evil.example/x`"),
            ("evil.example", "`evil.example`"),
            ("www.evil", "`www.evil`"),
            ("a `b` c", "`` a `b` c ``"),
            ("``", "``` `` ```"),
            ("<img src=x>", "`<img src=x>`"),
            ("![x](y)", "`![x](y)`"),
            (":bomb:", "`:bomb:`"),
            ("$x$", "`$x$`"),
            (" ", "(empty)"),
            ("", "(empty)"),
        ] {
            assert_eq!(markdown(text, 100), shown);
        }
        assert!(!markdown_cell("a | b \\| c", 100).contains('|'));
    }

    #[test]
    fn own_prose_keeps_its_code() {
        assert_eq!(own_markdown("send `a: *` for <host> and *x*"), "send `a: *` for \\<host\\> and \\*x\\*");
    }

    #[test]
    fn a_path_is_a_relative_reference() {
        assert_eq!(uri_path("localhost:8080/mcp x"), "localhost%3A8080/mcp%20x");
        assert_eq!(uri_path("h/%2e%zz/é"), "h/%2e%25zz/%C3%A9");
        assert_eq!(uri_path("[::1]:9/"), "%5B%3A%3A1%5D%3A9/");
    }

    #[test]
    fn messages_have_no_links_and_no_placeholders() {
        assert_eq!(sarif_message("[x](http://e) {0} {a}", 99), "[x] (http://e) { 0} {a}");
    }

    #[test]
    fn no_line_commands_a_log() {
        let text = "ok\n  ::error::x\na ##[error]b\n##vso[x]\n####[x] ##teamcity[y]\n ::a ##[b]";
        let clean = without_commands(text);
        assert!(!clean.lines().any(commands_a_log), "{clean}");
        assert_eq!(
            clean,
            "ok\n  \\u{3a}:error::x\na \\u{23}#[error]b\n\\u{23}#vso[x]\n##\\u{23}#[x] \\u{23}#teamcity[y]\n \\u{3a}:a \\u{23}#[b]"
        );
        for harmless in ["a::b\n# x", "## heading", "## see [x]", ""] {
            assert_eq!(without_commands(harmless), harmless);
        }
    }

    #[test]
    fn ascii_keeps_what_is_said() {
        assert_eq!(
            ascii("59 █░ 60 → 61 · D8 – “é”…\n"),
            "59 =. 60 -> 61 - D8 - \\u{201c}\\u{e9}\\u{201d}...\n"
        );
        assert!(HOSTILE.iter().all(|text| ascii(text).is_ascii()));
    }

    #[test]
    fn commands_are_percent_encoded() {
        assert_eq!(command_message("100 %: a,b\r\n::x", 99), "100 %25: a,b\\r\\n::x");
        assert_eq!(command_message("a ##[error]b", 99), "a \\u{23}#[error]b");
        assert_eq!(command_property("100 %: a,b", 99), "100 %25%3A a%2Cb");
    }
}
