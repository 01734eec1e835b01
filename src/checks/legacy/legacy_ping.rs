//! ping is answered, and with nothing.

use crate::checks::prelude::*;
use crate::facts::era_use;
use crate::facts::latency::answered_after;
use crate::facts::quote::quoted;
use crate::facts::refusal::{NoHead, no_answer};
use crate::facts::summary::percentile;

pub(super) static CHECK: Check = Check {
    id: "legacy-ping",
    title: "ping is answered promptly with an empty result",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies {
        transports: &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        ..Applies::LEGACY
    },
    reads: Reads::Every(Expectation::Plain),
    basis: &[mcp!("2025-11-25", "Ping, Behavior Requirements", "basic/utilities/ping#behavior-requirements")],
    rationale: "Clients ping to see whether a connection still lives, and drop it where no answer comes. A server that \
                refuses the ping loses sound sessions.",
    remediation: "Answer `ping` with `\"result\": {}` before anything else looks at the method: no permission, no \
                  back end. A gateway that knows a list of methods must know this one.",
    causes: &[],
    how: How {
        sent: "`ping`, once after the handshake, and wherever it is the cheapest call.",
        passes: "An empty result; half of the pings are answered within 2 s.",
        warns: "The result has members besides `_meta`, or it takes longer.",
        fails: "Every ping is refused or met with silence, and other requests are served.",
    },
    judge,
};

/// Later is not prompt, microseconds.
const PROMPT_US: u64 = 2_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let pings: Vec<&Exchange> = facts
        .calls()
        .filter(|exchange| exchange.era == Some(Era::Legacy) && facts.method(exchange) == Some("ping"))
        .filter(|exchange| exchange.step != era_use::WITHOUT_VERSION)
        .collect();
    let Some(first) = pings.first() else {
        return inconclusive(facts.why_not(ProbeId::EraUse, Some("ping")));
    };
    let result = |exchange: &Exchange| {
        let reply = facts.reply(exchange);
        reply.answer.as_ref().or(reply.lenient.as_ref()).and_then(jsonrpc::Answer::result)
    };
    let served: Vec<&Exchange> = pings.iter().copied().filter(|ping| result(ping).is_some()).collect();
    let Some(shown) = served.first() else {
        return refused(facts, first, pings.len());
    };
    let mut seen = Observations::new();
    let more = |ping: &&&Exchange| {
        let members = result(ping).and_then(|result| result.as_object());
        members.is_none_or(|members| members.keys().any(|name| name != "_meta"))
    };
    if let Some(odd) = served.iter().find(more) {
        seen.add(Status::Warn, Evidence::new(odd, "result", "members"), "the result of a ping is not empty");
    }
    let mut times: Vec<u64> = served
        .iter()
        .filter_map(|ping| Some((ping, answered_after(facts, ping)?)))
        .filter(|(ping, us)| !facts.disturbed(ping, *us))
        .map(|(_, us)| us)
        .collect();
    times.sort_unstable();
    let median = percentile(&times, 50);
    if median > PROMPT_US {
        let text = format!("a ping takes {} (median of {})", milliseconds(median), times.len());
        seen.add(Status::Warn, Evidence::new(shown, "time", milliseconds(median)), text);
    }
    seen.add(Status::Pass, Evidence::status(shown), "answered");
    seen.verdict(format!("{} of {} pings are answered with an empty result", served.len(), pings.len()), "")
}

fn refused(facts: &Facts<'_>, first: &Exchange, of: usize) -> Judgement {
    let used = era_use::read(facts, Era::Legacy);
    if used.hollow() {
        return charged_to("sh-era-usable", "every request of this era is refused, not `ping` alone");
    }
    let reply = facts.reply(first);
    if no_answer(first, reply, facts.header().limits.header_ms) == Some(NoHead::Silent) {
        if used.served.is_empty() {
            return inconclusive("`ping` met silence, and so did the rest");
        }
        let waited = milliseconds(first.took_us());
        return fail(
            Evidence::failure(first),
            format!("`ping` met silence for {waited}; other requests are served"),
        );
    }
    answered(first)?;
    match Outcome::of(first, reply) {
        Some(outcome @ (Outcome::Error { .. } | Outcome::Bare { .. })) => {
            if matches!(outcome, Outcome::Bare { status: 500.. }) {
                return inconclusive(format!(
                    "`ping` was answered with {}, which says nothing",
                    outcome.words()
                ));
            }
            let every = if of == 1 {
                "`ping` is refused".to_owned()
            } else {
                format!("each of {of} pings is refused")
            };
            fail(Evidence::status(first), format!("{every}{}", quoted(first)))
        }
        Some(outcome) => inconclusive(format!("`ping` was answered with {}", outcome.words())),
        None => inconclusive("no complete answer to `ping` came"),
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let ping = |step: &str| {
        post(ProbeId::EraUse, step, Era::Legacy, json!({"jsonrpc":"2.0","id":5,"method":"ping"}))
    };
    let list = || {
        post(
            ProbeId::Catalogue,
            "tools/list",
            Era::Legacy,
            json!({"jsonrpc":"2.0","id":6,"method":"tools/list"}),
        )
    };
    let of = |made: Made| Scan::legacy(true).with(made);
    let served = |made: Made| of(made).with(list().result(json!({"tools":[]})));
    let no = |made: Made| made.error(200, -32601, "Method not found");
    let mut silent = ping("ping").failed(Phase::Head, FailureKind::HeaderTimeout);
    silent.made.ended_us = 60_000_000;
    let short = ping("ping").failed(Phase::Head, FailureKind::HeaderTimeout);
    hold(
        &CHECK,
        [
            pass("an empty result", of(ping("ping").result(json!({})))),
            pass("with _meta", of(ping("ping").result(json!({"_meta":{"trace":"1"}})))),
            pass(
                "one slow of three",
                of(ping("ping").result(json!({})).slow(4_000_000))
                    .with(ping("fresh-1").result(json!({})))
                    .with(ping("fresh-2").result(json!({}))),
            ),
            warn("members", of(ping("ping").result(json!({"ok":true})))).naming("not empty"),
            warn("late", of(ping("ping").result(json!({})).slow(2_500_000))).naming("median of 1"),
            fail("refused", served(no(ping("ping")))).naming("Method not found"),
            fail("refused, and nothing else was asked", of(ping("ping").status(404))),
            fail("silence", served(silent)).naming("silence"),
            not_applicable(
                "the whole era is refused",
                of(no(ping("ping"))).with(no(list())).with(no(ping("again").on(7))),
            ),
            undecided("a short wait", served(short)),
            undecided("a crash", served(ping("ping").status(500))),
            undecided("a gate", served(ping("ping").status(401))),
            undecided("nothing was sent", Scan::legacy(true)),
        ],
    );
}
