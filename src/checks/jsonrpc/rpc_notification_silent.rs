//! A message without an id gets no reply.

use crate::checks::prelude::*;
use crate::facts::reply::{Message, stream_messages};
use crate::facts::{era_use, lost_sessions};
use crate::verdict::milliseconds;

pub(super) static CHECK: Check = Check {
    id: "rpc-notification-silent",
    title: "A notification gets no JSON-RPC reply",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies {
        transports: &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        ..Applies::LEGACY
    },
    reads: Reads::All,
    basis: &[
        Basis {
            title: "JSON-RPC 2.0, Notification",
            url: "https://www.jsonrpc.org/specification#notification",
        },
        mcp!("2025-11-25", "Basic, Notifications", "basic#notifications"),
        mcp!(
            "2025-11-25",
            "Transports, Sending Messages to the Server, item 4",
            "basic/transports#sending-messages-to-the-server",
        ),
    ],
    rationale: "A client that gets a reply to something that it never asked has no call to give it to: many log an \
                error, some close the session. It comes right after the handshake, before any tool is seen.",
    remediation: "Look at the message before it is handled: one without `id` is a notification, and nothing is \
                  written back, also no `\"id\": null` and no error for an unknown name. Over HTTP answer with `202` \
                  and no body.",
    causes: &[],
    how: How {
        sent: "Nothing more: `notifications/initialized`, which follows each handshake that is used. Over HTTP+SSE \
               and WebSocket what comes on the stream within 3 s counts, until something is sent that lacks an id, too.",
        passes: "No result and no error comes for it.",
        warns: "",
        fails: "A result or an error comes for it, with a 2xx or on the stream.",
    },
    judge,
};

/// How long a reply on a shared stream is looked for, microseconds.
const LISTEN_US: u64 = 3_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let sent: Vec<&Exchange> = facts
        .exchanges()
        .filter(|exchange| exchange.era == Some(Era::Legacy) && exchange.expectation == Expectation::Plain)
        .filter(|exchange| facts.method(exchange) == Some(names::INITIALIZED))
        .collect();
    if sent.is_empty() {
        return inconclusive(facts.why_not(ProbeId::Classify, Some("initialized")));
    }
    let seen = Observations::each(sent, |exchange| Some(judge_one(facts, exchange)));
    let sound = format!("no reply came to `notifications/initialized` ({} sent)", seen.count(Status::Pass));
    seen.verdict_of_all(sound)
}

fn judge_one(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    let shared = exchange.stream.is_some() || exchange.is_message();
    if !exchange.is_message() {
        answered(exchange)?;
        let status = exchange.status().unwrap_or_default();
        if !exchange.ok() {
            if lost_sessions::at_times(facts, exchange) {
                return inconclusive(
                    "its session was not known where it came in, which says nothing about the notification",
                );
            }
            if (400..500).contains(&status) && !shared {
                let to = if era_use::read(facts, Era::Legacy).hollow() {
                    "sh-era-usable"
                } else {
                    "legacy-initialized-202"
                };
                return charged_to(to, format!("it is refused with {status}"));
            }
            return inconclusive(format!("`notifications/initialized` met {status}, which says nothing"));
        }
        let own = facts
            .reply(exchange)
            .messages
            .iter()
            .find(|message| answers_nothing(message) && !message.pointer.contains(" of #"));
        if let Some(message) = own {
            return replied(exchange, message, &format!("with {status} and a JSON-RPC {}", kind(message)));
        }
    }
    if !shared {
        return pass(Evidence::status(exchange), "silent");
    }
    let until = exchange.started_us.saturating_add(LISTEN_US).min(unnamed_from(facts, exchange));
    let window = exchange.started_us..=until;
    let heard = on_channel(facts, exchange);
    let stray = heard.iter().find(|(_, message)| window.contains(&message.at_us) && answers_nothing(message));
    if let Some((at, message)) = stray {
        if lost_answer(facts, exchange, until) {
            return inconclusive(
                "a reply without an id came, and a request near it got no answer of its own",
            );
        }
        return replied(at, message, &format!("with a JSON-RPC {} on the stream", kind(message)));
    }
    let listened = last_us(facts, exchange).min(until).saturating_sub(exchange.started_us);
    if listened < LISTEN_US / 3 && listened < until.saturating_sub(exchange.started_us) {
        return inconclusive(format!("listened for {} only", milliseconds(listened)));
    }
    pass(Evidence::text(exchange), "silent")
}

fn replied(exchange: &Exchange, message: &Message, how: &str) -> Judgement {
    let at = Evidence::new(
        exchange,
        message.pointer.as_str(),
        message.json.as_ref().map_or(String::new(), ToString::to_string),
    );
    fail(at, format!("`notifications/initialized` is answered {how}"))
}

/// Whether a message is a result or an error under no id: a reply to nothing that was asked. In the body of
/// the notification's own POST any reply is one.
fn answers_nothing(message: &Message) -> bool {
    message.json.as_ref().is_ok_and(|json| {
        jsonrpc::is_reply(json)
            && (message.pointer == "body" || json.get("id").is_none_or(serde_json::Value::is_null))
    })
}

fn kind(message: &Message) -> &'static str {
    if message.json.as_ref().is_ok_and(|json| json.get("error").is_some()) { "error" } else { "result" }
}

/// What shares the stream or the socket with a message.
fn beside<'t>(facts: &Facts<'t>, exchange: &Exchange) -> Vec<&'t Exchange> {
    facts
        .exchanges()
        .filter(|other| match exchange.stream {
            Some(stream) => other.stream == Some(stream) || other.id == stream,
            None => other.connection == exchange.connection,
        })
        .collect()
}

/// Every message that came on the stream or the socket, with the exchange that holds it.
fn on_channel<'t>(facts: &Facts<'t>, exchange: &Exchange) -> Vec<(&'t Exchange, Message)> {
    let beside = beside(facts, exchange);
    match exchange.stream {
        Some(id) => {
            let stream = beside.iter().find(|other| other.id == id);
            let all = stream.map(|stream| stream_messages(stream).into_iter().map(|one| (*stream, one)));
            all.into_iter().flatten().collect()
        }
        None => beside
            .into_iter()
            .flat_map(|other| facts.reply(other).messages.iter().map(move |one| (other, one.clone())))
            .collect(),
    }
}

/// When something was sent after it whose reply may lack an id for good reason.
fn unnamed_from(facts: &Facts<'_>, exchange: &Exchange) -> u64 {
    let beside = beside(facts, exchange);
    let unnamed =
        beside.iter().filter(|other| other.expectation != Expectation::Plain && other.request.body.is_some());
    unnamed.map(|other| other.started_us).filter(|at| *at > exchange.started_us).min().unwrap_or(u64::MAX)
}

/// Whether a request in the window got no answer under its own id.
fn lost_answer(facts: &Facts<'_>, exchange: &Exchange, until: u64) -> bool {
    beside(facts, exchange)
        .into_iter()
        .filter(|other| (exchange.started_us..=until).contains(&other.started_us))
        .any(|other| facts.asks(other) && facts.reply(other).answer.is_none())
}

/// Until when the channel was read.
fn last_us(facts: &Facts<'_>, exchange: &Exchange) -> u64 {
    beside(facts, exchange).iter().map(|other| other.ended_us).max().unwrap_or(exchange.ended_us)
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let body = || json!({"jsonrpc":"2.0","method":"notifications/initialized"});
    let told = || post(ProbeId::Classify, "initialized", Era::Legacy, body()).in_session("~session-1~");
    let of = |made: Made| Scan::legacy(true).with(made);
    let null = json!({"jsonrpc":"2.0","id":null,"result":{}});
    // Over HTTP+SSE: the POST, and the stream on which `text` came 10 ms after it.
    let shared = |text: &str, made: Made| {
        let scan = Scan::http_sse();
        let id = scan.next_id();
        let mut told = made;
        told.made.stream = Some(id + 1);
        let from = scan.transcript.exchanges.last().map_or(0, |last| last.ended_us);
        let mut scan =
            scan.with(told).with(get(ProbeId::HttpSse, "get").stream(text, 0).held_until(5_000_000));
        if let Some(stream) = scan.transcript.exchanges.last_mut() {
            stream.started_us = from;
            if let Content::Lines { lines, .. } = &mut stream.content {
                lines.iter_mut().for_each(|line| line.at_us = from + 10_000);
            }
        }
        scan
    };
    let posted = || post(ProbeId::HttpSse, "initialized", Era::Legacy, body()).status(202);
    let stray = format!("event: endpoint\ndata: /m\n\ndata: {null}\n\n");
    hold(
        &CHECK,
        [
            pass("202", of(told().status(202))),
            pass("200 without a body", of(told().status(200))),
            pass("a body that is no reply", of(told().status(200).json(json!({"ok":true})))),
            fail("a result", of(told().json(null.clone()))).naming("a JSON-RPC result"),
            fail(
                "an error",
                of(told().json(json!({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}))),
            ),
            fail("in an event", of(told().stream(&format!("data: {null}\n\n"), 0))),
            not_applicable("refused with an error", of(told().error(400, -32601, "no"))),
            pass("silence on the stream", shared("event: endpoint\ndata: /m\n\n", posted())),
            pass(
                "a request of the server's own",
                shared("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n\n", posted()),
            ),
            fail("a result on the stream", shared(&stray, posted())).naming("on the stream"),
            undecided(
                "the POST is refused",
                shared(&stray, post(ProbeId::HttpSse, "initialized", Era::Legacy, body()).status(400)),
            ),
            undecided("a gate", of(told().status(401))),
            undecided("a crash", of(told().status(500))),
            undecided("nothing was sent", Scan::legacy(true)),
        ],
    );
}
