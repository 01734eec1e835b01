//! What the user asked to scan: URL, headers, credential, trust, limits. Parsed once.

pub mod proxy;
pub mod secret;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use thiserror::Error;
use url::{Host, Url};

use self::proxy::Proxy;
use self::secret::{Secret, basic};
use crate::protocol::address::{Exposure, host_exposure};
use crate::protocol::host::{ZoneError, split_zone, with_zone};
use crate::transcript::secret_names::{secret_header, secret_name};
use crate::transcript::tokens::has_random_run;
use crate::transcript::{Limits, Profile, Secrets};

/// One endpoint to scan.
#[derive(Clone, Debug)]
pub struct Target {
    /// Absolute `http`, `https`, `ws` or `wss` URL without userinfo and fragment.
    pub url: Url,
    /// The zone of the IPv6 address in `url`: an interface of this machine, or its number. Nobody else is told
    /// (RFC 6874, section 4); connections are made through it.
    pub zone: Option<String>,
    /// A name of the user's choice.
    pub label: Option<String>,
    /// The operator's own headers. None is recorded, and they go to the URL's origin only.
    pub headers: Vec<(HeaderName, Secret)>,
    /// Which of them are secrets although their names do not say so.
    pub secret_headers: Vec<HeaderName>,
    /// Trust roots of the operator in PEM, added to the system's.
    pub cacert: Option<Vec<u8>>,
    /// Whether certificate faults are ignored.
    pub insecure: bool,
    /// Whether nothing but public addresses may be connected to: a target of a list that others wrote.
    pub public_only: bool,
    /// The proxy that every connection goes through.
    pub proxy: Option<Proxy>,
    /// `User-Agent`; the product that it begins with is the `clientInfo` of MCP, too.
    pub user_agent: String,
    /// Which probes run.
    pub profile: Profile,
    /// The limits in force.
    pub limits: Limits,
}

/// Why a text is no target. The text itself is not repeated here; callers name and escape it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Not an absolute URL.
    #[error("is not an absolute URL ({0}); write it as https://host/path")]
    NotAUrl(String),
    /// Another scheme.
    #[error("has the scheme {0:?}; http, https, ws and wss can be scanned")]
    Scheme(String),
    /// No host.
    #[error("has no host")]
    NoHost,
    /// A zone that cannot be one.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// Something that no URL holds as it is.
    #[error("has a space or control character inside; a space in a URL is written as %20")]
    Space,
    /// Longer than any server accepts.
    #[error("is longer than 8192 bytes")]
    TooLong,
}

const LONGEST_URL: usize = 8192;

impl Target {
    /// Parses what the user typed. Userinfo becomes a Basic `Authorization` header, so that it is
    /// never part of a URL again; a fragment is dropped (it never reaches a server).
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn parse(text: &str, profile: Profile) -> Result<Self, TargetError> {
        if text.len() > LONGEST_URL {
            return Err(TargetError::TooLong);
        }
        let text = text.trim();
        // The URL standard would take them out, or write them otherwise: another URL than the one that stands
        // there, and for a list in one column per line more than a URL.
        if text.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err(TargetError::Space);
        }
        let (text, zone) = split_zone(text)?;
        let mut url = Url::parse(&text).map_err(|error| TargetError::NotAUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return Err(TargetError::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(TargetError::NoHost);
        }
        url.set_fragment(None);
        let mut headers = Vec::new();
        if !url.username().is_empty() || url.password().is_some() {
            headers.push((http::header::AUTHORIZATION, basic(&url)));
            // A URL with a host always takes both.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        Ok(Self {
            url,
            zone,
            label: None,
            headers,
            secret_headers: Vec::new(),
            cacert: None,
            insecure: false,
            public_only: false,
            proxy: None,
            user_agent: concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION"),
                " (endpoint scanner; read-only)"
            )
            .to_owned(),
            profile,
            limits: Limits::of(profile),
        })
    }

    /// What must not be read anywhere: the values of headers that let the operator in, by their names, and those of
    /// query parameters.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        let secrets = Secrets::default();
        let proxy = self.proxy.as_ref().and_then(Proxy::header);
        let own = self.headers.iter().map(|(name, value)| (name.clone(), value));
        for (name, value) in own.chain(proxy) {
            if !self.secret(&name, value.expose()) {
                continue;
            }
            let (label, value) = (placeholder(&name), value.expose());
            secrets.hide_with_parts(&label, value);
            // Here what follows the scheme is a secret however short it is.
            if let Some((_, credential)) =
                value.split_once(' ').filter(|_| matches!(name, AUTHORIZATION | PROXY_AUTHORIZATION))
            {
                secrets.hide(&label, credential.trim());
            }
        }
        let pairs = self.url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        for (name, value) in pairs.filter(|(name, value)| secret_name(name) && !value.is_empty()) {
            secrets.hide_in_url(&query_placeholder(name), value);
        }
        secrets
    }

    /// Whether a header of the operator's is a secret.
    fn secret(&self, name: &HeaderName, value: &str) -> bool {
        matches!(*name, AUTHORIZATION | PROXY_AUTHORIZATION | COOKIE)
            || secret_header(name.as_str())
            || self.secret_headers.contains(name)
            // Whatever its name: no word, date, number or version looks so.
            || has_random_run(value)
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn tls(&self) -> bool {
        matches!(self.url.scheme(), "https" | "wss")
    }

    /// Whether the host names this machine, without asking any resolver.
    #[must_use]
    pub fn loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => host_exposure(name) == Some(Exposure::Loopback),
            Some(Host::Ipv4(v4)) => v4.is_loopback(),
            // None that only holds a loopback address: a gateway far away may be what takes it out.
            Some(Host::Ipv6(v6)) => v6.is_loopback(),
            None => false,
        }
    }

    /// The URL as reports name it: with the zone.
    #[must_use]
    pub fn typed(&self) -> String {
        with_zone(self.url.as_str(), self.zone.as_deref())
    }
}

/// The name of the placeholder that stands for a header of the operator's.
pub(crate) fn placeholder(name: &HeaderName) -> String {
    if *name == AUTHORIZATION { "credential".to_owned() } else { format!("header-{name}") }
}

/// The name of the placeholder that stands for a query parameter of the target's URL.
pub(crate) fn query_placeholder(name: &str) -> String {
    format!("query-{}", name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_becomes_a_header_and_leaves_the_url() {
        let target = Target::parse("https://user:pa%20ss@example.com/mcp#x", Profile::Quick).unwrap();
        assert_eq!(target.url.as_str(), "https://example.com/mcp");
        assert_eq!(target.headers[0].1.expose(), "Basic dXNlcjpwYSBzcw==");
        assert!(!format!("{target:?}").contains("dXNlcj"));
    }

    #[test]
    fn names_say_what_is_a_secret() {
        let mut target =
            Target::parse("https://h.example/?api_key=KEYkey11&v=2025-11-25x", Profile::Quick).unwrap();
        for (name, value) in [
            ("authorization", "Bearer TOKtok22"),
            ("cookie", "a=COOcoo33; b=protocolVersion"),
            ("x-api-key", "XKExke44"),
            ("x-auth-user", "USEuse55"),
            ("x-api-version", "2025-11-25-preview"),
            ("x-tenant", "TENten66"),
            ("x-monkey", "MONmon77"),
        ] {
            target.headers.push((HeaderName::from_static(name), Secret::new(value)));
        }
        target.secret_headers.push(HeaderName::from_static("x-tenant"));
        let secrets = target.secrets();
        for secret in ["KEYkey11", "TOKtok22", "COOcoo33", "XKExke44", "USEuse55", "TENten66"] {
            let masked = secrets.masked(&format!("({secret})"));
            assert!(
                masked.is_some_and(|masked| masked.starts_with("(~") && masked.ends_with("~)")),
                "{secret}"
            );
        }
        for open in ["2025-11-25x", "2025-11-25-preview", "protocolVersion", "MONmon77"] {
            assert_eq!(secrets.masked(open), None, "{open}");
        }
    }

    #[test]
    fn a_zone_is_kept_beside_the_url() {
        for typed in ["http://u:p@[FE80::1%25eth0]:80/mcp#x", "http://u:p@[fe80:0::1%eth0]/mcp"] {
            let target = Target::parse(typed, Profile::Quick).unwrap();
            assert_eq!(target.url.as_str(), "http://[fe80::1]/mcp");
            assert_eq!(target.zone.as_deref(), Some("eth0"));
            assert_eq!(target.typed(), "http://[fe80::1%25eth0]/mcp");
            assert_eq!(target.headers.len(), 1);
        }
    }

    #[test]
    fn this_machine_has_several_names() {
        let loopback = |url: &str| Target::parse(url, Profile::Quick).unwrap().loopback();
        for url in [
            "http://LOCALHOST.:8080/",
            "http://a.localhost/",
            "http://[::1%25lo]/",
            "http://127.9.9.9/",
            "http://0x7f.1/",
        ] {
            assert!(loopback(url), "{url}");
        }
        for url in [
            "http://localhost.example/",
            "http://[fe80::1%25lo]/",
            "http://notlocalhost/",
            "http://10.0.0.1/",
            "http://[64:ff9b::7f00:1]/",
        ] {
            assert!(!loopback(url), "{url}");
        }
    }

    #[test]
    fn what_is_no_target_is_refused_by_name() {
        let error = |text: &str| Target::parse(text, Profile::Quick).unwrap_err();
        assert!(matches!(error("example.com/mcp"), TargetError::NotAUrl(_)));
        assert!(matches!(error("ftp://example.com"), TargetError::Scheme(_)));
        assert!(matches!(error("http://"), TargetError::NotAUrl(_) | TargetError::NoHost));
        assert!(matches!(error("http://[::1"), TargetError::NotAUrl(_)));
        for text in [
            "http://x/ trailing",
            "http://x/\r::error::x",
            "http://x/\tb",
            "http://x/\u{2028}b",
            "ht\ntp://x/",
        ] {
            assert_eq!(error(text), TargetError::Space, "{text:?}");
        }
        assert!(Target::parse(" http://x/%20b\r\n", Profile::Quick).is_ok());
        assert!(matches!(error("http://[::1%]/"), TargetError::Zone(ZoneError::Unusable)));
        assert!(matches!(error("http://[127.0.0.1%25lo]/"), TargetError::NotAUrl(_)));
        assert!(matches!(error("http://127.0.0.1%25lo/"), TargetError::Zone(ZoneError::Misplaced)));
        assert!(matches!(error(&format!("http://x/{}", "a".repeat(9000))), TargetError::TooLong));
    }
}
