//! A network endpoint should speak TLS.

use crate::checks::prelude::*;
use crate::facts::auth::challenges;
use crate::protocol::address::Exposure;

pub(super) static CHECK: Check = Check {
    id: "tls-required",
    title: "The endpoint is offered over TLS",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::ANYWHERE,
    reads: Reads::All,
    basis: &[
        Basis {
            title: "RFC 6750, 5.2 Threat Mitigation (TLS between client and resource server)",
            url: "https://www.rfc-editor.org/rfc/rfc6750#section-5.2",
        },
        Basis {
            title: "RFC 6750, 5.3 Summary of Recommendations",
            url: "https://www.rfc-editor.org/rfc/rfc6750#section-5.3",
        },
        Basis {
            title: "OAuth 2.1 draft, 1.5 Communication Security",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-v2-1-13#section-1.5",
        },
    ],
    rationale: "An agent sends tokens and the user's data with every call. Without TLS everybody on the path can \
                read and change them.",
    remediation: "Serve the endpoint over https (or wss) and let the plain port only redirect, for example with \
                  Caddy: `mcp.example.com { reverse_proxy 127.0.0.1:8080 }` obtains the certificate by itself.",
    causes: &[],
    how: How {
        sent: "Nothing more: the scheme of the URL, the address behind it and the handshake.",
        passes: "The URL is `https` or `wss` and a TLS connection came up.",
        warns: "Plaintext on an address of a private range.",
        fails: "Plaintext on a public address; critical if a bearer token was sent or asked for over it.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let (scheme, _) = facts.header().url.split_once(':').unwrap_or_default();
    if matches!(scheme, "https" | "wss") {
        return match facts.tls() {
            Some((exchange, tls)) => pass(
                Evidence::new(exchange, "handshake", tls.version.as_deref().unwrap_or("TLS")),
                format!("offered over TLS ({scheme})"),
            ),
            None => inconclusive(format!("no TLS connection came up: {}", facts.class().reason)),
        };
    }
    let exposure = facts.exposure();
    if exposure == Some(Exposure::Loopback) {
        return not_applicable("loopback: nothing leaves this machine");
    }
    let mut answered = facts.exchanges().filter(|exchange| exchange.head.is_some()).peekable();
    let (Some(shown), Some(exposure)) = (answered.peek().copied(), exposure) else {
        return inconclusive(format!("nothing answered: {}", facts.class().reason));
    };
    let evidence = Evidence::new(shown, "url", &shown.request.url);
    if answered.all(redirects_to_tls) {
        return inconclusive("the plain port only redirects to TLS: scan the https URL");
    }
    if exposure == Exposure::Private {
        return warn(evidence, "plaintext on a private address: everybody on that network can read it");
    }
    let what = if facts.header().credential() {
        Some("a credential was sent over it")
    } else {
        facts.exchanges().any(asks_for_token).then_some("it asks for bearer tokens over it")
    };
    match what {
        Some(what) => fail(evidence, format!("plaintext on a public address, and {what}")),
        None => {
            let judgement = fail(evidence, "plaintext on a public address");
            judgement.map(|verdict| verdict.with_severity(Severity::High))
        }
    }
}

fn redirects_to_tls(exchange: &Exchange) -> bool {
    let location = exchange.header("location").unwrap_or_default().to_ascii_lowercase();
    matches!(exchange.status(), Some(301 | 302 | 303 | 307 | 308))
        && (location.starts_with("https://") || location.starts_with("wss://"))
}

fn asks_for_token(exchange: &Exchange) -> bool {
    challenges(exchange).iter().any(|challenge| challenge.scheme == "bearer")
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Scan, discover};
    use crate::finding::Finding;
    use crate::transcript::{FailureKind, Phase, Tls};
    use crate::verdict::{Severity, Status};

    const PUBLIC: &str = "http://mcp.example.com/mcp";

    fn tls() -> Tls {
        Tls {
            us: 1,
            version: Some("TLSv1.3".to_owned()),
            cipher: None,
            alpn: None,
            chain: Vec::new(),
            faults: Vec::new(),
            roots: "the system's roots".to_owned(),
            operator_roots: false,
        }
    }

    fn at(url: &str, address: &str) -> Scan {
        Scan::at(url, address).with(discover())
    }

    fn unreachable(url: &str) -> Finding {
        let mut scan = Scan::at(url, "").with(discover().failed(Phase::Connect, FailureKind::Refused));
        scan.transcript.exchanges.remove(0);
        let dead = &mut scan.transcript.exchanges[0];
        (dead.head, dead.content) = (None, crate::transcript::Content::None);
        scan.judge(&CHECK)
    }

    #[test]
    fn passes_over_tls_whatever_the_certificate() {
        let finding = at("https://mcp.example.com/mcp", "8.8.8.8:443").tls(tls()).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass);
        assert_eq!(finding.evidence.len(), 1);
    }

    #[test]
    fn fails_in_clear_on_a_public_address_and_worse_with_a_token() {
        let open = at(PUBLIC, "8.8.8.8:80").judge(&CHECK);
        assert_eq!((open.status, open.severity), (Status::Fail, Severity::High));
        let credential = at(PUBLIC, "8.8.8.8:80").credential().judge(&CHECK);
        assert_eq!((credential.status, credential.severity), (Status::Fail, Severity::Critical));
        let challenged = at(PUBLIC, "8.8.8.8:80")
            .with(discover().status(401).header("www-authenticate", "Bearer"))
            .judge(&CHECK);
        assert_eq!((challenged.status, challenged.severity), (Status::Fail, Severity::Critical));
    }

    #[test]
    fn warns_in_clear_on_a_private_address() {
        assert_eq!(at(PUBLIC, "10.0.0.7:80").judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn not_applicable_on_loopback_even_if_nothing_connected() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(unreachable("http://localhost:8080/mcp").status, Status::NotApplicable);
    }

    #[test]
    fn undecided_when_nothing_answered() {
        assert_eq!(unreachable("http://8.8.8.8/mcp").status, Status::Inconclusive);
        assert_eq!(unreachable("https://mcp.example.com/mcp").status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_the_plain_port_only_redirects() {
        let mut scan = Scan::at(PUBLIC, "8.8.8.8:80").with(
            discover().body("text/plain", "").status(308).header("location", "https://mcp.example.com/mcp"),
        );
        scan.transcript.exchanges[0].head = None;
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
