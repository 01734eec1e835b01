//! A modern-only endpoint has nothing to give to GET and DELETE, and says so.

use crate::checks::prelude::*;
use crate::facts::steps::{self, Get};
use crate::facts::{Kind, barrier};

pub(super) static CHECK: Check = Check {
    id: "modern-get-405",
    title: "GET and DELETE on a modern-only endpoint are answered with 405",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernMethods]),
    basis: &[Basis {
        title: "MCP 2026-07-28, Streamable HTTP, Earlier Streamable HTTP revisions",
        url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#earlier-streamable-http-revisions",
    }],
    rationale: "Older clients open a stream with GET and end a session with DELETE. A prompt 405 tells them that \
                neither exists here; anything else makes them wait, retry or misjudge the server.",
    remediation: "Route POST only, and answer every other method on the endpoint with `405 Method Not Allowed` and \
                  `Allow: POST`.",
    how: How {
        sent: "GET, and DELETE with an invented session id, on an endpoint that speaks the modern era only.",
        passes: "405 for both.",
        warns: "Another refusal, a page, or an event stream.",
        fails: "A 5xx, or silence.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind != Kind::Modern {
        return not_applicable("an endpoint that also speaks the legacy era may serve GET and DELETE for it");
    }
    let mut seen = Observations::new();
    let mut missing = observe_get(facts, &mut seen).err();
    missing = missing.or(observe_delete(facts, &mut seen).err());
    seen.verdict_despite(missing, "405 to GET and to DELETE")
}

fn observe_get(facts: &Facts<'_>, seen: &mut Observations) -> Result<(), Undecided> {
    // Classification sends this GET to every endpoint.
    let own = facts.step(ProbeId::ModernMethods, "get", None);
    let exchange = own.or_else(|_| facts.step(ProbeId::Classify, "get", None))?;
    if steps::get(exchange) == Get::Held {
        return observe_held(facts, exchange, seen);
    }
    let exchange = answered(exchange)?;
    let at = Evidence::status(exchange);
    match exchange.status().unwrap_or_default() {
        405 => seen.add(Status::Pass, at, "405"),
        status if crashed(status) => seen.add(Status::Fail, at, format!("GET gets {status}")),
        200 if barrier::essence(exchange).as_deref() == Some("text/event-stream") => seen.add(
            Status::Warn,
            at,
            "GET gets an event stream, although only modern versions are declared, which have none",
        ),
        200 if barrier::html(exchange) => seen.add(Status::Warn, at, "GET gets an HTML page instead of 405"),
        status => seen.add(Status::Warn, at, format!("GET gets {status} instead of 405")),
    }
    Ok(())
}

fn observe_delete(facts: &Facts<'_>, seen: &mut Observations) -> Result<(), Undecided> {
    let exchange = facts.negative(ProbeId::ModernMethods, "delete", None)?;
    if steps::get(exchange) == Get::Held {
        return observe_held(facts, exchange, seen);
    }
    let exchange = answered(exchange)?;
    let at = Evidence::status(exchange);
    match exchange.status().unwrap_or_default() {
        405 => seen.add(Status::Pass, at, "405"),
        status if crashed(status) => seen.add(Status::Fail, at, format!("DELETE gets {status}")),
        status => seen.add(Status::Warn, at, format!("DELETE gets {status} instead of 405")),
    }
    Ok(())
}

/// No head came. It is a hang once any request that can be answered at once would have run into its
/// limit; whoever leaves earlier, as the quick profile does, has seen nothing.
fn observe_held(facts: &Facts<'_>, exchange: &Exchange, seen: &mut Observations) -> Result<(), Undecided> {
    let method = &exchange.request.method;
    let waited_ms = exchange.ended_us.saturating_sub(exchange.started_us) / 1_000;
    // Give or take the clock.
    if waited_ms.saturating_add(100) < facts.header().limits.header_ms {
        return inconclusive(format!("{method} was not answered within {waited_ms} ms, and we left"));
    }
    let message = format!("{method} hangs: no answer in {} s", waited_ms / 1_000);
    seen.add(Status::Fail, Evidence::failure(exchange), message);
    Ok(())
}

/// 501 says the same as 405, in other words (RFC 9110 section 15.6.2): no crash.
fn crashed(status: u16) -> bool {
    status >= 500 && status != 501
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, request};
    use crate::transcript::{FailureKind, Phase, ProbeId, Profile};
    use crate::verdict::Status;

    fn asked() -> Made {
        get(ProbeId::Classify, "get")
    }

    fn deleted() -> Made {
        request("DELETE", ProbeId::ModernMethods, "delete").negative().twin(2)
    }

    fn scan(got: Made, deleted: Made) -> Scan {
        Scan::modern().with(got).with(deleted)
    }

    fn judged(got: Made, deleted: Made) -> Status {
        scan(got, deleted).judge(&CHECK).status
    }

    #[test]
    fn passes_with_405_to_both() {
        assert_eq!(judged(asked().status(405), deleted().status(405)), Status::Pass);
    }

    #[test]
    fn warns_of_other_answers() {
        for status in [400, 404, 406, 204, 501] {
            assert_eq!(judged(asked().status(status), deleted().status(405)), Status::Warn);
            assert_eq!(judged(asked().status(405), deleted().status(status)), Status::Warn);
        }
        let page = || asked().status(200).body("text/html", "<h1>hello</h1>");
        assert_eq!(judged(page(), deleted().status(405)), Status::Warn);
        let finding = scan(asked().stream(": hello\n\n", 0), deleted().status(405)).judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.contains("event stream"), "{}", finding.message);
    }

    #[test]
    fn fails_on_crashes_and_hangs() {
        assert_eq!(judged(asked().status(500), deleted().status(405)), Status::Fail);
        assert_eq!(judged(asked().status(405), deleted().status(502)), Status::Fail);
        assert_eq!(judged(asked().held_until(10_000_000), deleted().status(405)), Status::Fail);
        let timeout = || deleted().held_until(10_000_000).failed(Phase::Head, FailureKind::HeaderTimeout);
        assert_eq!(judged(asked().status(405), timeout()), Status::Fail);
        // A crash stands, whatever could not be seen beside it.
        assert_eq!(Scan::modern().with(asked().status(500)).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_when_we_left_before_a_hang_was_shown() {
        let held = asked().held_until(300_000);
        let quick = scan(held, deleted().status(405)).profile(Profile::Quick);
        assert_eq!(quick.judge(&CHECK).status, Status::Inconclusive);
        let held = asked().held_until(9_000_000);
        assert_eq!(judged(held, deleted().status(405)), Status::Inconclusive);
    }

    #[test]
    fn undecided_when_one_of_them_was_not_seen() {
        assert_eq!(Scan::modern().with(asked().status(405)).judge(&CHECK).status, Status::Inconclusive);
        let reset = deleted().failed(Phase::Head, FailureKind::Reset);
        assert_eq!(judged(asked().status(405), reset), Status::Inconclusive);
        assert_eq!(judged(asked().status(403), deleted().status(405)), Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_dual_and_legacy_endpoints() {
        let dual = Scan::dual(true).with(asked().status(500));
        assert_eq!(dual.judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
    }
}
