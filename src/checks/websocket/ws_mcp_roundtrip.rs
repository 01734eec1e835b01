//! MCP messages on the socket are answered, one JSON-RPC message a text frame.

use crate::checks::prelude::*;
use crate::facts::reply::asks;
use crate::facts::{Kind, steps};
use crate::protocol::names;
use crate::transcript::{Direction, FrameKind, Profile};

pub(super) static CHECK: Check = Check {
    id: "ws-mcp-roundtrip",
    title: "MCP requests on the socket are answered, one message a text frame",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::to(&[Transport::Websocket], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::WebSocket]),
    basis: &[
        mcp!("2026-07-28", "Transports, Custom Transports", "basic/transports#custom-transports"),
        mcp!("2025-11-25", "Transports, Custom Transports", "basic/transports#custom-transports"),
        mcp!("2026-07-28", "Versioning", "basic/versioning"),
    ],
    rationale: "A custom transport must keep the JSON-RPC format and the order of messages, or no client but its own \
                can use it. A socket that selects `mcp` and stays silent costs every agent a timeout.",
    remediation: "Send each JSON-RPC message as one text frame, as it is: `{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}`, \
                  without an object around it. Answer `server/discover`, or `initialize`, `notifications/initialized` \
                  and `ping`.",
    causes: &[],
    how: How {
        sent: "`server/discover` as a text frame; if that is no modern reply, `initialize`, \
               `notifications/initialized` and `ping`.",
        passes: "Each request is answered in one text frame, with its id.",
        warns: "The JSON-RPC message is wrapped in something else.",
        fails: "The subprotocol `mcp` was selected and no reply comes within 10 s, or a second socket \
                answers with an error or silence.",
    },
    judge,
};

/// How long a socket that selected `mcp` is given to answer, microseconds; less what our clock takes.
const PATIENCE_US: u64 = 9_500_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    super::named::named_by_it(facts)?;
    if facts.class().kind == Kind::McpWebsocket { spoken(facts) } else { unspoken(facts) }
}

fn spoken(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut unseen = None;
    for exchange in facts.of(ProbeId::WebSocket).filter(|exchange| exchange.is_message() && asks(exchange)) {
        let step = &exchange.step;
        match &facts.reply(exchange).answer {
            Some(answer) if answer.result().is_some() => {
                let at = Evidence::new(exchange, "frames", format!("{step} answered with a result"));
                seen.add(Status::Pass, at, "answered");
            }
            Some(_) => {
                let at = Evidence::new(exchange, "frames", "an error");
                seen.add(Status::Fail, at, format!("{step} is answered with an error on a second socket"));
            }
            None if exchange.took_us() >= PATIENCE_US => {
                let at = Evidence::new(exchange, "frames", "no reply");
                seen.add(Status::Fail, at, format!("{step} met silence on a second socket"));
            }
            None => unseen = Some(format!("{step} was not answered, and could not be waited for")),
        }
    }
    if let (Some(reason), 0) = (unseen, seen.count(Status::Fail)) {
        return inconclusive(reason);
    }
    let sound = match facts.class().newest_era() {
        Some(Era::Modern) => "server/discover is answered",
        _ => "initialize and ping are answered",
    };
    seen.verdict(sound, &facts.why_not(ProbeId::WebSocket, None))
}

/// A socket on which no MCP was recognised: did it claim to speak it?
fn unspoken(facts: &Facts<'_>) -> Judgement {
    let sockets =
        ["websocket", "websocket-retry"].into_iter().flat_map(|step| facts.steps(ProbeId::Classify, step));
    let Some(exchange) = sockets.filter(|exchange| exchange.status() == Some(101)).last() else {
        return not_applicable("the socket did not open, so it never spoke MCP");
    };
    let said = steps::said(exchange);
    if let Some(index) = said.wrapped {
        let pointer = format!("frame {}", index.saturating_add(1));
        let text = exchange.frames().get(index).map(|frame| frame.text.as_str()).unwrap_or_default();
        let at = Evidence::new(exchange, pointer, text);
        return warn(at, "replies are JSON-RPC inside another object, which MCP clients do not read");
    }
    let selected = exchange.header("sec-websocket-protocol") == Some("mcp");
    let any = facts.steps(ProbeId::WebSocket, "subprotocol").next();
    let offered = any.and_then(|any| any.request.header("sec-websocket-protocol"));
    let selects_any =
        any.and_then(|any| any.header("sec-websocket-protocol")).is_some_and(|name| Some(name) == offered);
    if !selected || said.echo || selects_any {
        return not_applicable("a plain WebSocket: it never spoke MCP");
    }
    if said.text {
        return not_applicable("a plain WebSocket: it speaks something else");
    }
    let since = exchange
        .frames()
        .iter()
        .find(|frame| frame.direction == Direction::Out && frame.kind == FrameKind::Text)
        .map_or(exchange.started_us, |frame| frame.at_us);
    if exchange.ended_us.saturating_sub(since) >= PATIENCE_US && any.is_some() {
        let at = Evidence::header(exchange, "sec-websocket-protocol");
        let message = format!(
            "the socket selected `mcp` and answered neither {} nor {} in 10 s",
            names::DISCOVER,
            names::INITIALIZE
        );
        return fail(at, message);
    }
    if facts.profile() == Profile::Quick {
        return inconclusive(
            "it selected `mcp` and was silent; scan with the standard profile to wait for it",
        );
    }
    inconclusive("it selected `mcp`, and its answer could not be waited for")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Direction, FrameKind, MESSAGE, ProbeId, Profile};
    use crate::verdict::Status;

    const ASK: &str =
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;
    const SAY: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}"#;

    fn socket(reply: Option<&str>) -> Made {
        let mut frames = vec![(Direction::Out, FrameKind::Text, ASK)];
        frames.extend(reply.map(|reply| (Direction::In, FrameKind::Text, reply)));
        get(ProbeId::Classify, "websocket")
            .status(101)
            .header("sec-websocket-protocol", "mcp")
            .frames(&frames)
    }

    fn message(step: &str, reply: Option<Value>) -> Made {
        let body = json!({"jsonrpc":"2.0","id":4,"method":step});
        let mut frames = vec![(Direction::Out, FrameKind::Text, body.to_string())];
        frames.extend(reply.map(|reply| (Direction::In, FrameKind::Text, reply.to_string())));
        let frames: Vec<(Direction, FrameKind, &str)> =
            frames.iter().map(|(direction, kind, text)| (*direction, *kind, text.as_str())).collect();
        let mut made = post(ProbeId::WebSocket, step, Era::Legacy, body).frames(&frames);
        made.made.head = None;
        made.made.request.method = MESSAGE.to_owned();
        made
    }

    fn result() -> Option<Value> {
        Some(json!({"jsonrpc":"2.0","id":4,"result":{}}))
    }

    fn spoken(made: Vec<Made>) -> Finding {
        made.into_iter().fold(Scan::empty().with(socket(Some(SAY))), Scan::with).judge(&CHECK)
    }

    fn other(selected: Option<&str>) -> Made {
        let made =
            get(ProbeId::WebSocket, "subprotocol").sending("sec-websocket-protocol", "no.such").status(101);
        match selected {
            Some(name) => made.header("sec-websocket-protocol", name),
            None => made,
        }
    }

    #[test]
    fn passes_when_the_conversation_is_answered() {
        let finding = spoken(vec![message("initialize", result()), message("ping", result())]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn warns_of_an_envelope_around_replies() {
        let wrapped = format!(r#"{{"type":"mcp","payload":{SAY}}}"#);
        let finding = Scan::empty().with(socket(Some(&wrapped))).judge(&CHECK);
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
    }

    #[test]
    fn fails_when_a_request_gets_an_error_or_silence() {
        let error = Some(json!({"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"no"}}));
        let finding = spoken(vec![message("initialize", result()), message("ping", error)]);
        assert_eq!(finding.status, Status::Fail);
        let mut silent = message("ping", None);
        silent.made.ended_us = 10_000_000;
        assert_eq!(spoken(vec![message("initialize", result()), silent]).status, Status::Fail);
    }

    #[test]
    fn fails_when_mcp_was_selected_and_nothing_came() {
        let mut mute = socket(None);
        mute.made.ended_us = 10_100_000;
        let finding = Scan::empty().with(mute).with(other(None)).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
    }

    #[test]
    fn not_applicable_to_sockets_that_never_claimed_mcp() {
        let mute = || {
            let mut mute = socket(None);
            mute.made.ended_us = 10_100_000;
            mute
        };
        // It selects whatever is offered.
        let any = Scan::empty().with(mute()).with(other(Some("no.such"))).judge(&CHECK);
        assert_eq!(any.status, Status::NotApplicable);
        // An echo, also inside an envelope of its own.
        let echo = Scan::empty().with(socket(Some(ASK))).with(other(None)).judge(&CHECK);
        assert_eq!(echo.status, Status::NotApplicable);
        // It speaks something else.
        let talk = Scan::empty().with(socket(Some("{\"event\":\"tick\"}"))).with(other(None)).judge(&CHECK);
        assert_eq!(talk.status, Status::NotApplicable);
        assert_eq!(Scan::modern().with(socket(Some(SAY))).judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_when_it_could_not_be_waited_for() {
        let quick = Scan::empty().with(socket(None)).with(other(None)).profile(Profile::Quick).judge(&CHECK);
        assert_eq!(quick.status, Status::Inconclusive);
        assert!(quick.message.contains("standard"), "{}", quick.message);
        assert_eq!(spoken(vec![]).status, Status::Inconclusive);
        assert_eq!(spoken(vec![message("ping", None)]).status, Status::Inconclusive);
    }
}
