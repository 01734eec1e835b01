//! A proxy between us and a target: an HTTP proxy that opens tunnels (CONNECT, RFC 9110 section 9.3.6).

use http::header::PROXY_AUTHORIZATION;
use thiserror::Error;
use url::Url;

use super::secret::{Secret, basic};
use crate::protocol::host::{split_zone, with_zone};

/// A proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its URL, without userinfo: scheme `http`, host and port.
    pub url: Url,
    /// The zone of the IPv6 address in `url`.
    pub zone: Option<String>,
    /// The value of `Proxy-Authorization`, if the URL had userinfo. Goes to the proxy only.
    pub authorization: Option<Secret>,
    /// What named it: an option or an environment variable.
    pub named_by: String,
}

/// Why a text is no proxy. The text itself is not repeated: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProxyError {
    /// Not a URL.
    #[error("is not a URL of a proxy; write it as http://host:port")]
    NotAUrl,
    /// Another scheme.
    #[error("has the scheme {0:?}; only http proxies are spoken to (--no-proxy goes without)")]
    Scheme(String),
    /// More than scheme, host and port.
    #[error("has a path; a proxy is only http://host:port")]
    Path,
}

impl Proxy {
    /// Parses what curl takes, too: `http://user:password@host:port`, or `host:port` alone.
    ///
    /// # Errors
    /// See [`ProxyError`].
    pub fn parse(text: &str, named_by: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let (whole, zone) = split_zone(&whole).map_err(|_| ProxyError::NotAUrl)?;
        let mut url = Url::parse(&whole).map_err(|_| ProxyError::NotAUrl)?;
        if url.scheme() != "http" {
            return Err(ProxyError::Scheme(url.scheme().to_owned()));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyError::Path);
        }
        let userinfo = !url.username().is_empty() || url.password().is_some();
        let authorization = userinfo.then(|| basic(&url));
        // A URL with a host always takes both.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self { url, zone, authorization, named_by: named_by.to_owned() })
    }

    /// `http://host:port`, as reports name it.
    #[must_use]
    pub fn origin(&self) -> String {
        with_zone(&self.url.origin().ascii_serialization(), self.zone.as_deref())
    }

    /// The header it wants, if any: name and value.
    #[must_use]
    pub fn header(&self) -> Option<(http::HeaderName, &Secret)> {
        self.authorization.as_ref().map(|value| (PROXY_AUTHORIZATION, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_becomes_a_header_and_leaves_the_url() {
        let proxy = Proxy::parse("http://me:pa%20ss@proxy.example:3128", "--proxy").unwrap();
        assert_eq!(proxy.origin(), "http://proxy.example:3128");
        assert_eq!(proxy.header().unwrap().1.expose(), "Basic bWU6cGEgc3M=");
        assert!(!format!("{proxy:?}").contains("bWU6"));
        assert_eq!(Proxy::parse(" proxy.example:8080 ", "x").unwrap().origin(), "http://proxy.example:8080");
        let zoned = Proxy::parse("[fe80::1%eth0]:8080", "x").unwrap();
        assert_eq!(zoned.origin(), "http://[fe80::1%25eth0]:8080");
        assert_eq!(zoned.url.as_str(), "http://[fe80::1]:8080/");
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        let error = |text: &str| Proxy::parse(text, "x").unwrap_err();
        assert_eq!(error("socks5://proxy:1080"), ProxyError::Scheme("socks5".to_owned()));
        assert_eq!(error("https://proxy"), ProxyError::Scheme("https".to_owned()));
        assert_eq!(error("http://proxy/path"), ProxyError::Path);
        assert_eq!(error("http://"), ProxyError::NotAUrl);
        assert_eq!(error("a b"), ProxyError::NotAUrl);
    }
}
