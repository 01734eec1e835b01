//! Every line of an event stream is a comment, a blank or one of four fields; anything else is lost.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::streams::is_stream;
use crate::protocol::jsonrpc;
use crate::protocol::sse::{self, Eol, Line, LineKind};
use crate::transcript::Ended;

pub(super) static CHECK: Check = Check {
    id: "sse-grammar",
    title: "Event streams hold only comments and known fields",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Unseen,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "WHATWG HTML, Server-sent events, Parsing an event stream",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream",
        },
        Basis {
            title: "WHATWG HTML, Server-sent events, Interpreting an event stream",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
        },
    ],
    rationale: "A parser silently drops every line that is no known field. Payload on such a line never reaches the \
                agent, and nothing tells it that something is missing.",
    remediation: "Put `data: ` before every line of the payload, or write JSON on one line: \
                  `data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}` followed by one blank line.",
    causes: &[],
    how: How {
        sent: "Nothing more: every line of every stream, with LF, CR and CRLF as line ends. A common \
               client library reads the same lines as a second opinion.",
        passes: "Every line is a comment, a blank or a known field.",
        warns: "Unknown or mis-cased field names (`Data:`).",
        fails: "Lines of payload without `data:`, which clients drop.",
    },
    judge,
};

/// Longer streams get no second opinion: it says nothing new and costs time.
const SECOND_OPINION_LINES: usize = 2_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let streams = facts.exchanges().filter(|exchange| is_stream(exchange));
    for exchange in streams.filter(|exchange| exchange.lines().is_some_and(|lines| !lines.is_empty())) {
        judge_stream(exchange, &mut seen);
    }
    if seen.is_empty() && !matches!(facts.class().kind, Kind::EventStream | Kind::HttpSse) {
        return not_applicable("no event stream that carried anything was seen");
    }
    seen.verdict("every line is a comment, a blank or a known field", "nothing came on the stream")
}

fn judge_stream(exchange: &Exchange, seen: &mut Observations) {
    let lines = whole_lines(exchange);
    let mut ends: Vec<Eol> = Vec::new();
    let (mut payload, mut unknown) = (None, None);
    for (index, line) in lines.iter().enumerate() {
        if line.eol != Eol::Eof && !ends.contains(&line.eol) {
            ends.push(line.eol);
        }
        if let LineKind::Unknown(name) = line.kind() {
            if is_payload(line) {
                payload = payload.or(Some(index));
            } else if line.eol != Eol::Eof {
                unknown = unknown.or(Some((index, name)));
            }
        }
    }
    if let Some(index) = payload {
        let data = lines.iter().any(|line| matches!(line.kind(), LineKind::Field(sse::Field::Data, _)));
        let whole = lines.get(index).is_some_and(|line| jsonrpc::parse(&line.text).is_ok());
        let message = match (data, whole) {
            (false, true) => "JSON lines without `data:`: no client sees them",
            _ => "payload lines without `data:` are lost",
        };
        seen.add(Status::Fail, Evidence::line(exchange, index), message);
    }
    if let Some((index, name)) = unknown {
        let known =
            ["event", "data", "id", "retry"].iter().find(|known| name.trim().eq_ignore_ascii_case(known));
        let message = match known {
            Some(known) => {
                format!("`{name}` is not `{known}`: field names are case-sensitive and not trimmed")
            }
            None => format!("unknown field `{}`", crate::verdict::cut(name)),
        };
        seen.add(Status::Warn, Evidence::line(exchange, index), message);
    }
    // Each line may end in its own way. Some parsers of their own look for two LF all the same.
    if !ends.is_empty() && !ends.contains(&Eol::Lf) {
        let message = "no line ends in LF alone: parsers that split events at two LF see none";
        seen.add(Status::Info, Evidence::line(exchange, 0), message);
    }
    if lines.len() <= SECOND_OPINION_LINES && second_opinion_differs(lines) {
        let message = "a common client (eventsource-stream) reads other events from this stream than the standard's \
                       algorithm gives";
        seen.add(Status::Info, Evidence::line(exchange, 0), message);
    }
    seen.add(
        Status::Pass,
        Evidence::new(exchange, "line 1", lines.first().map_or("", |line| &line.text)),
        "sound",
    );
}

/// The lines that say something: one that our own end of the connection cut, or that may still lack
/// the LF of its CRLF, does not.
fn whole_lines(exchange: &Exchange) -> &[Line] {
    let lines = exchange.lines().unwrap_or_default();
    match lines.split_last() {
        Some((last, rest)) if exchange.ended != Ended::Complete && matches!(last.eol, Eol::Eof | Eol::Cr) => {
            rest
        }
        _ => lines,
    }
}

/// Whether a line that is no field looks like content rather than like a field of another name: JSON
/// or markup by its first character, or words without a colon.
fn is_payload(line: &Line) -> bool {
    let text = line.text.trim();
    match text.chars().next() {
        None => false,
        Some('{' | '}' | '[' | ']' | '"' | '<') => true,
        Some(_) => !text.contains(':') && text.split_whitespace().nth(1).is_some(),
    }
}

/// Compares what clients act on, type and data. Events with empty data are left out: libraries
/// disagree on them and nothing is lost.
fn second_opinion_differs(lines: &[Line]) -> bool {
    let blocks = sse::blocks(lines);
    let ours = blocks.iter().filter(|block| block.dispatched()).filter_map(|block| {
        let data = block.data.as_deref().filter(|data| !data.is_empty())?;
        Some((block.name(), data))
    });
    let theirs = sse::client_events(lines);
    let theirs = theirs.iter().filter(|event| !event.data.is_empty());
    !ours.eq(theirs.map(|event| (event.event.as_str(), event.data.as_str())))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::Scan;
    use crate::finding::Finding;
    use crate::transcript::{Ended, FailureKind, Phase};
    use crate::verdict::Status;

    fn judged(text: &str) -> Finding {
        Scan::feed(text).judge(&CHECK)
    }

    #[test]
    fn passes_on_everything_the_grammar_allows() {
        for text in [
            "data: x\n\n",
            ":\n\n: ping\n\nevent:a\ndata\ndata:x\nid: 1\nretry: 10\n\n",
            "data: {\"a\":\r\ndata: 1}\r\n\r\n",
            "data: x\rid: 1\r\r",
            "id: 0\nretry: 3000\ndata: \n\ndata: {}\n\n",
            "data: x\n\n:\r\n\r\ndata: y\r\n\n",
        ] {
            let finding = judged(text);
            assert_eq!(finding.status, Status::Pass, "{text:?}: {}", finding.message);
            let noted = finding.message.contains("see none");
            assert_eq!(
                noted,
                !text.contains(['\n']) || text.ends_with("\r\n"),
                "{text:?}: {}",
                finding.message
            );
        }
    }

    #[test]
    fn fails_when_payload_is_lost() {
        for text in [
            "data: {\n  \"jsonrpc\": \"2.0\"\n}\n\n",
            "{\"a\":1}\n{\"a\":2}\n",
            "{\"a\":1}",
            "data: first\nsecond line of text\n\n",
            "data: a\rb c\n\n",
        ] {
            assert_eq!(judged(text).status, Status::Fail, "{text:?}");
        }
        assert!(judged("{\"a\":1}\n").message.contains("JSON lines"));
    }

    #[test]
    fn warns_of_unknown_and_mis_cased_fields() {
        for text in ["Data: x\n\n", " data: x\n\n", "foo: bar\ndata: x\n\n"] {
            assert_eq!(judged(text).status, Status::Warn, "{text:?}");
        }
        assert!(judged("Data: x\n\n").message.contains("case-sensitive"));
    }

    #[test]
    fn passes_when_our_own_end_cut_the_last_line() {
        for text in ["data: x\n\ndat", "data: x\r\n\r\ndata: y\r"] {
            let mut scan = Scan::feed(text);
            scan.transcript.exchanges.last_mut().unwrap().ended = Ended::ByUs;
            assert_eq!(scan.judge(&CHECK).status, Status::Pass, "{text:?}");
        }
    }

    #[test]
    fn undecided_when_nothing_came_and_not_applicable_without_streams() {
        assert_eq!(judged("").status, Status::Inconclusive);
        let mut held = Scan::feed("");
        let last = held.transcript.exchanges.last_mut().unwrap();
        last.head = None;
        last.content = crate::transcript::Content::None;
        last.failure = Some(crate::transcript::Failure {
            phase: Phase::Head,
            kind: FailureKind::HeaderTimeout,
            detail: String::new(),
        });
        assert_eq!(held.judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
