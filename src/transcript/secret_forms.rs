//! The forms in which a secret comes back: encoded as a whole, or escaped letter by letter.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Shorter pieces of base64 occur by chance.
const SHORTEST_CORE: usize = 8;

/// What begins an escape.
pub(super) const ESCAPES: [u8; 3] = *b"\\%&";

/// The length of a secret at the start of `bytes` of which letters are plain or escaped, as JSON
/// (`\u0063`, `\/`), URLs (`%63`) and HTML (`&#99;`, `&#x63;`) do. Nothing is decoded that does not match.
pub(super) fn match_escaped(bytes: &[u8], secret: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    for wanted in secret {
        let rest = bytes.get(at..)?;
        let (byte, length) = escaped(rest)
            .filter(|(byte, _)| byte == wanted)
            .or_else(|| rest.first().map(|byte| (*byte, 1)))?;
        if byte != *wanted {
            return None;
        }
        at = at.saturating_add(length);
    }
    Some(at)
}

/// The ASCII character that an escape at the start of `bytes` stands for, and its length.
pub(super) fn escaped(bytes: &[u8]) -> Option<(u8, usize)> {
    let number = |from: usize, to: usize, radix: u32| {
        let digits = std::str::from_utf8(bytes.get(from..to)?).ok()?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, radix).ok().filter(|_| plain).and_then(|code| u8::try_from(code).ok())
    };
    match bytes {
        [b'\\', b'u', ..] => Some((number(2, 6, 16)?, 6)),
        [b'\\', other @ (b'/' | b'"' | b'\\'), ..] => Some((*other, 2)),
        [b'%', ..] => Some((number(1, 3, 16)?, 3)),
        [b'&', b'#', rest @ ..] => {
            let end = rest.iter().take(8).position(|byte| *byte == b';')?;
            let (skip, radix) = if matches!(rest.first(), Some(b'x' | b'X')) { (3, 16) } else { (2, 10) };
            let after = end.saturating_add(2);
            Some((number(skip, after, radix)?, after.saturating_add(1)))
        }
        _ => None,
    }
}

/// The value and the encodings in which servers reflect it.
pub(super) fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::to_string(value).unwrap_or_default();
    // In the middle of a longer base64 text, the secret's own characters depend on where it begins.
    let inside = (0..3_usize).filter_map(|offset| {
        let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
        let text = STANDARD_NO_PAD.encode(&padded);
        let start = offset.saturating_mul(8).div_ceil(6);
        let end = padded.len().saturating_mul(8) / 6;
        text.get(start..end).filter(|core| core.len() >= SHORTEST_CORE).map(str::to_owned)
    });
    let mut forms: Vec<String> =
        inside.flat_map(|core| [core.replace('+', "-").replace('/', "_"), core]).collect();
    forms.extend([
        value.to_owned(),
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        hex.to_uppercase(),
        hex,
        json.trim_matches('"').to_owned(),
    ]);
    forms.sort();
    forms.dedup();
    forms
}
