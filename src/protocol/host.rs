//! The host of a URL as people write it: the zone of an IPv6 address, which no URL of the web can hold, and
//! names beyond ASCII, which travel in another form than the one that is read.

use thiserror::Error;
use url::quirks::domain_to_unicode;
use url::{Host, Url};

/// Why a host has no zone that could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ZoneError {
    /// Nothing, or nothing that an interface can be called, behind the `%`.
    #[error(
        "has no usable zone behind '%'; write an interface or its number, as in http://[fe80::1%25eth0]/"
    )]
    Unusable,
    /// A `%` in a host that is no IPv6 address in brackets.
    #[error(
        "has a '%' in its host; a zone goes with an IPv6 address in brackets, as in http://[fe80::1%25eth0]/"
    )]
    Misplaced,
}

/// Longest zone, in bytes. Unix has 15, Windows 256.
const LONGEST_ZONE: usize = 256;

/// Takes the zone out of a URL: `%25eth0` (RFC 6874) or, as people type it (RFC 9844) and curl takes it, too,
/// `%eth0`. Gives what is left, and the zone as the system calls it.
///
/// # Errors
/// [`ZoneError`], where there is a zone, and none that could be used.
pub fn split_zone(url: &str) -> Result<(String, Option<String>), ZoneError> {
    let Some((before, host, after)) = parts(url) else { return Ok((url.to_owned(), None)) };
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inside.map_or((host, None), |inside| (inside, inside.split_once('%'))) {
        (_, Some((address, zone))) => {
            let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
            Ok((format!("{before}[{address}]{after}"), Some(usable(zone).ok_or(ZoneError::Unusable)?)))
        }
        // An escape of a name is not forbidden, but then it stands for a character of one.
        (name, None) if name.contains('%') && Url::parse(url).is_err() => Err(ZoneError::Misplaced),
        _ => Ok((url.to_owned(), None)),
    }
}

/// The zone without its escapes, if something can be called so.
fn usable(zone: &str) -> Option<String> {
    let zone = percent_encoding::percent_decode_str(zone).decode_utf8().ok()?;
    let sound = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'/');
    (!zone.is_empty() && zone.len() <= LONGEST_ZONE && zone.bytes().all(sound)).then(|| zone.into_owned())
}

/// Puts the zone of [`split_zone`] back, in the form of RFC 6874.
#[must_use]
pub fn with_zone(url: &str, zone: Option<&str>) -> String {
    let joined = || {
        let zone = percent_encoding::utf8_percent_encode(zone?, RESERVED);
        let (before, host, after) = parts(url)?;
        let address = host.strip_suffix(']').filter(|_| host.starts_with('['))?;
        Some(format!("{before}{address}%25{zone}]{after}"))
    };
    joined().unwrap_or_else(|| url.to_owned())
}

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL, and the zone of its host.
#[must_use]
pub fn parse(url: &str) -> Option<(Url, Option<String>)> {
    let (url, zone) = split_zone(url).ok()?;
    Some((Url::parse(&url).ok()?, zone))
}

/// A URL by which a target is known from run to run: that of this machine without its port, which a test run
/// draws anew each time. Every other URL as it is.
#[must_use]
pub fn portless(url: &str) -> String {
    let Some((mut parsed, zone)) = parse(url) else { return url.to_owned() };
    let this_machine = match parsed.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    };
    if !this_machine || parsed.port().is_none() || parsed.set_port(None).is_err() {
        return url.to_owned();
    }
    with_zone(parsed.as_str(), zone.as_deref())
}

/// A URL as a person is shown it: where the host has letters beyond ASCII, these, and behind the URL the form
/// that travels. Look-alikes of other scripts have another one. Escape at the sink.
#[must_use]
pub fn shown(url: &str) -> String {
    let both = || {
        let (before, host, after) = parts(url)?;
        let (unicode, ascii) = forms(host)?;
        Some(format!("{before}{unicode}{after} ({ascii})"))
    };
    both().unwrap_or_else(|| url.to_owned())
}

/// The same for a host alone.
#[must_use]
pub fn shown_host(host: &str) -> String {
    forms(host).map_or_else(|| host.to_owned(), |(unicode, ascii)| format!("{unicode} ({ascii})"))
}

/// A name as it is read and as it travels, where these differ.
fn forms(host: &str) -> Option<(String, String)> {
    // Nearly every host is neither.
    let plain = host.is_ascii() && !host.to_ascii_lowercase().contains("xn--");
    let Host::Domain(ascii) = Host::parse(host).ok().filter(|_| !plain)? else { return None };
    let unicode = domain_to_unicode(&ascii);
    (!unicode.is_empty() && unicode != ascii).then_some((unicode, ascii))
}

/// A URL up to its host, the host, and the rest. Brackets belong to the host.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let start = url.find("://")?.checked_add(3)?;
    let rest = url.get(start..)?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rfind('@').map_or(Some(0), |at| at.checked_add(1))?;
    let named = authority.get(host..)?;
    let length = match named.strip_prefix('[') {
        Some(_) => named.find(']')?.checked_add(1)?,
        None => match named.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.len(),
            _ => named.len(),
        },
    };
    let (from, to) = (start.checked_add(host)?, start.checked_add(host)?.checked_add(length)?);
    Some((url.get(..from)?, url.get(from..to)?, url.get(to..)?))
}

/// A URL in a message: cut, without userinfo and query, which may hold secrets, and in both forms where its
/// name has letters beyond ASCII.
#[must_use]
pub fn shown_url(text: &str) -> String {
    const LONGEST: usize = 200;
    let (scheme, rest) = text.split_once("//").map_or(("", text), |(scheme, rest)| (scheme, rest));
    // Up to the first slash, also where a password with a question mark makes the URL invalid.
    let authority = rest.split('/').next().unwrap_or_default();
    let rest = match authority.rfind('@') {
        Some(at) => format!("…{}", rest.get(at..).unwrap_or_default()),
        None => rest.to_owned(),
    };
    let slashes = if text.contains("//") { "//" } else { "" };
    let whole = match rest.split_once('?') {
        Some((start, _)) => format!("{scheme}{slashes}{start}?…"),
        None => format!("{scheme}{slashes}{rest}"),
    };
    let shown = shown(&whole);
    match shown.char_indices().nth(LONGEST) {
        Some((index, _)) => format!("'{}…'", shown.get(..index).unwrap_or_default()),
        None => format!("'{shown}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_leaves_the_url_and_comes_back() {
        for (typed, left, zone, again) in [
            ("http://[fe80::1%25eth0]:8080/mcp", "http://[fe80::1]:8080/mcp", "eth0", ""),
            (
                "http://[fe80::1%eth0]:8080/mcp",
                "http://[fe80::1]:8080/mcp",
                "eth0",
                "http://[fe80::1%25eth0]:8080/mcp",
            ),
            ("ws://[fe80::1%251]", "ws://[fe80::1]", "1", ""),
            ("ws://[fe80::1%1]?x=%25", "ws://[fe80::1]?x=%25", "1", "ws://[fe80::1%251]?x=%25"),
            // Nothing behind it: then 25 is the zone, as for curl.
            ("http://[fe80::1%25]/", "http://[fe80::1]/", "25", "http://[fe80::1%2525]/"),
            ("http://[fe80::1%25br%2B1.7]/", "http://[fe80::1]/", "br+1.7", ""),
            ("https://u%40:p@[fe80::1%25en0]/@[::1]", "https://u%40:p@[fe80::1]/@[::1]", "en0", ""),
        ] {
            assert_eq!(split_zone(typed), Ok((left.to_owned(), Some(zone.to_owned()))), "{typed}");
            let expected = if again.is_empty() { typed } else { again };
            assert_eq!(with_zone(left, Some(zone)), expected);
            assert_eq!(split_zone(expected), Ok((left.to_owned(), Some(zone.to_owned()))));
        }
    }

    #[test]
    fn what_has_no_zone_stays_as_it_is() {
        for url in [
            "http://[::1]:80/%25x",
            "http://h/%25",
            "http://%61.example/",
            "nonsense",
            "",
            "http://[::1",
            "a:b",
        ] {
            assert_eq!(split_zone(url), Ok((url.to_owned(), None)), "{url}");
            assert_eq!(with_zone(url, None), url);
        }
        assert_eq!(with_zone("http://h.example/", Some("eth0")), "http://h.example/");
    }

    #[test]
    fn zones_that_cannot_be_are_told_apart() {
        for url in [
            "http://[fe80::1%]/",
            "http://[fe80::1%25a%20b]/",
            "http://[fe80::1%a%2Fb]/",
            "http://[fe80::1%a%00]/",
        ] {
            assert_eq!(split_zone(url), Err(ZoneError::Unusable), "{url}");
        }
        for url in ["http://127.0.0.1%25lo/", "http://fe80::1%25eth0/", "http://host%eth0/"] {
            assert_eq!(split_zone(url), Err(ZoneError::Misplaced), "{url}");
        }
    }

    #[test]
    fn a_name_beyond_ascii_is_shown_in_both_forms() {
        for (url, expected) in [
            ("http://xn--bcher-kva.example/mcp", "http://b\u{fc}cher.example/mcp (xn--bcher-kva.example)"),
            ("http://B\u{dc}CHER.example:8/", "http://b\u{fc}cher.example:8/ (xn--bcher-kva.example)"),
            // Cyrillic а among Latin letters.
            ("https://xn--pple-43d.com/", "https://\u{430}pple.com/ (xn--pple-43d.com)"),
            ("https://example.com/xn--x", "https://example.com/xn--x"),
            ("http://[::1]/", "http://[::1]/"),
            ("http://xn--/", "http://xn--/"),
            ("no url", "no url"),
        ] {
            assert_eq!(shown(url), expected);
        }
        assert_eq!(shown_host("xn--bcher-kva.example"), "b\u{fc}cher.example (xn--bcher-kva.example)");
        assert_eq!(shown_host("127.0.0.1"), "127.0.0.1");
    }

    #[test]
    fn what_no_name_may_hold_is_not_unfolded() {
        // Bidirectional overrides and isolates, a joiner without context, a filler.
        for label in ["xn--a-qin", "xn--x-wln", "xn--ab-m1t", "xn--psd"] {
            let url = format!("http://{label}.example/");
            assert_eq!(shown(&url), url);
        }
    }

    #[test]
    fn a_url_in_a_message_has_no_userinfo_and_no_query() {
        for (text, shown) in [
            ("ftp://me:pw@host/p?x=y", "'ftp://…@host/p?…'"),
            ("example.com/mcp", "'example.com/mcp'"),
            ("", "''"),
            ("https://h/@me", "'https://h/@me'"),
            ("http://B\u{fc}cher.example/x?y", "'http://b\u{fc}cher.example/x?… (xn--bcher-kva.example)'"),
            ("http://xn--bcher-kva.example/", "'http://b\u{fc}cher.example/ (xn--bcher-kva.example)'"),
        ] {
            assert_eq!(shown_url(text), shown);
        }
        assert!(shown_url(&"é".repeat(900)).chars().count() < 210);
    }
}
