//! The stream opens with an `endpoint` event that names where to post.

use url::Url;

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::protocol::announced::{Announced, announced};
use crate::protocol::sse::{self, Block};
use crate::verdict::{cut, milliseconds};

pub(super) static CHECK: Check = Check {
    id: "http-sse-endpoint-first",
    title: "The stream opens with an endpoint event that names a URI",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(&[Transport::HttpSse], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse]),
    basis: &[
        mcp!(
            "2024-11-05",
            "Transports, HTTP with SSE (the event must be sent)",
            "basic/transports#http-with-sse"
        ),
        mcp!(
            "2025-11-25",
            "Transports, Backwards Compatibility (clients expect it first)",
            "basic/transports#backwards-compatibility"
        ),
    ],
    rationale: "A client cannot send anything before it knows where to post. Clients that probe for this transport \
                look at the first event only, and give up when it is another one.",
    remediation: "Write the event as soon as the stream opens, with a bare URI as its data: `event: endpoint`, then \
                  `data: /messages?sessionId=8f14e45f`, then an empty line. The SDKs do so by themselves: \
                  `SSEServerTransport(\"/messages\", res)` in TypeScript, `SseServerTransport(\"/messages/\")` in \
                  Python.",
    causes: &[],
    how: How {
        sent: "GET with `Accept: text/event-stream`; the first event is read.",
        passes: "The first event is `endpoint`, with a URI, within 5 s.",
        warns: "It comes after other events, or after 5 to 10 s.",
        fails: "Its data is no URI.",
    },
    judge,
};

/// Up to here it is in time, microseconds since the request. Beyond 10 s it was no HTTP+SSE at all.
const IN_TIME_US: u64 = 5_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind != Kind::HttpSse {
        return not_applicable("the old transport is only listed beside Streamable HTTP");
    }
    let mut seen = Observations::new();
    for probe in [ProbeId::Classify, ProbeId::HttpSse] {
        for exchange in facts.steps(probe, "get") {
            judge_stream(exchange, &mut seen);
        }
    }
    seen.verdict(
        "the endpoint event comes first and at once",
        "no stream with an endpoint event was recorded",
    )
}

fn judge_stream(exchange: &Exchange, seen: &mut Observations) {
    let blocks = sse::blocks(exchange.lines().unwrap_or_default());
    let dispatched: Vec<&Block> = blocks.iter().filter(|block| block.dispatched()).collect();
    let Some(index) = dispatched.iter().position(|block| block.name() == "endpoint") else { return };
    let Some(block) = dispatched.get(index) else { return };
    let data = block.data.as_deref().unwrap_or_default();
    let at = Evidence::line(exchange, block.first_line);
    let base = Url::parse(&exchange.request.url).ok();
    if let Some(Announced::NoUri(why)) = base.map(|base| announced(&base, data)) {
        seen.add(Status::Fail, at, format!("the data of the endpoint event is no URI: {why}"));
        return;
    }
    let after_us = block.at_us.saturating_sub(exchange.started_us);
    if let Some(before) = dispatched.first().filter(|_| index > 0) {
        let name = cut(before.name());
        seen.add(Status::Warn, at, format!("an event `{name}` comes before the endpoint event"));
    } else if after_us > IN_TIME_US {
        let after = milliseconds(after_us);
        seen.add(Status::Warn, at, format!("the endpoint event came after {after}"));
    } else {
        seen.add(Status::Pass, at, "first");
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Scan, get};
    use crate::finding::Finding;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn opened(text: &str) -> Finding {
        Scan::feed(text).judge(&CHECK)
    }

    #[test]
    fn passes_when_it_comes_first_whatever_comments_precede_it() {
        let finding = opened(": hello\n\nretry: 3000\n\nevent: endpoint\ndata: /messages?s=1\n\n");
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_when_it_comes_late_or_after_another_event() {
        assert_eq!(opened("event: hello\ndata: {}\n\nevent: endpoint\ndata: /m\n\n").status, Status::Warn);
        let mut scan = Scan::http_sse();
        for exchange in &mut scan.transcript.exchanges {
            if let crate::transcript::Content::Lines { lines, .. } = &mut exchange.content {
                lines.iter_mut().for_each(|line| line.at_us += 6_000_000);
            }
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn warns_when_only_a_later_stream_begins_with_another_event() {
        let text = "event: hello\ndata: {}\n\nevent: endpoint\ndata: /m\n\n";
        let scan = Scan::http_sse().with(get(ProbeId::HttpSse, "get").stream(text, 0));
        assert_eq!(scan.judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn fails_without_a_usable_uri() {
        for data in ["data:", "data: {\"uri\":\"/m\"}", "data: http://[::1"] {
            let finding = opened(&format!("event: endpoint\n{data}\n\n"));
            assert_eq!(finding.status, Status::Fail, "{data}");
        }
    }

    #[test]
    fn undecided_on_other_transports() {
        assert_eq!(Scan::feed("data: 1\n\n").judge(&CHECK).status, Status::NotApplicable);
        let beside = Scan::legacy(false)
            .with(get(ProbeId::Classify, "get").stream("event: endpoint\ndata: /m\n\n", 0));
        assert_eq!(beside.judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_where_nothing_was_reached() {
        assert_eq!(Scan::empty().judge(&CHECK).status, Status::Inconclusive);
    }
}
