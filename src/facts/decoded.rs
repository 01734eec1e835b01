//! What a text says once its encodings are undone: escapes of JSON, percent signs, entities of HTML, base64,
//! hexadecimal, and characters that do not show.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use regex::{Captures, Regex};
use std::sync::LazyLock;

use super::leaks::entities;

/// Encodings that are undone one inside the other.
const LAYERS: usize = 3;
/// No more is made of one text, in bytes.
const MOST: usize = 256 * 1024;

/// Any base64, with its padding or without.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Long enough to hold a place in a source file.
static BASE64: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_-]{32,}(?:\r?\n[A-Za-z0-9+/_-]{2,})*={0,2}").ok());
static HEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:[0-9a-fA-F]{2}){24,}").ok());
static ESCAPED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\\u([0-9a-fA-F]{4})").ok());

/// Every other reading of a text, in order, each once. None of a text without encodings.
#[must_use]
pub(super) fn decoded(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut bytes = 0_usize;
    let mut layer: Vec<String> = vec![text.to_owned()];
    for _ in 0..LAYERS {
        let mut next = Vec::new();
        for text in &layer {
            for undone in [shown, unescaped, unpercent, entities, packed, hexadecimal].map(|undo| undo(text))
            {
                if undone == *text || found.contains(&undone) {
                    continue;
                }
                bytes = bytes.saturating_add(undone.len());
                if bytes > MOST {
                    return found;
                }
                found.push(undone.clone());
                next.push(undone);
            }
        }
        layer = next;
    }
    found
}

/// Without what does not show.
fn shown(text: &str) -> String {
    let hidden = |character: char| matches!(u32::from(character), 0 | 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2064 | 0x2066..=0x2069 | 0xFEFF);
    text.chars().filter(|character| !hidden(*character)).collect()
}

fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let by = |found: &Captures<'_>| {
        let code = found.get(1).and_then(|digits| u32::from_str_radix(digits.as_str(), 16).ok());
        code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER).to_string()
    };
    let text = ESCAPED
        .as_ref()
        .map_or_else(|| text.to_owned(), |pattern| pattern.replace_all(text, by).into_owned());
    [("\\n", "\n"), ("\\t", "\t"), ("\\\"", "\""), ("\\/", "/"), ("\\\\", "\\")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

fn unpercent(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Runs of base64 that decode to text, decoded.
fn packed(text: &str) -> String {
    replaced(BASE64.as_ref(), text, |run| {
        let run: String = run.chars().filter(|character| !character.is_whitespace()).collect();
        STANDARD.decode(&run).or_else(|_| URL.decode(&run)).ok()
    })
}

fn hexadecimal(text: &str) -> String {
    replaced(HEX.as_ref(), text, |run| {
        let digits: Vec<u32> = run.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
        let pairs = digits.chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(high.saturating_mul(16).saturating_add(*low)).ok(),
            _ => None,
        });
        pairs.collect()
    })
}

fn replaced(pattern: Option<&Regex>, text: &str, undo: impl Fn(&str) -> Option<Vec<u8>>) -> String {
    let by = |found: &Captures<'_>| {
        let run = found.get(0).map_or("", |run| run.as_str());
        undo(run).and_then(readable).map_or_else(|| run.to_owned(), |text| format!("\n{text}\n"))
    };
    pattern.map_or_else(|| text.to_owned(), |pattern| pattern.replace_all(text, by).into_owned())
}

/// Bytes that are a text: what was no encoding decodes to noise.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let noise = |character: char| character.is_control() && !character.is_whitespace();
    (!text.chars().any(noise)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "Error: x\n    at parse (/srv/app/lib/json.js:93:21)";

    fn reads(text: &str) {
        assert!(decoded(text).iter().any(|inner| inner.contains(TRACE)), "{text}");
    }

    #[test]
    fn a_trace_is_read_through_each_encoding_and_two_of_them() {
        let base64 = STANDARD.encode(TRACE);
        let hex: String = TRACE.bytes().map(|byte| format!("{byte:02x}")).collect();
        let percent: String = TRACE.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let entities: String = TRACE.bytes().map(|byte| format!("&#{byte};")).collect();
        let spaced: String = TRACE.chars().flat_map(|character| [character, '\u{200B}']).collect();
        let escaped = serde_json::to_string(TRACE).unwrap_or_default();
        let broken: String =
            base64.as_bytes().chunks(40).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
        for text in [&base64, &hex, &percent, &entities, &spaced, &escaped, &broken] {
            reads(&format!("failed: {text} end"));
            reads(&format!("failed: {} end", STANDARD.encode(format!("{text} end"))));
        }
        reads(&URL.encode(TRACE));
        assert!(decoded("plain words, and a/path_of-sorts").is_empty());
    }

    #[test]
    fn noise_stays_noise_and_work_is_bounded() {
        assert!(decoded(&"a1b2".repeat(64)).iter().all(|text| text.len() < 1_024));
        assert!(decoded("4bf92f3577b34da6a3ce929d0e0e47364bf92f3577b34da6a3ce929d0e0e4736").is_empty());
        let much = decoded(&"%25".repeat(60_000));
        assert!(much.iter().map(String::len).sum::<usize>() <= MOST);
    }
}
