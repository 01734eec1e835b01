//! Cheap calls are answered quickly and steadily.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::latency::{Calls, QUICK_US};
use crate::facts::summary::percentile;
use crate::verdict::milliseconds;

pub(super) static CHECK: Check = Check {
    id: "ops-latency",
    title: "Cheap calls are answered within a second",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream, Transport::Websocket],
        Gated::Judged,
    ),
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        Basis {
            title: "Practice of agent loops; MCP 2025-11-25, Lifecycle, Timeouts (clients should set them)",
            url: "https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#timeouts",
        },
        mcp!("2026-07-28", "Cancellation, Timeouts", "basic/patterns/cancellation#timeouts"),
    ],
    rationale: "An agent makes dozens of calls for one answer, one after the other, so every second is paid many \
                times. Calls that do no work should cost next to nothing.",
    remediation: "Keep connections and upstream clients open between requests, answer discovery and lists from \
                  memory, and keep one instance warm. Set TCP_NODELAY on the listener: with axum \
                  `axum::serve(listener.tap_io(|tcp| { let _ = tcp.set_nodelay(true); }), app)`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the times of all cheap correct calls, topped up to 20; the first one apart. \
               Other checks share them.",
        passes: "The second slowest answers within 1 s.",
        warns: "Within 5 s.",
        fails: "Later than that, or a call without an answer for 30 s.",
    },
    judge,
};

/// Fewer calls say too little.
const LEAST: usize = 20;
/// The second-slowest call passes up to [`QUICK_US`]; beyond this it fails, microseconds. The thresholds
/// are ours.
const SLOW_US: u64 = 5_000_000;
/// A call without an answer for so long fails by itself, microseconds.
const LOST_US: u64 = 30_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let Calls { timed: all, disturbed } = Calls::read(facts);
    let aside = match disturbed {
        0 => String::new(),
        count => format!("; slow and not counted, as this machine stood still meanwhile: {count}"),
    };
    // The first call may meet a cold start: told, not judged.
    let Some(((first, cold), rest)) = all.split_first() else {
        return inconclusive(format!("no call was answered{aside}"));
    };
    let evidence = |exchange: &Exchange, us: u64| {
        Evidence::new(exchange, "time", format!("answered after {}", milliseconds(us)))
    };
    if facts.class().kind == Kind::AuthGated {
        // The first one apart, as in what the report shows as measured.
        let counted = if rest.is_empty() { all.as_slice() } else { rest };
        let mut times: Vec<u64> = counted.iter().map(|(_, us)| *us).collect();
        times.sort_unstable();
        let median = milliseconds(percentile(&times, 50));
        let note =
            format!("{} refusals for want of a credential came after {median} in the middle", times.len());
        return info(evidence(first, *cold), note);
    }
    let mut sorted = rest.to_vec();
    sorted.sort_by_key(|(_, us)| *us);
    let times: Vec<u64> = sorted.iter().map(|(_, us)| *us).collect();
    let slow_ones = sorted.split_last().filter(|(_, others)| !others.is_empty());
    let Some((slow_one @ (slowest, slowest_us), others)) = slow_ones else {
        return inconclusive(format!("only {} calls were answered{aside}", all.len()));
    };
    // Calls that were slow together waited for one and the same stall.
    let Some((second, second_us)) =
        others.iter().rev().find(|call| call.1 <= QUICK_US || apart(call, slow_one))
    else {
        return inconclusive(format!(
            "all {} calls waited together, for what may be one stall{aside}",
            times.len()
        ));
    };
    let words = format!(
        "{} calls: median {}, 95th percentile {}, second-slowest {} (the first of the scan {}){aside}",
        times.len(),
        milliseconds(percentile(&times, 50)),
        milliseconds(percentile(&times, 95)),
        milliseconds(*second_us),
        milliseconds(*cold),
    );
    if *slowest_us >= LOST_US {
        let message = format!("a call had no answer for {}; {words}", milliseconds(*slowest_us));
        return fail(Evidence::new(slowest, "time", "no answer"), message);
    }
    // More calls could only raise the second-slowest.
    if *second_us > SLOW_US {
        return fail(evidence(second, *second_us), words);
    }
    // Two slow calls tell, unless it was this machine that was slow.
    let slow = disturbed.saturating_add(usize::from(*slowest_us > QUICK_US));
    if slow > 1 && *second_us <= QUICK_US {
        return inconclusive(words);
    }
    if times.len() < LEAST {
        return inconclusive(format!("too few calls to judge steadiness; {words}"));
    }
    if *second_us > QUICK_US {
        return warn(evidence(second, *second_us), words);
    }
    pass(evidence(second, *second_us), words)
}

/// Whether one call was over before the other began.
fn apart((one, one_us): &(&Exchange, u64), (two, two_us): &(&Exchange, u64)) -> bool {
    let over = |exchange: &Exchange, us: u64| exchange.started_us.saturating_add(us);
    over(one, *one_us) <= two.started_us || over(two, *two_us) <= one.started_us
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn call(after_us: u64) -> Made {
        let mut made =
            post(ProbeId::Load, "burst-1", Era::Modern, json!({"jsonrpc":"2.0","id":5,"method":"ping"}))
                .result(json!({}))
                .slow(after_us);
        made.made.ended_us = after_us;
        made
    }

    #[test]
    fn calls_that_were_slow_together_are_one_stall() {
        let slow = |together: bool| {
            let mut scan = calls(Scan::modern(), 22, &[4_000_000, 4_000_000, 4_000_000]);
            let exchanges = &mut scan.transcript.exchanges;
            let begun = exchanges.iter().find(|exchange| exchange.took_us() > 3_000_000).unwrap().started_us;
            for exchange in exchanges.iter_mut().filter(|exchange| together && exchange.took_us() > 3_000_000)
            {
                let by = exchange.started_us - begun;
                exchange.started_us -= by;
                exchange.ended_us -= by;
                exchange.head.as_mut().unwrap().at_us -= by;
            }
            scan.judge(&CHECK).status
        };
        assert_ne!(slow(false), Status::Pass);
        assert_eq!(slow(true), Status::Pass);
    }

    #[test]
    fn the_report_measures_the_very_same_calls() {
        let slow = |era| {
            post(ProbeId::Load, "burst-1", era, json!({"jsonrpc":"2.0","id":5,"method":"ping"}))
                .result(json!({}))
        };
        // A question of an era that is not spoken here need not be quick; an answer may come after its head.
        let event = ": wait\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n\n";
        let mut scan = calls(Scan::modern(), 20, &[70_000, 80_000]);
        for _ in 0..9 {
            scan = scan.with(slow(Era::Legacy).slow(600_000));
            scan = scan.with(slow(Era::Modern).stream(event, 300_000));
        }
        let finding = scan.judge(&CHECK);
        let readings = crate::facts::Readings::new(&scan.transcript);
        let plain = crate::facts::Scope::Every(crate::transcript::Expectation::Plain);
        let told = crate::facts::latency::latency(&crate::facts::Facts::scoped(&readings, plain)).unwrap();
        let start =
            format!("{} calls: median {}", told.samples, crate::verdict::milliseconds(told.p50_ms * 1_000));
        assert!(finding.message.starts_with(&start), "{} / {told:?}", finding.message);
        let worst = format!("95th percentile {}", crate::verdict::milliseconds(told.p95_ms * 1_000));
        assert!(told.p95_ms >= 300 && told.p95_ms < 600, "{told:?}");
        assert!(finding.message.contains(&worst), "{} / {told:?}", finding.message);
    }

    fn calls(base: Scan, quick: usize, odd: &[u64]) -> Scan {
        let base = (0..quick).fold(base, |scan, _| scan.with(call(4_000)));
        odd.iter().fold(base, |scan, us| scan.with(call(*us)))
    }

    fn status(quick: usize, odd: &[u64]) -> Status {
        calls(Scan::modern(), quick, odd).judge(&CHECK).status
    }

    #[test]
    fn passes_when_all_but_one_are_quick() {
        assert_eq!(status(20, &[]), Status::Pass);
        assert_eq!(status(20, &[9_000_000]), Status::Pass);
        let finding = calls(Scan::modern(), 24, &[]).judge(&CHECK);
        assert!(finding.message.contains("median 4.0 ms"), "{}", finding.message);
    }

    #[test]
    fn what_was_timed_while_the_machine_stood_still_does_not_count() {
        let slow = calls(Scan::modern(), 20, &[2_000_000, 3_000_000]);
        let start = slow.transcript.exchanges.iter().rev().nth(1).unwrap().started_us;
        let finding =
            calls(Scan::modern(), 20, &[2_000_000, 3_000_000]).stalled(start, 800_000).judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        assert!(finding.message.contains("stood still meanwhile: 1"), "{}", finding.message);
        let finding = calls(Scan::modern(), 20, &[2_000_000, 3_000_000]).stalled(start, 10_000).judge(&CHECK);
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
        let few = calls(Scan::modern(), 17, &[2_000_000, 3_000_000]).stalled(start, 5_000_000).judge(&CHECK);
        assert_eq!(few.status, Status::Inconclusive, "{}", few.message);
    }

    #[test]
    fn passes_after_a_cold_start() {
        let mut scan = calls(Scan::modern(), 25, &[2_000_000]);
        scan.transcript.exchanges[1].head.as_mut().unwrap().at_us += 9_000_000;
        scan.transcript.exchanges[1].ended_us += 9_000_000;
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_above_one_second() {
        assert_eq!(status(20, &[1_500_000, 1_200_000]), Status::Warn);
    }

    #[test]
    fn warns_when_the_head_is_quick_and_the_answer_is_not() {
        let late = || {
            let ask = json!({"jsonrpc":"2.0","id":5,"method":"ping"});
            let answer = ": wait\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n\n";
            post(ProbeId::Load, "burst-1", Era::Modern, ask).stream(answer, 2_000_000)
        };
        let scan = calls(Scan::modern(), 22, &[]).with(late()).with(late());
        assert_eq!(scan.judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn fails_above_five_seconds_however_few() {
        assert_eq!(status(20, &[6_000_000, 7_000_000]), Status::Fail);
        assert_eq!(status(3, &[6_000_000, 7_000_000]), Status::Fail);
    }

    #[test]
    fn fails_on_one_call_without_an_answer() {
        let lost =
            post(ProbeId::Load, "burst-2", Era::Modern, json!({"jsonrpc":"2.0","id":5,"method":"ping"}))
                .stream(": wait\n\n", 0)
                .held_until(30_000_000)
                .failed(Phase::Body, FailureKind::BodyTimeout);
        assert_eq!(calls(Scan::modern(), 22, &[]).with(lost).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_below_twenty_calls() {
        assert_eq!(status(5, &[]), Status::Inconclusive);
        assert_eq!(Scan::empty().judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_judged_but_noted_behind_authentication() {
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::Info);
        assert_eq!(calls(Scan::gated(), 25, &[]).judge(&CHECK).status, Status::Info);
    }
}
