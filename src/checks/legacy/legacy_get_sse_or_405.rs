//! GET opens the stream for what the server says unasked, or says at once that there is none.

use crate::checks::prelude::*;
use crate::facts::barrier;
use crate::facts::steps::{self, Get};
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "legacy-get-sse-or-405",
    title: "GET is answered with an event stream or with 405",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::LEGACY,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::LegacyGet]),
    basis: &[mcp!(
        "2025-11-25",
        "Transports, Listening for messages from the server",
        "basic/transports#listening-for-messages-from-the-server"
    )],
    rationale: "Right after the handshake many agents open a GET stream for notifications. Both answers let them go \
                on; any other makes them report an error, retry, or wait for a stream that never opens.",
    remediation: "Answer `GET` with `Accept: text/event-stream` either with `200`, `Content-Type: text/event-stream` and \
                  the headers sent at once, or with `405 Method Not Allowed` and `Allow: POST, DELETE`. Both are fully \
                  legal.",
    causes: &[],
    how: How {
        sent: "GET with `Accept: text/event-stream` and the headers of a session.",
        passes: "200 with an event stream, or 405.",
        warns: "Another 4xx or 204; or the GET is held without headers for the whole watch of 35 s.",
        fails: "200 with another type, or a 5xx.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let exchange = facts.step(ProbeId::LegacyGet, "get", None)?;
    if steps::get(exchange) == Get::Held {
        return judge_held(facts, exchange);
    }
    let exchange = answered(exchange)?;
    let at = Evidence::status(exchange);
    let essence = barrier::essence(exchange);
    let declared = essence.as_deref().unwrap_or("no content type");
    match exchange.status().unwrap_or_default() {
        200 if declared == "text/event-stream" => {
            pass(Evidence::header(exchange, "content-type"), "GET opens an event stream")
        }
        405 => pass(at, "405: no stream is offered, which is legal"),
        200 => fail(
            Evidence::header(exchange, "content-type"),
            format!("GET is answered with 200 and {}, neither event stream nor 405", cut(declared)),
        ),
        409 => warn(at, "GET is answered with 409, as if a stream were open already"),
        status @ 500.. => fail(at, format!("GET makes the server fail with {status}")),
        status => warn(at, format!("GET is answered with {status}, neither event stream nor 405")),
    }
}

/// No head came. Some servers hold it back until the first event; a client that waits for it waits
/// for nothing. Only a full watch shows that.
fn judge_held(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    let watch_ms = facts.header().limits.idle_watch_ms;
    let waited_ms = exchange.ended_us.saturating_sub(exchange.started_us) / 1_000;
    if watch_ms == 0 {
        return inconclusive(
            "the GET was held without headers, and this profile does not wait; scan with the standard profile",
        );
    }
    // The watch ends at its limit, give or take the clock.
    if waited_ms.saturating_add(500) < watch_ms {
        return inconclusive(format!(
            "the GET was held without headers, but watched for {waited_ms} ms only"
        ));
    }
    let by = facts.proxy().map_or_else(String::new, |proxy| {
        format!("; replies name a proxy that may hold them back: `{proxy}`")
    });
    warn(
        Evidence::failure(exchange),
        format!(
            "the GET is held without headers: none came in {} s{by}",
            waited_ms.saturating_add(500) / 1_000
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, get};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId, Profile, SkipReason};
    use crate::verdict::{Severity, Status};

    fn asked() -> Made {
        let mut made = get(ProbeId::LegacyGet, "get").in_session("~session-1~");
        made.made.era = Some(Era::Legacy);
        made
    }

    fn scan(made: Made) -> Scan {
        Scan::dual(true).with(made)
    }

    fn judged(made: Made) -> Status {
        scan(made).judge(&CHECK).status
    }

    #[test]
    fn passes_with_a_stream_or_405() {
        assert_eq!(judged(asked().stream("", 0).held_until(35_000_000)), Status::Pass);
        let parameters =
            asked().stream(": hi\n\n", 0).header("content-type", "Text/Event-Stream; charset=utf-8");
        assert_eq!(judged(parameters), Status::Pass);
        assert_eq!(judged(asked().status(405).body("text/html", "no")), Status::Pass);
        // Late headers are a matter of buffering.
        assert_eq!(judged(asked().stream(": hi\n\n", 0).slow(15_000_000)), Status::Pass);
    }

    #[test]
    fn warns_of_other_refusals_and_204() {
        for status in [400, 404, 406, 409, 204, 307] {
            let finding = scan(asked().status(status)).judge(&CHECK);
            assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::Low), "{status}");
        }
    }

    #[test]
    fn warns_when_held_without_headers_to_the_end_of_the_watch() {
        let timeout = asked().held_until(35_000_000).failed(Phase::Head, FailureKind::HeaderTimeout);
        assert_eq!(judged(timeout), Status::Warn);
        let finding = scan(asked().held_until(34_999_000)).judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.contains("35 s"), "{}", finding.message);
        assert!(!finding.message.contains("proxy"), "{}", finding.message);
        let proxied = Scan::legacy(true).with(discover().status(400).header("server", "nginx"));
        let finding = proxied.with(asked().held_until(34_999_000)).judge(&CHECK);
        assert!(finding.message.contains("may hold them back: `nginx`"), "{}", finding.message);
    }

    #[test]
    fn fails_with_another_type_or_a_crash() {
        assert_eq!(judged(asked().status(200).body("text/html", "<h1>hi</h1>")), Status::Fail);
        assert_eq!(judged(asked().status(200).body("application/json", "{}")), Status::Fail);
        assert_eq!(judged(asked().status(200)), Status::Fail);
        assert_eq!(judged(asked().status(500)), Status::Fail);
    }

    #[test]
    fn undecided_when_held_in_quick_or_not_to_the_end() {
        let quick = scan(asked().held_until(300_000)).profile(Profile::Quick);
        let finding = quick.judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive);
        assert!(finding.message.contains("standard profile"), "{}", finding.message);
        assert_eq!(judged(asked().held_until(12_000_000)), Status::Inconclusive);
    }

    #[test]
    fn undecided_when_not_sent_or_not_answered() {
        let skipped = Scan::legacy(true).skip(ProbeId::LegacyGet, None, SkipReason::Budget);
        assert!(skipped.judge(&CHECK).message.contains("budget"));
        assert_eq!(judged(asked().failed(Phase::Head, FailureKind::Reset)), Status::Inconclusive);
        for status in [401, 403, 429] {
            assert_eq!(judged(asked().status(status)), Status::Inconclusive);
        }
    }

    #[test]
    fn not_applicable_to_modern_endpoints() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
