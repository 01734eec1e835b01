//! One session, many connections: no replica may hold it alone.

use crate::checks::prelude::*;
use crate::facts::quote::quoted;
use crate::facts::{Outcome, handshake, lost_sessions};
use crate::protocol::names::VERSION_HEADER;

pub(super) static CHECK: Check = Check {
    id: "legacy-session-multi-connection",
    title: "One session works over many connections",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::LEGACY,
    reads: Reads::Of(&[
        ProbeId::Classify,
        ProbeId::EraUse,
        ProbeId::Connections,
        ProbeId::IdEcho,
        ProbeId::LegacySessions,
        ProbeId::Catalogue,
    ]),
    basis: &[mcp!(
        "2025-11-25",
        "Transports, Session management (404 means that the session is gone)",
        "basic/transports#session-management"
    )],
    rationale: "Agents open new connections all the time. If only one of several replicas knows a session, calls fail \
                now and then with 'session not found', and the agent starts over in the middle of its work.",
    remediation: "Keep sessions in a store that every replica reads, or have none. TypeScript SDK: \
                  `sessionIdGenerator: undefined`; Python SDK: `stateless_http=True`; Rust SDK: \
                  `StreamableHttpServerConfig::default().with_legacy_session_mode(false)`.",
    causes: &[],
    how: How {
        sent: "`ping` in one session on fresh connections, without cookies: eight, at most two a second while \
               an idle stream is watched, else one after the other; in `quick` four.",
        passes: "All are served.",
        warns: "Only 429 stood in the way.",
        fails: "Some get 404 or 400, as if the session were unknown, or two other requests in it do.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.session_shapes().is_empty() && handshake::read(facts).iter().any(|made| made.result().is_some())
    {
        return not_applicable("no session id is issued, so every request stands alone");
    }
    let round: Vec<&Exchange> = facts
        .of(ProbeId::Connections)
        .filter(|exchange| exchange.era == Some(Era::Legacy) && exchange.session.is_some())
        .filter(|exchange| exchange.step.starts_with("fresh-"))
        .collect();
    if round.len() < 2 {
        return inconclusive(match round.len() {
            0 => facts.why_not(ProbeId::Connections, None),
            _ => "fewer than two fresh connections were tried".to_owned(),
        });
    }
    let (mut served, mut lost, mut limited) = (Vec::new(), Vec::new(), Vec::new());
    let mut missing = None;
    for exchange in &round {
        let outcome = Outcome::of(exchange, facts.reply(exchange));
        match (exchange.status(), outcome) {
            (Some(429), _) => limited.push(*exchange),
            (_, Some(Outcome::Served)) => served.push(*exchange),
            (Some(400 | 404), Some(_)) => lost.push(*exchange),
            // The code that SDKs give to a session they do not know, whatever the status.
            (_, Some(outcome)) if outcome.code() == Some(-32001) => lost.push(*exchange),
            (status, _) => missing = missing.or(Some(unclear(exchange, status))),
        }
    }
    let of = round.len();
    if let Some(first) = lost.first() {
        let at = Evidence::status(first);
        if served.is_empty() && !alive(facts, first) {
            return inconclusive("the session was served nowhere, so nothing follows for connections");
        }
        let message = format!("the session is known on {} of {of} fresh connections only", served.len());
        let mut verdict = fail(at, message)?;
        verdict.unstable = !served.is_empty();
        return Ok(verdict);
    }
    // A balancer may lead a few fresh connections to one replica, and other requests to another.
    let elsewhere: Vec<&Exchange> = lost_sessions::read(facts)
        .into_iter()
        .filter(|other| round.first().is_some_and(|first| first.session == other.session))
        .filter(|other| !other.step.starts_with("fresh-"))
        .collect();
    if let (Some(first), true) = (elsewhere.first(), elsewhere.len() >= 2 && !served.is_empty()) {
        let message = format!(
            "the session is known on {} of {of} fresh connections, and {} other requests in it met a server that did \
             not know it{}",
            served.len(),
            elsewhere.len(),
            quoted(first)
        );
        let mut verdict = fail(Evidence::status(first), message)?;
        verdict.unstable = true;
        return Ok(verdict);
    }
    match (missing, limited.first(), served.first()) {
        (Some(reason), ..) => Err(reason),
        (None, Some(first), Some(_)) => warn(
            Evidence::status(first),
            format!("served on {} of {of} fresh connections, the others were limited (429)", served.len()),
        ),
        (None, None, Some(first)) => pass(
            Evidence::status(first),
            format!("served on {} of {of} fresh connections, as seen from here", served.len()),
        ),
        (None, _, None) => inconclusive("every request was rate limited (429)"),
    }
}

fn unclear(exchange: &Exchange, status: Option<u16>) -> Undecided {
    answered(exchange).err().unwrap_or_else(|| {
        let status = status.map_or_else(|| "no status".to_owned(), |status| status.to_string());
        Undecided::Inconclusive(format!("answered with {status}, which says nothing about the session"))
    })
}

/// Whether the session of this exchange was served by any other conversation that names the same version: one that
/// names none differs in more than its connection.
fn alive(facts: &Facts<'_>, lost: &Exchange) -> bool {
    let version = |exchange: &Exchange| exchange.request.header(VERSION_HEADER).map(str::to_owned);
    facts
        .exchanges()
        .filter(|other| other.session == lost.session && !other.step.starts_with("fresh-"))
        .filter(|other| version(other) == version(lost))
        .any(|other| facts.reply(other).served())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId, SkipReason};
    use crate::verdict::Status;

    fn ping(probe: ProbeId, step: &str) -> Made {
        let body = json!({"jsonrpc":"2.0","id":2,"method":"ping"});
        post(probe, step, Era::Legacy, body).in_session("~session-1~")
    }

    fn served(made: Made) -> Made {
        made.result(json!({}))
    }

    fn round(answer: impl Fn(u32, Made) -> Made) -> Scan {
        (1..=8).fold(Scan::dual(true), |scan, n| {
            scan.with(answer(n, ping(ProbeId::Connections, &format!("fresh-{n}")).on(n)))
        })
    }

    /// Eight pings, of which every fourth is answered by `odd`.
    fn judged(odd: impl Fn(Made) -> Made) -> Finding {
        round(|n, made| if n % 4 == 0 { odd(made) } else { served(made) }).judge(&CHECK)
    }

    #[test]
    fn passes_when_all_are_served() {
        let finding = judged(served);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("8 of 8"), "{}", finding.message);
    }

    #[test]
    fn fails_where_other_requests_of_the_session_met_another_server() {
        let lost = |scan: Scan, words: &str| {
            scan.with(ping(ProbeId::EraUse, "ping").error(404, -32600, words))
                .with(ping(ProbeId::Catalogue, "tools/list").error(404, -32600, words))
                .judge(&CHECK)
        };
        let finding = lost(round(|_, made| served(made)), "Session not found");
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.unstable && finding.message.contains("2 other requests"), "{}", finding.message);
        // A method that is not there is no session that is not there.
        assert_eq!(lost(round(|_, made| served(made)), "Method not found").status, Status::Pass);
    }

    #[test]
    fn warns_when_some_are_only_rate_limited() {
        let finding = judged(|made| made.status(429));
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.contains("6 of 8"), "{}", finding.message);
    }

    #[test]
    fn fails_when_some_do_not_know_the_session() {
        let all: [fn(Made) -> Made; 4] = [
            |made| made.error(404, -32001, "Session not found"),
            |made| made.error(400, -32000, "Bad Request: No valid session ID provided"),
            |made| made.status(404),
            |made| made.error(200, -32001, "Session not found"),
        ];
        for lost in all {
            let finding = judged(lost);
            assert_eq!(finding.status, Status::Fail);
            assert!(finding.unstable && finding.message.contains("6 of 8"), "{}", finding.message);
        }
    }

    #[test]
    fn fails_when_only_the_first_connection_knows_the_session() {
        let lost = round(|_, made| made.error(404, -32001, "Session not found"));
        assert_eq!(lost.judge(&CHECK).status, Status::Inconclusive);
        let lost = lost.with(served(ping(ProbeId::LegacySessions, "live")));
        let finding = lost.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("0 of 8"), "{}", finding.message);
    }

    #[test]
    fn what_was_served_under_another_version_header_tells_nothing_of_connections() {
        let versioned = |made: Made| made.sending("mcp-protocol-version", "2025-11-25");
        let lost = round(|_, made| versioned(made).error(400, -32000, "Unsupported protocol version"))
            .with(served(ping(ProbeId::EraUse, "without-version")));
        assert_eq!(lost.judge(&CHECK).status, Status::Inconclusive);
        let known = versioned(served(ping(ProbeId::LegacySessions, "live")));
        assert_eq!(lost.with(known).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_when_other_things_went_wrong() {
        assert_eq!(judged(|made| made.status(503)).status, Status::Inconclusive);
        assert_eq!(judged(|made| made.status(401)).status, Status::Inconclusive);
        assert_eq!(judged(|made| made.error(200, -32601, "no ping")).status, Status::Inconclusive);
        let reset = judged(|made| made.failed(Phase::Head, FailureKind::Reset));
        assert_eq!(reset.status, Status::Inconclusive);
        assert_eq!(round(|_, made| made.status(429)).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_the_round_was_not_sent_for_this_era() {
        let modern = Scan::dual(true)
            .with(post(ProbeId::Connections, "fresh-1", Era::Modern, json!({"id":1})).result(json!({})))
            .skip(ProbeId::Connections, None, SkipReason::Profile);
        let finding = modern.judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive);
        assert!(finding.message.contains("quick"), "{}", finding.message);
    }

    #[test]
    fn not_applicable_without_sessions_and_to_modern_endpoints() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
