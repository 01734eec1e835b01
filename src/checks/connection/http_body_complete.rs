//! A body must end as its framing says.

use crate::checks::prelude::*;
use crate::facts::barrier::essence;
use crate::facts::streams::{cut_short, long_lived};
use crate::transcript::{Content, Ended};

pub(super) static CHECK: Check = Check {
    id: "http-body-complete",
    title: "Every reply ends as its framing says",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "RFC 9112, HTTP/1.1, section 8 (Handling Incomplete Messages)",
            url: "https://www.rfc-editor.org/rfc/rfc9112#section-8",
        },
        Basis {
            title: "RFC 9113, HTTP/2, section 8.1 (a stream that is reset is no complete response)",
            url: "https://www.rfc-editor.org/rfc/rfc9113#section-8.1",
        },
    ],
    rationale: "A client must take a reply that is cut short for incomplete: it raises an error, or waits for the rest \
                until its timeout, although the answer may have been in it.",
    remediation: "Let the framework end the response (`res.end()`, the end of the generator) instead of closing the \
                  socket; send the Content-Length of the bytes that are sent, after compression. In a proxy look for \
                  size limits and for timeouts that cut responses.",
    causes: &[],
    how: How {
        sent: "Nothing more: how every reply to a correct request ended, by its Content-Length, its last chunk or \
               its HTTP/2 stream. Streams that are held open are another matter.",
        passes: "All that were read to their end are complete.",
        warns: "Event streams end without their last chunk once they have delivered the response, or a single body \
                is cut whose response came.",
        fails: "A response was lost with the rest of its body, or two or more bodies that are no streams were cut.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let (mut whole, mut streams, mut plain, mut lost) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut by_close = None;
    for exchange in facts.exchanges().filter(|exchange| counts(exchange)) {
        let stream = exchange.lines().is_some() || essence(exchange).as_deref() == Some("text/event-stream");
        if cut_short(exchange) {
            match (facts.reply(exchange).answer.is_some(), stream) {
                (true, true) => streams.push(exchange),
                (true, false) => plain.push(exchange),
                (false, _) => lost.push(exchange),
            }
        } else if exchange.ended == Ended::Complete {
            if ends_by_close(exchange) {
                by_close = by_close.or(Some(exchange));
            }
            whole.push(exchange);
        }
    }
    let read = [&whole, &streams, &plain, &lost].iter().map(|some| some.len()).sum::<usize>();
    let shown = |some: &[&Exchange]| some.first().map(|exchange| Evidence::failure(exchange));
    let mut seen = Observations::new();
    if let Some(at) = shown(&lost) {
        let message = format!(
            "{} of {read} replies were cut short, and their response was lost with the rest",
            lost.len()
        );
        seen.add(Status::Fail, at, message);
    }
    if let Some(at) = shown(&plain) {
        let status = if plain.len() > 1 { Status::Fail } else { Status::Warn };
        let message = format!(
            "{} of {read} replies were cut short of what their framing promises, although the text that came can be \
             read",
            plain.len()
        );
        seen.add(status, at, message);
    }
    if let Some(at) = shown(&streams) {
        let message = format!(
            "{} of {read} replies are event streams that end without their last chunk, cut off after their response",
            streams.len()
        );
        seen.add(Status::Warn, at, message);
    }
    if let Some(exchange) = by_close {
        let at = Evidence::status(exchange);
        seen.add(
            Status::Info,
            at,
            "some bodies end with their connection: no client can tell a cut from an end",
        );
    }
    if let Some(exchange) = whole.first() {
        seen.add(Status::Pass, Evidence::status(exchange), "complete");
    }
    seen.verdict(
        format!("all {read} replies that were read to their end are complete"),
        "no reply was read to its end",
    )
}

/// Replies to correct requests over HTTP that are not held open for what may come.
fn counts(exchange: &Exchange) -> bool {
    exchange.expectation == Expectation::Plain
        && exchange.probe != ProbeId::Siblings
        && exchange.head.as_ref().is_some_and(|head| head.status != 101)
        && !long_lived(exchange)
}

/// Whether nothing but the end of the connection ends the body (RFC 9112 section 6.3, item 8).
fn ends_by_close(exchange: &Exchange) -> bool {
    let http1 = exchange.head.as_ref().is_some_and(|head| head.version.starts_with("HTTP/1"));
    let framed = ["content-length", "transfer-encoding"].iter().any(|name| exchange.header(name).is_some());
    http1 && !framed && !matches!(exchange.content, Content::None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Ended, FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    const ANSWER: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";

    fn ping() -> Made {
        post(ProbeId::Load, "top-up-1", Era::Modern, json!({"jsonrpc":"2.0","id":7,"method":"ping"}))
            .header("transfer-encoding", "chunked")
    }

    fn judged(made: impl IntoIterator<Item = Made>) -> Finding {
        made.into_iter().fold(Scan::modern(), Scan::with).judge(&CHECK)
    }

    fn cut(made: Made) -> Made {
        made.failed(Phase::Body, FailureKind::Truncated)
    }

    #[test]
    fn passes_where_all_are_complete_and_names_what_ends_with_the_connection() {
        let finding = judged([ping().result(json!({}))]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        let mut bare = ping().result(json!({}));
        bare.made.head.as_mut().unwrap().headers.retain(|(name, _)| name != "transfer-encoding");
        assert!(judged([bare]).message.contains("end with their connection"));
        // A stream that is held is another matter.
        let held = get(ProbeId::LegacyGet, "get").status(200).stream(": hi\n\n", 0).held_until(4_000_000);
        assert_eq!(judged([cut(held)]).status, Status::Pass);
    }

    #[test]
    fn warns_of_streams_without_a_last_chunk_and_of_one_short_body() {
        let finding = judged([cut(ping().stream(ANSWER, 0)), cut(ping().stream(ANSWER, 0))]);
        assert!(finding.status == Status::Warn && finding.message.contains("2 of 5"), "{}", finding.message);
        assert_eq!(judged([cut(ping().result(json!({})))]).status, Status::Warn);
    }

    #[test]
    fn fails_where_a_response_is_lost_or_several_bodies_are_short() {
        let half = ping().status(200).body("application/json", "{\"jsonrpc\":\"2.0\",");
        assert_eq!(judged([cut(half)]).status, Status::Fail);
        assert_eq!(judged([cut(ping().stream("data: {", 0))]).status, Status::Fail);
        let two = [cut(ping().result(json!({}))), cut(ping().result(json!({})))];
        assert_eq!(judged(two).status, Status::Fail);
    }

    #[test]
    fn undecided_where_nothing_was_read_to_its_end() {
        let mut scan = Scan::modern();
        scan.transcript.exchanges.iter_mut().for_each(|exchange| exchange.ended = Ended::ByUs);
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
