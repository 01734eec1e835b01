//! A value that never prints itself, and the one that a URL's userinfo becomes.

use std::fmt;

use url::Url;

/// A value that never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the wire and for masking only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The userinfo of a URL as the value of a Basic header (RFC 7617).
pub(crate) fn basic(url: &Url) -> Secret {
    use base64::Engine;
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", decode(url.username()), decode(url.password().unwrap_or_default()));
    Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}
