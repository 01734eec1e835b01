//! A stream that answered has nothing more to say.

use crate::checks::prelude::*;
use crate::facts::streams::cut_short;

pub(super) static CHECK: Check = Check {
    id: "sh-stream-ends-after-response",
    title: "The stream of a POST ends soon after its response",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::mcp(&[Transport::StreamableHttp], Gated::Unseen),
    reads: Reads::All,
    basis: &[
        mcp!(
            "2025-11-25",
            "Transports, Sending Messages to the Server, item 6",
            "basic/transports#sending-messages-to-the-server",
        ),
        mcp!(
            "2026-07-28",
            "Transports, Streamable HTTP, Receiving Messages",
            "basic/transports/streamable-http#receiving-messages",
        ),
    ],
    rationale: "Clients that read a reply to its end hang until their own limit, though the answer is there. Every call \
                keeps a connection at the server and at each proxy on the way.",
    remediation: "End the response once the message with the request's id is written: `res.end()`, or return from the \
                  generator. Clear the timer of its keep-alives first; one that goes on writing holds it open.",
    causes: &[],
    how: How {
        sent: "The streams that answer POSTs. Where one was open when its response was there, `standard` sends one such \
               request more and watches it for 5 s. `subscriptions/listen` is left out.",
        passes: "Each ends within 5 s after its response, in whatever way.",
        warns: "It is open 5 s after its response, keep-alives or not.",
        fails: "",
    },
    judge,
};

/// How long a stream may last after its response, microseconds.
const SOON_US: u64 = 5_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let streams: Vec<(&Exchange, u64)> = facts
        .exchanges()
        .filter(|exchange| {
            exchange.era == Some(era) && exchange.expectation == Expectation::Plain && exchange.ok()
        })
        .filter(|exchange| exchange.request.method == "POST" && exchange.probe != ProbeId::Listen)
        .filter(|exchange| exchange.lines().is_some())
        .filter_map(|exchange| Some((exchange, answered_us(facts, exchange)?)))
        .collect();
    if streams.is_empty() {
        let posts =
            facts.exchanges().filter(|exchange| exchange.era == Some(era) && facts.reply(exchange).served());
        return if posts.count() > 0 {
            not_applicable("no POST was answered by an event stream with its response")
        } else {
            inconclusive("no response came")
        };
    }
    let (mut seen, mut open) = (Observations::new(), None);
    for (exchange, at_us) in &streams {
        let after = exchange.ended_us.saturating_sub(*at_us);
        let ended = exchange.ended == crate::transcript::Ended::Complete || cut_short(exchange);
        let at = || Evidence::new(exchange, "time", format!("response, then {}", milliseconds(after)));
        if after >= SOON_US && !facts.disturbed(exchange, exchange.took_us()) {
            let message = if ended {
                format!("a stream ended {} after its response only", milliseconds(after))
            } else {
                format!("a stream was still open {} after its response", milliseconds(after))
            };
            seen.add(Status::Warn, at(), message);
        } else if ended {
            seen.add(Status::Pass, at(), "ended");
        } else {
            open = Some(*exchange);
        }
    }
    let watched = streams.iter().any(|(exchange, _)| exchange.step == "ends");
    if seen.count(Status::Warn) == 0 && open.is_some() && !watched {
        return inconclusive(match facts.profile() {
            crate::transcript::Profile::Quick => {
                "a stream was open when its response was there, and the quick profile does not watch it"
                    .to_owned()
            }
            _ => facts.why_not(ProbeId::Delivery, Some("ends")),
        });
    }
    let sound =
        format!("streams ended after their response ({} seen to their end)", seen.count(Status::Pass));
    seen.distinct().verdict(sound, "a stream was left before its end could be seen")
}

/// When the response was complete.
fn answered_us(facts: &Facts<'_>, exchange: &Exchange) -> Option<u64> {
    let reply = facts.reply(exchange);
    reply.messages.get(reply.answered_by?).map(|message| message.at_us)
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let body = || json!({"jsonrpc":"2.0","id":7,"method":"ping"});
    const ANSWER: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
    let ask = || post(ProbeId::IdEcho, "integer", Era::Legacy, body()).stream(ANSWER, 0);
    let watched =
        |us: u64| post(ProbeId::Delivery, "ends", Era::Legacy, body()).stream(ANSWER, 0).held_until(us);
    let of = |made: Made| Scan::legacy(true).with(made);
    let left = || ask().held_until(70_000);
    let mut late = ask();
    late.made.ended_us = 9_000_000;
    let mut cut = ask().failed(Phase::Body, FailureKind::Truncated);
    cut.made.ended_us = 50_000;
    hold(
        &CHECK,
        [
            pass("at once", of(ask())).naming("1 seen"),
            pass("cut short", of(cut)),
            pass(
                "one was left too soon",
                of(left()).with(ask()).with({
                    let mut ends = watched(400_000);
                    ends.made.ended = crate::transcript::Ended::Complete;
                    ends
                }),
            ),
            warn("open", of(left()).with(watched(5_200_000))).naming("still open"),
            warn("late", of(late)).naming("only"),
            undecided("left too soon", of(left())),
            undecided("left too soon in quick", of(left()).profile(Profile::Quick)),
            not_applicable("JSON", Scan::legacy(true)),
        ],
    );
}
