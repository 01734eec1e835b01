//! Event streams must say that they are event streams.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::steps::{self, Get};
use crate::facts::streams::is_stream;
use crate::protocol::headers::media_type;

pub(super) static CHECK: Check = Check {
    id: "sse-content-type",
    title: "Event streams are sent with status 200 as text/event-stream",
    dimension: Dimension::D2,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Unseen,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "WHATWG HTML, Server-sent events, The EventSource interface (step 15)",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface",
        },
        Basis {
            title: "WHATWG HTML, Server-sent events, Introduction (204)",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events-intro",
        },
        mcp!(
            "2025-11-25",
            "Transports, Sending Messages to the Server, item 5",
            "basic/transports#sending-messages-to-the-server"
        ),
        mcp!(
            "2025-11-25",
            "Transports, Listening for Messages from the Server, item 3",
            "basic/transports#listening-for-messages-from-the-server"
        ),
    ],
    rationale: "A client decides by the media type how to read a reply. A stream under another type is parsed as JSON \
                or refused outright, as every browser does.",
    remediation: "Send `200 OK` with `Content-Type: text/event-stream` and nothing after it but, at most, \
                  `; charset=utf-8`.",
    causes: &[Cause { word: REFUSED, remedy: None }],
    how: How {
        sent: "Nothing more: status and Content-Type of every event stream of the scan.",
        passes: "200 and `text/event-stream`, with or without `charset=utf-8`.",
        warns: "Another parameter.",
        fails: "Another type or charset, or a stream with another status; critical where a GET opens it.",
    },
    judge,
};

/// The stream that everything goes over is none to any client.
const REFUSED: &str = "refused-by-clients";

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    for exchange in facts.exchanges().filter(|exchange| is_stream(exchange)) {
        // On Streamable HTTP it is one stream beside others.
        let only = exchange.request.method == "GET"
            && matches!(facts.class().kind, Kind::EventStream | Kind::HttpSse);
        judge_stream(exchange, only, &mut seen);
    }
    let feed = |exchange: &&Exchange| matches!(exchange.probe, ProbeId::Classify | ProbeId::Idle);
    for exchange in facts.exchanges().filter(feed) {
        if exchange.request.method == "GET" && steps::get(exchange) == Get::Ended {
            let message = "204: the feed asks clients not to reconnect";
            seen.add(Status::Info, Evidence::status(exchange), message);
        }
    }
    if seen.is_empty() && !matches!(facts.class().kind, Kind::EventStream | Kind::HttpSse) {
        return not_applicable("no event stream was seen");
    }
    seen.verdict(
        "every event stream has status 200 and the media type text/event-stream",
        "no stream was opened",
    )
}

fn judge_stream(exchange: &Exchange, only: bool, seen: &mut Observations) {
    let status = exchange.status().unwrap_or_default();
    let value = exchange.header("content-type").unwrap_or_default();
    let mut add = |status: Status, evidence: Evidence, message: String| {
        // Critical where the stream is opened by GET: an EventSource then refuses the whole endpoint.
        let severity = match status {
            Status::Fail if exchange.request.method == "GET" => Some(Severity::Critical),
            Status::Fail => Some(Severity::High),
            Status::Warn => Some(Severity::Low),
            _ => None,
        };
        seen.push(Verdict { severity, ..Verdict::of(status, vec![evidence], message) });
    };
    let lines = exchange.lines().unwrap_or_default();
    if status != 200 {
        // A head that says event stream on an empty error or 202 carries no stream.
        if !lines.is_empty() {
            let message = format!("an event stream is sent with status {status}");
            add(Status::Fail, Evidence::status(exchange), message);
        }
        return;
    }
    let header = Evidence::new(exchange, "header content-type", value);
    let Some(media) = media_type(value).filter(|media| media.essence == "text/event-stream") else {
        let named =
            if value.is_empty() { "without a media type".to_owned() } else { format!("as `{value}`") };
        let message = format!("an event stream is sent {named}");
        let severity = if exchange.request.method == "GET" { Severity::Critical } else { Severity::High };
        let verdict = Verdict::of(Status::Fail, vec![header], message).with_severity(severity);
        return seen.push(if only { verdict.because(REFUSED) } else { verdict });
    };
    for (name, value) in &media.parameters {
        if name != "charset" {
            add(Status::Warn, header.clone(), format!("the media type has the parameter `{name}`"));
        } else if !value.eq_ignore_ascii_case("utf-8") && !value.eq_ignore_ascii_case("utf8") {
            let message = format!("the charset is `{value}`, but event streams are always UTF-8");
            add(Status::Fail, header.clone(), message);
        }
    }
    add(Status::Pass, header, "declared".to_owned());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Scan, get, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::{Severity, Status};

    const EVENT: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";

    fn posted(content_type: &str, status: u16) -> Finding {
        let body = json!({"jsonrpc":"2.0","id":7,"method":"ping"});
        Scan::legacy(false)
            .with(
                post(ProbeId::IdEcho, "integer", Era::Legacy, body)
                    .status(status)
                    .stream(EVENT, 0)
                    .header("content-type", content_type),
            )
            .judge(&CHECK)
    }

    fn feed(content_type: &str) -> Finding {
        let mut scan = Scan::feed("data: 1\n\n");
        let head = scan.transcript.exchanges.last_mut().unwrap().head.as_mut().unwrap();
        head.headers = vec![("content-type".to_owned(), content_type.to_owned())];
        scan.judge(&CHECK)
    }

    #[test]
    fn passes_with_the_type_and_perhaps_its_charset() {
        for value in
            ["text/event-stream", "Text/Event-Stream; charset=UTF-8", "text/event-stream;charset=\"utf-8\""]
        {
            assert_eq!(posted(value, 200).status, Status::Pass, "{value}");
        }
    }

    #[test]
    fn fails_under_another_type_charset_or_status() {
        let post = posted("text/plain", 200);
        assert_eq!((post.status, post.severity), (Status::Fail, Severity::High));
        assert_eq!(posted("text/event-stream; charset=iso-8859-1", 200).status, Status::Fail);
        assert_eq!(posted("text/event-stream", 201).status, Status::Fail);
        let get = feed("application/octet-stream");
        assert_eq!((get.status, get.severity), (Status::Fail, Severity::Critical));
    }

    #[test]
    fn warns_of_another_parameter() {
        assert_eq!(posted("text/event-stream; boundary=x", 200).status, Status::Warn);
    }

    #[test]
    fn notes_a_feed_that_ended() {
        let scan = Scan::empty().with(get(ProbeId::Classify, "get").status(204));
        assert_eq!(scan.judge(&CHECK).status, Status::Info);
    }

    #[test]
    fn not_applicable_to_json_only_answers_or_empty_refusals() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        let refused = post(ProbeId::IdEcho, "x", Era::Modern, json!({})).status(202).stream("", 0);
        assert_eq!(Scan::modern().with(refused).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_when_the_get_is_held_without_an_answer() {
        let held = get(ProbeId::Classify, "get").failed(Phase::Head, FailureKind::HeaderTimeout);
        let scan = Scan::empty().with(get(ProbeId::Classify, "discover").status(405)).with(held);
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
