//! Secrets are replaced by stable placeholders at the moment of recording, so that no renderer
//! can leak them. Equality survives; values do not.
//!
//! Two kinds. The operator's secrets ([`Secrets`]) are masked wherever they appear, in every form, and have no
//! other record. A server's tokens (session id, cookie, announced URI token) leave a shape beside the
//! placeholder: see [`super::tokens`]. Nothing is ever put back: what is sent again is a handle of `net`.

use std::fmt;
use std::sync::Mutex;

use super::secrets::Secrets;
use super::tokens::Tokens;

/// The operator's secrets and the server's tokens of one scan.
///
/// `Debug` shows nothing of them.
#[derive(Default)]
pub struct Vault {
    secrets: Secrets,
    pub(super) tokens: Mutex<Tokens>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    /// A vault of a scan with these secrets.
    #[must_use]
    pub fn of(secrets: Secrets) -> Self {
        Self { secrets, ..Self::default() }
    }

    /// Registers an operator's secret under a name; gives its placeholder, `~name~`.
    /// It is masked everywhere.
    pub fn hide(&self, name: &str, value: &str) -> String {
        self.secrets.hide(name, value)
    }

    /// [`Self::hide`] for a value and everything in it that is a secret by itself.
    pub fn hide_with_parts(&self, name: &str, value: &str) -> String {
        self.secrets.hide_with_parts(name, value)
    }

    /// Registers a secret part of the target's own URL, as it is written there: masked everywhere, also as
    /// what it stands for.
    pub fn hide_in_url(&self, name: &str, value: &str) -> String {
        self.secrets.hide_in_url(name, value)
    }

    /// Replaces every known secret in `text`: what replaced one is not read again.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.masked(text).unwrap_or_else(|| text.to_owned())
    }

    /// The text with every known secret replaced; `None` if there is none in it.
    #[must_use]
    pub fn masked(&self, text: &str) -> Option<String> {
        self.secrets.masked(text)
    }

    /// Masks a text that may end inside a secret, because it was cut: what could be the beginning of
    /// one at its end goes as well.
    #[must_use]
    pub fn mask_cut(&self, text: &str) -> String {
        self.secrets.masked_cut(text).unwrap_or_else(|| text.to_owned())
    }
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
    fn a_secret_that_a_folded_header_took_apart_vanishes() {
        let vault = Vault::default();
        vault.hide("credential", "cnry/Qx7+Zk3~w9Vt2");
        for blanks in [" ", "  "] {
            let apart: String = "cnry/Qx7+Zk3~w9Vt2".chars().map(|c| format!("{c}{blanks}")).collect();
            let shown = vault.mask(&format!("you sent {apart}, I think"));
            assert!(shown.starts_with("you sent ~credential~") && !shown.contains("Q x"), "{shown}");
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
    fn a_cut_text_does_not_end_in_half_a_secret() {
        let vault = Vault::default();
        vault.hide("credential", "canary/+secret");
        assert_eq!(vault.mask_cut("you sent canary/+sec"), "you sent ~credential~");
        assert_eq!(vault.mask_cut("you sent canary/+secret"), "you sent ~credential~");
        assert_eq!(vault.mask_cut("you sent can"), "you sent can");
    }
}
