//! A dropped stream can be picked up where it broke, without loss.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::resume::{ResumeOutcome, Series, Try, events, first_id, list};
use crate::transcript::Profile;

pub(super) static CHECK: Check = Check {
    id: "legacy-resume",
    title: "A dropped event stream resumes with exactly what was missed",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::May,
    applies: Applies::LEGACY,
    reads: Reads::Of(&[ProbeId::Resume, ProbeId::Connections]),
    basis: &[
        mcp!(
            "2025-11-25",
            "Transports, Resumability and Redelivery (servers MAY; a best practice)",
            "basic/transports#resumability-and-redelivery"
        ),
        Basis {
            title: "WHATWG HTML, Server-sent events, The Last-Event-ID header",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header",
        },
    ],
    rationale: "Networks drop connections in the middle of long calls. With resumption an agent asks for what it \
                missed and goes on; without it, or with one that loses or repeats events, the call is lost or its \
                answer is wrong.",
    remediation: "Give every event an id, keep the events of each stream in order, and on GET with `Last-Event-ID: \
                  <stream>-4` send `<stream>-5` and everything after it of that stream, once. TypeScript SDK: pass an \
                  `eventStore` whose ids sort in the order of storing (the example store's do not within one \
                  millisecond); Python SDK: pass an `event_store` to the session manager; Rust SDK: keep \
                  `with_legacy_session_mode(true)`.",
    causes: &[],
    how: How {
        sent: "A read-only call whose answer streams (`ping`, else `tools/list`) is read to its end; \
               then GET with `Last-Event-ID` of its first event, as if the connection had dropped there. \
               Up to five times, each on a stream of its own. Where finished streams are not replayed, \
               one is really cut and taken up again. Exact replay of finished streams alone decides nothing: \
               servers that do it still lose the answer of a call that is running when its stream breaks.",
        passes: "A stream that was cut before its answer had come brings exactly what was missing.",
        warns: "Only some are exact; events have no ids; the GET is declined; or it is accepted and \
                stays silent.",
        fails: "A 5xx, or no try is exact: events are lost, repeated or out of order.",
    },
    judge,
};

/// Redelivery is optional: said wherever its absence is found.
const OPTIONAL: &str = "the specification makes redelivery optional";

fn judge(facts: &Facts<'_>) -> Judgement {
    let exchanges: Vec<&Exchange> = facts.exchanges().collect();
    let series = Series::read(&exchanges);
    let stream = super::resumption::stream(facts, &exchanges, &series)?;
    if first_id(&events(stream.lines().unwrap_or_default())).is_none() {
        let message = format!("event streams carry no ids, so a dropped one cannot be resumed ({OPTIONAL})");
        let evidence = Evidence::new(stream, "body", "no `id:` line");
        return if facts.class().kind == Kind::Dual {
            info(evidence, format!("{message}; clients of the modern era have no use for ids"))
        } else {
            warn(evidence, message)
        };
    }
    let Some(first) = series.tries.first() else {
        return inconclusive(facts.why_not(ProbeId::Resume, Some("resume-1")));
    };
    judge_refusals(&series).unwrap_or_else(|| judge_series(facts, &series, first))
}

/// What shows without waiting: a server error, or a refusal.
fn judge_refusals(series: &Series<'_>) -> Option<Judgement> {
    for one in &series.tries {
        if let ResumeOutcome::ServerError(status) = one.outcome {
            let message = format!("GET with Last-Event-ID makes the server fail with {status}");
            return Some(fail(Evidence::status(one.replay), message));
        }
    }
    let declined = series.tries.iter().find_map(|one| match one.outcome {
        ResumeOutcome::Declined(status) => Some((one, status)),
        _ => None,
    });
    let (one, status) = declined.filter(|_| series.exact().0 == 0)?;
    let message =
        format!("events have ids, but GET with Last-Event-ID is declined with {status} ({OPTIONAL})");
    Some(warn(Evidence::status(one.replay), message))
}

fn judge_series(facts: &Facts<'_>, series: &Series<'_>, first: &Try<'_>) -> Judgement {
    let (exact, told) = series.exact();
    if facts.profile() == Profile::Quick {
        return inconclusive(
            "one try is no proof, and the quick profile makes no more; scan with the standard profile",
        );
    }
    if told == 0 {
        let why = match &first.outcome {
            ResumeOutcome::Unseen(why) => why.as_str(),
            _ => "no answer",
        };
        return inconclusive(format!("GET with Last-Event-ID: {why}"));
    }
    let wrong = series.tries.iter().find(|one| matches!(one.outcome, ResumeOutcome::Wrong(_)));
    if series.tries.iter().all(|one| one.expected.is_empty()) && wrong.is_none() {
        return inconclusive(
            "streams carry one event with an id only, and nothing came after it: there was nothing to miss",
        );
    }
    let shown =
        wrong.or(series.tries.iter().find(|one| one.outcome != ResumeOutcome::Exact)).unwrap_or(first);
    let evidence = vec![replayed(shown), Evidence::new(shown.stream, "body", compared(shown))];
    match exact {
        _ if exact == told => {
            // Whose events came besides is for `legacy-resume-own-stream` to judge.
            let foreign = series.tries.iter().filter(|one| !one.foreign.is_empty()).count();
            let brought = match foreign {
                0 => format!("brought exactly what was missed ({})", compared(first)),
                _ => format!(
                    "brought all that was missed, once and in order ({}); {foreign} of them events of other \
                     streams as well, which legacy-resume-own-stream judges",
                    compared(first)
                ),
            };
            if !running(facts, series) {
                return inconclusive(format!(
                    "{exact} of {told} resumed streams {brought}, but all of them had ended; none was cut while its \
                     call was running, and only that shows whether an agent can go on"
                ));
            }
            let message = format!("{exact} of {told} resumed streams {brought}");
            Ok(Verdict::of(Status::Pass, vec![replayed(first)], message))
        }
        0 => match (&shown.outcome, &series.cut) {
            (ResumeOutcome::Wrong(how), _) => {
                let message = format!(
                    "none of {told} resumed streams brought what was missed: {how}; {}",
                    compared(shown)
                );
                Ok(Verdict::of(Status::Fail, evidence, message))
            }
            (_, Some(cut)) if running(facts, series) => pass(
                replayed(cut),
                format!(
                    "a stream that was cut resumed exactly ({}); finished ones are not replayed",
                    compared(cut)
                ),
            ),
            (_, Some(Try { outcome: ResumeOutcome::Wrong(how), .. })) => {
                let cut = series.cut.as_ref().unwrap_or(shown);
                let message = format!("a stream that was cut resumed wrongly: {how}; {}", compared(cut));
                Ok(Verdict::of(Status::Fail, vec![replayed(cut)], message))
            }
            _ => Ok(Verdict::of(
                Status::Warn,
                evidence,
                format!(
                    "GET with Last-Event-ID is accepted, but nothing comes: finished streams are not replayed, and \
                     one that still runs was not tested ({OPTIONAL})"
                ),
            )),
        },
        _ => {
            let how = match &shown.outcome {
                ResumeOutcome::Wrong(how) => how.clone(),
                ResumeOutcome::Declined(status) => format!("it was declined with {status}"),
                _ => "nothing came".to_owned(),
            };
            let message = format!(
                "only {exact} of {told} resumed streams were exact; in another {how}; {}",
                compared(shown)
            );
            let mut verdict = Verdict::of(Status::Warn, evidence, message);
            verdict.unstable = true;
            Ok(verdict)
        }
    }
}

/// Whether a stream was cut before its answer had come, and taken up exactly.
fn running(facts: &Facts<'_>, series: &Series<'_>) -> bool {
    let exact = series.cut.as_ref().filter(|cut| cut.outcome == ResumeOutcome::Exact);
    exact.is_some_and(|cut| facts.reply(cut.stream).answer.is_none())
}

fn replayed(one: &Try<'_>) -> Evidence {
    match one.received.first() {
        Some(event) => Evidence::line(one.replay, event.line),
        None => Evidence::status(one.replay),
    }
}

fn compared(one: &Try<'_>) -> String {
    format!("expected {}, received {}", list(&one.expected), list(&one.received))
}

#[cfg(test)]
mod tests {
    use super::super::resumption::tests::{add, posted, resumed, scan, session};
    use super::CHECK;
    use crate::checks::synthetic::Scan;
    use crate::finding::Finding;
    use crate::transcript::{FailureKind, Phase, ProbeId, Profile, SkipReason};
    use crate::verdict::Status;

    fn priming(number: u32) -> String {
        format!("id: {number}-0\ndata:\n\n")
    }

    fn answer(number: u32) -> String {
        format!("id: {number}-1\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":{{}}}}\n\n")
    }

    fn streamed(count: u32) -> Scan {
        (1..=count).fold(Scan::legacy(true), |scan, number| {
            scan.with(posted(number, &format!("{}{}", priming(number), answer(number))))
        })
    }

    /// Streams that came back as these texts.
    fn series(replays: &[&str]) -> Finding {
        let mut scan = streamed(u32::try_from(replays.len()).unwrap());
        for (number, text) in (1..).zip(replays) {
            scan = add(scan, resumed(number, &format!("{number}-0"), text));
        }
        scan.judge(&CHECK)
    }

    #[test]
    fn undecided_when_only_streams_that_had_ended_are_replayed() {
        let finding = series(&[&answer(1), &answer(2), &format!(": hi\n\nid: 9-9\ndata:\n\n{}", answer(3))]);
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        assert!(finding.message.contains("while its call was running"), "{}", finding.message);
        assert!(finding.message.contains("3 of 3") && finding.message.contains("1-1"), "{}", finding.message);
    }

    /// A stream was cut as well, with `before` on it, and taken up.
    fn cut(scan: Scan, before: &str) -> Scan {
        let cut = session("cut", 50).stream(before, 0).held_until(20_000);
        let mut again = resumed(1, "c-0", "id: c-1\ndata: {\"jsonrpc\":\"2.0\",\"id\":50,\"result\":{}}\n\n");
        again.made.step = "resume-cut".to_owned();
        add(scan.with(cut), again)
    }

    const PRIMED: &str = "id: c-0\ndata:\n\n";

    #[test]
    fn passes_when_a_stream_that_was_cut_before_its_answer_resumes() {
        let ended_too = add(streamed(1), resumed(1, "1-0", &answer(1)));
        for scan in [add(streamed(1), resumed(1, "1-0", "")), ended_too] {
            let finding = cut(scan, PRIMED).judge(&CHECK);
            assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        }
    }

    #[test]
    fn warns_when_some_are_exact_and_marks_it_unstable() {
        let finding = series(&[&answer(1), ""]);
        assert_eq!((finding.status, finding.unstable), (Status::Warn, true));
        assert!(finding.message.contains("1 of 2"), "{}", finding.message);
    }

    #[test]
    fn warns_without_ids_declined_or_silent() {
        let none = scan(&[posted(1, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n")]);
        assert_eq!(none.judge(&CHECK).status, Status::Warn);
        for status in [400, 404, 405] {
            let declined = resumed(1, "1-0", "").status(status).body("text/plain", "no");
            assert_eq!(add(streamed(1), declined).judge(&CHECK).status, Status::Warn, "{status}");
        }
        let silent = series(&["", ""]);
        assert_eq!((silent.status, silent.unstable), (Status::Warn, false));
        assert!(silent.message.contains("not replayed"), "{}", silent.message);
        let held = resumed(1, "1-0", "").failed(Phase::Head, FailureKind::HeaderTimeout);
        let mut held = held;
        held.made.head = None;
        assert_eq!(add(streamed(1), held).judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn fails_when_nothing_is_exact_or_the_server_breaks() {
        for wrong in [
            format!("{}{}", priming(1), answer(1)),
            format!("{}{}", answer(1), answer(1)),
            "id: 1-1\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":1}}\n\n".to_owned(),
        ] {
            let finding = series(&[&wrong]);
            assert_eq!(finding.status, Status::Fail, "{wrong} {}", finding.message);
        }
        let broken = resumed(1, "1-0", "").status(500).body("text/plain", "no");
        assert_eq!(add(streamed(1), broken).judge(&CHECK).status, Status::Fail);
        // Order counts, too.
        let three = format!("{}id: 1-1\ndata: {{\"a\":1}}\n\nid: 1-2\ndata: {{\"b\":1}}\n\n", priming(1));
        let turned = "id: 1-2\ndata: {\"b\":1}\n\nid: 1-1\ndata: {\"a\":1}\n\n";
        let finding = scan(&[posted(1, &three), resumed(1, "1-0", turned)]).judge(&CHECK);
        assert!(finding.message.contains("order"), "{}", finding.message);
    }

    #[test]
    fn a_single_id_must_not_come_again() {
        let one = || posted(1, &answer(1));
        let silent = scan(&[one(), resumed(1, "1-1", "")]).judge(&CHECK);
        assert_eq!(silent.status, Status::Inconclusive, "{}", silent.message);
        let repeated = scan(&[one(), resumed(1, "1-1", &answer(1))]).judge(&CHECK);
        assert_eq!(repeated.status, Status::Fail, "{}", repeated.message);
    }

    #[test]
    fn notes_missing_ids_of_a_dual_endpoint() {
        let scan = Scan::dual(true).with(posted(1, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"));
        assert_eq!(scan.judge(&CHECK).status, Status::Info);
    }

    #[test]
    fn events_of_other_streams_are_not_judged_here() {
        let foreign = format!("{}{}", answer(2), answer(1));
        let scan = add(add(streamed(2), resumed(1, "1-0", &foreign)), resumed(2, "2-0", &answer(2)));
        assert_eq!(cut(scan, PRIMED).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn undecided_in_quick_except_for_what_shows_at_once() {
        let one = add(streamed(1), resumed(1, "1-0", &answer(1))).profile(Profile::Quick);
        assert_eq!(one.judge(&CHECK).status, Status::Inconclusive);
        let declined = resumed(1, "1-0", "").status(405);
        assert_eq!(add(streamed(1), declined).profile(Profile::Quick).judge(&CHECK).status, Status::Warn);
        let none = Scan::legacy(true).skip(ProbeId::Resume, Some("post-1"), SkipReason::Budget);
        assert!(none.judge(&CHECK).message.contains("budget"));
    }

    #[test]
    fn not_applicable_to_json_and_modern() {
        let json = scan(&[session("post-1", 1).result(serde_json::json!({}))]);
        assert_eq!(json.judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
