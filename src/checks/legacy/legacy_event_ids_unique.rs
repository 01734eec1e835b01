//! Within a session an event id means one event.

use crate::checks::prelude::*;
use crate::facts::event_ids;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "legacy-event-ids-unique",
    title: "Event ids never repeat within a session",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::LEGACY,
    reads: Reads::All,
    basis: &[Basis {
        title: "MCP 2025-11-25, Transports, Resumability and Redelivery",
        url: "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery",
    }],
    rationale: "The last id that a client saw says where to go on. If several events have it, the server replays from the \
                wrong place, and answers come twice or never.",
    remediation: "Count events up within the session, over all of its streams: `id: <stream>-<counter>`. The session's \
                  own id names no event; without an event store leave the `id:` lines out.",
    causes: &[],
    how: How {
        sent: "Nothing more: the ids of all events with data, by session; replays are left out.",
        passes: "No id comes twice in a session.",
        warns: "",
        fails: "An id names more than one event.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let tally = event_ids::tally(facts.exchanges(), false);
    let Some((shown, line)) = tally.first else {
        return not_applicable("no event that carries data was seen: answers are plain JSON");
    };
    if tally.with_id == 0 {
        return not_applicable(format!("none of {} events has an id, and none need have one", tally.events));
    }
    if let Some((exchange, line, id)) = &tally.repeated {
        let id = cut(id);
        let message = match tally.everywhere() {
            Some(_) => format!("every event of a session has the same id (`{id}`): it names no event"),
            None => format!("the id `{id}` names more than one event of its session"),
        };
        return fail(Evidence::line(exchange, *line), message);
    }
    if tally.with_id < 2 {
        return inconclusive("only one event with an id was seen");
    }
    pass(Evidence::line(shown, line), format!("none of {} ids comes twice in its session", tally.with_id))
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

    fn ping(session: &str, text: &str) -> Made {
        post(ProbeId::IdEcho, "integer", Era::Legacy, json!({"jsonrpc":"2.0","id":7,"method":"ping"}))
            .in_session(session)
            .stream(text, 0)
    }

    fn judged(streams: &[(&str, &str)]) -> Finding {
        streams
            .iter()
            .fold(Scan::legacy(true), |scan, (session, text)| scan.with(ping(session, text)))
            .judge(&CHECK)
    }

    const ONE: &str = "id: 1\ndata: {}\n\n";

    #[test]
    fn passes_where_no_id_comes_twice_in_a_session() {
        let finding = judged(&[("~session-1~", ONE), ("~session-1~", "id: 2\ndata: {}\n\n")]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert_eq!(judged(&[("~session-1~", ONE), ("~session-2~", ONE)]).status, Status::Pass);
        let replay = ping("~session-1~", ONE).sending("last-event-id", "0");
        let scan = Scan::legacy(true).with(ping("~session-1~", "id: 1\ndata: {}\n\nid: 2\ndata: {}\n\n"));
        assert_eq!(scan.with(replay).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_where_an_id_names_several_events() {
        let finding =
            judged(&[("~session-1~", "id: 1\ndata: {}\n\nid: 2\ndata: {}\n\n"), ("~session-1~", ONE)]);
        assert!(finding.status == Status::Fail && finding.message.contains("`1`"), "{}", finding.message);
        let same = judged(&[("~session-1~", &ONE.repeat(2)), ("~session-1~", ONE)]);
        assert!(same.message.contains("every event of a session has the same id"), "{}", same.message);
    }

    #[test]
    fn undecided_on_a_single_id_and_not_applicable_without() {
        assert_eq!(judged(&[("~session-1~", ONE)]).status, Status::Inconclusive);
        assert_eq!(judged(&[("~session-1~", "data: {}\n\n")]).status, Status::NotApplicable);
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::NotApplicable);
    }
}
