//! Secrets are replaced by stable placeholders at the moment of recording, so that no renderer
//! can leak them. Equality survives; values do not.
//!
//! Two kinds. The operator's secrets (credential, own headers, token-like query values, and the parts of each
//! that could be used alone) are masked wherever they appear, also as base64, percent and hex forms, and have
//! no other record. A server's tokens (session id, cookie, announced URI token) leave a shape beside the
//! placeholder: see [`super::tokens`]. Nothing is ever put back: what is sent again is a handle of `net`.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use percent_encoding::percent_decode_str;

use super::secret_forms::{ESCAPES, escaped, forms, match_escaped};
use super::secret_parts::secret_parts;
use super::tokens::Tokens;

/// The operator's secrets and the server's tokens of one scan.
///
/// `Debug` shows counts only.
#[derive(Default)]
pub struct Vault {
    inner: Mutex<Inner>,
    pub(super) tokens: Mutex<Tokens>,
}

#[derive(Default)]
struct Inner {
    /// Form to replace → placeholder; longest form first.
    masks: Vec<(String, String)>,
    /// The operator's secrets as they are, for what is escaped letter by letter; longest first.
    plain: Vec<(String, String)>,
    /// Which of `masks` and of `plain` begin with each byte. One header may have hundreds of parts, and not
    /// every character of a body may be compared with them all.
    masks_by_byte: Vec<Vec<usize>>,
    plain_by_byte: Vec<Vec<usize>>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

/// Shorter operator secrets are masked in their own header only: replacing every `a` of a body
/// would hide evidence and no secret.
const SHORTEST_MASKED: usize = 4;

impl Vault {
    /// Registers an operator's secret under a name; gives its placeholder, `~name~`.
    /// It is masked everywhere.
    pub fn hide(&self, name: &str, value: &str) -> String {
        self.hide_all(name, [value])
    }

    /// [`Self::hide`] for a value and everything in it that is a secret by itself.
    pub fn hide_with_parts(&self, name: &str, value: &str) -> String {
        let parts = secret_parts(value);
        self.hide_all(name, parts.iter().map(String::as_str).chain([value]))
    }

    /// Registers a secret part of the target's own URL, as it is written there: masked everywhere, also as
    /// what it stands for.
    pub fn hide_in_url(&self, name: &str, value: &str) -> String {
        let spaced = value.replace('+', " ");
        for written in [value, &spaced] {
            self.hide_with_parts(name, &percent_decode_str(written).decode_utf8_lossy());
        }
        self.hide_with_parts(name, value)
    }

    fn hide_all<'v>(&self, name: &str, values: impl IntoIterator<Item = &'v str>) -> String {
        let placeholder = format!("~{name}~");
        let mut inner = self.lock();
        for value in values.into_iter().filter(|value| value.len() >= SHORTEST_MASKED) {
            inner.masks.extend(forms(value).into_iter().map(|form| (form, placeholder.clone())));
            inner.plain.push((value.to_owned(), placeholder.clone()));
        }
        inner.sort();
        placeholder
    }

    /// Replaces every known secret in `text`, in one pass: what replaced one is not read again.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.masked(text).unwrap_or_else(|| text.to_owned())
    }

    /// The text with every known secret replaced; `None` if there is none in it.
    #[must_use]
    pub fn masked(&self, text: &str) -> Option<String> {
        let inner = self.lock();
        let bytes = text.as_bytes();
        let mut masked: Option<String> = None;
        let mut kept = 0_usize;
        for (at, byte) in bytes.iter().enumerate() {
            if at < kept || !inner.begins(*byte) {
                continue;
            }
            if let Some((length, placeholder)) = inner.secret_at(bytes.get(at..).unwrap_or_default()) {
                let masked = masked.get_or_insert_with(|| String::with_capacity(text.len()));
                masked.push_str(text.get(kept..at).unwrap_or_default());
                masked.push_str(placeholder);
                kept = at.saturating_add(length);
            }
        }
        let mut masked = masked?;
        masked.push_str(text.get(kept..).unwrap_or_default());
        Some(masked)
    }

    /// Masks a text that may end inside a secret, because it was cut: what could be the beginning of
    /// one at its end goes as well.
    #[must_use]
    pub fn mask_cut(&self, text: &str) -> String {
        let mut masked = self.mask(text);
        let inner = self.lock();
        for (form, placeholder) in &inner.masks {
            let longest = (SHORTEST_MASKED..form.len())
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn sort(&mut self) {
        for list in [&mut self.masks, &mut self.plain] {
            list.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
            list.dedup();
        }
        self.masks_by_byte = by_byte(&self.masks);
        self.plain_by_byte = by_byte(&self.plain);
    }

    /// Whether a secret may begin with this byte.
    fn begins(&self, byte: u8) -> bool {
        beginning(&self.masks, &self.masks_by_byte, byte).next().is_some()
            || (!self.plain.is_empty() && ESCAPES.contains(&byte))
    }

    /// The secret that `bytes` begins with: its length there, and its placeholder. Forms are valid UTF-8,
    /// so it ends between characters.
    fn secret_at(&self, bytes: &[u8]) -> Option<(usize, &str)> {
        let first = bytes.first().copied()?;
        let whole = beginning(&self.masks, &self.masks_by_byte, first)
            .find(|(form, _)| bytes.starts_with(form.as_bytes()));
        if let Some((form, placeholder)) = whole {
            return Some((form.len(), placeholder));
        }
        let meant = escaped(bytes).map(|(byte, _)| byte).filter(|byte| *byte != first);
        meant
            .into_iter()
            .chain([first])
            .flat_map(|byte| beginning(&self.plain, &self.plain_by_byte, byte))
            .find_map(|(value, placeholder)| {
                Some((match_escaped(bytes, value.as_bytes())?, placeholder.as_str()))
            })
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

#[cfg(test)]
mod tests {
    use base64::Engine;
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
    }

    #[test]
    fn operator_secrets_vanish_letter_by_letter() {
        let vault = Vault::default();
        vault.hide("credential", "canary/+secret");
        for form in [
            r"\u0063\u0061nary\/+secret",
            r"canary\/\u002bsecret",
            "%63%61%6e%61%72%79%2f%2b%73%65%63%72%65%74",
            "canary%2f+secret",
            "&#99;anary&#x2F;&#43;secret",
        ] {
            let masked = vault.mask(&format!("{{\"é\":\"{form}\"}} % & \\"));
            assert_eq!(masked, "{\"é\":\"~credential~\"} % & \\", "{form}");
        }
        for offset in 0..3 {
            let whole = STANDARD.encode(format!("{}canary/+secret, and more", "x".repeat(offset)));
            let masked = vault.mask(&whole);
            assert!(masked.contains("~credential~"), "{whole}");
        }
        for harmless in ["%", "%6", "\\u006", "\\", "&#", "&#x;", "canary%", "%63anary/+secre", "&#99999999;"]
        {
            assert_eq!(vault.mask(harmless), harmless);
        }
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
    }

    #[test]
    fn a_header_of_many_parts_does_not_slow_masking_down() {
        let vault = Vault::default();
        let cookies: Vec<String> =
            (0..300).map(|number| format!("c{number}={}", number * 99_999_989 + 10_000_000_u64)).collect();
        vault.hide_with_parts("header-cookie", &cookies.join("; "));
        let inner = vault.lock();
        let most = inner.masks_by_byte.iter().map(Vec::len).max().unwrap();
        assert!(inner.masks.len() > 1_000 && most < inner.masks.len() / 2, "{most} of {}", inner.masks.len());
    }

    #[test]
    fn a_cut_text_does_not_end_in_half_a_secret() {
        let vault = Vault::default();
        vault.hide("credential", "canary/+secret");
        assert_eq!(vault.mask_cut("you sent canary/+sec"), "you sent ~credential~");
        assert_eq!(vault.mask_cut("you sent canary/+secret"), "you sent ~credential~");
        assert_eq!(vault.mask_cut("you sent can"), "you sent can");
    }
}
