//! What is posted to the announced URI is answered on the stream.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::refusal::{NoHead, no_answer, no_head};
use crate::facts::reply::asks;
use crate::protocol::announced::announced;
use crate::protocol::sse;
use crate::verdict::{cut, milliseconds};

pub(super) static CHECK: Check = Check {
    id: "http-sse-roundtrip",
    title: "Posted requests are answered as message events on the stream",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(&[Transport::HttpSse], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse]),
    basis: &[mcp!("2024-11-05", "Transports, HTTP with SSE", "basic/transports#http-with-sse")],
    rationale: "Clients of this transport listen to `message` events on the stream and to nothing else. A reply in \
                the POST's body, or under another name, never reaches the agent.",
    remediation: "Answer the POST with `202 Accepted` and an empty body, and write the reply to the stream: \
                  `event: message`, then `data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}`, then an empty line.",
    causes: &[Cause {
        word: "prefix-lost",
        remedy: Some(
            "Announce the URI with the prefix under which the application is mounted: in the Python SDK give \
             `SseServerTransport` the whole path or set `root_path`, elsewhere let the proxy send the prefix and the \
             server put it before the path of its `endpoint` event.",
        ),
    }],
    how: How {
        sent: "`initialize`, `notifications/initialized` and `ping` are posted to the announced URI; \
               replies are read from the stream.",
        passes: "Each POST is answered 2xx, and each reply comes as a `message` event within 10 s.",
        warns: "The reply comes on the stream and in the body of the POST.",
        fails: "It comes in the body alone, under another event name, or not at all; or the POST is refused.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind != Kind::HttpSse {
        return not_applicable("the old transport is only listed beside Streamable HTTP");
    }
    let mut seen = Observations::new();
    let mut unclear = None;
    let posts = facts.of(ProbeId::HttpSse).filter(|exchange| exchange.stream.is_some());
    for exchange in posts {
        match judge_post(facts, exchange) {
            Ok(verdict) => seen.push(verdict),
            Err(reason) => unclear = unclear.or(Some(reason)),
        }
    }
    if seen.is_empty() && unclear.is_none() {
        return inconclusive(nothing_posted(facts));
    }
    let sound = "initialize and ping are answered as message events on the stream";
    match unclear {
        Some(reason) if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 => Err(reason),
        _ => seen.verdict(sound, ""),
    }
}

fn nothing_posted(facts: &Facts<'_>) -> String {
    let stream = facts.of(ProbeId::Classify).find(|exchange| exchange.step == "get");
    let usable = stream.and_then(|exchange| {
        let base = url::Url::parse(&exchange.request.url).ok()?;
        let blocks = sse::blocks(exchange.lines()?);
        let block = blocks.iter().find(|block| block.dispatched() && block.name() == "endpoint")?;
        announced(&base, block.data.as_deref()?).same_origin()
    });
    if usable.is_none() {
        return "nothing was posted: the announced URI is unusable, or of another origin".to_owned();
    }
    facts.why_not(ProbeId::HttpSse, Some("initialize"))
}

fn judge_post(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    let step = exchange.step.as_str();
    let reply = facts.reply(exchange);
    if no_head(exchange, facts.header().limits.header_ms) == Some(NoHead::Silent) {
        return fail(Evidence::failure(exchange), format!("the POST of {step} was never answered"));
    }
    answered(exchange)?;
    let status = exchange.status().unwrap_or_default();
    if let (404 | 405, Some(prefix)) = (status, lost_prefix(facts, exchange)) {
        let message = format!(
            "the POST of {step} to the announced URI was refused with {status}, and its path lacks the prefix \
             `{prefix}` under which the stream is mounted"
        );
        return fail(Evidence::status(exchange), message).map(|verdict| verdict.because("prefix-lost"));
    }
    if !exchange.ok() {
        let message = format!("the POST of {step} to the announced URI was refused with {status}");
        return fail(Evidence::status(exchange), message);
    }
    if !asks(exchange) {
        return pass(Evidence::status(exchange), "accepted");
    }
    let ours = |on_stream: bool| {
        reply.messages.iter().find(|message| {
            (message.pointer != "body") == on_stream
                && message.json.as_ref().is_ok_and(|value| {
                    value.get("method").is_none()
                        && (value.get("result").is_some() || value.get("error").is_some())
                })
        })
    };
    match (ours(true), ours(false)) {
        (Some(message), body) => {
            let name = message.event.as_deref().filter(|name| !matches!(*name, "" | "message"));
            let at = Evidence::new(exchange, message.pointer.as_str(), "the reply");
            if let Some(name) = name {
                let name = cut(name);
                return fail(at, format!("the reply to {step} is an event named `{name}`, not `message`"));
            }
            if body.is_some() {
                let at = Evidence::text(exchange);
                return warn(at, format!("the reply to {step} comes on the stream and in the POST's body"));
            }
            pass(at, "answered")
        }
        (None, Some(_)) => fail(
            Evidence::text(exchange),
            format!("the reply to {step} comes in the POST's body and not on the stream"),
        ),
        (None, None) => match no_answer(exchange, reply, facts.header().limits.header_ms) {
            Some(NoHead::Silent) => {
                let waited = milliseconds(exchange.took_us());
                let message = format!("{step} was accepted with {status}, and no reply came in {waited}");
                fail(Evidence::status(exchange), message)
            }
            _ => inconclusive(format!("{step} was accepted, and its reply could not be waited for")),
        },
    }
}

/// The folder of the stream's path, where the announced path is not below it. Cut.
fn lost_prefix(facts: &Facts<'_>, exchange: &Exchange) -> Option<String> {
    let stream = url::Url::parse(&facts.header().url).ok()?;
    let posted = url::Url::parse(&exchange.request.url).ok()?;
    let (folder, _) = stream.path().rsplit_once('/')?;
    let below = posted.path().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    (!folder.is_empty() && !below).then(|| cut(folder))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn posted(step: &str, body: Value) -> Made {
        post(ProbeId::HttpSse, step, Era::Legacy, body)
    }

    fn ping() -> Made {
        posted("ping", json!({"jsonrpc":"2.0","id":2,"method":"ping"}))
    }

    /// The POST and then its stream, on which `text` came while it was under way.
    fn scan(mut made: Made, text: &str) -> Scan {
        let scan = Scan::http_sse();
        let id = scan.next_id();
        made.made.stream = Some(id + 1);
        let mut stream = get(ProbeId::HttpSse, "get").stream(text, 0);
        stream.made.started_us = 0;
        let mut scan = scan.with(made);
        let (from, to) =
            scan.transcript.exchanges.last().map(|made| (made.started_us, made.ended_us)).unwrap();
        scan = scan.with(stream);
        if let Some(crate::transcript::Content::Lines { lines, .. }) =
            scan.transcript.exchanges.last_mut().map(|made| &mut made.content)
        {
            lines.iter_mut().for_each(|line| line.at_us = (from + to) / 2);
        }
        scan
    }

    fn judged(made: Made, text: &str) -> Finding {
        scan(made, text).judge(&CHECK)
    }

    const REPLY: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n\n";

    #[test]
    fn passes_on_message_events_named_or_not() {
        assert_eq!(judged(ping().status(202), REPLY).status, Status::Pass);
        let named = format!("event: message\n{REPLY}");
        assert_eq!(judged(ping().status(200), &named).status, Status::Pass);
        // An error is an answer, too, and what the server says on its own is none.
        let text = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n\
                    data: {\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32601,\"message\":\"no\"}}\n\n";
        let finding = judged(ping().status(202), text);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn warns_when_the_reply_comes_twice() {
        let finding = judged(ping().result(json!({})), REPLY);
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
    }

    #[test]
    fn fails_when_the_reply_comes_elsewhere_or_not_at_all() {
        assert_eq!(judged(ping().result(json!({})), ": x\n\n").status, Status::Fail);
        assert_eq!(judged(ping().status(202), &format!("event: reply\n{REPLY}")).status, Status::Fail);
        let mut silent = ping().status(202);
        silent.made.ended_us = 10_100_000;
        assert_eq!(judged(silent, ": x\n\n").status, Status::Fail);
        let mut hung = ping().failed(Phase::Head, FailureKind::HeaderTimeout);
        hung.made.ended_us = 10_100_000;
        assert_eq!(judged(hung, ": x\n\n").status, Status::Fail);
        assert_eq!(judged(ping().status(404).body("text/plain", "no"), ": x\n\n").status, Status::Fail);
    }

    #[test]
    fn undecided_when_nothing_was_posted_or_not_waited_for() {
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::Inconclusive);
        let elsewhere = Scan::feed("event: endpoint\ndata: http://evil.invalid/m\n\n").judge(&CHECK);
        assert_eq!(elsewhere.status, Status::Inconclusive);
        assert!(elsewhere.message.contains("another origin"), "{}", elsewhere.message);
        assert_eq!(judged(ping().status(202), ": x\n\n").status, Status::Inconclusive);
        assert_eq!(judged(ping().status(401), ": x\n\n").status, Status::Inconclusive);
        // A reply to another request is none to this one.
        let other = "data: {\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}\n\n";
        assert_eq!(judged(ping().status(202), other).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_other_transports() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
    }
}
