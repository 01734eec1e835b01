//! Time and masking at the moment of recording.

use std::time::{Duration, Instant};

use http::HeaderMap;

use super::handles::{Given, HandleKind};
use crate::protocol::names;
use crate::transcript::tokens::{Shapes, UriOf};
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
/// masked by value. What may be sent again is kept as it came.
pub(super) fn head(
    vault: &Vault,
    given: &Given,
    status: u16,
    version: http::Version,
    headers: &HeaderMap,
    at_us: u64,
) -> (Head, Vec<TokenShape>) {
    let mut shapes = Shapes::default();
    let headers = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let shown = match name.as_str() {
                names::SESSION_HEADER => {
                    let shown = vault.token(TokenKind::Session, &value, &mut shapes);
                    given.keep(HandleKind::Session, &shown, &value);
                    shown
                }
                "set-cookie" => cookie(vault, &value, &mut shapes),
                // Its tokens are no session's: they have no shape.
                "location" => {
                    let shown = vault.record_uri(UriOf::Redirect, &value, &mut Shapes::default());
                    given.keep(HandleKind::Location, &shown, &value);
                    shown
                }
                _ => vault.record(&value),
            };
            (vault.mask(name.as_str()), shown)
        })
        .collect();
    let version = match version {
        http::Version::HTTP_2 => "HTTP/2",
        http::Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    (Head { at_us, status, version: version.to_owned(), headers }, shapes.list())
}

/// Keeps a cookie's name and attributes, masks its value.
fn cookie(vault: &Vault, line: &str, shapes: &mut Shapes) -> String {
    let (pair, attributes) = line.split_once(';').map_or((line, ""), |(pair, rest)| (pair, rest));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let placeholder = vault.token(TokenKind::Cookie, value, shapes);
    let separator = if attributes.is_empty() { "" } else { ";" };
    format!("{}={placeholder}{separator}{}", vault.record(name), vault.record(attributes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_its_form_and_no_code() {
        let vault = Vault::default();
        let shown = |uri: &str| vault.record_uri(UriOf::Redirect, uri, &mut Shapes::default());
        assert_eq!(
            shown("/cb?state=a&code=Zx81kdQ02mm&error_code=#access_token=eyJhbGciOi&x=1"),
            "/cb?state=a&code=~uri-token-1~&error_code=#access_token=~uri-token-2~&x=1"
        );
        assert_eq!(shown("https://a.example/mcp"), "https://a.example/mcp");
        assert_eq!(shown("https://u:p@a.example/mcp"), "https://~userinfo~@a.example/mcp");
    }

    #[test]
    fn a_cookie_is_masked_where_it_stands() {
        let vault = Vault::default();
        let shown = cookie(&vault, "api_version=2025-11-25; Path=/~session-1~", &mut Shapes::default());
        assert_eq!(shown, "api_version=~cookie-1~; Path=/~!session-1~");
        assert_eq!(vault.record("2025-11-25"), "2025-11-25");
    }
}
