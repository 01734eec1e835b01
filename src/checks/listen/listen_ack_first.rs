//! A subscription is acknowledged before anything else.

use crate::checks::prelude::*;
use crate::facts::listen::{First, first, streams, subscribes};
use crate::transcript::{Ended, Profile};

pub(super) static CHECK: Check = Check {
    id: "listen-ack-first",
    title: "A subscription is acknowledged first, and at once",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue, ProbeId::Listen]),
    basis: &[mcp!(
        "2026-07-28",
        "Subscriptions, Acknowledgment",
        "basic/patterns/subscriptions#acknowledgment"
    )],
    rationale: "The acknowledgement tells a client which changes it will hear of. Until it comes the client cannot know \
                whether it is subscribed at all, and what comes before it belongs to nothing.",
    remediation: "Answer `subscriptions/listen` with an event stream whose first message is \
                  `{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":\
                  {\"toolsListChanged\":true},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"1\"}}}`, and flush it \
                  at once. A server without subscriptions advertises neither `listChanged` nor `subscribe`.",
    causes: &[],
    how: How {
        sent: "`subscriptions/listen` with every type that is advertised; the stream is read for up to \
               10 s for the acknowledgement.",
        passes: "The acknowledgement is the first message, within 5 s. Comments and empty events before \
                 it are no messages.",
        warns: "It is the first message, after 5 to 10 s.",
        fails: "Another message comes first, none comes, the reply is JSON, or it is refused although \
                something to listen to is advertised.",
    },
    judge,
};

/// An acknowledgement in this time passes, microseconds.
const PROMPT_US: u64 = 5_000_000;
/// Without one until then there is none, microseconds.
const LOST_US: u64 = 10_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let capabilities =
        facts.catalogue(Era::Modern).ok().and_then(|catalogue| catalogue.capabilities.as_ref());
    if !capabilities.is_some_and(subscribes) {
        return not_applicable(
            "no `listChanged` and no `subscribe` is advertised: there is nothing to listen to",
        );
    }
    let exchange = facts.settled(ProbeId::Listen, "listen", Some(Era::Modern))?;
    if !streams(exchange) {
        return judge_refusal(facts, exchange);
    }
    match first(exchange) {
        Some(first) => judge_first(exchange, &first),
        None => judge_silence(facts, exchange),
    }
}

fn judge_first(exchange: &Exchange, first: &First) -> Judgement {
    let after_us = first.at_us.saturating_sub(exchange.started_us);
    let after = milliseconds(after_us);
    let text = first.message.as_ref().map_or_else(|| "no JSON".to_owned(), ToString::to_string);
    let evidence = Evidence::new(exchange, first.pointer.as_str(), text);
    if !first.acknowledges() {
        if first.error_code() == Some(names::INTERNAL_ERROR) {
            return inconclusive(
                "the subscription was refused with an internal error (a limit on subscriptions?)",
            );
        }
        let named =
            first.message.as_ref().and_then(|message| message.get("method")).and_then(|it| it.as_str());
        let what = match (named, first.error_code()) {
            (Some(method), _) => format!("`{}`", cut(method)),
            (None, Some(code)) => format!("an error ({code})"),
            (None, None) => "a message without a method".to_owned(),
        };
        return fail(
            evidence,
            format!("the first message on the listen stream is {what}, no acknowledgement"),
        );
    }
    match after_us {
        0..=PROMPT_US => pass(evidence, format!("acknowledged first, after {after}")),
        _ if after_us <= LOST_US => warn(evidence, format!("acknowledged first, but only after {after}")),
        _ => fail(evidence, format!("no acknowledgement came in 10 s (it came after {after})")),
    }
}

fn judge_silence(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    let watched_us = exchange.took_us();
    // Our own timer may fire a moment early.
    if watched_us.saturating_add(100_000) >= LOST_US || exchange.ended == Ended::Complete {
        let waited = milliseconds(watched_us);
        // Not even a comment: over HTTP/2 nginx that buffers passes on the headers alone.
        let nothing = exchange.first_byte_us.is_none() && exchange.lines().is_none_or(<[_]>::is_empty);
        if let Some(proxy) = facts.proxy().filter(|_| nothing && exchange.ended != Ended::Complete) {
            return inconclusive(format!(
                "not one byte came in {waited}; replies name a proxy that may hold it back: `{proxy}`"
            ));
        }
        let evidence = Evidence::new(exchange, "time", format!("no message in {waited}"));
        return fail(
            evidence,
            format!("the subscription is never acknowledged: no message came in {waited}"),
        );
    }
    if facts.profile() == Profile::Quick {
        return inconclusive("no acknowledgement came at once, and the quick profile does not wait");
    }
    inconclusive(format!("no acknowledgement in {}: too short to tell", milliseconds(watched_us)))
}

fn judge_refusal(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    let reply = facts.reply(exchange);
    let evidence = Evidence::status(exchange);
    match Outcome::of(exchange, reply) {
        Some(Outcome::Error { error, .. }) if error.code == Some(names::INTERNAL_ERROR) => {
            inconclusive("the subscription was refused with an internal error (a limit on subscriptions?)")
        }
        Some(Outcome::Error { error, .. }) if error.code == Some(names::METHOD_NOT_FOUND) => fail(
            evidence,
            "subscriptions are advertised, but `subscriptions/listen` is an unknown method (-32601)",
        ),
        Some(Outcome::Served) => {
            fail(evidence, "`subscriptions/listen` is answered in JSON, not by a stream")
        }
        Some(outcome) if exchange.status().is_some_and(|status| status < 500) => fail(
            evidence,
            format!("subscriptions are advertised, but `subscriptions/listen` gets {}", outcome.words()),
        ),
        Some(outcome) => inconclusive(format!("`subscriptions/listen` got {}", outcome.words())),
        None => inconclusive("`subscriptions/listen` was not answered"),
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    const ACK: &str = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{}}\n\n";
    const CHANGED: &str =
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{}}\n\n";
    const LIMIT: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":\"d-9\",\"error\":{\"code\":-32603,\"message\":\"limit reached\"}}\n\n";
    let endpoint = |capabilities: Value| {
        let result =
            json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":capabilities});
        Scan::empty()
            .with(discover().result(result))
            .with(initialize(ProbeId::Classify, "initialize").error(400, -32022, "no"))
    };
    let listen = || {
        let body = json!({"jsonrpc":"2.0","id":"d-9","method":names::LISTEN,"params":{}});
        post(ProbeId::Listen, "listen", Era::Modern, body)
    };
    let tools = || endpoint(json!({"tools":{"listChanged":true}}));
    let of = |made: Made| tools().with(made);
    let held = |text: &str| listen().stream(text, 0).held_until(35_000_000);
    let nginx = |text: &str| of(held(text).header("server", "nginx"));
    let after = |us| {
        let mut made = held(ACK);
        if let Content::Lines { lines, .. } = &mut made.made.content {
            lines.iter_mut().for_each(|line| line.at_us = us);
        }
        made
    };
    let quick = of(listen().stream("", 0).held_until(300_000)).profile(Profile::Quick);
    let commented = format!(": hi\n\ndata:\n\n{ACK}");
    hold(
        &CHECK,
        [
            pass("at once", of(after(20_000))).naming("20.0 ms"),
            pass(
                "comments and empty events are no messages",
                of(listen().stream(&commented, 0).held_until(20_000)),
            ),
            pass("resources", endpoint(json!({"resources":{"subscribe":true}})).with(after(1_000))),
            warn("late", of(after(6_000_000))),
            fail("second", of(held(&format!("{CHANGED}{ACK}")))),
            fail("only a comment", of(held(": ping\n\n"))),
            fail("the stream ends", of(listen().stream("", 0))),
            fail("too late", of(after(11_000_000))),
            fail("in JSON", of(listen().result(json!({"resultType":"complete"})))),
            fail("unknown", of(listen().error(404, -32601, "unknown"))),
            undecided("a proxy may hold every byte back", nginx("")).naming("`nginx`"),
            fail("a comment came through the proxy", nginx(": keep-alive\n\n")),
            undecided("quick does not wait", quick),
            undecided("a limit, on the stream", of(listen().stream(LIMIT, 0))),
            undecided("a limit", of(listen().error(500, -32603, "limit reached"))),
            undecided("a wall", of(listen().status(403))),
            undecided("unsent", tools().skip(ProbeId::Listen, Some("listen"), SkipReason::Budget))
                .naming("budget"),
            not_applicable("nothing to listen to", endpoint(json!({"tools":{}}))),
        ],
    );
}
