//! The URI that an HTTP+SSE stream announces, resolved as clients do (RFC 3986 section 5).

use url::Url;

/// What an announced URI turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announced {
    /// Of the stream's origin.
    Here(String),
    /// Of another scheme, host or port. Never contacted.
    Elsewhere(String),
    /// No URI at all; why.
    NoUri(&'static str),
}

impl Announced {
    /// Whether it is a URI at all.
    #[must_use]
    pub const fn is_uri(&self) -> bool {
        !matches!(self, Self::NoUri(_))
    }

    /// The URL to post to, if it may be contacted.
    #[must_use]
    pub fn same_origin(self) -> Option<String> {
        match self {
            Self::Here(url) => Some(url),
            Self::Elsewhere(_) | Self::NoUri(_) => None,
        }
    }
}

/// Resolves the data of an `endpoint` event against the URL of its stream.
///
/// The check is on the parsed URL, which is also the one that is used: an unusual spelling (`//host`,
/// a backslash, a tab inside) cannot mean one thing here and another on the wire.
#[must_use]
pub fn announced(stream: &Url, data: &str) -> Announced {
    let data = data.trim();
    if data.is_empty() {
        return Announced::NoUri("it is empty");
    }
    if data.starts_with(['{', '[', '"']) {
        return Announced::NoUri("it is JSON, not a bare URI");
    }
    let Ok(url) = stream.join(data) else { return Announced::NoUri("it cannot be parsed") };
    let plain = url.username().is_empty() && url.password().is_none();
    if url.origin().is_tuple() && url.origin() == stream.origin() && plain {
        Announced::Here(url.to_string())
    } else {
        Announced::Elsewhere(url.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_streams_own_origin_is_here() {
        let stream = Url::parse("http://127.0.0.1:8080/sse").unwrap();
        for data in [
            "/messages?id=1",
            "messages",
            "http://127.0.0.1:8080/m",
            "//127.0.0.1:8080/m",
            "?id=~uri-token-1~",
        ] {
            assert!(matches!(announced(&stream, data), Announced::Here(_)), "{data}");
        }
        for data in [
            "http://localhost:8080/m",
            "https://127.0.0.1:8080/m",
            "http://127.0.0.1:8081/m",
            "//evil.invalid/m",
            "\\\\evil.invalid\\m",
            "/\t/evil.invalid/m",
            "http://127.0.0.1:8080@evil.invalid/",
            "http://user:pw@127.0.0.1:8080/m",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert!(matches!(announced(&stream, data), Announced::Elsewhere(_)), "{data}");
        }
        for data in ["", "  ", "{\"uri\":\"/m\"}", "http://[::1"] {
            assert!(matches!(announced(&stream, data), Announced::NoUri(_)), "{data}");
        }
    }
}
