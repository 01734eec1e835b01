//! The path of the endpoint is not itself the key to it.

use url::Url;

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::transcript::tokens::{has_random_run, holds_placeholder};

pub(super) static CHECK: Check = Check {
    id: "auth-no-secret-in-path",
    title: "The path of the endpoint is no key to it",
    dimension: Dimension::D7,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream, Transport::Websocket],
        Gated::Judged,
    ),
    reads: Reads::Of(&[ProbeId::Classify]),
    basis: &[
        rfc!(6750, "5.3", "Don't pass bearer tokens in page URLs"),
        Basis {
            title: "CWE-598, Use of GET Request Method With Sensitive Query Strings",
            url: "https://cwe.mitre.org/data/definitions/598.html",
        },
        Basis {
            title: "W3C TAG draft, Good Practices for Capability URLs",
            url: "https://w3ctag.github.io/capability-urls/",
        },
    ],
    rationale: "URLs end up in logs, histories and configuration files that people share. If knowing the path is enough to \
                be let in, whoever reads one of these is.",
    remediation: "Take the credential from a header, `Authorization: Bearer …`, and let the path name the endpoint alone: \
                  `https://example.com/mcp`. A path that was shared is to be replaced.",
    causes: &[],
    how: How {
        sent: "Nothing more: the path of the scanned URL. A segment looks like a key if it has 20 characters or more, \
               letters and digits in no order of words and 80 bits by its length and alphabet, or begins as known keys do \
               (`sk-`, `ghp_`, `xox`, `AKIA`, a JWT). It is not shown.",
        passes: "A credential is asked for or given, and no segment looks like a key. One that does is only noted then.",
        warns: "One does, and the endpoint is served without a credential. Ids of tenants look alike, so this never fails.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let url = facts.header().url.as_str();
    let Some(first) = facts.of(ProbeId::Classify).find(|exchange| exchange.head.is_some()) else {
        return inconclusive("nothing answered");
    };
    let Ok(parsed) = Url::parse(url) else { return inconclusive("the scanned URL cannot be read") };
    let segments: Vec<&str> = parsed.path_segments().into_iter().flatten().collect();
    let evidence = |text: &str| Evidence::new(first, "request url", text);
    let gated = facts.class().kind == Kind::AuthGated || facts.header().credential();
    let masked = segments.iter().any(|segment| holds_placeholder(segment));
    let Some(position) = segments.iter().position(|segment| secret(segment)) else {
        if masked {
            return inconclusive("a part of the path is masked");
        }
        // Where nothing is kept from anybody there is nothing to earn.
        if !gated {
            return not_applicable("no credential is asked for, and no segment of the path looks like a key");
        }
        return pass(evidence("the path"), "no segment of the path looks like a key");
    };
    let length = segments.get(position).map_or(0, |segment| segment.chars().count());
    let place = position.saturating_add(1);
    let what = format!("segment {place} of the path, {length} characters, looks like a key");
    let shown = evidence(&format!("segment {place} of the path, {length} characters"));
    if gated {
        return info(shown, format!("{what}, and a credential is asked for or given besides"));
    }
    if facts.class().eras.is_empty() && facts.class().kind != Kind::EventStream {
        return inconclusive("nothing was served, so nothing follows from what the path looks like");
    }
    warn(shown, format!("{what}, and whoever knows it is served"))
}

/// Least length of a segment that may be a key.
const LONG: usize = 20;
/// Least bits of one, by length and alphabet.
const BITS: f64 = 80.0;

fn secret(segment: &str) -> bool {
    if ["sk-", "ghp_", "xoxb-", "xoxp-", "AKIA"].iter().any(|start| segment.starts_with(start)) {
        return segment.len() >= LONG;
    }
    let plain = segment.chars().all(|c| c.is_ascii_alphanumeric() || "-_.=".contains(c));
    plain
        && segment.len() >= LONG
        && !holds_placeholder(segment)
        && has_random_run(segment)
        && bits(segment) >= BITS
}

/// Bits of a text if each of its letters and digits were drawn from the alphabet that it shows.
fn bits(text: &str) -> f64 {
    let drawn: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let has = |wanted: fn(&char) -> bool| drawn.iter().any(wanted);
    let size: f64 = if drawn.iter().all(char::is_ascii_hexdigit) {
        16.0
    } else {
        let parts = [
            (has(char::is_ascii_digit), 10.0),
            (has(char::is_ascii_lowercase), 26.0),
            (has(char::is_ascii_uppercase), 26.0),
        ];
        parts.into_iter().filter(|(has, _)| *has).map(|(_, size)| size).sum()
    };
    let count = u32::try_from(drawn.len()).unwrap_or(u32::MAX);
    f64::from(count) * size.max(1.0).log2()
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let at = |scan: Scan, path: &str| {
        let mut scan = scan;
        scan.transcript.header.url = format!("http://127.0.0.1:8080{path}");
        scan
    };
    let open = |path: &str| at(Scan::modern(), path);
    let key = "/s/9fK2mQ7xT4vB8nL1pW6yR3dZ/mcp";
    let noted = at(Scan::gated(), key).judge(&CHECK);
    assert_eq!(noted.status, Status::Info);
    assert!(!format!("{} {:?}", noted.message, noted.evidence).contains("9fK2mQ7x"));
    hold(
        &CHECK,
        [
            pass("behind a gate", at(Scan::gated(), "/mcp")),
            pass(
                "with a credential",
                at(Scan::modern().credential(), "/my-very-long-project-name-with-words/mcp"),
            ),
            not_applicable("a plain path", open("/mcp")),
            not_applicable("words", open("/my-very-long-project-name-with-words/mcp")),
            not_applicable("a dated release", open("/release-20251125-candidate-two/mcp")),
            not_applicable("a short id", open("/t/9fK2mQ7xT4vB/mcp")),
            not_applicable("a query is for another row", open("/mcp?key=9fK2mQ7xT4vB8nL1pW6yR3dZ")),
            warn("a random segment", open(key)).naming("segment 2"),
            warn("hexadecimal", open("/0b1e9a7c5d3f8a6b4c2e/mcp")),
            warn("a known form", open("/sk-live-abcdefghijklmnop/mcp")),
            warn("a version 4 UUID", open("/4f8a1c2e-9b3d-4e5f-8a7b-6c5d4e3f2a1b/mcp")),
            undecided("masked", open("/s/~query-x~/mcp")).naming("masked"),
            undecided("nothing answered", {
                let failed = get(ProbeId::Classify, "get").failed(Phase::Connect, FailureKind::Refused);
                at(Scan::empty().with(failed), "/mcp")
            }),
        ],
    );
}
