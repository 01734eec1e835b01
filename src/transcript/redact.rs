//! Secrets are replaced by stable placeholders at the moment of recording, so that no renderer
//! can leak them. Equality survives; values do not.
//!
//! Two kinds. The operator's secrets ([`Secrets`]) are masked wherever they appear, in every form, and have no
//! other record. A server's
//! tokens (session id, cookie, announced URI token) leave a [`TokenShape`] beside the placeholder:
//! checks read shapes, never values. Probes work on masked text and name tokens by placeholder;
//! [`Vault::reveal`] puts the server's own token back when a request leaves for the scanned origin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secrets::Secrets;

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
    const fn word(self) -> &'static str {
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
    /// Longest prefix in common with an earlier, different token of this kind, in bytes.
    pub common_prefix: usize,
    /// Longest suffix in common with an earlier, different token of this kind, in bytes.
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

/// The operator's secrets and the server's tokens of one scan.
///
/// `Debug` shows counts only.
#[derive(Default)]
pub struct Vault {
    secrets: Secrets,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Form to replace → placeholder; longest form first.
    masks: Vec<(String, String)>,
    /// Which of `masks` begin with each byte: not every character of a body may be compared with them all.
    masks_by_byte: Vec<Vec<usize>>,
    /// Placeholder → value, for what may be put back.
    revealable: BTreeMap<String, String>,
    /// Server tokens by kind, in order of appearance.
    tokens: BTreeMap<TokenKind, Vec<(String, String)>>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

/// Shorter server tokens are masked in their header only.
const SHORTEST_TOKEN: usize = 8;
/// The least of a token's beginning that is not left at the end of a text that was cut.
const SHORTEST_BEGINNING: usize = 4;
/// Server tokens of one kind that are masked outside their header, too. A server that brings a new one
/// with every line must not make every later line slower (HOSTILE.md rule 2).
const MOST_TOKENS: usize = 64;

impl Vault {
    /// A vault of a scan with these secrets.
    #[must_use]
    pub fn of(secrets: Secrets) -> Self {
        Self { secrets, ..Self::default() }
    }

    /// Registers an operator's secret under a name; gives its placeholder, `~name~`.
    /// It is masked everywhere and never put back.
    pub fn hide(&self, name: &str, value: &str) -> String {
        self.secrets.hide(name, value)
    }

    /// [`Self::hide`] for a value and everything in it that is a secret by itself.
    pub fn hide_with_parts(&self, name: &str, value: &str) -> String {
        self.secrets.hide_with_parts(name, value)
    }

    /// Registers a secret part of the target's own URL, as it is written there: masked everywhere, also as
    /// what it stands for, and put back in URLs that go to the scanned origin.
    pub fn hide_in_url(&self, name: &str, value: &str) -> String {
        let placeholder = self.secrets.hide_in_url(name, value);
        self.lock().revealable.insert(placeholder.clone(), value.to_owned());
        placeholder
    }

    /// Registers a server's token as it arrives. The same value keeps its placeholder.
    pub fn learn(&self, kind: TokenKind, value: &str) -> TokenShape {
        let mut inner = self.lock();
        let known = inner.tokens.entry(kind).or_default();
        let few = known.len() < MOST_TOKENS;
        let earlier = known.iter().find(|(_, seen)| seen == value).map(|(name, _)| name.clone());
        let repeats = earlier.is_some();
        let shape = shape(kind, value, known, repeats);
        let placeholder = earlier.unwrap_or_else(|| {
            if !few {
                return format!("~{}-more~", kind.word());
            }
            let placeholder = format!("~{}-{}~", kind.word(), known.len().saturating_add(1));
            known.push((placeholder.clone(), value.to_owned()));
            placeholder
        });
        if repeats || few {
            inner.revealable.insert(placeholder.clone(), value.to_owned());
        }
        if !repeats && few && value.len() >= SHORTEST_TOKEN {
            inner.masks.push((value.to_owned(), placeholder.clone()));
            inner.sort();
        }
        TokenShape { placeholder, ..shape }
    }

    /// Replaces every known secret in `text`: what replaced one is not read again.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.masked(text).unwrap_or_else(|| text.to_owned())
    }

    /// The text with every known secret replaced; `None` if there is none in it.
    #[must_use]
    pub fn masked(&self, text: &str) -> Option<String> {
        let hidden = self.secrets.masked(text);
        self.lock().masked(hidden.as_deref().unwrap_or(text)).or(hidden)
    }

    /// Masks a text that may end inside a secret, because it was cut: what could be the beginning of
    /// one at its end goes as well.
    #[must_use]
    pub fn mask_cut(&self, text: &str) -> String {
        let hidden = self.secrets.masked_cut(text);
        let inner = self.lock();
        let masked = inner.masked(hidden.as_deref().unwrap_or(text)).or(hidden);
        let mut masked = masked.unwrap_or_else(|| text.to_owned());
        for (form, placeholder) in &inner.masks {
            let longest = (SHORTEST_BEGINNING..form.len())
                .rev()
                .find(|length| form.get(..*length).is_some_and(|start| masked.ends_with(start)));
            if let Some(length) = longest {
                masked.truncate(masked.len().saturating_sub(length));
                masked.push_str(placeholder);
                break;
            }
        }
        masked
    }

    /// Puts the server's own tokens (and the target URL's own parts) back. Only for requests to the
    /// scanned origin; the operator's headers are never put back.
    #[must_use]
    pub fn reveal(&self, text: &str) -> String {
        if !text.contains('~') {
            return text.to_owned();
        }
        let inner = self.lock();
        let mut revealed = text.to_owned();
        for (placeholder, value) in &inner.revealable {
            if revealed.contains(placeholder.as_str()) {
                revealed = revealed.replace(placeholder.as_str(), value);
            }
        }
        revealed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn sort(&mut self) {
        let list = &mut self.masks;
        list.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        list.dedup();
        self.masks_by_byte = by_byte(&self.masks);
    }

    /// The text with every token replaced; `None` if there is none in it.
    fn masked(&self, text: &str) -> Option<String> {
        if self.masks.is_empty() {
            return None;
        }
        let bytes = text.as_bytes();
        let mut masked: Option<String> = None;
        let mut kept = 0_usize;
        for (at, byte) in bytes.iter().enumerate() {
            if at < kept {
                continue;
            }
            let token = beginning(&self.masks, &self.masks_by_byte, *byte)
                .find(|(form, _)| bytes.get(at..).is_some_and(|rest| rest.starts_with(form.as_bytes())));
            if let Some((form, placeholder)) = token {
                let masked = masked.get_or_insert_with(|| String::with_capacity(text.len()));
                masked.push_str(text.get(kept..at).unwrap_or_default());
                masked.push_str(placeholder);
                kept = at.saturating_add(form.len());
            }
        }
        let mut masked = masked?;
        masked.push_str(text.get(kept..).unwrap_or_default());
        Some(masked)
    }
}

/// The indices of what begins with each byte, in the order of the list.
fn by_byte(list: &[(String, String)]) -> Vec<Vec<usize>> {
    let mut lists = vec![Vec::new(); 256];
    for (index, (text, _)) in list.iter().enumerate() {
        let byte = text.as_bytes().first().copied().map(usize::from);
        if let Some(list) = byte.and_then(|byte| lists.get_mut(byte)) {
            list.push(index);
        }
    }
    lists
}

/// What begins with this byte.
fn beginning<'l>(
    list: &'l [(String, String)],
    by_byte: &'l [Vec<usize>],
    byte: u8,
) -> impl Iterator<Item = &'l (String, String)> {
    let indices = by_byte.get(usize::from(byte)).map_or(&[][..], Vec::as_slice);
    indices.iter().filter_map(|index| list.get(*index))
}

fn shape(kind: TokenKind, value: &str, known: &[(String, String)], repeats: bool) -> TokenShape {
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
    let others = || known.iter().map(|(_, seen)| seen.as_str()).filter(|seen| *seen != value);
    TokenShape {
        placeholder: String::new(),
        kind,
        length: value.len(),
        classes,
        hex: value.bytes().filter(u8::is_ascii_alphanumeric).all(|byte| byte.is_ascii_hexdigit()),
        bad_bytes: value.bytes().filter(|byte| !(0x21..=0x7E).contains(byte)).count(),
        common_prefix: others().map(|seen| common_prefix(seen, value)).max().unwrap_or(0),
        common_suffix: others().map(|seen| common_suffix(seen, value)).max().unwrap_or(0),
        repeats,
        step: others().next_back().and_then(|seen| step(seen, value)),
        jwt_common: jwt_tail(value)
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

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn operator_secrets_vanish_in_every_form() {
        let vault = Vault::default();
        vault.hide("credential", "canary/+secret");
        let forms = [
            "canary/+secret".to_owned(),
            STANDARD.encode("canary/+secret"),
            "canary%2F%2Bsecret".to_owned(),
            "63616e6172792f2b736563726574".to_owned(),
        ];
        for form in forms {
            let masked = vault.mask(&format!("before {form} after"));
            assert_eq!(masked, "before ~credential~ after");
        }
        assert_eq!(vault.reveal("~credential~"), "~credential~");
    }

    #[test]
    fn the_parts_of_a_secret_vanish_alone() {
        let vault = Vault::default();
        vault.hide_with_parts("header-cookie", "theme=dark; session=canary/+secret");
        let placeholder = vault.hide_in_url("query-key", "Bearer%20other%2F+secret");
        for form in ["canary/+secret", &STANDARD.encode("canary/+secret"), "canary%2f%2bsecret"] {
            assert_eq!(vault.mask(&format!("dark {form}!")), "dark ~header-cookie~!");
        }
        for form in ["Bearer other/ secret", "other/ secret", "other/+secret", "Bearer%20other%2F+secret"] {
            assert_eq!(vault.mask(form), placeholder);
        }
        assert_eq!(vault.reveal(&placeholder), "Bearer%20other%2F+secret");
    }

    #[test]
    fn a_cut_text_does_not_end_in_half_a_secret() {
        let vault = Vault::default();
        vault.hide("credential", "canary/+secret");
        assert_eq!(vault.mask_cut("you sent canary/+sec"), "you sent ~credential~");
        assert_eq!(vault.mask_cut("you sent canary/+secret"), "you sent ~credential~");
        assert_eq!(vault.mask_cut("you sent can"), "you sent can");
    }

    #[test]
    fn a_flood_of_tokens_does_not_slow_masking_down() {
        let vault = Vault::default();
        for number in 0..10_000 {
            vault.learn(TokenKind::Cookie, &format!("cookie-value-{number:06}"));
        }
        assert!(vault.lock().masks.len() <= MOST_TOKENS);
        assert_eq!(vault.learn(TokenKind::Cookie, "another-new-one").placeholder, "~cookie-more~");
        assert_eq!(vault.learn(TokenKind::Cookie, "cookie-value-000003").placeholder, "~cookie-4~");
    }

    #[test]
    fn server_tokens_keep_identity_and_come_back() {
        let vault = Vault::default();
        let first = vault.learn(TokenKind::Session, "0123456789abcdef");
        let again = vault.learn(TokenKind::Session, "0123456789abcdef");
        let other = vault.learn(TokenKind::Session, "01234567ffffffff");
        assert_eq!(first.placeholder, again.placeholder);
        assert!(again.repeats && !first.repeats);
        assert_eq!((other.common_prefix, other.common_suffix), (8, 1));
        assert_eq!(vault.mask("x 0123456789abcdef y"), "x ~session-1~ y");
        assert_eq!(vault.reveal("~session-2~"), "01234567ffffffff");
    }

    #[test]
    fn counters_and_jwts_are_recognised() {
        let vault = Vault::default();
        vault.learn(TokenKind::Session, "session-41");
        assert_eq!(vault.learn(TokenKind::Session, "session-42").step, Some(1));
        let vault = Vault::default();
        let head = URL_SAFE_NO_PAD.encode("{\"alg\":\"x\"}");
        vault.learn(TokenKind::Session, &format!("{head}.aaaa.bbbb"));
        let shape = vault.learn(TokenKind::Session, &format!("{head}.aacc.dddd"));
        assert_eq!(shape.jwt_common, Some(2));
    }

    #[test]
    fn short_tokens_do_not_deface_bodies() {
        let vault = Vault::default();
        let shape = vault.learn(TokenKind::Session, "1");
        assert_eq!(vault.mask("{\"id\":1}"), "{\"id\":1}");
        assert_eq!(vault.reveal(&shape.placeholder), "1");
    }
}
