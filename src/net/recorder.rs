//! Time and masking at the moment of recording.

use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::protocol::names;
use crate::transcript::secret_names::secret_name;
use crate::transcript::{Head, TokenKind, TokenShape, Vault};

/// The scan's clock: microseconds since it began, monotonic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    /// Starts now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Microseconds since the start.
    pub(super) fn now_us(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// A point of time so long after another. Where no clock can hold it, that other one: a limit never vanishes.
pub(super) fn later(from: tokio::time::Instant, wait: Duration) -> tokio::time::Instant {
    from.checked_add(wait).unwrap_or(from)
}

/// The same from now on.
pub(super) fn from_now(wait: Duration) -> tokio::time::Instant {
    later(tokio::time::Instant::now(), wait)
}

/// Records a reply's head: tokens become placeholders and leave their shapes, everything else is
/// masked by value.
pub(super) fn head(
    vault: &Vault,
    status: u16,
    version: http::Version,
    headers: &HeaderMap,
    at_us: u64,
) -> (Head, Vec<TokenShape>) {
    let mut shapes = Vec::new();
    let headers = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let value = match name.as_str() {
                names::SESSION_HEADER => learn(vault, TokenKind::Session, &value, &mut shapes),
                "set-cookie" => cookie(vault, &value, &mut shapes),
                "location" => redirect(vault, &value),
                _ => vault.mask(&value),
            };
            (vault.mask(name.as_str()), value)
        })
        .collect();
    let version = match version {
        http::Version::HTTP_2 => "HTTP/2",
        http::Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    (Head { at_us, status, version: version.to_owned(), headers }, shapes)
}

fn learn(vault: &Vault, kind: TokenKind, value: &str, shapes: &mut Vec<TokenShape>) -> String {
    let shape = vault.learn(kind, value);
    let placeholder = shape.placeholder.clone();
    shapes.push(shape);
    placeholder
}

/// Hides the values of token-like parameters of a URL, also of those in its fragment, where some flows put
/// them: authorization codes and tokens travel in redirects (HOSTILE.md K6).
fn redirect(vault: &Vault, url: &str) -> String {
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if secret_name(name) && !value.is_empty() => {
            format!("{name}={}", vault.learn(TokenKind::Uri, value).placeholder)
        }
        _ => pair.to_owned(),
    };
    let pairs = |text: &str| text.split('&').map(hide).collect::<Vec<_>>().join("&");
    let (url, fragment) = url.split_once('#').map_or((url, None), |(url, fragment)| (url, Some(fragment)));
    let mut shown = url
        .split_once('?')
        .map_or_else(|| url.to_owned(), |(path, query)| format!("{path}?{}", pairs(query)));
    if let Some(fragment) = fragment {
        shown.push('#');
        shown.push_str(&pairs(fragment));
    }
    vault.mask(&shown)
}

/// Keeps a cookie's name and attributes, masks its value (HOSTILE.md K6).
fn cookie(vault: &Vault, line: &str, shapes: &mut Vec<TokenShape>) -> String {
    let (pair, attributes) = line.split_once(';').map_or((line, ""), |(pair, rest)| (pair, rest));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let placeholder = learn(vault, TokenKind::Cookie, value, shapes);
    let separator = if attributes.is_empty() { "" } else { ";" };
    vault.mask(&format!("{name}={placeholder}{separator}{attributes}"))
}

/// Learns the tokens of an announced URI, so that masking its line hides them: query values, and path
/// segments that are no words.
pub(super) fn learn_uri_tokens(vault: &Vault, uri: &str, shapes: &mut Vec<TokenShape>) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let values = query.split('&').filter_map(|pair| pair.split_once('=').map(|(_, value)| value));
    let segments = path
        .split('/')
        .filter(|segment| segment.len() >= 16 && segment.bytes().any(|byte| byte.is_ascii_digit()));
    for token in values.filter(|value| value.len() >= 8).chain(segments) {
        shapes.push(vault.learn(TokenKind::Uri, token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_its_form_and_no_code() {
        let vault = Vault::default();
        let shown = redirect(&vault, "/cb?state=a&code=Zx81kdQ02mm&error_code=#access_token=eyJhbGciOi&x=1");
        assert_eq!(shown, "/cb?state=a&code=~uri-token-1~&error_code=#access_token=~uri-token-2~&x=1");
        assert_eq!(
            vault.reveal("/cb?code=~uri-token-1~"),
            "/cb?code=Zx81kdQ02mm",
            "a redirect can be followed"
        );
        assert_eq!(redirect(&vault, "https://a.example/mcp"), "https://a.example/mcp");
        assert_eq!(redirect(&vault, "https://u:p@a.example/mcp"), "https://~userinfo~@a.example/mcp");
    }
}
