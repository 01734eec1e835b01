//! Bad input is refused, not answered with a server error, silence or a dropped connection.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::refusal::{NoHead, intermediary, no_answer, no_head};
use crate::facts::reply::asks;
use crate::transcript::{Ended, Failure};
use crate::verdict::milliseconds;

pub(super) static CHECK: Check = Check {
    id: "rpc-bad-input-no-5xx",
    title: "Bad input causes no server error, silence or dropped connection",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Judged,
    ),
    // Every negative, and the correct requests around the bad input.
    reads: Reads::All,
    basis: &[
        rfc!(9110, "15.5", "Client Error 4xx (the sender's fault)"),
        rfc!(9110, "15.6", "Server Error 5xx (the server's fault)"),
        mcp!("2026-07-28", "Basic, Requests", "basic#requests"),
    ],
    rationale: "Agents retry on 5xx and on silence, so a request that can never work is sent again and again. Input \
                that takes the server down takes it down for every other agent, too.",
    remediation: "Catch parse and validation errors at the edge and answer 4xx with a JSON-RPC error: an empty body \
                  or `\"params\": \"x\"` gets 400 with -32700, -32600 or -32602. Give every request a deadline, and \
                  let no exception of a handler end the process.",
    causes: &[],
    how: How {
        sent: "An empty body; `null`; `[]`; arrays nested 200 deep; `params` as a string; method `\"\"`; \
               `id: null`; an unknown `_meta` key; with a correct call before and after. Every other \
               request that is wrong on purpose counts too.",
        passes: "Each one that must be answered is, in 3 s and without a 5xx, and the correct call still \
                 works. On HTTP+SSE and WebSocket only a parsable request with an id must be answered.",
        warns: "One slow answer, or one 5xx.",
        fails: "Several 5xx, silence, a dropped connection, or a correct call that no longer works.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind == Kind::AuthGated {
        return judge_these(facts, &facts.exchanges().collect::<Vec<_>>(), true);
    }
    facts.per_era(|era| judge_these(facts, &facts.of_era(era).collect::<Vec<_>>(), false))
}

/// What one bad request met.
enum Met<'t> {
    /// An answer in time, of any kind below 500.
    Answer,
    /// An answer after more than the limit.
    Late(&'t Exchange),
    /// No answer at all.
    Silence(&'t Exchange),
    /// A 5xx.
    ServerError(&'t Exchange),
    /// The connection ended without an answer.
    Drop(&'t Exchange),
    /// It says nothing; why.
    Unclear(String),
}

fn judge_these<'t>(facts: &Facts<'t>, exchanges: &[&'t Exchange], gated: bool) -> Judgement {
    let mut late = Vec::new();
    let mut silent = Vec::new();
    let mut errors = Vec::new();
    let mut dropped = Vec::new();
    let mut ended = 0_usize;
    let mut unclear = None;
    let mut answers = 0_usize;
    for exchange in exchanges.iter().filter(|exchange| counts(exchange)) {
        // Behind authentication no twin is served; 401 is a fine answer, and a 5xx is none.
        let twin = match facts.twin_served(exchange) {
            Ok(twin) => Some(twin),
            Err(_) if gated => None,
            Err(_) => continue,
        };
        match met(facts, exchange, twin) {
            Met::Answer => {
                answers += 1;
                ended += usize::from(ends_stream(facts, exchange));
            }
            Met::Late(exchange) => late.push(exchange),
            Met::Silence(exchange) => silent.push(exchange),
            Met::ServerError(exchange) => errors.push(exchange),
            Met::Drop(exchange) => dropped.push(exchange),
            Met::Unclear(reason) => unclear = unclear.or(Some(reason)),
        }
    }
    let mut seen = Observations::new();
    for exchange in &errors {
        let status = if errors.len() > 1 { Status::Fail } else { Status::Warn };
        let code = exchange.status().unwrap_or_default();
        seen.add(status, Evidence::status(exchange), format!("`{}` got {code}", exchange.step));
    }
    // The first that did not answer in time was given longer; a second one is no accident.
    let hangs = !silent.is_empty() && silent.len() + late.len() > 1;
    for exchange in &silent {
        let status = if hangs { Status::Fail } else { Status::Warn };
        let waited = milliseconds(exchange.took_us());
        seen.add(
            status,
            Evidence::failure(exchange),
            format!("`{}` met silence for {waited}", exchange.step),
        );
    }
    for exchange in &late {
        let took = milliseconds(exchange.head_us().unwrap_or_default());
        seen.add(Status::Warn, Evidence::time(exchange), format!("`{}` took {took}", exchange.step));
    }
    for exchange in &dropped {
        // A kept connection may end by its idle limit at that very moment: once is no proof.
        let race = dropped.len() == 1 && exchange.connect.is_none();
        let mut verdict = Verdict::of(
            if race { Status::Warn } else { Status::Fail },
            vec![Evidence::failure(exchange)],
            format!("`{}` met a dropped connection", exchange.step),
        );
        verdict.unstable = race;
        seen.push(verdict);
    }
    let after = afterwards(facts, exchanges);
    if let Some(broken) = after.as_ref().ok().filter(|verdict| verdict.status == Status::Fail) {
        seen.push(broken.clone());
    }
    if !seen.is_empty() {
        return seen.verdict("", "");
    }
    if let Some(reason) = unclear {
        return inconclusive(reason);
    }
    if answers == 0 {
        return inconclusive("no bad input was sent that could be compared with a correct request");
    }
    // A server may throw out whoever sends such things: that is told, and charged to nobody.
    let thrown_out = match ended {
        0 => String::new(),
        _ => format!(" (note: {ended} of {answers} ended the stream of their session)"),
    };
    let mut verdict = after.map_err(|undecided| undecided.noting(&thrown_out))?;
    verdict.message = format!(
        "{answers} bad requests were all answered in time without a 5xx, and a correct one afterwards{thrown_out}"
    );
    Ok(verdict)
}

/// Negatives that reach this endpoint: a foreign Host may be answered, or cut off, by whatever else
/// lives behind the same address.
fn counts(exchange: &Exchange) -> bool {
    exchange.expectation == Expectation::Negative
        && !matches!(exchange.step.as_str(), "host" | "host-and-origin")
        // Without the credential is no bad input; the rows of authorization speak of it.
        && exchange.probe != ProbeId::Auth
        // Nor is a session that is not there, where `legacy-session-unknown-404` has said what it is answered.
        && !(exchange.probe == ProbeId::LegacySessions && exchange.status().is_some())
}

fn met<'t>(facts: &Facts<'t>, exchange: &'t Exchange, twin: Option<&Exchange>) -> Met<'t> {
    let limit_ms = facts.header().limits.negative_ms;
    if exchange.request.header("upgrade").is_some() {
        return Met::Answer;
    }
    let answer = no_answer(exchange, facts.reply(exchange), limit_ms);
    match (answer, exchange.status().unwrap_or_default()) {
        // What need not be answered is met well by silence, however short.
        (Some(NoHead::Silent), _) if !must_answer(facts, exchange) => Met::Answer,
        (Some(NoHead::Unclear), _)
            if !must_answer(facts, exchange) && (exchange.ok() || exchange.is_message()) =>
        {
            Met::Answer
        }
        (Some(NoHead::Silent), _) => Met::Silence(exchange),
        (Some(NoHead::Dropped), _) => Met::Drop(exchange),
        (Some(NoHead::Unclear), _) => Met::Unclear(format!(
            "`{}` was not answered, and we could not wait for it: {}",
            exchange.step,
            exchange.failure.as_ref().map_or_else(|| "closed by us".to_owned(), Failure::words)
        )),
        // RFC 9110 section 9.1: 501 is the answer to a method that the server does not have.
        (None, 501) if exchange.request.method != "POST" => Met::Answer,
        (None, status @ 500..) => match intermediary(exchange) {
            Some(name) => {
                Met::Unclear(format!("`{}` got {status} from {name}, perhaps a block", exchange.step))
            }
            None => Met::ServerError(exchange),
        },
        // Where the correct request is as slow, the input is not the reason.
        (None, _)
            if is_late(exchange, limit_ms)
                && must_answer(facts, exchange)
                && !twin.is_some_and(|twin| is_late(twin, limit_ms)) =>
        {
            if facts.disturbed(exchange, exchange.head_us().unwrap_or_default()) {
                Met::Unclear(format!("`{}` came late, but this machine stood still meanwhile", exchange.step))
            } else {
                Met::Late(exchange)
            }
        }
        (None, _) => Met::Answer,
    }
}

/// How soon the end of a stream follows from what was posted last, microseconds.
const SOON_US: u64 = 500_000;

/// Whether the stream on which the answer was due ended with this request: over HTTP+SSE that ends the session.
fn ends_stream(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let Some(stream) = exchange.stream.and_then(|id| facts.exchanges().find(|other| other.id == id)) else {
        return false;
    };
    let soon = exchange.started_us..=exchange.ended_us.saturating_add(SOON_US);
    let last = facts
        .exchanges()
        .filter(|other| other.stream == exchange.stream && other.started_us <= stream.ended_us)
        .all(|other| other.started_us <= exchange.started_us);
    stream.ended == Ended::Complete && soon.contains(&stream.ended_us) && last
}

fn is_late(exchange: &Exchange, limit_ms: u64) -> bool {
    exchange.head_us().is_some_and(|us| us > limit_ms.saturating_mul(1_000))
}

/// Over HTTP every request must be answered, except a GET that may open a silent stream; where
/// replies travel on another stream or a WebSocket, only a JSON-RPC request with an id must be.
fn must_answer(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    match facts.class().kind {
        // The POST itself is HTTP and wants a response.
        Kind::HttpSse => exchange.head.is_none() || asks(exchange),
        Kind::McpWebsocket => asks(exchange),
        _ => exchange.request.method != "GET",
    }
}

/// The correct requests after the bad ones, against those before: a pass, a fail or undecided.
fn afterwards(facts: &Facts<'_>, exchanges: &[&Exchange]) -> Judgement {
    let base = |step: &str| {
        exchanges
            .iter()
            .copied()
            .filter(|exchange| exchange.probe == ProbeId::BadInput && exchange.step == step)
            .collect::<Vec<_>>()
    };
    let before = base("before");
    let served_before = before.iter().any(|exchange| facts.reply(exchange).served());
    let mut fine = None;
    for exchange in base("after") {
        let as_before = before.iter().any(|before| before.status() == exchange.status());
        let no_fault = exchange.status().is_some_and(|status| status < 500);
        // 401, 403 and 429 say that the endpoint is there and wants no more of us.
        let unknown = matches!(exchange.status(), Some(401 | 403 | 429))
            || intermediary(exchange).is_some()
            || cancelled(exchange);
        if facts.reply(exchange).served() || (!served_before && as_before && no_fault) {
            fine = Some(exchange);
        } else if served_before && !unknown {
            return fail(Evidence::status(exchange), "a correct request was no longer served afterwards");
        }
    }
    match fine {
        Some(exchange) => pass(Evidence::status(exchange), "served"),
        None => inconclusive(facts.why_not(ProbeId::BadInput, Some("after"))),
    }
}

/// Our own end of the wait, which says nothing about the endpoint.
fn cancelled(exchange: &Exchange) -> bool {
    let unreachable = exchange.failure.as_ref().is_some_and(Failure::before_http);
    no_head(exchange, 0) == Some(NoHead::Unclear) && !unreachable
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Connect, Ended, FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn base(step: &str, era: Era) -> Made {
        post(ProbeId::BadInput, step, era, json!({"jsonrpc":"2.0","id":5,"method":"ping"})).result(json!({}))
    }

    fn bad(step: &str, era: Era) -> Made {
        let mut made = post(ProbeId::BadInput, step, era, Value::Null).negative();
        made.made.connect =
            Some(Connect { started_us: 0, address: None, dns_us: None, tcp_us: Some(1), tls: None });
        made.made.connection = 9;
        made
    }

    fn refused(step: &str, era: Era) -> Made {
        bad(step, era).error(400, -32600, "no")
    }

    fn silent(step: &str, waited_us: u64) -> Made {
        let mut made = bad(step, Era::Modern).failed(Phase::Head, FailureKind::HeaderTimeout);
        made.made.ended_us = waited_us;
        made
    }

    fn with(odd: Vec<Made>) -> Finding {
        let mut scan = Scan::modern().with(base("before", Era::Modern)).with(refused("null", Era::Modern));
        for made in odd {
            scan = scan.with(made);
        }
        scan.with(base("after", Era::Modern)).judge(&CHECK)
    }

    #[test]
    fn passes_when_everything_is_answered() {
        let finding = with(vec![
            bad("empty", Era::Modern).status(415).body("text/plain", "no"),
            bad("id-null", Era::Modern).result(json!({})),
            bad("text-plain", Era::Modern).status(403),
        ]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.message.starts_with("4 bad"), "{}", finding.message);
    }

    #[test]
    fn tells_of_a_stream_that_ends_with_what_was_posted_and_of_no_other_end() {
        let judged = |ended: Ended, ended_us: u64, later: bool| {
            let mut scan = Scan::http_sse().with(base("before", Era::Legacy));
            let twin = scan.transcript.exchanges.last().map_or(0, |one| one.id);
            let stream = scan.next_id() + 1;
            for (step, started_us) in [("null", 1_000_000), ("empty-array", 3_000_000)] {
                let mut made = refused(step, Era::Legacy);
                made.made.stream = Some(stream);
                made.made.twin = Some(twin);
                if step == "null" || later {
                    let mut sent = scan.with(made);
                    let last = sent.transcript.exchanges.last_mut().unwrap();
                    (last.started_us, last.ended_us) = (started_us, started_us + 10_000);
                    scan = sent;
                }
                if step == "null" {
                    let mut sent =
                        scan.with(get(ProbeId::HttpSse, "get").stream("event: endpoint\ndata: /m\n\n", 0));
                    let last = sent.transcript.exchanges.last_mut().unwrap();
                    (last.started_us, last.ended_us, last.ended) = (900_000, ended_us, ended);
                    scan = sent;
                }
            }
            scan.with(base("after", Era::Legacy)).judge(&CHECK)
        };
        let found = judged(Ended::Complete, 1_008_000, true);
        assert_eq!(found.status, Status::Pass, "{}", found.message);
        assert!(
            found.message.ends_with("(note: 1 of 2 ended the stream of their session)"),
            "{}",
            found.message
        );
        // We closed it; it ended much later; it ended after something else.
        for (ended, at_us, later) in [
            (Ended::ByUs, 1_008_000, true),
            (Ended::Complete, 2_000_000, true),
            (Ended::Complete, 3_400_000, false),
        ] {
            assert!(!judged(ended, at_us, later).message.contains("note"));
        }
    }

    #[test]
    fn passes_where_a_foreign_host_or_an_unknown_method_meets_a_gateway() {
        let host = post(ProbeId::Browser, "host", Era::Modern, json!({})).negative();
        let delete = {
            let mut made = get(ProbeId::ModernMethods, "delete").negative().status(501);
            made.made.request.method = "DELETE".to_owned();
            made.made.era = Some(Era::Modern);
            made
        };
        let mut held =
            get(ProbeId::ModernMethods, "get").negative().failed(Phase::Head, FailureKind::HeaderTimeout);
        held.made.era = Some(Era::Modern);
        held.made.ended_us = 10_000_000;
        let finding = with(vec![host.status(503), delete, held]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn passes_where_the_correct_request_is_as_slow() {
        let scan = Scan::modern()
            .with(base("before", Era::Modern).slow(4_000_000))
            .with(refused("null", Era::Modern).slow(4_000_000))
            .with(base("after", Era::Modern).slow(4_000_000));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_behind_authentication_with_401() {
        let no = |made: Made| made.status(401).json(json!({"error":"unauthorized"}));
        let scan = Scan::gated()
            .with(no(base("before", Era::Modern)))
            .with(no(bad("null", Era::Modern)))
            .with(no(base("after", Era::Modern)));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_about_one_5xx_one_late_answer_or_one_silence() {
        for odd in [
            bad("empty", Era::Modern).status(500),
            refused("empty", Era::Modern).slow(4_000_000),
            silent("empty", 10_000_000),
        ] {
            let finding = with(vec![odd]);
            assert_eq!(finding.status, Status::Warn, "{}", finding.message);
        }
    }

    #[test]
    fn warns_once_where_each_era_has_one_5xx() {
        let mut scan = Scan::dual(false);
        for era in [Era::Modern, Era::Legacy] {
            scan = scan
                .with(base("before", era))
                .with(bad("deep-array", era).status(500))
                .with(base("after", era));
        }
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.starts_with("both eras"), "{}", finding.message);
    }

    #[test]
    fn warns_about_one_drop_of_a_kept_connection() {
        let mut made = bad("empty", Era::Modern).failed(Phase::Head, FailureKind::Truncated);
        made.made.connect = None;
        let finding = with(vec![made]);
        assert_eq!((finding.status, finding.unstable), (Status::Warn, true));
    }

    #[test]
    fn fails_on_repeated_5xx_hangs_and_drops() {
        let twice =
            with(vec![bad("empty", Era::Modern).status(500), bad("deep-array", Era::Modern).status(502)]);
        assert_eq!(twice.status, Status::Fail);
        let hang = with(vec![silent("empty", 10_000_000), silent("deep-array", 3_000_000)]);
        assert_eq!(hang.status, Status::Fail);
        let drop = with(vec![bad("empty", Era::Modern).failed(Phase::Head, FailureKind::Reset)]);
        assert_eq!(drop.status, Status::Fail);
    }

    #[test]
    fn fails_when_a_correct_request_is_no_longer_served() {
        for broken in [
            base("after", Era::Modern).status(500),
            base("after", Era::Modern).error(404, -32001, "Session not found"),
            base("after", Era::Modern).failed(Phase::Connect, FailureKind::Refused),
        ] {
            let mut broken = broken;
            if broken.made.failure.is_some() {
                broken.made.head = None;
                broken.made.content = crate::transcript::Content::None;
            } else if broken.made.head.as_ref().is_some_and(|head| head.status == 500) {
                broken.made.content = crate::transcript::Content::None;
            }
            let scan = Scan::modern()
                .with(base("before", Era::Modern))
                .with(refused("null", Era::Modern))
                .with(broken);
            let finding = scan.judge(&CHECK);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
    }

    #[test]
    fn undecided_on_a_firewall_a_short_wait_and_without_the_after() {
        let block = bad("empty", Era::Modern).status(503).header("cf-mitigated", "challenge");
        assert_eq!(with(vec![block]).status, Status::Inconclusive);
        assert_eq!(with(vec![silent("empty", 300_000)]).status, Status::Inconclusive);
        let scan = Scan::modern().with(base("before", Era::Modern)).with(refused("null", Era::Modern));
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_the_rate_limit_was_hit_afterwards() {
        let mut limited = base("after", Era::Modern).status(429);
        limited.made.content = crate::transcript::Content::None;
        let scan =
            Scan::modern().with(base("before", Era::Modern)).with(refused("null", Era::Modern)).with(limited);
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
