//! A POST to the stream's own path must not open another stream.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::barrier::essence;
use crate::protocol::sse;
use crate::verdict::milliseconds;

pub(super) static CHECK: Check = Check {
    id: "http-sse-post-not-streamed",
    title: "A POST to the stream's path opens no stream of the old kind",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(&[Transport::HttpSse], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify]),
    basis: &[Basis {
        title: "MCP 2025-11-25, Transports, Backwards Compatibility (clients POST first and judge by its status)",
        url: "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#backwards-compatibility",
    }],
    rationale: "Newer clients POST their `initialize` to the URL first and fall back to HTTP+SSE where that is refused. \
                A stream in answer looks like Streamable HTTP, and they wait for a response that never comes on it.",
    remediation: "Bind the stream to GET alone and answer POST on its path with `405 Method Not Allowed` and \
                  `Allow: GET`. In frameworks that route any method to one handler, test the method first.",
    causes: &[],
    how: How {
        sent: "Nothing more: the POSTs with which a scan begins.",
        passes: "They are refused with a 4xx, or answered as over Streamable HTTP.",
        warns: "One is answered with an event stream that begins with `endpoint`, or brings no response in 3 s.",
        fails: "",
    },
    judge,
};

/// A stream that brought no response for so long brings none, microseconds.
const WAITED_US: u64 = 3_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind != Kind::HttpSse {
        return not_applicable("POST is answered as over Streamable HTTP");
    }
    let mut seen = Observations::new();
    let mut unclear = None;
    for exchange in ["discover", "initialize"].iter().flat_map(|step| facts.steps(ProbeId::Classify, step)) {
        let streamed = exchange.ok() && essence(exchange).as_deref() == Some("text/event-stream");
        let status = exchange.status().unwrap_or_default();
        let blocks = sse::blocks(exchange.lines().unwrap_or_default());
        let first = blocks.iter().find(|block| block.dispatched());
        if !streamed {
            if (400..500).contains(&status) {
                seen.add(Status::Pass, Evidence::status(exchange), format!("POST is refused with {status}"));
            } else {
                unclear = Some(format!("POST to the stream's path is answered with {status}"));
            }
        } else if facts.reply(exchange).answer.is_some() {
            seen.add(Status::Pass, Evidence::status(exchange), "POST is answered");
        } else if first.is_some_and(|block| block.name() == "endpoint") {
            let at = first.map_or_else(
                || Evidence::status(exchange),
                |block| Evidence::line(exchange, block.first_line),
            );
            let message = "a POST to the stream's path opens another stream, which begins with `endpoint`";
            seen.add(Status::Warn, at, message);
        } else if exchange.took_us() >= WAITED_US {
            let waited = milliseconds(exchange.took_us());
            let message =
                format!("a POST to the stream's path opens a stream that brought no response in {waited}");
            seen.add(Status::Warn, Evidence::header(exchange, "content-type"), message);
        } else {
            unclear =
                Some("a POST to the stream's path opened a stream that was left too soon to tell".to_owned());
        }
    }
    match unclear {
        Some(why) if seen.count(Status::Warn) == 0 => inconclusive(why),
        _ => {
            seen.verdict("POST to the stream's path opens no stream", "no POST was sent to the stream's path")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, initialize};
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    const ENDPOINT: &str = "event: endpoint\ndata: /m\n\n";

    fn judged(post: Made) -> (Status, String) {
        let scan = Scan::empty().with(post).with(get(ProbeId::Classify, "get").stream(ENDPOINT, 0));
        let finding = scan.judge(&CHECK);
        (finding.status, finding.message)
    }

    fn post() -> Made {
        initialize(ProbeId::Classify, "initialize")
    }

    #[test]
    fn passes_where_post_is_refused() {
        assert_eq!(judged(post().status(405)).0, Status::Pass);
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_of_another_stream() {
        let (status, message) = judged(post().stream(ENDPOINT, 0).held_until(20_000));
        assert!(status == Status::Warn && message.contains("`endpoint`"), "{message}");
        let (status, message) = judged(post().stream(": hi\n\n", 0).held_until(10_000_000));
        assert!(status == Status::Warn && message.contains("no response"), "{message}");
    }

    #[test]
    fn undecided_where_it_was_left_too_soon_or_failed() {
        assert_eq!(judged(post().stream(": hi\n\n", 0).held_until(300_000)).0, Status::Inconclusive);
        assert_eq!(judged(post().status(500)).0, Status::Inconclusive);
    }
}
