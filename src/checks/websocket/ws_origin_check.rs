//! A foreign web page must not open the socket.

use crate::checks::prelude::*;
use crate::facts::browser::{Treatment, treatment};
use crate::protocol::address::Exposure;

pub(super) static CHECK: Check = Check {
    id: "ws-origin-check",
    title: "A WebSocket upgrade from a foreign Origin is refused",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Should,
    applies: Applies::to(&[Transport::Websocket], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Browser, ProbeId::Classify]),
    basis: &[
        rfc!(6455, "4.2.2", "item 4 (refusing an origin)"),
        rfc!(6455, "10.2", "Origin Considerations"),
        Basis {
            title: "CWE-1385, Missing Origin Validation in WebSockets",
            url: "https://cwe.mitre.org/data/definitions/1385.html",
        },
    ],
    rationale: "CORS does not hold for WebSockets: any page that the user opens may connect, read and write. Only the \
                server's look at Origin stands between the page and the tools.",
    remediation: "Answer the upgrade with 403 when Origin is present and not on your list, and let upgrades without \
                  Origin pass. With `ws`: `verifyClient: ({ origin }) => !origin || allowed.has(origin)`; with \
                  Python's websockets: `serve(handler, host, port, origins=[None, \"https://app.example.com\"])`.",
    causes: &[],
    how: How {
        sent: "The upgrade with an Origin that does not exist (`https://….invalid`) and with `Origin: null`, beside \
               one without Origin.",
        passes: "Any 4xx, or a socket that is closed at once with 1008.",
        warns: "It is accepted by a public endpoint, or refused with a 5xx.",
        fails: "It is accepted on a loopback or private address, or where the operator gave a cookie.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    super::named::named_by_it(facts)?;
    let mut seen = Observations::new();
    let mut unclear = None;
    for step in ["origin", "origin-null"] {
        let exchange = match facts.step(ProbeId::Browser, step, None) {
            Ok(exchange) => exchange,
            Err(reason) => {
                unclear = unclear.or(Some(reason));
                continue;
            }
        };
        match judge_one(facts, exchange) {
            Ok(verdict) => seen.push(verdict),
            Err(reason) => unclear = unclear.or(Some(reason)),
        }
    }
    match unclear {
        Some(reason) if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 => Err(reason),
        _ => seen.verdict("an upgrade from a foreign Origin is refused", ""),
    }
}

fn judge_one(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    let origin = exchange.request.header("origin").unwrap_or_default();
    match treatment(facts, exchange) {
        Treatment::Served => judge_open(facts, exchange, origin),
        Treatment::Refused(400..=499) => pass(Evidence::status(exchange), "refused"),
        // Closed at once with 1008.
        Treatment::Refused(101) => pass(Evidence::status(exchange), "closed"),
        Treatment::Refused(status) => {
            let message =
                format!("an upgrade with `Origin: {origin}` is refused with {status} instead of 403");
            warn(Evidence::status(exchange), message).map(|verdict| verdict.with_severity(Severity::Low))
        }
        // A control refused for another reason says that this refusal has its own.
        Treatment::Unclear(_) if refused_for_its_origin(facts, exchange) => {
            pass(Evidence::status(exchange), "refused")
        }
        Treatment::Unclear(reason) => inconclusive(reason),
    }
}

/// Whether the foreign origin gets a 403 where the upgrade without one gets another refusal (a
/// subprotocol that is missing, say).
fn refused_for_its_origin(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let control = facts.steps(ProbeId::Browser, "base").find(|base| Some(base.id) == exchange.twin);
    let control = control.and_then(Exchange::status);
    exchange.status() == Some(403) && matches!(control, Some(400 | 404 | 426))
}

fn judge_open(facts: &Facts<'_>, exchange: &Exchange, origin: &str) -> Judgement {
    let at = Evidence::status(exchange);
    // A browser sends cookies with any upgrade, wherever the page comes from (RFC 6455 section 10.2).
    if facts.header().operator_headers.iter().any(|name| name == "cookie") {
        let message =
            format!("an upgrade with `Origin: {origin}` is accepted, and cookies authenticate here");
        return fail(at, message);
    }
    let Some(exposure) = facts.exposure() else {
        return inconclusive("accepted, but the address of the endpoint is not known");
    };
    if exposure == Exposure::Public {
        let message = if facts.header().credential() {
            format!("an upgrade with `Origin: {origin}` is accepted; only the credential keeps web pages out")
        } else {
            format!("a public endpoint accepts an upgrade with `Origin: {origin}`")
        };
        return warn(at, message).map(|verdict| verdict.with_severity(Severity::Medium));
    }
    let message = format!("an upgrade with `Origin: {origin}` was accepted on a loopback or private address");
    fail(at, message)
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get};
    use crate::finding::Finding;
    use crate::protocol::names::FOREIGN_ORIGIN;
    use crate::transcript::{Direction, FrameKind, ProbeId};
    use crate::verdict::{Severity, Status};

    fn upgrade(step: &str) -> Made {
        get(ProbeId::Browser, step).sending("upgrade", "websocket")
    }

    fn socket(scan: Scan) -> Scan {
        scan.with(get(ProbeId::Classify, "websocket").status(101))
    }

    fn with(scan: Scan, base: u16, answer: impl Fn(Made) -> Made) -> Finding {
        let scan = socket(scan).with(upgrade("base").status(base));
        let twin = scan.next_id() - 1;
        let foreign =
            |step: &str, origin: &str| answer(upgrade(step).negative().sending("origin", origin).twin(twin));
        let scan = scan.with(foreign("origin", FOREIGN_ORIGIN)).with(foreign("origin-null", "null"));
        scan.judge(&CHECK)
    }

    fn local(answer: impl Fn(Made) -> Made) -> Finding {
        with(Scan::empty(), 101, answer)
    }

    #[test]
    fn passes_on_403_or_another_4xx() {
        assert_eq!(local(|made| made.status(403)).status, Status::Pass);
        assert_eq!(local(|made| made.status(400)).status, Status::Pass);
    }

    #[test]
    fn passes_when_the_socket_closes_at_once_for_policy() {
        let finding =
            local(|made| made.frames(&[(Direction::In, FrameKind::Close, "1008 origin not allowed")]));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn passes_where_the_control_is_refused_for_another_reason() {
        assert_eq!(with(Scan::empty(), 400, |made| made.status(403)).status, Status::Pass);
    }

    #[test]
    fn warns_where_a_public_endpoint_accepts() {
        let public = || Scan::at("wss://mcp.example.com/ws", "8.8.8.8:443");
        assert_eq!(with(public(), 101, |made| made.status(101)).status, Status::Warn);
        assert_eq!(with(public().credential(), 101, |made| made.status(101)).status, Status::Warn);
        assert_eq!(local(|made| made.status(500)).status, Status::Warn);
    }

    #[test]
    fn fails_where_a_local_endpoint_accepts_either_variant() {
        let finding = local(|made| made.status(101));
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::Critical));
        let only_null =
            local(|made| if made.made.step == "origin" { made.status(403) } else { made.status(101) });
        assert_eq!(only_null.status, Status::Fail);
    }

    #[test]
    fn fails_where_cookies_authenticate() {
        let cookies = |answer: u16| {
            let mut scan = Scan::at("wss://mcp.example.com/ws", "8.8.8.8:443");
            scan.transcript.header.operator_headers = vec!["cookie".to_owned()];
            with(scan, 101, |made| made.status(answer))
        };
        let finding = cookies(101);
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::Critical));
        assert!(finding.message.contains("cookies"), "{}", finding.message);
        assert_eq!(cookies(403).status, Status::Pass);
    }

    #[test]
    fn undecided_when_refused_like_the_control_or_not_sent() {
        assert_eq!(with(Scan::empty(), 400, |made| made.status(400)).status, Status::Inconclusive);
        assert_eq!(local(|made| made.status(401)).status, Status::Inconclusive);
        assert_eq!(socket(Scan::empty()).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_where_no_socket_names_the_endpoint() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(socket(Scan::modern()).judge(&CHECK).status, Status::NotApplicable);
    }
}
