//! A subscription is acknowledged before anything else.

use crate::checks::prelude::*;
use crate::facts::listen::{First, first, streams, subscribes};
use crate::facts::outcome::Outcome;
use crate::protocol::names;
use crate::transcript::{Ended, Profile};
use crate::verdict::{cut, milliseconds};

pub(super) static CHECK: Check = Check {
    id: "listen-ack-first",
    title: "A subscription is acknowledged first, and at once",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue, ProbeId::Listen]),
    basis: &[Basis {
        title: "MCP 2026-07-28, Subscriptions, Acknowledgment",
        url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#acknowledgment",
    }],
    rationale: "The acknowledgement tells a client which changes it will hear of. Until it comes the client cannot know \
                whether it is subscribed at all, and what comes before it belongs to nothing.",
    remediation: "Answer `subscriptions/listen` with an event stream whose first message is \
                  `{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":\
                  {\"toolsListChanged\":true},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"1\"}}}`, and flush it \
                  at once. A server without subscriptions advertises neither `listChanged` nor `subscribe`.",
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
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, initialize, post};
    use crate::finding::Finding;
    use crate::protocol::names;
    use crate::protocol::revision::Era;
    use crate::transcript::{Content, ProbeId, Profile, SkipReason};
    use crate::verdict::Status;

    const ACK: &str = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{}}\n\n";
    const CHANGED: &str =
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{}}\n\n";

    fn endpoint(capabilities: &Value) -> Scan {
        let result =
            json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":capabilities});
        Scan::empty()
            .with(discover().result(result))
            .with(initialize(ProbeId::Classify, "initialize").error(400, -32022, "no"))
    }

    fn listen() -> Made {
        let body = json!({"jsonrpc":"2.0","id":"d-9","method":names::LISTEN,"params":{}});
        post(ProbeId::Listen, "listen", Era::Modern, body)
    }

    fn judged(made: Made) -> Finding {
        endpoint(&json!({"tools":{"listChanged":true}})).with(made).judge(&CHECK)
    }

    #[test]
    fn undecided_when_a_proxy_may_hold_back_every_byte() {
        let silent =
            |text: &str| judged(listen().stream(text, 0).header("server", "nginx").held_until(35_000_000));
        let finding = silent("");
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        assert!(finding.message.contains("`nginx`"), "{}", finding.message);
        // A comment came through.
        assert_eq!(silent(": keep-alive\n\n").status, Status::Fail);
    }

    fn after(us: u64) -> Made {
        let mut made = listen().stream(ACK, 0).held_until(35_000_000);
        if let Content::Lines { lines, .. } = &mut made.made.content {
            lines.iter_mut().for_each(|line| line.at_us = us);
        }
        made
    }

    #[test]
    fn passes_when_acknowledged_first() {
        let finding = judged(after(20_000));
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("20.0 ms"), "{}", finding.message);
        // Comments and empty events are no messages.
        let text = format!(": hi\n\ndata:\n\n{ACK}");
        assert_eq!(judged(listen().stream(&text, 0).held_until(20_000)).status, Status::Pass);
        let resources = endpoint(&json!({"resources":{"subscribe":true}})).with(after(1_000));
        assert_eq!(resources.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_when_late() {
        assert_eq!(judged(after(6_000_000)).status, Status::Warn);
    }

    #[test]
    fn fails_when_second_never_in_json_or_unknown() {
        let second = format!("{CHANGED}{ACK}");
        assert_eq!(judged(listen().stream(&second, 0).held_until(35_000_000)).status, Status::Fail);
        assert_eq!(judged(listen().stream(": ping\n\n", 0).held_until(35_000_000)).status, Status::Fail);
        assert_eq!(judged(listen().stream("", 0)).status, Status::Fail);
        assert_eq!(judged(after(11_000_000)).status, Status::Fail);
        assert_eq!(judged(listen().result(json!({"resultType":"complete"}))).status, Status::Fail);
        assert_eq!(judged(listen().error(404, -32601, "unknown")).status, Status::Fail);
    }

    #[test]
    fn undecided_in_quick_at_a_limit_or_unsent() {
        let quick = endpoint(&json!({"tools":{"listChanged":true}}))
            .with(listen().stream("", 0).held_until(300_000))
            .profile(Profile::Quick);
        assert_eq!(quick.judge(&CHECK).status, Status::Inconclusive);
        let limit = "data: {\"jsonrpc\":\"2.0\",\"id\":\"d-9\",\"error\":{\"code\":-32603,\"message\":\"limit reached\"}}\n\n";
        assert_eq!(judged(listen().stream(limit, 0)).status, Status::Inconclusive);
        assert_eq!(judged(listen().error(500, -32603, "limit reached")).status, Status::Inconclusive);
        assert_eq!(judged(listen().status(403)).status, Status::Inconclusive);
        let skipped = endpoint(&json!({"tools":{"listChanged":true}})).skip(
            ProbeId::Listen,
            Some("listen"),
            SkipReason::Budget,
        );
        assert!(skipped.judge(&CHECK).message.contains("budget"));
    }

    #[test]
    fn not_applicable_without_a_subscription() {
        assert_eq!(endpoint(&json!({"tools":{}})).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::NotApplicable);
    }
}
