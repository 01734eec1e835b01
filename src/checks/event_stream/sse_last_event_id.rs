//! A feed that drops can be picked up after the last id.

use crate::checks::prelude::*;
use crate::facts::resume::{ResumeOutcome, Try, events, feed, first_id, list};
use crate::transcript::Profile;

pub(super) static CHECK: Check = Check {
    id: "sse-last-event-id",
    title: "Reconnecting with Last-Event-ID continues the feed",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(&[Transport::EventStream], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::FeedResume]),
    basis: &[Basis {
        title: "WHATWG HTML, Server-sent events, The Last-Event-ID header",
        url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header",
    }],
    rationale: "Every client reconnects by itself and says where it was. A feed that starts afresh loses what came in \
                between, or hands out again what was already acted on.",
    remediation: "Keep the last events, write an `id:` into each, and on `Last-Event-ID: 42` begin with event 43. With \
                  sse-starlette read `request.headers.get(\"last-event-id\")` before the first `yield`.",
    causes: &[],
    how: How {
        sent: "The feed is read until two events with ids came, and dropped; then GET with \
               `Last-Event-ID` of the first.",
        passes: "It continues after that id: nothing lost, nothing twice.",
        warns: "It starts anew, repeats or skips events, stays silent, or has no ids.",
        fails: "The GET with `Last-Event-ID` is refused.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().is_mcp() {
        return not_applicable("an MCP stream: see `legacy-resume`");
    }
    let first = answered(facts.step(ProbeId::FeedResume, "first", None)?)?;
    let came = events(first.lines().unwrap_or_default());
    if came.is_empty() {
        return inconclusive("no event came, so there was nothing to continue after");
    }
    if first_id(&came).is_none() {
        let line = came.first().map_or(0, |event| event.line);
        return warn(Evidence::line(first, line), "events carry no ids, so the feed cannot be resumed");
    }
    let again = facts.step(ProbeId::FeedResume, "again", None)?;
    let Some(one) = feed(first, again) else {
        return inconclusive("no event with an id came");
    };
    judge_try(facts, &one)
}

fn judge_try(facts: &Facts<'_>, one: &Try<'_>) -> Judgement {
    let compared = format!("expected {}, received {}", list(&one.expected), list(&one.received));
    let at = match one.received.first() {
        Some(event) => Evidence::line(one.replay, event.line),
        None => Evidence::status(one.replay),
    };
    match &one.outcome {
        ResumeOutcome::Unseen(why) => inconclusive(format!("GET with Last-Event-ID: {why}")),
        ResumeOutcome::Declined(status) | ResumeOutcome::ServerError(status) => {
            fail(Evidence::status(one.replay), format!("GET with Last-Event-ID is refused with {status}"))
        }
        ResumeOutcome::Wrong(how) => {
            warn(at, format!("the feed does not continue after the id: {how}; {compared}"))
        }
        _ if one.expected.is_empty() => {
            inconclusive("one event with an id came, and none after it: there was nothing to miss")
        }
        ResumeOutcome::Exact => pass(at, format!("the feed continues after the id ({compared})")),
        ResumeOutcome::Silent if facts.profile() == Profile::Quick => inconclusive(
            "nothing came at once, and the quick profile does not wait; scan with the standard profile",
        ),
        ResumeOutcome::Silent => warn(
            at,
            format!("GET with Last-Event-ID is accepted, but what was missed does not come ({compared})"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get};
    use crate::finding::Finding;
    use crate::protocol::names;
    use crate::transcript::{FailureKind, Phase, ProbeId, Profile, SkipReason};
    use crate::verdict::Status;

    fn numbered(numbers: &[u32]) -> String {
        numbers.iter().map(|number| format!("id: {number}\ndata: n{number}\n\n")).collect()
    }

    fn again(text: &str) -> Made {
        get(ProbeId::FeedResume, "again").sending(names::LAST_EVENT_ID, "1").stream(text, 0)
    }

    fn scan(first: &str, again: Made) -> Scan {
        Scan::feed(&numbered(&[1])).with(get(ProbeId::FeedResume, "first").stream(first, 0)).with(again)
    }

    fn judged(numbers: &[u32]) -> Finding {
        scan(&numbered(&[1, 2, 3]), again(&numbered(numbers))).judge(&CHECK)
    }

    #[test]
    fn passes_when_it_continues() {
        let finding = judged(&[2, 3, 4]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.message.contains("expected 2, 3, received 2, 3, 4"), "{}", finding.message);
    }

    #[test]
    fn warns_when_it_starts_afresh_repeats_loses_or_has_no_ids() {
        for numbers in [&[1, 2, 3][..], &[2, 2, 3], &[7, 8], &[3, 2], &[]] {
            assert_eq!(judged(numbers).status, Status::Warn, "{numbers:?}");
        }
        let bare = Scan::feed("data: a\n\n")
            .with(get(ProbeId::FeedResume, "first").stream("data: a\n\ndata: b\n\n", 0));
        assert_eq!(bare.judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn fails_when_it_is_refused() {
        for status in [400, 500] {
            assert_eq!(scan(&numbered(&[1, 2]), again("").status(status)).judge(&CHECK).status, Status::Fail);
        }
    }

    #[test]
    fn undecided_when_there_was_nothing_to_miss_or_no_answer() {
        assert_eq!(scan(&numbered(&[1]), again(&numbered(&[2]))).judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(scan("", again("")).judge(&CHECK).status, Status::Inconclusive);
        let mut lost = again("").failed(Phase::Head, FailureKind::Reset);
        lost.made.head = None;
        assert_eq!(scan(&numbered(&[1, 2]), lost).judge(&CHECK).status, Status::Inconclusive);
        let quick = scan(&numbered(&[1, 2]), again("")).profile(Profile::Quick).judge(&CHECK);
        assert_eq!(quick.status, Status::Inconclusive);
        let skipped = Scan::feed("data: a\n\n").skip(ProbeId::FeedResume, Some("first"), SkipReason::Budget);
        assert!(skipped.judge(&CHECK).message.contains("budget"));
    }

    #[test]
    fn not_applicable_to_mcp() {
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::NotApplicable);
    }
}
