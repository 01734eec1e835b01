//! The upgrade is answered as RFC 6455 demands.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::steps::{self, Socket};
use crate::protocol::headers::list;
use crate::protocol::websocket::accept;
use crate::transcript::Head;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "ws-handshake",
    title: "The WebSocket upgrade is answered with 101 and the right accept value",
    dimension: Dimension::D2,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::to(&[Transport::Websocket], Gated::Judged),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::WebSocket]),
    basis: &[
        rfc!(6455, "4.2.2", "Sending the Server's Opening Handshake"),
        rfc!(6455, "4.1", "Client Requirements"),
    ],
    rationale: "Every client compares the accept value with its key and drops the connection when they do not fit. A \
                proxy that answers in the server's place shows here first.",
    remediation: "Let a WebSocket library answer the upgrade, and make proxies pass it on; with nginx: \
                  `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \
                  \"upgrade\";`.",
    causes: &[],
    how: How {
        sent: "A WebSocket upgrade over HTTP/1.1 with a random key.",
        passes: "101 with the right `Sec-WebSocket-Accept` and headers.",
        warns: "",
        fails: "The accept value or a header is wrong or missing, a subprotocol is selected that was not offered, \
                or a socket answers with another status, such as 200.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let upgrades: Vec<&Exchange> = facts
        .exchanges()
        .filter(|exchange| {
            matches!(exchange.step.as_str(), "websocket" | "websocket-retry" | "upgrade" | "subprotocol")
                && !exchange.is_message()
        })
        .collect();
    let switched = upgrades.iter().any(|exchange| exchange.status() == Some(101));
    if !(switched && facts.class().kind == Kind::AuthGated) {
        super::named::named_by_it(facts)?;
    }
    let mut seen = Observations::new();
    let mut refused = None;
    for exchange in &upgrades {
        let Some(head) = &exchange.head else { continue };
        match (head.status, steps::socket(exchange)) {
            (101, _) => judge_switch(exchange, head, &mut seen),
            (_, Socket::NotUpgraded) => {
                let message = format!("the upgrade was answered with {} instead of 101", head.status);
                seen.add(Status::Fail, Evidence::status(exchange), message);
            }
            // The rule is about the answer that accepts.
            (status, _) => refused = Some(status),
        }
    }
    let nothing = match refused {
        Some(status) => format!(
            "the upgrade was refused with {status}: the socket wants a subprotocol, a header or a version that we \
             did not offer"
        ),
        None => facts.why_not(ProbeId::Classify, Some("websocket")),
    };
    seen.verdict("101 with Upgrade, Connection and the right accept value", &nothing)
}

fn judge_switch(exchange: &Exchange, head: &Head, seen: &mut Observations) {
    let before = seen.count(Status::Fail);
    let key = exchange.request.header("sec-websocket-key").unwrap_or_default();
    match head.header("sec-websocket-accept").map(str::trim) {
        Some(value) if value == accept(key) => {}
        Some(_) => {
            let at = Evidence::header(exchange, "sec-websocket-accept");
            seen.add(Status::Fail, at, "Sec-WebSocket-Accept does not fit the key");
        }
        None => seen.add(Status::Fail, Evidence::status(exchange), "Sec-WebSocket-Accept is missing"),
    }
    if let Some(selected) = head.header("sec-websocket-protocol").map(str::trim) {
        // RFC 6455 section 4.1, item 6: a client fails such a connection.
        let offered = exchange.request.header("sec-websocket-protocol").unwrap_or_default();
        if !list(offered).iter().any(|offered| offered == selected) {
            let at = Evidence::header(exchange, "sec-websocket-protocol");
            let message = format!("the subprotocol `{}` was selected, which was not offered", cut(selected));
            seen.add(Status::Fail, at, message);
        }
    }
    for (name, wanted) in [("upgrade", "websocket"), ("connection", "upgrade")] {
        let tokens = head.values(name).flat_map(list).collect::<Vec<_>>();
        if tokens.iter().any(|token| token.eq_ignore_ascii_case(wanted)) {
            continue;
        }
        let got =
            if tokens.is_empty() { "missing".to_owned() } else { format!("`{}`", cut(&tokens.join(", "))) };
        let message = format!("the header `{name}` is {got}, not `{wanted}`");
        seen.add(Status::Fail, Evidence::header(exchange, name), message);
    }
    if seen.count(Status::Fail) == before {
        seen.add(Status::Pass, Evidence::header(exchange, "sec-websocket-accept"), "switched");
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get};
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    fn upgrade() -> Made {
        get(ProbeId::Classify, "websocket").sending("upgrade", "websocket").sending("sec-websocket-key", KEY)
    }

    fn switched() -> Made {
        upgrade()
            .status(101)
            .header("upgrade", "WebSocket")
            .header("connection", "keep-alive, Upgrade")
            .header("sec-websocket-accept", ACCEPT)
    }

    fn judged(made: Made) -> crate::finding::Finding {
        Scan::empty().with(made).judge(&CHECK)
    }

    #[test]
    fn passes_on_a_correct_switch_in_any_spelling() {
        let finding = judged(switched());
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn passes_with_one_of_the_subprotocols_that_were_offered() {
        let made = switched().sending("sec-websocket-protocol", "mcp, scanner.x");
        let finding = judged(made.header("sec-websocket-protocol", "mcp"));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn passes_on_the_retry_with_another_subprotocol() {
        let retry = {
            let mut made = switched();
            made.made.step = "websocket-retry".to_owned();
            made
        };
        let scan = Scan::empty().with(upgrade().status(400).body("text/plain", "missing subprotocol"));
        assert_eq!(scan.with(retry).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_on_each_fault_of_the_answer() {
        for made in [
            switched().header("sec-websocket-accept", "x"),
            switched().header("upgrade", "h2c"),
            switched().header("connection", "close"),
            switched().header("sec-websocket-protocol", "other"),
            switched().sending("sec-websocket-protocol", "mcp").header("sec-websocket-protocol", "MCP"),
            upgrade().status(101),
            upgrade().status(200).body("text/plain", "WebSocket"),
        ] {
            let finding = judged(made);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
    }

    #[test]
    fn undecided_when_the_upgrade_was_refused() {
        let finding = judged(upgrade().status(426).body("text/plain", "Upgrade Required"));
        assert_eq!(finding.status, Status::Inconclusive);
        assert!(finding.message.contains("426"), "{}", finding.message);
    }

    #[test]
    fn not_applicable_where_there_is_no_socket() {
        assert_eq!(Scan::modern().with(switched()).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::NotApplicable);
        // A web page answers every path with 200.
        let page = judged(upgrade().status(200).body("text/html", "<html>"));
        assert_eq!(page.status, Status::NotApplicable);
    }
}
