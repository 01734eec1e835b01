//! The one function that decides whether a URL may carry the operator's credentials.

use url::Url;

/// Whether `url` is of the origin the user typed: scheme, host and port all count.
/// `ws` and `http`, `wss` and `https` are the same origin: they are one connection's two protocols.
#[must_use]
pub fn may_carry_credentials(typed: &Url, url: &Url) -> bool {
    secure(typed).is_some()
        && secure(typed) == secure(url)
        && typed.host() == url.host()
        && typed.host().is_some()
        && typed.port_or_known_default() == url.port_or_known_default()
        && url.username().is_empty()
        && url.password().is_none()
}

fn secure(url: &Url) -> Option<bool> {
    match url.scheme() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_typed_origin_gets_credentials() {
        let typed = Url::parse("https://example.com/mcp").unwrap();
        for (text, expected) in [
            ("https://example.com/other?x=1", true),
            ("https://EXAMPLE.com:443/", true),
            ("wss://example.com/ws", true),
            ("http://example.com/mcp", false),
            ("https://example.com:8443/mcp", false),
            ("https://example.com.evil.test/mcp", false),
            ("https://evil.test@example.com/", false),
            ("https://sub.example.com/", false),
            ("https://example.com./", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(may_carry_credentials(&typed, &Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
