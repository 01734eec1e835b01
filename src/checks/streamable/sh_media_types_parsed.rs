//! Media types are header fields with a grammar, not strings to compare.

use crate::checks::prelude::*;
use crate::facts::barrier::essence;
use crate::facts::quote::quoted;

pub(super) static CHECK: Check = Check {
    id: "sh-media-types-parsed",
    title: "Accept and Content-Type are read as header fields",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(&[Transport::StreamableHttp], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::EraUse, ProbeId::ContentType]),
    basis: &[
        rfc!(9110, "8.3.1", "Media Type (parameters)"),
        rfc!(9110, "12.5.1", "Accept (order and weights)"),
        rfc!(9110, "15.5.7", "406 Not Acceptable"),
        mcp!(
            "2026-07-28",
            "Transports, Streamable HTTP, Sending Messages",
            "basic/transports/streamable-http#sending-messages",
        ),
    ],
    rationale: "HTTP libraries add `; charset=utf-8` and write media types in an order of their own. A server that \
                compares strings refuses sound clients, and nothing in its 415 or 406 tells them why.",
    remediation: "Take what stands before the first `;` as the type, without case, and look for each type among the \
                  items of `Accept`, in any order and with any weight: `application/json; charset=utf-8` is JSON. \
                  Use the parser of your framework (`req.is('application/json')`, `req.accepts(...)`).",
    causes: &[],
    how: How {
        sent: "The cheapest request with `Content-Type: application/json; charset=utf-8`; in `standard`, with \
               `Accept: text/event-stream;q=0.9, application/json`, with `*/*` and with `application/json` alone.",
        passes: "Each is served; JSON alone gets JSON, or 406.",
        warns: "The parameter or `*/*` is refused, or JSON alone gets an event stream.",
        fails: "The other order is refused.",
    },
    judge,
};

/// Step, header, what was written, and what a refusal counts as.
const FIELDS: [(&str, &str, &str, Status); 3] = [
    ("charset", "Content-Type", "application/json; charset=utf-8", Status::Warn),
    ("accept-order", "Accept", "text/event-stream;q=0.9, application/json", Status::Fail),
    ("accept-any", "Accept", "*/*", Status::Warn),
];

fn judge(facts: &Facts<'_>) -> Judgement {
    let (mut seen, mut unclear) = (Observations::new(), None);
    if let Some(exchange) = other_order(facts) {
        let order = exchange.request.header("accept").unwrap_or_default();
        let message = format!("`Accept: {order}` is refused with 406, and served in the other order");
        seen.add(Status::Fail, Evidence::status(exchange), message);
    }
    let mut words = Vec::new();
    for (step, name, value, refused) in FIELDS {
        for exchange in facts.steps(ProbeId::ContentType, step) {
            match field(facts, exchange, &format!("`{name}: {value}`"), refused) {
                Ok(verdict) => {
                    seen.push(verdict);
                    words.push(step);
                }
                Err(reason) => unclear = unclear.or(Some(reason)),
            }
        }
    }
    for exchange in facts.steps(ProbeId::ContentType, "accept-json") {
        match json_alone(facts, exchange) {
            Ok(verdict) => seen.push(verdict),
            Err(reason) => unclear = unclear.or(Some(reason)),
        }
    }
    if seen.is_empty() && unclear.is_none() {
        return inconclusive(facts.why_not(ProbeId::ContentType, Some("charset")));
    }
    words.dedup();
    let sound = match (words.contains(&"charset"), words.contains(&"accept-order")) {
        (true, true) => "a charset is understood, and Accept in any order and with weights".to_owned(),
        (true, false) => "a charset beside the type is understood".to_owned(),
        _ => "Accept is understood in any order and with weights".to_owned(),
    };
    match unclear {
        Some(reason) if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 => Err(reason),
        _ => seen.verdict(sound, ""),
    }
}

fn field(facts: &Facts<'_>, exchange: &Exchange, what: &str, refused: Status) -> Judgement {
    facts.twin_served(exchange)?;
    answered(exchange)?;
    let status = exchange.status().unwrap_or_default();
    let reply = facts.reply(exchange);
    if reply.served() {
        return pass(Evidence::status(exchange), "served");
    }
    match status {
        // Another status speaks of something else: a session that is lost, a route.
        400 | 406 | 415 => Ok(Verdict::of(
            refused,
            vec![Evidence::status(exchange)],
            format!("{what} is refused{}", quoted(exchange)),
        )),
        200..=299 if reply.error_code().is_some() => Ok(Verdict::of(
            refused,
            vec![Evidence::status(exchange)],
            format!("{what} is answered with an error{}", quoted(exchange)),
        )),
        _ => inconclusive(format!("{what} was neither served nor refused ({status})")),
    }
}

fn json_alone(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    facts.twin_served(exchange)?;
    answered(exchange)?;
    let at = || Evidence::header(exchange, "content-type");
    let what = "`Accept: application/json`";
    match exchange.status().unwrap_or_default() {
        200..=299 if essence(exchange).as_deref() == Some("text/event-stream") => {
            warn(at(), format!("{what} is answered with an event stream"))
        }
        200..=299 if facts.reply(exchange).served() => pass(at(), "JSON"),
        // No client that follows MCP sends it alone.
        400 | 406 | 415 => pass(Evidence::status(exchange), "refused"),
        status => inconclusive(format!("{what} was neither served nor refused ({status})")),
    }
}

/// A request that was refused with 406 and served with its media types the other way round.
fn other_order<'t>(facts: &Facts<'t>) -> Option<&'t Exchange> {
    let accept = |exchange: &Exchange| exchange.request.header("accept").map(str::to_owned);
    facts.of(ProbeId::Classify).find(|refused| {
        refused.request.method == "POST"
            && refused.status() == Some(406)
            && facts.of(ProbeId::Classify).any(|other| {
                other.step == refused.step && accept(other) != accept(refused) && facts.reply(other).served()
            })
    })
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let ping = || json!({"jsonrpc":"2.0","id":9,"method":"ping"});
    let twin = || post(ProbeId::EraUse, "ping", Era::Legacy, ping()).result(json!({}));
    let sent = |step: &str| post(ProbeId::ContentType, step, Era::Legacy, ping()).negative();
    let of = |made: Made| Scan::legacy(true).with(twin()).with(made);
    let served = |step: &str| sent(step).result(json!({}));
    let all = || of(served("charset")).with(served("accept-order")).with(served("accept-any"));
    let order = |status: u16| {
        let first = initialize(ProbeId::Classify, "initialize").status(406);
        let mut again = initialize(ProbeId::Classify, "initialize");
        again.made.request.headers =
            vec![("accept".to_owned(), "text/event-stream, application/json".to_owned())];
        Scan::empty()
            .with(first)
            .with(again.result(json!({"protocolVersion":"2025-11-25"})).status(status))
            .with(twin())
    };
    hold(
        &CHECK,
        [
            pass("all served", all().with(served("accept-json"))),
            pass("in quick", of(served("charset"))),
            pass("JSON alone is not acceptable", all().with(sent("accept-json").status(406))),
            warn("a charset", of(sent("charset").status(415).body("text/plain", "JSON only")))
                .naming("JSON only"),
            warn("a charset as an error", of(sent("charset").error(200, -32600, "type"))),
            warn("anything", of(served("charset")).with(sent("accept-any").status(406))).naming("*/*"),
            fail("the order", of(served("charset")).with(sent("accept-order").status(406))).naming("q=0.9"),
            warn(
                "JSON alone gets a stream",
                all().with(
                    sent("accept-json").stream("data: {\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n\n", 0),
                ),
            ),
            fail("the usual order", order(200)).naming("other order"),
            undecided("a session that is lost", of(sent("accept-order").status(404))),
            undecided("a gate", of(sent("charset").status(401))),
            undecided("a crash", of(sent("charset").status(500))),
            undecided(
                "the twin is refused",
                Scan::legacy(true).with(twin().error(400, -32600, "no")).with(served("charset").twin(4)),
            ),
            undecided("not sent", Scan::legacy(true)),
        ],
    );
}
