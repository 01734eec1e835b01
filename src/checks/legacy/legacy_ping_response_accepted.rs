//! What a server asks, it must let be answered.

use crate::checks::prelude::*;
use crate::facts::quote::quoted;

pub(super) static CHECK: Check = Check {
    id: "legacy-ping-response-accepted",
    title: "The answer to the server's own ping is accepted",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies { transports: &[Transport::StreamableHttp, Transport::HttpSse], ..Applies::LEGACY },
    reads: Reads::All,
    basis: &[
        mcp!("2025-11-25", "Ping, Behavior Requirements", "basic/utilities/ping#behavior-requirements"),
        mcp!(
            "2025-11-25",
            "Transports, Sending Messages to the Server, item 4",
            "basic/transports#sending-messages-to-the-server",
        ),
    ],
    rationale: "A server that pings and refuses the answer takes every client for dead, sooner or later, and ends \
                sound sessions.",
    remediation: "Take a POST that has `id` and `result` and no `method` for a response: answer it with `202` and no \
                  body, and give it to whoever waits for that id, compared by value and type. A gateway must forward \
                  responses to the replica that asked.",
    causes: &[],
    how: How {
        sent: "`{\"jsonrpc\":\"2.0\",\"id\":…,\"result\":{}}` for each `ping` that the server sends, with the headers of \
               its session.",
        passes: "202; over HTTP+SSE any 2xx.",
        warns: "200 or 204, or one 5xx.",
        fails: "The answer is refused, while the session lives.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let answers: Vec<&Exchange> = facts.steps(ProbeId::Answers, "ping").collect();
    if answers.is_empty() {
        return not_applicable("the server sent no `ping` while it was listened to");
    }
    let crashes = answers.iter().filter(|answer| answer.status().is_some_and(|status| status >= 500)).count();
    let seen = Observations::each(answers, |answer| Some(judge_one(facts, answer, crashes)));
    let sound = match seen.count(Status::Pass) {
        1 => "the answer to a ping of the server was accepted".to_owned(),
        times => format!("the answers to {times} pings of the server were accepted"),
    };
    seen.verdict_of_all(sound)
}

fn judge_one(facts: &Facts<'_>, answer: &Exchange, crashes: usize) -> Judgement {
    answered(answer)?;
    let status = answer.status().unwrap_or_default();
    let at = Evidence::status(answer);
    let old = facts.class().kind == Kind::HttpSse;
    match status {
        202 => pass(at, "accepted"),
        200..=299 if old => pass(at, "accepted"),
        200..=299 => {
            warn(at, format!("the answer to a ping of the server is accepted with {status} in place of 202"))
        }
        300..=399 => inconclusive(format!("the answer to a ping met {status}")),
        _ if !alive(facts, answer) => {
            inconclusive(format!("the answer to a ping met {status}, perhaps because its session was over"))
        }
        500.. if crashes < 3 => warn(at, format!("the answer to a ping of the server met {status}")),
        _ => fail(at, format!("the answer to a ping of the server is refused{}", quoted(answer))),
    }
}

/// Whether something else was accepted later in the same session.
fn alive(facts: &Facts<'_>, answer: &Exchange) -> bool {
    facts.exchanges().any(|other| {
        other.started_us > answer.started_us
            && other.probe != ProbeId::Teardown
            && other.session == answer.session
            && other.request.method == "POST"
            && other.request.url == answer.request.url
            && other.ok()
    })
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let answer = || {
        post(ProbeId::Answers, "ping", Era::Legacy, json!({"jsonrpc":"2.0","id":1,"result":{}}))
            .in_session("~session-1~")
    };
    let later = || {
        post(ProbeId::EraUse, "ping", Era::Legacy, json!({"jsonrpc":"2.0","id":5,"method":"ping"}))
            .in_session("~session-1~")
            .result(json!({}))
    };
    let of = |made: Made| Scan::legacy(true).with(made).with(later());
    let three = |status: u16| {
        (0..2).fold(of(answer().status(status)), |scan, _| scan.with(answer().status(status))).with(later())
    };
    hold(
        &CHECK,
        [
            pass("202", of(answer().status(202))),
            warn("200", of(answer().status(200))).naming("in place of 202"),
            fail("refused", of(answer().status(400).body("text/plain", "malformed"))).naming("malformed"),
            fail("one of two", of(answer().status(202)).with(answer().status(404)).with(later())),
            warn("a crash", of(answer().status(500))),
            fail("it always crashes", three(500)),
            pass("any 2xx over HTTP+SSE", Scan::http_sse().with(answer().status(200))),
            undecided("the session is over", Scan::legacy(true).with(later()).with(answer().status(404))),
            undecided("a gate", of(answer().status(401))),
            not_applicable("no ping came", Scan::legacy(true).with(later())),
        ],
    );
}
