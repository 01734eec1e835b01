//! A notification is acknowledged with 202, and with nothing else.

use crate::checks::prelude::*;
use crate::facts::quote::quoted;
use crate::facts::{era_use, lost_sessions};

pub(super) static CHECK: Check = Check {
    id: "legacy-initialized-202",
    title: "notifications/initialized is answered with 202 and no body",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::LEGACY,
    reads: Reads::Every(Expectation::Plain),
    basis: &[mcp!(
        "2025-11-25",
        "Transports, Sending Messages to the Server, item 4",
        "basic/transports#sending-messages-to-the-server",
    )],
    rationale: "It is the second thing that every client sends. One that is refused here never comes to the tools; \
                strict clients take another status than 202 for an error.",
    remediation: "Answer a message without `id` with `202 Accepted`, `Content-Length: 0` and no body, before any \
                  method is looked up. In Express: `res.status(202).end()`, not `res.json(...)`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `notifications/initialized`, which follows each handshake that is used.",
        passes: "202 without a body.",
        warns: "200 or 204 without a body, or a body that is no JSON-RPC.",
        fails: "It is refused.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let sent: Vec<&Exchange> = facts
        .exchanges()
        .filter(|exchange| exchange.era == Some(Era::Legacy) && exchange.request.method == "POST")
        .filter(|exchange| facts.method(exchange) == Some(names::INITIALIZED))
        .collect();
    if sent.is_empty() {
        return inconclusive(facts.why_not(ProbeId::Classify, Some("initialized")));
    }
    let seen = Observations::each(sent, |exchange| Some(judge_one(facts, exchange)));
    let sound = match seen.count(Status::Pass) {
        1 => "answered with 202 and no body".to_owned(),
        times => format!("answered with 202 and no body, {times} times"),
    };
    seen.verdict_of_all(sound)
}

fn judge_one(facts: &Facts<'_>, exchange: &Exchange) -> Judgement {
    answered(exchange)?;
    let status = exchange.status().unwrap_or_default();
    let at = || Evidence::status(exchange);
    if exchange.ok()
        && facts.reply(exchange).messages.iter().any(|one| one.json.as_ref().is_ok_and(jsonrpc::is_reply))
    {
        return charged_to("rpc-notification-silent", "it is answered like a request");
    }
    if status >= 500 || (300..400).contains(&status) {
        return inconclusive(format!("`notifications/initialized` met {status}, which says nothing"));
    }
    if !exchange.ok() && era_use::read(facts, Era::Legacy).hollow() {
        return charged_to(
            "sh-era-usable",
            "every request after the handshake is refused, not this one alone",
        );
    }
    if lost_sessions::at_times(facts, exchange) {
        return inconclusive(
            "its session was not known where it came in, which says nothing about the notification",
        );
    }
    if !exchange.ok() {
        return fail(at(), format!("`notifications/initialized` is refused{}", quoted(exchange)));
    }
    let empty = exchange.text().is_none_or(|text| text.trim().is_empty())
        && exchange.lines().is_none_or(<[_]>::is_empty);
    match (status, empty) {
        (202, true) => pass(at(), "accepted"),
        (202, false) => warn(at(), "`notifications/initialized` is answered with 202 and a body"),
        (_, true) => {
            warn(at(), format!("`notifications/initialized` is answered with {status} in place of 202"))
        }
        (_, false) => warn(
            at(),
            format!(
                "`notifications/initialized` is answered with {status} and a body, in place of 202 and none"
            ),
        ),
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let told = || {
        post(
            ProbeId::Classify,
            "initialized",
            Era::Legacy,
            json!({"jsonrpc":"2.0","method":"notifications/initialized"}),
        )
        .in_session("~session-1~")
    };
    let of = |made: Made| Scan::legacy(true).with(made);
    hold(
        &CHECK,
        [
            pass("202", of(told().status(202))),
            pass("202 with a type and no body", of(told().status(202).body("application/json", ""))),
            warn("200", of(told().status(200))).naming("with 200"),
            warn("204", of(told().status(204))),
            warn("words", of(told().status(202).body("text/plain", "Accepted"))).naming("a body"),
            warn("an object", of(told().status(200).json(json!({"ok":true})))).naming("200 and a body"),
            warn("a stream", of(told().stream(": hi\n\n", 0))),
            fail("refused", of(told().status(400).body("text/plain", "unknown method")))
                .naming("unknown method"),
            fail("refused wherever it comes", of(told().error(404, -32600, "Session not found")))
                .naming("Session not found"),
            undecided(
                "a session that is known at times",
                of(told().error(404, -32600, "Session not found")).with(told().status(202)),
            ),
            undecided("another request met that, too", {
                let ping = json!({"jsonrpc":"2.0","id":5,"method":"ping"});
                let lost = post(ProbeId::EraUse, "ping", Era::Legacy, ping).in_session("~session-1~");
                of(told().error(404, -32600, "Session not found")).with(lost.error(
                    400,
                    -32001,
                    "Unknown session",
                ))
            }),
            fail("once of two", of(told().status(202)).with(told().status(404))),
            not_applicable("the whole era is refused", {
                let ask = |id: u32, method: &str| {
                    let body = json!({"jsonrpc":"2.0","id":id,"method":method});
                    post(ProbeId::EraUse, method, Era::Legacy, body).error(400, -32600, "no")
                };
                of(told().status(400)).with(ask(5, "ping")).with(ask(6, "tools/list").on(7))
            }),
            not_applicable("a result", of(told().json(json!({"jsonrpc":"2.0","id":null,"result":{}})))),
            undecided("a gate", of(told().status(401))),
            undecided("a crash", of(told().status(500))),
            undecided("a redirect", of(told().status(307).header("location", "/x"))),
            undecided("nothing was sent", Scan::legacy(true)),
        ],
    );
}
