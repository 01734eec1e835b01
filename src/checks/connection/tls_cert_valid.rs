//! The certificate must verify, or agents' HTTP stacks refuse the connection.

use crate::checks::prelude::*;
use crate::protocol::address::Exposure;
use crate::transcript::{CertificateFault, FailureKind, Tls};

pub(super) static CHECK: Check = Check {
    id: "tls-cert-valid",
    title: "The TLS certificate verifies",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Practice,
    applies: Applies::ANYWHERE,
    reads: Reads::All,
    basis: &[
        Basis {
            title: "RFC 9110, 4.3.4 https Certificate Verification (binds clients, which must refuse)",
            url: "https://www.rfc-editor.org/rfc/rfc9110#section-4.3.4",
        },
        Basis {
            title: "RFC 9525, 6 Verifying Service Identity",
            url: "https://www.rfc-editor.org/rfc/rfc9525#section-6",
        },
    ],
    rationale: "Clients must refuse a certificate that is expired, names another host or chains to no known root, so \
                the endpoint is down for them. People who then switch verification off have no TLS worth the name.",
    remediation: "Serve the full chain (leaf first, then every intermediate) of a certificate for this host name and \
                  renew it automatically, for example `ssl_certificate /etc/letsencrypt/live/HOST/fullchain.pem;` \
                  in nginx, not `cert.pem`.",
    causes: &[],
    how: How {
        sent: "The TLS handshake with SNI and normal verification. If that fails, one handshake without \
               verification, only to read the certificate and name the fault.",
        passes: "The certificate verifies.",
        warns: "On a loopback or private address: expired, not yet valid, or for another name. \
                (Self-signed or of an unknown issuer is only noted there.)",
        fails: "On a public address, or with `--cacert`: expired, not yet valid, wrong name, \
                self-signed, or of an unknown issuer.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if !facts.header().url.starts_with("https:") && !facts.header().url.starts_with("wss:") {
        return not_applicable("no TLS here: see tls-required");
    }
    let mut seen = Observations::new();
    let (mut sound, mut known) = (String::new(), Vec::new());
    for exchange in facts.exchanges() {
        let tls = exchange.connect.as_ref().and_then(|connect| connect.tls.as_ref());
        let recorded = tls.map(|tls| tls.faults.clone()).unwrap_or_default();
        // Every connection shows the same certificate: each fault once.
        for fault in recorded.iter().copied().chain(refused_for(exchange)) {
            if !known.contains(&fault) {
                known.push(fault);
                let message = describe(fault, tls);
                let evidence =
                    Evidence::new(exchange, "certificate", tls.map_or_else(|| message.clone(), names));
                seen.add(status(facts, fault, tls)?, evidence, message);
            }
        }
        let verified = tls.filter(|tls| tls.version.is_some() && refused_for(exchange).next().is_none());
        if let (Some(tls), true) = (verified, sound.is_empty() && recorded.is_empty()) {
            sound = format!("verifies against {}", tls.roots);
            seen.add(Status::Pass, Evidence::new(exchange, "certificate", names(tls)), sound.clone());
        }
    }
    seen.verdict(sound, &format!("no certificate was seen: {}", facts.class().reason))
}

/// What a fault means here: an outage on the internet, or under roots that the operator vouched for;
/// on the own machine and network a certificate of one's own making is usual.
fn status(facts: &Facts<'_>, fault: CertificateFault, tls: Option<&Tls>) -> Result<Status, Undecided> {
    let Some(exposure) = facts.exposure() else {
        return inconclusive("the certificate has a fault, but the address of the endpoint is not known");
    };
    let vouched = tls.is_some_and(|tls| tls.operator_roots);
    Ok(match fault {
        _ if exposure == Exposure::Public || vouched => Status::Fail,
        CertificateFault::SelfSigned | CertificateFault::UnknownIssuer => Status::Info,
        _ => Status::Warn,
    })
}

fn describe(fault: CertificateFault, tls: Option<&Tls>) -> String {
    let mut text = fault.words().to_owned();
    let Some(tls) = tls else { return text };
    if fault == CertificateFault::UnknownIssuer {
        text.push_str(match tls.chain.len() {
            0 | 1 => ": only the leaf was sent, so an intermediate is missing or the CA is private",
            _ => ": a private CA, or a chain that ends short of a known root",
        });
    }
    if !tls.roots.is_empty() {
        text.push_str(&format!(" (verified against {})", tls.roots));
    }
    text
}

fn names(tls: &Tls) -> String {
    tls.chain.first().map_or_else(
        || "certificate not recorded".to_owned(),
        |leaf| {
            let names = leaf.names.join(", ");
            format!("for {names}; by {}; {} to {}", leaf.issuer, leaf.not_before, leaf.not_after)
        },
    )
}

fn refused_for(exchange: &Exchange) -> impl Iterator<Item = CertificateFault> + use<> {
    let fault = match exchange.failure.as_ref().map(|failure| failure.kind) {
        Some(FailureKind::CertificateExpired) => Some(CertificateFault::Expired),
        Some(FailureKind::CertificateNotYetValid) => Some(CertificateFault::NotYetValid),
        Some(FailureKind::CertificateWrongName) => Some(CertificateFault::WrongName),
        Some(FailureKind::CertificateSelfSigned) => Some(CertificateFault::SelfSigned),
        Some(FailureKind::CertificateUnknownIssuer) => Some(CertificateFault::UnknownIssuer),
        Some(FailureKind::CertificateOther) => Some(CertificateFault::Other),
        _ => None,
    };
    fault.into_iter()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Scan, discover};
    use crate::finding::Finding;
    use crate::transcript::{Certificate, CertificateFault, Content, FailureKind, Phase, Tls};
    use crate::verdict::{Severity, Status};

    const URL: &str = "https://mcp.example.com/mcp";

    fn tls(faults: &[CertificateFault]) -> Tls {
        Tls {
            us: 1,
            version: Some("TLSv1.3".to_owned()),
            cipher: None,
            alpn: None,
            chain: vec![Certificate {
                subject: "CN=mcp.example.com".to_owned(),
                issuer: "CN=Some CA".to_owned(),
                not_before: "2026-10-01T00:00:00Z".to_owned(),
                not_after: "2026-12-30T00:00:00Z".to_owned(),
                names: vec!["mcp.example.com".to_owned()],
                sha256: "00".to_owned(),
            }],
            faults: faults.to_vec(),
            roots: "the system's roots".to_owned(),
            operator_roots: false,
        }
    }

    fn judged(address: &str, faults: &[CertificateFault]) -> Finding {
        Scan::at(URL, address).with(discover()).tls(tls(faults)).judge(&CHECK)
    }

    #[test]
    fn passes_when_it_verifies() {
        let finding = judged("8.8.8.8:443", &[]);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("the system's roots"));
    }

    #[test]
    fn fails_on_a_public_address_and_names_every_fault_and_the_cause() {
        let finding = judged("8.8.8.8:443", &[CertificateFault::Expired, CertificateFault::UnknownIssuer]);
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::Critical));
        assert!(finding.message.contains("expired"), "{}", finding.message);
        assert!(finding.message.contains("only the leaf was sent"), "{}", finding.message);
    }

    #[test]
    fn fails_when_it_made_the_endpoint_unreachable() {
        let mut scan = Scan::at(URL, "8.8.8.8:443")
            .with(discover().failed(Phase::Tls, FailureKind::CertificateWrongName))
            .tls(tls(&[]));
        scan.transcript.exchanges[0].head = None;
        let dead = &mut scan.transcript.exchanges[1];
        (dead.head, dead.content) = (None, Content::None);
        assert_eq!(scan.judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn fails_under_the_roots_of_the_operator_also_on_a_private_address() {
        let mut given = tls(&[CertificateFault::UnknownIssuer]);
        given.operator_roots = true;
        let finding = Scan::at(URL, "10.0.0.7:443").with(discover()).tls(given).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
    }

    #[test]
    fn warns_of_dates_and_names_on_the_own_machine_and_notes_a_private_issuer() {
        assert_eq!(judged("127.0.0.1:8443", &[CertificateFault::WrongName]).status, Status::Warn);
        assert_eq!(judged("10.0.0.7:443", &[CertificateFault::Expired]).status, Status::Warn);
        assert_eq!(judged("127.0.0.1:8443", &[CertificateFault::SelfSigned]).status, Status::Info);
        let both = judged("127.0.0.1:8443", &[CertificateFault::Expired, CertificateFault::SelfSigned]);
        assert_eq!(both.status, Status::Warn);
        assert!(both.message.contains("self-signed"), "{}", both.message);
    }

    #[test]
    fn not_applicable_without_tls() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_when_no_handshake_came_that_far() {
        let scan = Scan::at(URL, "8.8.8.8:443").with(discover().failed(Phase::Tls, FailureKind::NotTls));
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
