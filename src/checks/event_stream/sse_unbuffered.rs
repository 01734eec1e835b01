//! What a server sends must arrive when it is sent.

use crate::checks::prelude::*;
use crate::facts::arrivals::OPENING_US;
use crate::facts::delivery::{
    DeliveredStream, HELD_US, Timing, behind_nginx, burst, held_back, lump, stream, timing,
};
use crate::facts::streams::is_stream;
use crate::facts::{Kind, coding};
use crate::transcript::{Content, Ended, Expectation, Profile};
use crate::verdict::milliseconds;

pub(super) static CHECK: Check = Check {
    id: "sse-unbuffered",
    title: "Streams are delivered as they are produced",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Should,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Unseen,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Streamable HTTP, Receiving Messages (X-Accel-Buffering: no)",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#receiving-messages",
        },
        Basis {
            title: "WHATWG HTML, Server-sent events, Authoring notes (a layer that is unaware of timing)",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes",
        },
    ],
    rationale: "A stream that something holds back is no stream: progress, questions and answers reach the agent in one \
                lump at the end, or after its timeout. The server itself cannot see this; only a client can.",
    remediation: "Send `X-Accel-Buffering: no` with every event stream, flush after each event, and leave event streams \
                  out of compression. For nginx in front of it: `proxy_buffering off; gzip off; proxy_http_version \
                  1.1;` in the location of the endpoint.",
    causes: &[Cause {
        word: NEVER,
        remedy: Some(
            "Leave event streams out of compression: every client allows it, and none of them gets the endpoint that \
             the stream must name first. Send `Cache-Control: no-transform`; for nginx in front of it: `gzip off;` in \
             the location of the stream.",
        ),
    }],
    how: How {
        sent: "When headers, the first byte and each event of every stream arrived; then one stream of \
               each kind again with `Accept-Encoding: gzip, br`. Also `X-Accel-Buffering`, `Content-Length` and \
               `Content-Encoding`.",
        passes: "Headers within 2 s and the first event within 3 s, or events that come apart from each \
                 other.",
        warns: "`X-Accel-Buffering: no` is missing on a modern stream, an open stream declares a \
                Content-Length, a stream is compressed though nothing asked for it, or compression that is \
                still timely.",
        fails: "Headers or the first event are held back for more than 10 s; where compression is allowed, an event \
                comes 3 s later than without, or never: bytes of a container are none; many events of different \
                times arrive in one burst at the end; or ten events or more (or 4 KiB of them) arrive in one \
                read after 10 s of silence, and their times, consecutive ids or JSON-RPC ids show that they were \
                collected.",
    },
    judge,
};

/// The only stream of HTTP+SSE brings nothing to a client that allows compression, and all of them do.
const NEVER: &str = "nothing-where-compression-is-allowed";

/// Headers in this time are in time, microseconds.
const HEAD_US: u64 = 2_000_000;
/// The first event in this time is in time, microseconds.
const EVENT_US: u64 = 3_000_000;

/// A stream that is kept alive shows it in this time, microseconds (`sse-keepalive`).
const KEPT_ALIVE_US: u64 = 30_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let class = facts.class();
    let mut seen = Observations::new();
    let (mut open, mut silent, mut posts) = (None, None, Vec::new());
    let (mut held_streams, mut held_failed) = (0_usize, 0_usize);
    for exchange in facts.exchanges() {
        let spoken = exchange.era.is_none_or(|era| class.eras.contains(&era));
        if packed_post(exchange, &mut seen) {
            continue;
        }
        let Some(kind) = stream(exchange, class).filter(|_| spoken) else {
            continue;
        };
        headers(exchange, kind, &mut seen);
        if let Some((count, span)) = burst(exchange) {
            let message = format!(
                "{count} events that the server dated over {} arrived in one burst at the end",
                milliseconds(span)
            );
            seen.add(Status::Fail, Evidence::new(exchange, "time", "one burst at the end"), message);
        }
        let lump = lump(exchange);
        if let Some((Some(marks), lump)) = lump.map(|lump| (lump.shown_by, lump)) {
            let message = format!(
                "{}: {} events came in one read after {} of silence, and {marks} show that they were produced bit by bit",
                kind.words(),
                lump.items,
                milliseconds(lump.silence_us)
            );
            seen.add(Status::Fail, Evidence::line(exchange, lump.line), message);
        }
        let times = timing(exchange);
        if kind == DeliveredStream::Post {
            posts.push((exchange, times));
            continue;
        }
        held_streams = held_streams.saturating_add(1);
        // Many events in one read may have been collected, or made at once: nothing tells.
        let verdict = judge_held(exchange, kind, &times)
            .filter(|verdict| lump.is_none() || verdict.status != Status::Pass);
        held_failed = held_failed.saturating_add(usize::from(
            lump.is_some_and(|lump| lump.shown_by.is_some())
                || verdict.as_ref().is_some_and(|verdict| verdict.status == Status::Fail),
        ));
        match verdict {
            Some(verdict) => {
                if verdict.status == Status::Pass {
                    open.get_or_insert(verdict.message.clone());
                }
                seen.push(verdict);
            }
            None => silent = silent.or(Some((kind, times))),
        }
    }
    // A short reply comes through what collects a long one, so it says nothing for a proxy.
    let doubtful = open.is_none() && silent.as_ref().is_some_and(headless) && facts.proxy().is_some();
    if let Some(verdict) = judge_posts(&posts).filter(|verdict| !(doubtful && verdict.status == Status::Pass))
    {
        if verdict.status == Status::Pass {
            open.get_or_insert(verdict.message.clone());
        }
        seen.push(verdict);
    }
    // The others open the session that one of them takes.
    let again = facts.of(ProbeId::Delivery).filter(|exchange| exchange.expectation == Expectation::Negative);
    for exchange in again {
        compressed(facts, exchange, &mut seen);
    }
    let mut judged = name_the_proxy(facts, seen, open, silent)?;
    if judged.status == Status::Fail && held_failed > 0 && held_streams > 1 {
        judged.message.push_str(&format!("; so {held_failed} of {held_streams} held streams"));
    }
    Ok(judged)
}

fn name_the_proxy(
    facts: &Facts<'_>,
    seen: Observations,
    open: Option<String>,
    silent: Option<(DeliveredStream, Timing)>,
) -> Judgement {
    let judged = [Status::Pass, Status::Warn, Status::Fail].iter().any(|status| seen.count(*status) > 0);
    if !judged {
        return match silent {
            // What a POST opened is read as far as it came: asked again, it could start something.
            None if facts.class().transports.contains(&Transport::EventStream) => {
                inconclusive("the stream was opened by a POST, and that is not repeated for its timing")
            }
            None if facts.exchanges().any(Exchange::declares_event_stream) => {
                inconclusive("event streams came, and nothing that could be timed came on them")
            }
            None => not_applicable("no event stream was seen"),
            Some(_) if facts.profile() == Profile::Quick => {
                inconclusive("nothing came at once, and the quick profile does not wait")
            }
            Some((DeliveredStream::LegacyGet, times)) if times.head_us.is_none() => {
                let by = facts.proxy().map_or_else(String::new, |proxy| {
                    format!("; or a proxy holds them back that replies name: `{proxy}`")
                });
                inconclusive(format!(
                    "the GET stream holds its headers back, as it may while there is nothing to say{by}"
                ))
            }
            Some((kind, times)) => inconclusive(format!(
                "{} said nothing that was due in {}",
                kind.words(),
                milliseconds(times.watched_us)
            )),
        };
    }
    let failed = seen.count(Status::Fail) > 0;
    let mut verdict = seen.verdict(open.unwrap_or_default(), "")?;
    let effect = if failed { "buffer" } else { "compress" };
    let compressed = verdict.evidence.iter().any(|evidence| evidence.pointer.contains("content-encoding"));
    if (failed || compressed)
        && let Some(proxy) = facts.proxy()
    {
        verdict.message.push_str(&format!("; replies name a proxy that may {effect} it: `{proxy}`"));
    }
    Ok(verdict)
}

/// Whether it is a GET stream whose headers did not come in a time that says something.
fn headless((kind, times): &(DeliveredStream, Timing)) -> bool {
    *kind == DeliveredStream::LegacyGet && times.head_us.is_none() && times.watched_us >= HELD_US
}

/// The verdict on a stream that stays open; `None` where nothing was due, or it came neither in time nor
/// late enough to tell.
fn judge_held(exchange: &Exchange, kind: DeliveredStream, times: &Timing) -> Option<Verdict> {
    let at = |text: String| vec![Evidence::new(exchange, "time", text)];
    let verdict = |status, text: String, message: String| Some(Verdict::of(status, at(text), message));
    if let Some(us) = held_back(kind, times) {
        let (what, after) = if times.head_us.is_some_and(|head| head < us) {
            ("the first byte", "headers at once")
        } else {
            ("even the headers", "no head")
        };
        let waited = milliseconds(us);
        return verdict(
            Status::Fail,
            format!("{after}; {what}: {waited}"),
            format!("{}: {what} did not come for {waited}, as if something held it back", kind.words()),
        );
    }
    let head = times.head_us.filter(|head| *head <= HEAD_US)?;
    let first = times.first_event_us.or(times.first_byte_us);
    // Two arrivals apart from each other were not collected, whatever the first one waited for.
    let apart = times.arrivals > 1;
    let prompt = first.is_some_and(|us| us <= EVENT_US);
    let through = match kind {
        DeliveredStream::Listen | DeliveredStream::HttpSse | DeliveredStream::Feed => prompt || apart,
        // Nothing is due, and what holds small writes back holds the head back, too.
        DeliveredStream::LegacyGet | DeliveredStream::Post => true,
    };
    if !through {
        return None;
    }
    let what = if times.first_event_us.is_some() { "event" } else { "byte" };
    let first = first.map_or_else(String::new, |us| format!(", the first {what} after {}", milliseconds(us)));
    let spread = if apart {
        format!(", {} arrivals over {}", times.arrivals, milliseconds(times.spread_us))
    } else {
        String::new()
    };
    let message = format!("{}: headers after {}{first}{spread}", kind.words(), milliseconds(head));
    verdict(Status::Pass, format!("head after {}{first}", milliseconds(head)), message)
}

/// Streams that answer requests: they are short, so only the quickest one says something.
fn judge_posts(posts: &[(&Exchange, Timing)]) -> Option<Verdict> {
    let (exchange, times) = posts
        .iter()
        .filter(|(_, times)| times.first_byte_us.is_some())
        .min_by_key(|(exchange, times)| (times.first_byte_us, exchange.id))?;
    let (head, first) = (times.head_us?, times.first_byte_us?);
    let text = format!("headers after {}, the first event after {}", milliseconds(head), milliseconds(first));
    let evidence = vec![Evidence::new(exchange, "time", text.as_str())];
    let status = if head <= HEAD_US && first <= EVENT_US {
        Status::Pass
    } else if head > HELD_US || first > HELD_US {
        Status::Fail
    } else {
        return None;
    };
    Some(Verdict::of(status, evidence, format!("streams that answer requests: {text} at best")))
}

/// What the headers promise about delivery.
fn headers(exchange: &Exchange, kind: DeliveredStream, seen: &mut Observations) {
    if kind.held() && exchange.ended != Ended::Complete && exchange.header("content-length").is_some() {
        let message = format!("{} is open and declares a Content-Length", kind.words());
        seen.add(Status::Warn, Evidence::header(exchange, "content-length"), message);
    }
    if let Some(coding) = coding::unasked(exchange).filter(|_| kind.held()) {
        let message =
            format!("an event stream is compressed with {coding} although the client did not ask for it");
        seen.add(Status::Warn, Evidence::header(exchange, "content-encoding"), message);
    }
    let modern = exchange.era == Some(Era::Modern);
    let says_no =
        exchange.header("x-accel-buffering").is_some_and(|value| value.trim().eq_ignore_ascii_case("no"));
    if modern && is_stream(exchange) && !says_no {
        let at = Evidence::header(exchange, "x-accel-buffering");
        if behind_nginx(exchange) {
            seen.add(Status::Info, at, "X-Accel-Buffering is not seen, but nginx removes it");
        } else {
            seen.add(Status::Warn, at, "an event stream of the modern era has no `X-Accel-Buffering: no`");
        }
    }
}

/// A POST's stream that came compressed: it was not read, so that its times are not known.
fn packed_post(exchange: &Exchange, seen: &mut Observations) -> bool {
    let event_stream = exchange.declares_event_stream();
    let plain = exchange.request.method == "POST" && exchange.expectation == Expectation::Plain;
    let words = coding::unread(exchange).filter(|_| plain && event_stream && exchange.ok());
    let packed = words.is_some();
    if let Some(words) = words {
        let message = format!("an event stream cannot be followed: {words}");
        seen.add(Status::Warn, Evidence::header(exchange, "content-encoding"), message);
    }
    packed
}

/// When the head and the first byte of such streams came without compression, at best, microseconds.
fn uncompressed(facts: &Facts<'_>, exchange: &Exchange) -> (Option<u64>, Option<u64>) {
    let same = facts
        .exchanges()
        .filter(|other| other.request.method == exchange.request.method)
        .filter(|other| stream(other, facts.class()).is_some_and(DeliveredStream::held))
        .map(timing);
    same.fold((None, None), |(head, byte), times| {
        let least = |best: Option<u64>, us: Option<u64>| best.into_iter().chain(us).min();
        (least(head, times.head_us), least(byte, times.first_byte_us))
    })
}

/// The same stream, with compression allowed.
fn compressed(facts: &Facts<'_>, exchange: &Exchange, seen: &mut Observations) {
    let times = timing(exchange);
    let only = facts.class().kind == Kind::HttpSse;
    let long = times.watched_us.saturating_add(100_000) >= HELD_US;
    let waited = milliseconds(times.watched_us);
    let silent =
        exchange.head.is_none() && exchange.first_byte_us.is_none() && exchange.ended != Ended::Complete;
    if silent && long {
        // Only what is opened at once without compression is held back by it.
        let prompt = uncompressed(facts, exchange).0.is_some_and(|head| head <= HEAD_US);
        if prompt && owed(facts, exchange, &times) {
            let message =
                format!("where compression is allowed, not even the headers of a stream came in {waited}");
            let verdict =
                Verdict::of(Status::Fail, vec![Evidence::new(exchange, "time", "no head")], message);
            seen.push(if only { verdict.because(NEVER) } else { verdict });
        }
        return;
    }
    let event_stream = exchange.declares_event_stream();
    let Some(encoding) = times.encoding.as_deref().filter(|_| exchange.status() == Some(200) && event_stream)
    else {
        return;
    };
    let evidence = Evidence::header(exchange, "content-encoding");
    // Of a stream that was decoded, what a client could read; of others, what came.
    let first_us = times.first_event_us.or(times.first_byte_us).or(match exchange.content {
        Content::Binary { .. } => times.head_us,
        _ => None,
    });
    let due = due_us(facts, exchange);
    let late = |us: u64| due.is_some_and(|due| due <= us);
    match first_us {
        Some(us) if us <= HELD_US && !late(us) => {
            let after = milliseconds(us);
            let message =
                format!("streams are compressed ({encoding}) where clients allow it, yet timely ({after})");
            seen.add(Status::Warn, evidence, message);
        }
        Some(us) if late(us) => {
            let message = format!(
                "compressed and not flushed: the first event of a stream under {encoding} came after {}",
                milliseconds(us)
            );
            seen.add(Status::Fail, evidence, message);
        }
        None if owed(facts, exchange, &times) => {
            let container = exchange
                .coded
                .map_or_else(String::new, |coded| format!(", but {} bytes of its container", coded.bytes));
            let message = format!(
                "compressed and not flushed: a stream under {encoding} brought no event in {waited}{container}"
            );
            let verdict = Verdict::of(Status::Fail, vec![evidence], message);
            seen.push(if only { verdict.because(NEVER) } else { verdict });
        }
        _ => {}
    }
}

/// When something of a stream is due at the latest, where it came without compression: 3 s later than there. What
/// came when that stream had opened may have been a keep-alive of a timer that runs for all: such come every
/// 30 s at the latest, or they are none.
fn due_us(facts: &Facts<'_>, exchange: &Exchange) -> Option<u64> {
    let kept = uncompressed(facts, exchange).1?;
    let due = kept.saturating_add(EVENT_US);
    Some(if kept <= OPENING_US { due } else { due.max(KEPT_ALIVE_US) })
}

/// Whether something of a stream that brought nothing was due by the end of its watch.
fn owed(facts: &Facts<'_>, exchange: &Exchange, times: &Timing) -> bool {
    let by_nature = exchange.request.method != "GET" || facts.class().kind == Kind::HttpSse;
    (by_nature && times.watched_us.saturating_add(100_000) >= HELD_US)
        || due_us(facts, exchange).is_some_and(|due| due <= times.watched_us)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::finding::Finding;
    use crate::protocol::names;
    use crate::protocol::revision::Era;
    use crate::transcript::{Coded, Content, Decoding, Ended, FailureKind, Phase, ProbeId, Profile};
    use crate::verdict::Status;

    const ACK: &str =
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\"}\n\n";

    fn listen(text: &str) -> Made {
        let body = json!({"jsonrpc":"2.0","id":"d-9","method":names::LISTEN,"params":{}});
        post(ProbeId::Listen, "listen", Era::Modern, body)
            .stream(text, 15_000_000)
            .header("x-accel-buffering", "no")
            .held_until(35_000_000)
    }

    fn modern(made: Made) -> Finding {
        Scan::modern().with(made).judge(&CHECK)
    }

    /// Moves every line of the last stream.
    fn late(mut scan: Scan, by_us: u64, head_too: bool) -> Scan {
        let exchange = scan.transcript.exchanges.last_mut().unwrap();
        if let Content::Lines { lines, .. } = &mut exchange.content {
            lines.iter_mut().for_each(|line| line.at_us += by_us);
        }
        if let (true, Some(head)) = (head_too, &mut exchange.head) {
            head.at_us += by_us;
        }
        exchange.ended_us += by_us;
        scan
    }

    fn held(kind: FailureKind) -> Made {
        get(ProbeId::Classify, "get").failed(Phase::Head, kind).held_until(35_000_000)
    }

    fn closed_post() -> Made {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"server/discover"});
        post(ProbeId::Classify, "discover", Era::Modern, body).status(404)
    }

    #[test]
    fn passes_when_headers_and_events_come_at_once() {
        let finding = modern(listen(&format!("{ACK}: keep-alive\n\n")));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.message.contains("first event after 6.0 ms"), "{}", finding.message);
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::Pass);
        assert_eq!(Scan::feed("data: 1\n\ndata: 2\n\n").judge(&CHECK).status, Status::Pass);
        // A feed with its history.
        let history: String =
            (0..9).map(|n| format!("data: {{\"t\":{}}}\n\n", 1_790_000_000 + n * 60)).collect();
        let mut scan = Scan::feed(&history);
        if let Content::Lines { lines, .. } = &mut scan.transcript.exchanges.last_mut().unwrap().content {
            let first = lines[0].at_us;
            lines.iter_mut().for_each(|line| line.at_us = first);
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_with_short_streams_only() {
        let body = json!({"jsonrpc":"2.0","id":7,"method":"ping"});
        let made = || {
            post(ProbeId::IdEcho, "integer", Era::Legacy, body.clone())
                .stream("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n", 0)
        };
        // One slow answer among quick ones is a matter of that answer.
        let scan = late(Scan::legacy(true).with(made()).with(made()), 12_000_000, false);
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_of_a_missing_header_compression_and_length() {
        let mut bare = listen(ACK);
        bare.made.head.as_mut().unwrap().headers.retain(|(name, _)| name != "x-accel-buffering");
        let nginx = Made { made: bare.made.clone() }.header("server", "nginx/1.22.1");
        assert_eq!(modern(bare).status, Status::Warn);
        let noted = modern(nginx);
        assert!(noted.status == Status::Pass && noted.message.contains("nginx"), "{}", noted.message);
        assert_eq!(modern(listen(ACK).header("content-length", "99999")).status, Status::Warn);
        let mut packed = get(ProbeId::Delivery, "get")
            .header("content-type", "text/event-stream")
            .header("content-encoding", "gzip")
            .negative();
        packed.made.content = Content::Binary { base64: "H4sI".to_owned(), bytes: 20 };
        packed.made.first_byte_us = Some(2_000_000);
        let scan = Scan::feed("data: 1\n\n").with(packed.header("server", "Caddy"));
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.contains("may compress it: `Caddy`"), "{}", finding.message);
    }

    #[test]
    fn fails_when_headers_or_events_are_held_back() {
        let scan = Scan::empty()
            .with(closed_post().header("server", "nginx/1.22.1"))
            .with(held(FailureKind::HeaderTimeout));
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(
            finding.message.contains("35.") && finding.message.contains("nginx/1.22.1"),
            "{}",
            finding.message
        );
        assert_eq!(late(Scan::http_sse(), 11_000_000, true).judge(&CHECK).status, Status::Fail);
        assert_eq!(late(Scan::http_sse(), 11_000_000, false).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn fails_when_a_listen_stream_has_no_headers() {
        let mut held = listen("").held_until(35_000_000).failed(Phase::Head, FailureKind::HeaderTimeout);
        held.made.head = None;
        let finding = modern(held);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("the listen stream: even the headers"), "{}", finding.message);
        // Refused at once, and no stream at all.
        let mut refused = listen("").held_until(100_000).failed(Phase::Connect, FailureKind::Refused);
        refused.made.head = None;
        assert_eq!(modern(refused).status, Status::NotApplicable);
    }

    #[test]
    fn short_replies_say_nothing_for_a_proxy_while_the_get_stream_has_no_headers() {
        let judged = |server: &str| {
            let body = json!({"jsonrpc":"2.0","id":5,"method":"ping"});
            let answer = post(ProbeId::Load, "top-up-1", Era::Legacy, body)
                .header("server", server)
                .stream("data: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n\n", 0);
            let mut silent = get(ProbeId::LegacyGet, "get").held_until(35_000_000);
            silent = silent.failed(Phase::Head, FailureKind::HeaderTimeout);
            silent.made.era = Some(Era::Legacy);
            Scan::legacy(true).with(answer).with(silent).judge(&CHECK)
        };
        let finding = judged("nginx/1.22.1");
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        assert!(finding.message.contains("`nginx/1.22.1`"), "{}", finding.message);
        assert_eq!(judged("uvicorn").status, Status::Pass);
    }

    /// A stream with compression allowed, of which no byte came in `watched_us`.
    fn packed(era: Option<Era>, watched_us: u64) -> Made {
        let mut made = get(ProbeId::Delivery, "get")
            .status(200)
            .header("content-type", "text/event-stream")
            .header("content-encoding", "gzip")
            .negative()
            .held_until(watched_us);
        made.made.era = era;
        made
    }

    #[test]
    fn fails_when_only_the_compressed_stream_is_held_back() {
        let http_sse = |made: Made| Scan::http_sse().with(made).judge(&CHECK);
        let finding = http_sse(packed(Some(Era::Legacy), 10_000_000));
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("a stream under gzip brought no event"), "{}", finding.message);
        let mut headless = packed(Some(Era::Legacy), 10_000_000).failed(Phase::Head, FailureKind::Cancelled);
        headless.made.head = None;
        let finding = http_sse(headless);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("not even the headers"), "{}", finding.message);
        assert_eq!(http_sse(packed(Some(Era::Legacy), 3_000_000)).status, Status::Pass);
    }

    #[test]
    fn a_compressed_legacy_get_owes_only_what_came_without_compression() {
        let judged = |first_us: u64, watched_us: u64| {
            let mut plain = get(ProbeId::LegacyGet, "get").status(200).stream(": keepalive\n\n", 0);
            plain.made.era = Some(Era::Legacy);
            if let Content::Lines { lines, .. } = &mut plain.made.content {
                lines.iter_mut().for_each(|line| line.at_us = first_us);
            }
            let scan = Scan::legacy(true).with(plain.held_until(first_us + 100_000));
            scan.with(packed(Some(Era::Legacy), watched_us)).judge(&CHECK)
        };
        assert_eq!(judged(15_000_000, 34_000_000).status, Status::Fail);
        assert_eq!(judged(2_000_000, 20_000_000).status, Status::Pass);
        // It was not watched for longer than the other was silent.
        assert_eq!(judged(15_000_000, 14_000_000).status, Status::Pass);
    }

    #[test]
    fn fails_when_a_burst_comes_at_the_end() {
        let text: String = (0..6).map(|n| format!("data: {{\"t\":{}}}\n\n", 1_790_000_000 + n)).collect();
        let mut scan = late(Scan::feed(&text), 6_000_000, false);
        let exchange = scan.transcript.exchanges.last_mut().unwrap();
        if let Content::Lines { lines, .. } = &mut exchange.content {
            let last = lines.last().unwrap().at_us;
            lines.iter_mut().for_each(|line| line.at_us = last);
        }
        exchange.ended = Ended::Complete;
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("6 events"), "{}", finding.message);
    }

    /// Twelve events in one read after `silence_us`.
    fn lump(event: impl Fn(usize) -> String, silence_us: u64) -> Scan {
        let text: String = (0..12).map(event).collect();
        let mut scan = late(Scan::feed(&text), silence_us, false);
        if let Content::Lines { lines, .. } = &mut scan.transcript.exchanges.last_mut().unwrap().content {
            let first = lines[0].at_us;
            lines.iter_mut().for_each(|line| line.at_us = first);
        }
        scan
    }

    #[test]
    fn fails_on_what_was_collected_and_is_undecided_where_nothing_tells() {
        let ids = |n: usize| format!("id: {}\ndata: x\n\n", n + 40);
        let finding = lump(ids, 15_000_000).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(
            finding.message.contains("12 events") && finding.message.contains("ids"),
            "{}",
            finding.message
        );
        let pings = lump(|_| ": ping\n\n".to_owned(), 15_000_000).judge(&CHECK);
        assert_eq!(pings.status, Status::Fail, "{}", pings.message);
        assert_eq!(lump(|_| "data: x\n\n".to_owned(), 15_000_000).judge(&CHECK).status, Status::Inconclusive);
        // Made at one moment, or the history of a feed.
        let at_once = lump(|_| "data: {\"t\":1790000000}\n\n".to_owned(), 15_000_000).judge(&CHECK);
        assert_ne!(at_once.status, Status::Fail, "{}", at_once.message);
        assert_eq!(lump(ids, 0).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_where_only_the_head_of_a_container_comes() {
        let mut made = packed(None, 10_000_000).stream("", 0).held_until(10_000_000);
        made.made.coded = Some(Coded { bytes: 10, decoding: Decoding::Open });
        let finding = Scan::feed("data: 1\n\n").with(made).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("10 bytes of its container"), "{}", finding.message);
        // A feed that says nothing without compression, either, owes nothing.
        let mut made = packed(None, 10_000_000).stream("", 0).held_until(10_000_000);
        made.made.coded = Some(Coded { bytes: 10, decoding: Decoding::Open });
        assert_ne!(Scan::feed("").with(made).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_where_nothing_was_due() {
        let mut silent = get(ProbeId::LegacyGet, "get").failed(Phase::Head, FailureKind::HeaderTimeout);
        silent.made.era = Some(Era::Legacy);
        let finding = Scan::legacy(true).with(silent.held_until(35_000_000)).judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        let feed = Scan::empty()
            .with(closed_post())
            .with(get(ProbeId::Classify, "get").stream("", 0).held_until(35_000_000));
        assert_eq!(feed.judge(&CHECK).status, Status::Inconclusive);
        let quick = Scan::modern().with(listen("").held_until(300_000)).profile(Profile::Quick).judge(&CHECK);
        assert_eq!(quick.status, Status::Inconclusive, "{}", quick.message);
    }

    #[test]
    fn not_applicable_to_json_only_endpoints() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
