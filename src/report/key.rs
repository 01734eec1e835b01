//! What tells targets apart in files that other systems keep: the same target has the same key in every
//! run, on every machine.

pub use super::NamedAt;
use super::Report;
use super::sink::uri_path;
use crate::protocol::host;
use crate::rubric::sha256;

/// Where a finding is shown: a file of the repository, or a path made of the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingPlace {
    /// Relative path, not encoded.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
}

/// `host[:port]/path`: the URL without scheme, user, query and fragment.
#[must_use]
pub fn host_and_path(url: &str) -> String {
    const MOST: usize = 300;
    let found = match host::parse(url) {
        Some((url, zone)) if url.has_host() => {
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            let host = url.host_str().unwrap_or_default();
            let host = match (zone, host.strip_suffix(']')) {
                (Some(zone), Some(address)) => format!("{address}%{zone}]"),
                _ => host.to_owned(),
            };
            format!("{host}{port}{}", url.path())
        }
        // A transcript may hold anything: what is no URL is still shown somewhere.
        _ => url.split_once("://").map_or(url, |(_, rest)| rest).to_owned(),
    };
    relative(&found.chars().take(MOST).collect::<String>())
}

/// A path that stays inside the repository, whatever a file says.
fn relative(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(part.trim(), "" | "." | "..")).collect();
    if parts.is_empty() { "target".to_owned() } else { parts.join("/") }
}

/// What tells the targets of one document apart, in their order: the label, or else the URL. A port of this
/// machine is no part of it where nothing else has the rest: it may be another in the next run. Where several
/// still have the same one, their number joins it.
#[must_use]
pub fn keys(reports: &[Report]) -> Vec<String> {
    let portless: Vec<String> = reports.iter().map(|report| host::portless(&report.url)).collect();
    let mut keys: Vec<String> = Vec::new();
    for (report, own) in reports.iter().zip(&portless) {
        let mut others = reports.iter().zip(&portless).filter(|(other, _)| other.label.is_none());
        let ports_tell = others.any(|(other, place)| place == own && other.url != report.url);
        let first = match &report.label {
            Some(label) => label.clone(),
            None if ports_tell => report.url.clone(),
            None => own.clone(),
        };
        let mut key = first.clone();
        let mut number = 1_usize;
        while keys.contains(&key) {
            number = number.saturating_add(1);
            key = format!("{first} ({number})");
        }
        keys.push(key);
    }
    keys
}

/// The path of [`place`] without a file as a relative URI reference, with a hash where anything else makes a
/// difference.
#[must_use]
pub fn category(report: &Report, key: &str) -> String {
    let path = uri_path(&made_of(report));
    let https = host::parse(key).is_some_and(|(url, _)| url.scheme() == "https" && url.query().is_none());
    let whole = match &report.label {
        Some(_) => path == key,
        None => https && key == report.url,
    };
    if whole { path } else { format!("{path}~{}", digest(&[key], 8)) }
}

/// Where this report's findings are shown.
#[must_use]
pub fn place(report: &Report) -> FindingPlace {
    match &report.named_at {
        Some(named) => FindingPlace { path: relative(&named.file), line: named.line.max(1) },
        None => FindingPlace { path: made_of(report), line: 1 },
    }
}

/// A path made of the label, or else of the URL.
fn made_of(report: &Report) -> String {
    const MOST: usize = 300;
    match &report.label {
        Some(label) => relative(&label.chars().take(MOST).collect::<String>()),
        None => host_and_path(&host::portless(&report.url)),
    }
}

/// Stable across scans of one target: no time, no text of the finding, no line.
#[must_use]
pub fn fingerprint(key: &str, check: &str) -> String {
    digest(&["agentgauge/v1", check, key], 64)
}

/// The first `length` hex digits of a hash over parts.
#[must_use]
pub fn digest(parts: &[&str], length: usize) -> String {
    let mut hash = sha256(parts.join("\n").as_bytes());
    hash.truncate(length);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_of_this_machine_is_left_out() {
        for (url, known_as) in [
            ("http://127.0.0.1:43117/mcp?x=1", "http://127.0.0.1/mcp?x=1"),
            ("ws://localhost:8080/ws", "ws://localhost/ws"),
            ("http://api.localhost:3000/mcp", "http://api.localhost/mcp"),
            ("http://[::1]:3000/mcp", "http://[::1]/mcp"),
            ("http://192.0.2.1:8080/mcp", "http://192.0.2.1:8080/mcp"),
            ("https://localhost.example:8443/mcp", "https://localhost.example:8443/mcp"),
            ("no url", "no url"),
        ] {
            assert_eq!(host::portless(url), known_as);
        }
    }

    #[test]
    fn a_url_becomes_a_path() {
        assert_eq!(host_and_path("https://me@Example.com/mcp?x=1#y"), "example.com/mcp");
        assert_eq!(host_and_path("http://localhost:8080/"), "localhost:8080");
        assert_eq!(host_and_path("http://[fe80::1%25eth0]:8080/mcp?x=1"), "[fe80::1%eth0]:8080/mcp");
        assert_eq!(host_and_path("no url"), "no url");
        assert_eq!(host_and_path(""), "target");
        assert_eq!(host_and_path("data:x"), "data:x");
        assert_eq!(host_and_path("https://h/../../etc"), "h/etc");
        assert_eq!(host_and_path("../../etc/./passwd"), "etc/passwd");
    }
}
