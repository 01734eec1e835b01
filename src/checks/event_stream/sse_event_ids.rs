//! Event ids let a client resume a broken stream, where the revision has resumption.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::event_ids;

pub(super) static CHECK: Check = Check {
    id: "sse-event-ids",
    title: "Every event that carries data has an id of its own",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::May,
    applies: Applies::to(&[Transport::StreamableHttp, Transport::EventStream], Gated::Unseen),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "WHATWG HTML, Server-sent events, The Last-Event-ID header",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header",
        },
        mcp!(
            "2025-11-25",
            "Transports, Resumability and Redelivery (ids MAY be attached)",
            "basic/transports#resumability-and-redelivery"
        ),
    ],
    rationale: "When a stream drops, a client can ask only for what came after the last id it saw. Without ids an \
                answer that was on its way is lost, and repeated ids bring the wrong events back.",
    remediation: "Write an `id:` line into every event that carries data, a new one for every event of a session, for \
                  example `id: <stream>-<counter>`. TypeScript SDK: pass `eventStore` to the transport; Python SDK: \
                  pass `event_store` to the session manager; Rust SDK: keep `with_legacy_session_mode(true)`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the ids of all events with data, by session and stream; replays and replies \
               to `initialize` are left out.",
        passes: "Each has an id, none twice in a session, and integers rise.",
        warns: "Ids are missing, repeat or fall. (Only noted on a dual-era endpoint; what repeats within a session of \
                MCP is another matter.)",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let class = facts.class();
    let feed = class.transports.contains(&Transport::EventStream);
    if !feed && !class.streamable(Era::Legacy) {
        return not_applicable("the modern era has no event ids");
    }
    let tally = event_ids::tally(facts.exchanges(), feed);
    let Some((shown, line)) = tally.first else {
        return if feed {
            inconclusive("no event that carries data arrived")
        } else {
            not_applicable("no event that carries data was seen: answers are plain JSON")
        };
    };
    let evidence = Evidence::line(shown, line);
    let (with, all) = (tally.with_id, tally.events);
    let mut seen = Observations::new();
    if with < all {
        let evidence =
            tally.without.map_or(evidence.clone(), |(exchange, line)| Evidence::line(exchange, line));
        let message = if with == 0 {
            format!("none of {all} events has an id (no specification demands them)")
        } else {
            format!("{} of {all} events have no id", all.saturating_sub(with))
        };
        seen.add(Status::Warn, evidence, message);
    }
    // Within a session of MCP uniqueness is a rule, with a row of its own.
    let elsewhere = tally.repeated.is_some() && class.streamable(Era::Legacy);
    if let Some((exchange, line, id)) = tally.repeated.as_ref().filter(|_| !elsewhere) {
        let id = crate::verdict::cut(id);
        let message = match tally.everywhere() {
            Some(_) => format!("every event has the id `{id}`"),
            None => format!("the id `{id}` comes more than once"),
        };
        seen.add(Status::Warn, Evidence::line(exchange, *line), message);
    }
    if let Some((exchange, line)) = tally.falling {
        seen.add(Status::Warn, Evidence::line(exchange, line), "ids fall within one stream");
    }
    if seen.is_empty() && elsewhere {
        return not_applicable("ids repeat: see `legacy-event-ids-unique`");
    }
    if seen.is_empty() {
        return pass(evidence, format!("all {all} events have ids of their own"));
    }
    let mut verdict = seen.verdict("", "")?;
    if class.kind == Kind::Dual {
        verdict.status = Status::Info;
        verdict.message.push_str("; clients of the modern era have no use for ids");
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn ping(text: &str) -> Made {
        post(ProbeId::IdEcho, "integer", Era::Legacy, json!({"jsonrpc":"2.0","id":7,"method":"ping"}))
            .in_session("~session-1~")
            .stream(text, 0)
    }

    fn legacy(texts: &[&str]) -> Finding {
        let mut scan = Scan::legacy(true);
        for text in texts {
            scan = scan.with(ping(text));
        }
        scan.judge(&CHECK)
    }

    #[test]
    fn passes_with_ids_and_id_less_priming_or_keep_alives() {
        let first = "id: 0/0\nretry: 3000\ndata: \n\ndata: {}\nid: 1/0\n\n: ping\n\ndata:\n\n";
        let finding = legacy(&[first, "id: 0/1\ndata: \n\ndata: {}\nid: 1/1\n\n"]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert_eq!(Scan::feed("id: 1\ndata: a\n\nid: 2\ndata: b\n\n").judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_when_ids_are_missing_repeated_or_falling() {
        assert_eq!(legacy(&["data: {}\n\n"]).status, Status::Warn);
        let some = legacy(&["id: 1\ndata: {}\n\ndata: {}\n\n"]);
        assert!(some.message.contains("1 of 2"), "{}", some.message);
        let twice = Scan::feed("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 1\ndata: c\n\n").judge(&CHECK);
        assert!(twice.message.contains("`1` comes more than once"), "{}", twice.message);
        let same = Scan::feed(&"id: s\ndata: a\n\n".repeat(3)).judge(&CHECK);
        assert!(same.message.contains("every event has the id `s`"), "{}", same.message);
        assert!(legacy(&["id: 9\ndata: {}\n\nid: 8\ndata: {}\n\n"]).message.contains("fall"));
        assert_eq!(Scan::feed("data: hello\n\n").judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn passes_when_ids_restart_in_another_session_or_are_replayed() {
        let other = ping("id: 1\ndata: {}\n\n").in_session("~session-2~");
        let mut other = other;
        other.made.session = Some("~session-2~".to_owned());
        let replay = ping("id: 1\ndata: {}\n\n").sending("last-event-id", "0");
        let scan = Scan::legacy(true).with(ping("id: 1\ndata: {}\n\n")).with(other).with(replay);
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn leaves_repetitions_within_a_session_to_their_own_check() {
        let twice = legacy(&["id: 1\ndata: {}\n\n", "id: 1\ndata: {}\n\n"]);
        assert_eq!(twice.status, Status::NotApplicable, "{}", twice.message);
        assert!(twice.message.contains("legacy-event-ids-unique"), "{}", twice.message);
    }

    #[test]
    fn notes_missing_ids_of_a_dual_endpoint() {
        assert_eq!(Scan::dual(true).with(ping("data: {}\n\n")).judge(&CHECK).status, Status::Info);
    }

    #[test]
    fn not_applicable_to_the_modern_era_json_and_http_sse() {
        let modern =
            post(ProbeId::IdEcho, "integer", Era::Modern, json!({"jsonrpc":"2.0","id":7,"method":"x"}));
        let scan = Scan::modern().with(modern.stream("data: {}\n\n", 0));
        assert_eq!(scan.judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn not_applicable_when_only_initialize_is_a_stream() {
        let mut scan = Scan::legacy(true);
        let handshake = scan.transcript.exchanges.last().unwrap().clone();
        scan = scan.with(Made { made: handshake }.stream("data: {}\n\n", 0));
        assert_eq!(scan.judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_on_a_silent_feed() {
        assert_eq!(Scan::feed(": hi\n\n").judge(&CHECK).status, Status::Inconclusive);
    }
}
