//! Replay must not bring what belongs to others.

use crate::checks::prelude::*;
use crate::facts::resume::{ResumeOutcome, Series, Try, events, first_id, list};
use crate::transcript::Profile;

pub(super) static CHECK: Check = Check {
    id: "legacy-resume-own-stream",
    title: "Replay brings no event of another stream or session",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::LEGACY,
    reads: Reads::Of(&[ProbeId::Resume, ProbeId::Connections]),
    basis: &[
        mcp!(
            "2025-11-25",
            "Transports, Resumability and Redelivery (item 2)",
            "basic/transports#resumability-and-redelivery"
        ),
        Basis {
            title: "MCP, Security Best Practices, Session Hijacking",
            url: "https://modelcontextprotocol.io/docs/2025-11-25/tutorials/security/security_best_practices#session-hijacking",
        },
    ],
    rationale: "Events carry answers, and answers carry the data of whoever asked. A replay that crosses sessions hands \
                one user's data to another; one that crosses streams gives a client answers to other calls.",
    remediation: "Look the id up among the events of the asking session only, and replay the one stream that it names: \
                  refuse with `400` when `session.events.get(lastEventId)` finds nothing. TypeScript and Python SDKs: \
                  use one event store for each session, or make ids that hold session and stream and check both in the \
                  `replayEventsAfter` / `replay_events_after` of the store.",
    causes: &[],
    how: How {
        sent: "The tries of `legacy-resume`, read for events of other streams; then an id of one session \
               is asked for with the headers of another session of ours.",
        passes: "It is refused, nothing comes, or only events of the stream that was named.",
        warns: "",
        fails: "A replay brings events of another stream or session.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let exchanges: Vec<&Exchange> = facts.exchanges().collect();
    let series = Series::read(&exchanges);
    let stream = super::resumption::stream(facts, &exchanges, &series)?;
    if first_id(&events(stream.lines().unwrap_or_default())).is_none() {
        return not_applicable("events carry no ids, so nothing can be replayed");
    }
    let mut seen = Observations::new();
    let crossed = |one: &&Try<'_>| !one.foreign.is_empty();
    let evidence =
        |one: &Try<'_>| Evidence::line(one.replay, one.foreign.first().map_or(0, |event| event.line));
    if let Some(other) = series.other.as_ref().filter(crossed) {
        let message = format!(
            "an event id of one session, sent in another, brings the first one's events: {}",
            list(&other.foreign)
        );
        seen.add(Status::Fail, evidence(other), message);
    }
    let own: Vec<&Try<'_>> = series.tries.iter().chain(&series.cut).filter(crossed).collect();
    if let Some(worst) = own.iter().max_by_key(|one| one.foreign.len()) {
        let message = format!(
            "resumed streams bring events of other streams of their session ({} of {} did), such as {}",
            own.len(),
            series.tries.len().saturating_add(usize::from(series.cut.is_some())),
            list(&worst.foreign)
        );
        seen.add(Status::Fail, evidence(worst), message);
    }
    if !seen.is_empty() {
        return seen.verdict("", "");
    }
    let quick = facts.profile() == Profile::Quick;
    let own = judge_own(facts, &series, quick)?;
    // Without sessions there is no other one to ask from; what is declined at home needs no second try.
    let sessions = stream.session.is_some();
    match &series.other {
        Some(other) => {
            let came = refused_or_nothing(other)?;
            pass(
                Evidence::status(other.replay),
                format!("{own}; the id of one session brings {came} in another"),
            )
        }
        None if !sessions || declined(&series).is_some() => {
            let shown = series.tries.first().map_or(stream, |one| one.replay);
            pass(Evidence::status(shown), own)
        }
        None => inconclusive(facts.why_not(ProbeId::Resume, Some("resume-other"))),
    }
}

fn declined<'s, 't>(series: &'s Series<'t>) -> Option<&'s Try<'t>> {
    series.tries.iter().find(|one| matches!(one.outcome, ResumeOutcome::Declined(_)))
}

/// What the resumptions in their own session show.
fn judge_own(facts: &Facts<'_>, series: &Series<'_>, quick: bool) -> Result<String, Undecided> {
    let came = series.tries.iter().chain(&series.cut).filter(|one| !one.received.is_empty()).count();
    match came {
        0 if declined(series).is_some() => Ok("resumption is refused".to_owned()),
        0 if series.tries.is_empty() => inconclusive(facts.why_not(ProbeId::Resume, Some("resume-1"))),
        0 if quick => inconclusive("no replay came at once, and the quick profile does not wait"),
        0 => inconclusive("no replay could be provoked"),
        1 => Ok("a resumed stream brought its own events alone".to_owned()),
        count => Ok(format!("{count} resumed streams brought their own events alone")),
    }
}

/// What came of an id in another session, in a word.
fn refused_or_nothing(other: &Try<'_>) -> Result<String, Undecided> {
    match &other.outcome {
        ResumeOutcome::Unseen(why) => inconclusive(format!("the same id in another session: {why}")),
        ResumeOutcome::ServerError(status) => {
            inconclusive(format!("the same id in another session got {status}"))
        }
        ResumeOutcome::Declined(status) => Ok(format!("a refusal ({status})")),
        ResumeOutcome::Exact | ResumeOutcome::Silent | ResumeOutcome::Wrong(_)
            if other.received.is_empty() =>
        {
            Ok("nothing".to_owned())
        }
        ResumeOutcome::Exact | ResumeOutcome::Silent | ResumeOutcome::Wrong(_) => {
            Ok("nothing of the first one's".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::resumption::tests::{posted, resumed, scan, session};
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan};
    use crate::transcript::{FailureKind, Phase, Profile};
    use crate::verdict::{Severity, Status};

    fn answer(number: u32) -> String {
        format!("id: {number}-1\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":{{}}}}\n\n")
    }

    fn stream(number: u32) -> Made {
        posted(number, &format!("id: {number}-0\ndata:\n\n{}", answer(number)))
    }

    fn other(text: &str) -> Made {
        let mut made = resumed(1, "1-0", text);
        made.made.step = "resume-other".to_owned();
        made.made.session = Some("~session-2~".to_owned());
        made
    }

    fn judged(exchanges: &[Made]) -> crate::finding::Finding {
        scan(exchanges).judge(&CHECK)
    }

    #[test]
    fn passes_with_own_events_nothing_or_a_refusal() {
        let own = || [stream(1), stream(2), resumed(1, "1-0", &answer(1))];
        for elsewhere in [
            other(""),
            other("").status(400).body("application/json", "{}"),
            // Ids restart in every session, so the same id names an event of the other session's own.
            other("id: 1-1\ndata: {\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}\n\n"),
        ] {
            let [one, two, replay] = own();
            let finding = judged(&[one, two, replay, elsewhere]);
            assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        }
        let declined = judged(&[stream(1), resumed(1, "1-0", "").status(405)]);
        assert_eq!(declined.status, Status::Pass, "{}", declined.message);
    }

    #[test]
    fn fails_with_events_of_another_stream() {
        let finding =
            judged(&[stream(1), stream(2), resumed(1, "1-0", &format!("{}{}", answer(1), answer(2)))]);
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::Critical));
        assert!(finding.message.contains("2-1"), "{}", finding.message);
    }

    #[test]
    fn the_report_counts_them_too() {
        let both = format!("{}{}", answer(1), answer(2));
        let scan = scan(&[stream(1), stream(2), resumed(1, "1-0", &both), resumed(2, "2-0", &answer(2))]);
        let told = crate::facts::resume::summary(&scan.transcript).unwrap();
        assert_eq!((told.tries, told.exact, told.foreign), (2, 1, 1));
        assert_eq!(
            (told.expected, told.received),
            (vec!["1-1".to_owned()], vec!["1-1".to_owned(), "2-1".to_owned()])
        );
        // Nor may the finding on resumption itself call that exact.
        let finding = scan.judge(&super::super::legacy_resume::CHECK);
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        assert!(finding.message.contains("1 of them events of other streams as well"), "{}", finding.message);
    }

    #[test]
    fn fails_with_events_of_another_session() {
        let finding = judged(&[stream(1), resumed(1, "1-0", &answer(1)), other(&answer(1))]);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("session"), "{}", finding.message);
    }

    #[test]
    fn undecided_where_no_replay_could_be_provoked() {
        let silent = judged(&[stream(1), resumed(1, "1-0", ""), other("")]);
        assert_eq!(silent.status, Status::Inconclusive, "{}", silent.message);
        let unsent = judged(&[stream(1), resumed(1, "1-0", &answer(1))]);
        assert_eq!(unsent.status, Status::Inconclusive);
        let mut failed = other("").failed(Phase::Head, FailureKind::Reset);
        failed.made.head = None;
        assert_eq!(judged(&[stream(1), resumed(1, "1-0", &answer(1)), failed]).status, Status::Inconclusive);
        let quick = scan(&[stream(1), resumed(1, "1-0", "")]).profile(Profile::Quick).judge(&CHECK);
        assert!(quick.message.contains("quick"), "{}", quick.message);
    }

    #[test]
    fn not_applicable_without_ids_or_streams() {
        let bare = judged(&[posted(1, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n")]);
        assert_eq!(bare.status, Status::NotApplicable);
        let json = judged(&[session("post-1", 1).result(serde_json::json!({}))]);
        assert_eq!(json.status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
