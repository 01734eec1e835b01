//! What a secret is looked for as: itself, what escapes in it stand for, and encodings whose own letters may have lost
//! their case or run backwards, so that no decoder reads them.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::secret_escapes::reduced;
use super::secret_markup::Markup;

/// Shorter pieces of an encoding occur by chance.
const SHORTEST_CORE: usize = 10;
/// From so many secrets on their encodings are only decoded: a list of targets may have one each.
pub(super) const FEW: usize = 512;
/// Layers of escapes in a secret itself.
const LAYERS: usize = 4;
/// The longest escape that is not whole: `\u004`.
const LONGEST_BEGUN: usize = 5;

/// A secret as it is, and what escapes in it stand for: a text is compared after its own were taken off. What they
/// stand for need be no text. A sign at the end that what comes behind makes an escape is left out, too.
pub(super) fn readings(value: &[u8]) -> Vec<Vec<u8>> {
    let layer = |reading: &Vec<u8>| reduced(reading, Markup::Kept);
    let layers = std::iter::successors(Some(value.to_vec()), layer).take(LAYERS);
    layers
        .flat_map(|reading| [unended(&reading).to_vec(), reading])
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// A value without an escape at its end that is not whole.
fn unended(value: &[u8]) -> &[u8] {
    let from = value.len().saturating_sub(LONGEST_BEGUN);
    let end = value.get(from..).unwrap_or_default();
    let sign = end.iter().rposition(|byte| matches!(byte, b'%' | b'&' | b'\\'));
    let Some(at) = sign.filter(|at| end.get(*at..).is_some_and(|end| reduced(end, Markup::Kept).is_none()))
    else {
        return value;
    };
    value.get(..from.saturating_add(at)).unwrap_or_default()
}

/// Encodings of a secret and the same backwards. They are compared without regard to case, because names of headers
/// arrive in lower case, where base64 can be read by nobody but guessed by anybody.
pub(super) fn encoded(bytes: &[u8]) -> BTreeSet<String> {
    // Inside a longer encoded text, the characters of the secret's own depend on where it begins.
    let mut forms: BTreeSet<String> = (0..3_usize)
        .flat_map(|offset| {
            let core = core(bytes, offset, 6, |padded| STANDARD_NO_PAD.encode(padded));
            [core.replace('+', "-").replace('/', "_"), core]
        })
        .collect();
    forms.extend((0..5_usize).map(|offset| core(bytes, offset, 5, base32)));
    forms.insert(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    forms.retain(|form| form.len() >= SHORTEST_CORE);
    let backwards: Vec<String> = forms.iter().map(|form| form.chars().rev().collect()).collect();
    forms.extend(backwards);
    forms
}

/// The characters that only the secret decides, where so many bytes come before it.
fn core(bytes: &[u8], offset: usize, bits: usize, encode: fn(&[u8]) -> String) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
    let start = offset.saturating_mul(8).div_ceil(bits);
    let end = padded.len().saturating_mul(8).checked_div(bits).unwrap_or_default();
    encode(&padded).get(start..end).unwrap_or_default().to_owned()
}

/// Base32 without padding (RFC 4648, section 6).
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |bits: u64| {
        let index = usize::try_from(bits & 31).unwrap_or_default();
        char::from(LETTERS.get(index).copied().unwrap_or_default())
    };
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, index| {
            (bits << 8) | u64::from(chunk.get(index).copied().unwrap_or_default())
        });
        let letters = chunk.len().saturating_mul(8).div_ceil(5);
        text.extend((0..8_u32).rev().take(letters).map(|place| letter(bits >> place.saturating_mul(5))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_a_secret_are_read() {
        let has = |value: &str, all: &[&[u8]]| assert_eq!(readings(value.as_bytes()), all, "{value}");
        has("a%2Fb-77%252Fcc", &[b"a%2Fb-77%252Fcc", b"a/b-77%2Fcc", b"a/b-77/cc"]);
        has("plain", &[b"plain"]);
        has("%aAb", &[b"%aAb", b"\xAAb"]);
        has("ab%4", &[b"ab", b"ab%4"]);
        has("ab\\", &[b"ab", b"ab\\"]);
        has("a&b c d", &[b"a&b c d"]);
    }

    #[test]
    fn encodings_are_those_of_the_standard() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        let forms = encoded(b"canary/+secret");
        for form in ["Y2FuYXJ5Lytz", "63616e6172792f2b736563726574", "MNQW4YLSPEXSW43FMNZGK5"] {
            let backwards: String = form.chars().rev().collect();
            let has = |form: &str| forms.iter().any(|other| other.starts_with(form) || other.ends_with(form));
            assert!(has(form) && has(&backwards), "{form} in {forms:?}");
        }
        assert!(encoded(b"abc").is_empty());
    }
}
