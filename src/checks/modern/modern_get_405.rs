//! A modern-only endpoint has nothing to give to GET and DELETE, and says so.

use crate::checks::prelude::*;
use crate::facts::barrier;
use crate::facts::steps::{self, Get};

pub(super) static CHECK: Check = Check {
    id: "modern-get-405",
    title: "GET and DELETE on a modern-only endpoint are answered with 405",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernMethods]),
    basis: &[mcp!(
        "2026-07-28",
        "Streamable HTTP, Earlier Streamable HTTP revisions",
        "basic/transports/streamable-http#earlier-streamable-http-revisions"
    )],
    rationale: "Older clients open a stream with GET and end a session with DELETE. A prompt 405 tells them that \
                neither exists here; anything else makes them wait, retry or misjudge the server.",
    remediation: "Route POST only, and answer every other method on the endpoint with `405 Method Not Allowed` and \
                  `Allow: POST`.",
    causes: &[],
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
        200 if exchange.declares_event_stream() => seen.add(
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
#[test]
fn examples() {
    use crate::checks::examples::*;
    let asked = || get(ProbeId::Classify, "get");
    let deleted = || request("DELETE", ProbeId::ModernMethods, "delete").negative().twin(2);
    let both = |got: Made, deleted: Made| Scan::modern().with(got).with(deleted);
    let got = |made: Made| both(made, deleted().status(405));
    let gone = |made: Made| both(asked().status(405), made);
    let page = asked().status(200).body("text/html", "<h1>hello</h1>");
    let timeout = deleted().held_until(10_000_000).failed(Phase::Head, FailureKind::HeaderTimeout);
    let other = [400, 404, 406, 204, 501].into_iter().flat_map(|status| {
        let words = |method: &str| format!("{status} to {method}");
        [
            warn(words("GET"), got(asked().status(status))),
            warn(words("DELETE"), gone(deleted().status(status))),
        ]
    });
    let rows = [
        pass("405 to both", got(asked().status(405))),
        warn("a page", got(page)),
        warn("an event stream", got(asked().stream(": hello\n\n", 0))).naming("event stream"),
        fail("GET crashes", got(asked().status(500))),
        fail("DELETE crashes", gone(deleted().status(502))),
        fail("GET hangs", got(asked().held_until(10_000_000))),
        fail("DELETE hangs", gone(timeout)),
        fail("a crash, whatever was not seen beside it", Scan::modern().with(asked().status(500))),
        undecided("we left at once", got(asked().held_until(300_000)).profile(Profile::Quick)),
        undecided("we left too early", got(asked().held_until(9_000_000))),
        undecided("no DELETE was sent", Scan::modern().with(asked().status(405))),
        undecided("reset", gone(deleted().failed(Phase::Head, FailureKind::Reset))),
        undecided("a wall", got(asked().status(403))),
        not_applicable("the legacy side may serve GET", Scan::dual(true).with(asked().status(500))),
    ];
    hold(&CHECK, rows.into_iter().chain(other));
}
