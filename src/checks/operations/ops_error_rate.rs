//! Repeated and mildly parallel calls all succeed.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::refusal::{NoHead, no_answer};
use crate::facts::reply::asks;
use crate::facts::streams::cut_short;
use crate::transcript::FailureKind;

pub(super) static CHECK: Check = Check {
    id: "ops-error-rate",
    title: "Repeated and mildly parallel calls all succeed",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream, Transport::Websocket],
        Gated::Judged,
    ),
    reads: Reads::Every(Expectation::Plain),
    basis: &[rfc!(9110, "15.6", "Server Error 5xx; practice of agent loops")],
    rationale: "Agents call in loops and in parallel, and one failed call often ends the whole task. A few dozen \
                correct requests are the lightest load there is.",
    remediation: "Look up the failed requests in the server's log by their time. Usual causes are a pool of \
                  processes or connections smaller than 5, an upstream without retries, and a proxy whose idle limit is \
                  shorter than the server's: with nginx `keepalive_timeout` below that of the upstream.",
    causes: &[],
    how: How {
        sent: "All correct calls of the scan, topped up to 20, and five at once.",
        passes: "All succeed.",
        warns: "One fails (a 5xx, a reset, a timeout), some are rate limited (429), or a call that was \
                served before is refused.",
        fails: "More than one fails.",
    },
    judge,
};

/// Fewer calls say too little.
const LEAST: usize = 20;
/// How many calls the parallel round has.
const BURST: usize = 5;

fn judge(facts: &Facts<'_>) -> Judgement {
    let calls: Vec<&Exchange> = facts.calls().collect();
    let burst = calls.iter().filter(|exchange| exchange.step.starts_with("burst")).count();
    let sent = format!("of {} correct requests, {burst} of them in parallel", calls.len());
    let faults: Vec<(&Exchange, String)> =
        calls.iter().filter_map(|exchange| Some((*exchange, fault(facts, exchange)?))).collect();
    let mut seen = Observations::new();
    for (exchange, what) in &faults {
        let status = if faults.len() > 1 { Status::Fail } else { Status::Warn };
        let words = format!("{} failed {sent}: {what}", faults.len());
        let mut verdict = Verdict::of(status, vec![Evidence::status(exchange)], words);
        verdict.unstable = faults.len() == 1;
        seen.push(verdict);
    }
    // 429 is policy, not fault.
    let limited: Vec<&&Exchange> = calls.iter().filter(|exchange| exchange.status() == Some(429)).collect();
    for exchange in &limited {
        let retry = if exchange.header("retry-after").is_some() { "with" } else { "without" };
        let words = format!("{} were rate limited (429, {retry} Retry-After) {sent}", limited.len());
        seen.add(Status::Warn, Evidence::status(exchange), words);
    }
    for exchange in
        calls.iter().filter(|exchange| exchange.probe == ProbeId::Load && refused(facts, exchange))
    {
        let status = exchange.status().unwrap_or_default();
        let words = format!("a call that had been served before was refused with {status}");
        seen.add(Status::Warn, Evidence::status(exchange), words);
    }
    if !seen.is_empty() {
        return seen.verdict("", "");
    }
    let Some(last) = calls.last() else {
        return inconclusive("no correct request was sent");
    };
    let evidence = Evidence::status(last);
    if facts.class().kind == Kind::AuthGated {
        return info(
            evidence,
            format!("{} requests met refusals for want of a credential and no fault", calls.len()),
        );
    }
    if !calls.iter().any(|exchange| facts.reply(exchange).served() || exchange.ok()) {
        return inconclusive(format!("none of {} correct requests was served", calls.len()));
    }
    if burst < BURST {
        return inconclusive(facts.why_not(ProbeId::Load, None));
    }
    if calls.len() < LEAST {
        return inconclusive(format!("none failed {sent}, which are too few"));
    }
    pass(evidence, format!("none failed {sent}"))
}

/// A 5xx, a timeout, or a connection that was dropped or refused, before the answer was there.
fn fault(facts: &Facts<'_>, exchange: &Exchange) -> Option<String> {
    if facts.reply(exchange).served() {
        return None;
    }
    // It was answered, if not served; what its framing lacks is a matter of `http-body-complete`.
    if cut_short(exchange) && facts.reply(exchange).answer.is_some() {
        return None;
    }
    if let Some(status @ 500..) = exchange.status() {
        return Some(status.to_string());
    }
    let answer = no_answer(exchange, facts.reply(exchange), facts.header().limits.header_ms);
    let silent = answer == Some(NoHead::Silent);
    let Some(failure) = exchange.failure.as_ref() else {
        // Accepted, and the answer never came on the stream or the socket.
        let elsewhere = exchange.stream.is_some() || exchange.is_message();
        return (silent && elsewhere && asks(exchange)).then(|| "no answer came".to_owned());
    };
    let lost = matches!(
        failure.kind,
        FailureKind::Refused
            | FailureKind::ConnectTimeout
            | FailureKind::BodyTimeout
            | FailureKind::Reset
            | FailureKind::Truncated
            | FailureKind::NotHttp
            | FailureKind::Framing
    ) || silent;
    lost.then(|| failure.kind.words().to_owned())
}

/// A call of the parallel round that met a 4xx which says why, though the same had been served before.
fn refused(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let served = facts.reply(exchange).served() || exchange.ok();
    let same = |earlier: &&Exchange| {
        earlier.id < exchange.id
            && earlier.era == exchange.era
            && earlier.session == exchange.session
            && facts.method(earlier) == facts.method(exchange)
    };
    let before = || facts.calls().filter(same).any(|earlier| facts.reply(earlier).served());
    !served
        && before()
        && matches!(exchange.status(), Some(status @ 400..=499) if !matches!(status, 401 | 403 | 429))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, get, initialize, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId, SkipReason};
    use crate::verdict::Status;

    fn ask(step: &str) -> Made {
        post(ProbeId::Load, step, Era::Modern, json!({"jsonrpc":"2.0","id":5,"method":"ping"}))
    }

    fn with(sequential: usize, odd: Vec<Made>) -> Scan {
        let mut scan = Scan::modern();
        for index in 1..=sequential {
            scan = scan.with(ask(&format!("top-up-{index}")).result(json!({})));
        }
        for index in 1..=5 {
            scan = scan.with(ask(&format!("burst-{index}")).result(json!({})));
        }
        odd.into_iter().fold(scan, Scan::with)
    }

    fn judge(odd: Vec<Made>) -> Finding {
        with(20, odd).judge(&CHECK)
    }

    #[test]
    fn passes_when_all_succeed_and_says_how_many() {
        let finding = judge(vec![]);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("of 26 correct requests, 5 of them"), "{}", finding.message);
    }

    #[test]
    fn passes_whatever_an_era_that_is_not_spoken_or_a_negative_meets() {
        let other = initialize(ProbeId::LegacyVersions, "initialize 2025-06-18").status(500);
        let negative = ask("null").negative().status(500);
        let error = ask("top-up-21").error(200, -32601, "Method not found");
        let mut still_open = ask("top-up-22").result(json!({})).failed(Phase::Body, FailureKind::BodyTimeout);
        still_open.made.ended_us = 30_000_000;
        assert_eq!(judge(vec![other, negative, error, still_open]).status, Status::Pass);
    }

    #[test]
    fn warns_about_one_fault() {
        for made in [ask("burst-6").status(503), ask("burst-6").failed(Phase::Head, FailureKind::Reset)] {
            let finding = judge(vec![made]);
            assert_eq!((finding.status, finding.unstable), (Status::Warn, true));
        }
    }

    #[test]
    fn warns_about_rate_limits_apart_from_faults() {
        let limited = || ask("burst-6").status(429).header("retry-after", "1");
        let finding = judge(vec![limited(), limited(), limited()]);
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.contains("3 were rate limited (429, with"), "{}", finding.message);
    }

    #[test]
    fn warns_about_a_refusal_in_the_parallel_round() {
        assert_eq!(judge(vec![ask("burst-6").error(404, -32001, "Session not found")]).status, Status::Warn);
    }

    #[test]
    fn fails_on_two_faults_of_any_kind() {
        let mut silent = ask("burst-7").failed(Phase::Head, FailureKind::HeaderTimeout);
        silent.made.ended_us = 10_000_000;
        let finding = judge(vec![ask("burst-6").status(500), silent]);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("2 failed of 28"), "{}", finding.message);
        // However few there were.
        let few = Scan::modern().with(discover().status(502).body("text/html", "x"));
        let few = few.with(discover().status(502).body("text/html", "x"));
        assert_eq!(few.judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn passes_on_a_feed_whatever_a_post_meets() {
        let load = |step: &str| get(ProbeId::Load, step).stream("data: 1\n\n", 0).held_until(20_000);
        let mut scan = Scan::feed("data: 1\n\n");
        for exchange in
            scan.transcript.exchanges.iter_mut().filter(|exchange| exchange.request.method == "POST")
        {
            exchange.head.as_mut().unwrap().status = 500;
        }
        for index in 1..=20 {
            scan = scan.with(load(&format!("top-up-{index}")));
        }
        for index in 1..=5 {
            scan = scan.with(load(&format!("burst-{index}")));
        }
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn undecided_when_too_few_were_sent() {
        assert_eq!(with(3, vec![]).judge(&CHECK).status, Status::Inconclusive);
        let skipped = Scan::modern().skip(ProbeId::Load, None, SkipReason::Budget).judge(&CHECK);
        assert_eq!(skipped.status, Status::Inconclusive);
        assert!(skipped.message.contains("budget"), "{}", skipped.message);
    }

    #[test]
    fn not_judged_but_noted_behind_authentication() {
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::Info);
    }
}
