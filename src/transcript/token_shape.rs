//! What a server's token looks like: checks read shapes, never values.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tokens::{Known, head};

/// Which server token a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// `Mcp-Session-Id`.
    Session,
    /// A cookie's value.
    Cookie,
    /// A token in a URI that an `endpoint` event announced.
    Uri,
}

impl TokenKind {
    /// How its placeholders begin.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Cookie => "cookie",
            Self::Uri => "uri-token",
        }
    }
}

/// What a server's token looks like, without the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenShape {
    /// The placeholder that stands for it in this transcript.
    pub placeholder: String,
    /// Which token it is.
    pub kind: TokenKind,
    /// Length in bytes.
    pub length: usize,
    /// How many lower-case letters, upper-case letters, digits and others it has.
    pub classes: [usize; 4],
    /// Whether all letters and digits are hexadecimal.
    pub hex: bool,
    /// Bytes outside 0x21–0x7E.
    pub bad_bytes: usize,
    /// Longest prefix in common with an earlier, different token of this kind, in bytes, at most 4,096.
    pub common_prefix: usize,
    /// Longest suffix in common with an earlier, different token of this kind, in bytes; of what is longer than
    /// 4,096 bytes, that of its first 4,096.
    #[serde(default)]
    pub common_suffix: usize,
    /// Whether an earlier reply brought the very same value.
    pub repeats: bool,
    /// Difference to the token before, where the differing tails of both are short decimal numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// For a JWT: the length in common with an earlier one inside payload and signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt_common: Option<usize>,
}

/// The shape of a value beside the tokens of its kind that came before, without its placeholder.
pub(super) fn shape(kind: TokenKind, value: &str, known: &[Known], repeats: bool) -> TokenShape {
    let start = head(value);
    let mut classes = [0_usize; 4];
    for byte in value.bytes() {
        let [lower, upper, digit, other] = &mut classes;
        let class = match byte {
            b'a'..=b'z' => lower,
            b'A'..=b'Z' => upper,
            b'0'..=b'9' => digit,
            _ => other,
        };
        *class = class.saturating_add(1);
    }
    let others = || known.iter().map(|known| known.head.as_str()).filter(|seen| *seen != start);
    TokenShape {
        placeholder: String::new(),
        kind,
        length: value.len(),
        classes,
        hex: value.bytes().filter(u8::is_ascii_alphanumeric).all(|byte| byte.is_ascii_hexdigit()),
        bad_bytes: value.bytes().filter(|byte| !(0x21..=0x7E).contains(byte)).count(),
        common_prefix: others().map(|seen| common_prefix(seen, start)).max().unwrap_or(0),
        common_suffix: others().map(|seen| common_suffix(seen, start)).max().unwrap_or(0),
        repeats,
        step: others().next_back().and_then(|seen| step(seen, start)),
        jwt_common: jwt_tail(start)
            .and_then(|tail| others().filter_map(jwt_tail).map(|seen| common_prefix(seen, tail)).max()),
    }
}

fn common_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count()
}

fn common_suffix(a: &str, b: &str) -> usize {
    a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count()
}

/// A counter: what follows the common prefix (digits put back) is a short decimal number in both.
fn step(before: &str, after: &str) -> Option<i64> {
    let digits = |text: &str| text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let split = |text: &str| {
        let at = text.len().saturating_sub(digits(text));
        Some((text.get(..at)?.to_owned(), text.get(at..)?.parse::<i64>().ok()?))
    };
    let (head_before, number_before) = split(before)?;
    let (head_after, number_after) = split(after)?;
    (head_before == head_after).then(|| number_after.checked_sub(number_before)).flatten()
}

/// Payload and signature of a JWT: three base64url parts, the first a JSON header.
fn jwt_tail(value: &str) -> Option<&str> {
    let (head, tail) = value.split_once('.')?;
    let json = URL_SAFE_NO_PAD.decode(head).ok()?;
    (tail.contains('.') && json.first() == Some(&b'{')).then_some(tail)
}
