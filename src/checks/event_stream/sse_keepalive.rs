//! A stream that may stay silent should show signs of life.

use crate::checks::prelude::*;
use crate::facts::arrivals::{HELD, KeepAlive, keep_alive, too_long};
use crate::facts::listen::subscribes;
use crate::transcript::{Ended, FailureKind, Profile};

pub(super) static CHECK: Check = Check {
    id: "sse-keepalive",
    title: "Idle streams are kept alive at least every 30 s",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[
        ProbeId::Classify,
        ProbeId::Idle,
        ProbeId::LegacyGet,
        ProbeId::Listen,
        ProbeId::Catalogue,
    ]),
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Streamable HTTP, Receiving Messages (note; encouraged, without a number)",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#receiving-messages",
        },
        Basis {
            title: "WHATWG HTML, Server-sent events, Authoring notes (about every 15 s)",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes",
        },
        Basis {
            title: "MCP 2025-11-25, Ping, Implementation Considerations",
            url: "https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/ping#implementation-considerations",
        },
    ],
    rationale: "Proxies and load balancers close connections that carry nothing for 30 to 60 s. A byte now and then \
                keeps the stream open and tells the client that the other end is still there.",
    remediation: "Write a comment line every 15 s on every open stream: `: keepalive`, then an empty line. TypeScript \
                  SDK: `keepAliveMs: 15000` (the default) on the Streamable HTTP transport or handler; its \
                  `SSEServerTransport` has none, so write comments to the response yourself. Python SDK: it \
                  pings every 15 s without a setting; for your own feeds sse-starlette's \
                  `EventSourceResponse(events(), ping=15)`. Rust SDK: \
                  `StreamableHttpServerConfig::default().with_sse_keep_alive(Some(Duration::from_secs(15)))`. \
                  Where a proxy stands before the server, let it wait longer than that and pass comments on at \
                  once; nginx: `proxy_read_timeout 3600s; proxy_buffering off;`.",
    causes: &[],
    how: How {
        sent: "The idle stream (GET, `subscriptions/listen` or a feed) is held for up to 35 s; every byte is \
               noted with its time. The first that comes after silence ends the watch, and a second one if the \
               silence was no longer than 2.5 s; what comes in the first 1.8 s opens the stream and ends no \
               silence. `deep` watches for up to 95 s and always waits for two, which make an interval. `quick` \
               does not watch.",
        passes: "A byte of any kind comes after at most 32 s: 30 s and the jitter of a timer.",
        warns: "No byte in the whole watch, a silence of more than 32 s, or a GET stream of the legacy era, which a server \
                may close, that breaks off in silence.",
        fails: "Any other stream breaks off after 5 s of silence or more: something cut it while it was idle. \
                Behind a proxy of the scan's own nobody knows what.",
    },
    judge,
};

/// A connection that breaks after a shorter silence need not have broken for it.
const LEAST_SILENCE_MS: u64 = 5_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let (mut short, mut sound) = (None, String::new());
    for exchange in HELD.iter().flat_map(|(probe, step)| facts.steps(*probe, step)) {
        if refused(exchange) {
            continue;
        }
        match judge_stream(facts, exchange) {
            Ok(verdict) => {
                if sound.is_empty() && verdict.status == Status::Pass {
                    sound.clone_from(&verdict.message);
                }
                seen.push(verdict);
            }
            // The longest watch says most.
            Err(watched) => short = short.max(Some(watched)),
        }
    }
    if !seen.is_empty() {
        return seen.verdict(sound, "");
    }
    if let Some((ms, why)) = short {
        if facts.profile() == Profile::Quick {
            return inconclusive(
                "not watched: the quick profile leaves it out; scan with the standard profile",
            );
        }
        return inconclusive(match why {
            Some(by) => {
                format!("the stream was ended by {by}, after {}: see `sse-stream-lasts`", seconds(ms))
            }
            None => format!("the watch ended after {}: too short to tell", seconds(ms)),
        });
    }
    without_stream(facts)
}

/// What to say where no long-lived stream was held.
fn without_stream(facts: &Facts<'_>) -> Judgement {
    let class = facts.class();
    if !class.transports.contains(&Transport::StreamableHttp) {
        return inconclusive("no stream stood open");
    }
    let get = facts.steps(ProbeId::LegacyGet, "get").next();
    if class.streamable(Era::Legacy) && get.is_none() {
        return inconclusive(facts.why_not(ProbeId::LegacyGet, Some("get")));
    }
    let answer = get.map(answered).transpose()?.and_then(Exchange::status);
    if answer.is_some_and(|status| status >= 500) {
        return inconclusive("the GET that would open the stream was answered with a server error");
    }
    if class.streamable(Era::Modern) && subscribed(facts) {
        facts.step(ProbeId::Listen, "listen", None)?;
    }
    not_applicable("only short per-request streams exist")
}

/// Whether the modern side advertises something to listen to.
fn subscribed(facts: &Facts<'_>) -> bool {
    let catalogue = facts.catalogue(Era::Modern).ok();
    catalogue.and_then(|catalogue| catalogue.capabilities.as_ref()).is_some_and(subscribes)
}

/// Whether the GET was answered with something that is no stream.
fn refused(exchange: &Exchange) -> bool {
    match exchange.status() {
        Some(200) => exchange.lines().is_none() && !exchange.declares_event_stream(),
        Some(_) => true,
        None => {
            let waited = |kind| matches!(kind, FailureKind::HeaderTimeout | FailureKind::Cancelled);
            exchange.failure.as_ref().is_some_and(|failure| !waited(failure.kind))
        }
    }
}

/// The verdict on one held stream, or how long it was watched in vain (milliseconds) and what ended
/// the watch.
fn judge_stream(facts: &Facts<'_>, exchange: &Exchange) -> Result<Verdict, (u64, Option<String>)> {
    let kept = keep_alive(exchange).unwrap_or_else(|| KeepAlive {
        exchange: exchange.id,
        watched_ms: exchange.ended_us.saturating_sub(exchange.started_us) / 1_000,
        first_gap_ms: None,
        interval_ms: None,
        longest_gap_ms: exchange.ended_us.saturating_sub(exchange.started_us) / 1_000,
        arrivals: 0,
        kind: "none".to_owned(),
    });
    let longest = seconds(kept.longest_gap_ms);
    let verdict = |status, excerpt: String, message: String| {
        Ok(Verdict::of(status, vec![Evidence::new(exchange, "time", excerpt)], message))
    };
    match kept.first_gap_ms {
        Some(_) if too_long(kept.longest_gap_ms) => verdict(
            Status::Warn,
            format!("{longest} of silence"),
            format!("silent for {longest} at a stretch"),
        ),
        Some(first) => {
            let first = seconds(first);
            let message = kept.interval_ms.map_or_else(
                || format!("first byte after {first} of silence ({})", kept.kind),
                |interval| format!("something comes every {} ({})", seconds(interval), kept.kind),
            );
            verdict(Status::Pass, format!("{first} of silence, then a {}", kept.kind), message)
        }
        None if broken(exchange) && kept.longest_gap_ms >= LEAST_SILENCE_MS => {
            let silence = &longest;
            // Idle tunnels are cut, too: then nobody knows who did it. What was silent before is known.
            if let Some(ours) = &facts.header().proxy {
                if too_long(kept.longest_gap_ms) {
                    let message = format!("nothing came in {silence} of silence, until the stream was cut");
                    return verdict(Status::Warn, format!("{silence} of silence"), message);
                }
                let by = format!("the endpoint's side or the proxy {ours} of this scan");
                return Err((kept.watched_ms, Some(by)));
            }
            let by = facts.proxy().map_or_else(
                || "by the server or something before it".to_owned(),
                |proxy| format!("as a proxy with a short read timeout does; replies name a proxy: `{proxy}`"),
            );
            let message = format!("the stream was cut after {silence} of silence, {by}");
            // A server may close the GET stream of the legacy era when it likes (2025-11-25, transports,
            // "Listening for Messages from the Server", item 4); on any other an agent loses what it waits for.
            let legacy = exchange.probe == ProbeId::LegacyGet;
            let status = if legacy { Status::Warn } else { Status::Fail };
            verdict(status, format!("cut after {silence} of silence"), message)
        }
        // What a watch of 35 s leaves, once the stream has opened.
        None if too_long(kept.longest_gap_ms) => {
            let mut message = format!("nothing came in {longest} of silence");
            if let Some(what) = withheld(exchange) {
                message.push_str(", ");
                message.push_str(what);
                if let Some(proxy) = facts.proxy() {
                    message.push_str(&format!("; replies name a proxy that may hold it back: `{proxy}`"));
                }
            }
            verdict(Status::Warn, format!("{longest} of silence"), message)
        }
        None if exchange.ended == Ended::Complete => {
            let by = facts.proxy().filter(|_| kept.longest_gap_ms >= LEAST_SILENCE_MS).map_or_else(
                || "the server or something before it".to_owned(),
                |proxy| format!("the server or the proxy that replies name (`{proxy}`)"),
            );
            Err((kept.watched_ms, Some(by)))
        }
        None if broken(exchange) => Err((kept.watched_ms, Some("a connection that broke".to_owned()))),
        None => Err((kept.watched_ms, None)),
    }
}

/// What did not come that something on the way may hold back. Over HTTP/1.1 what holds a keep-alive back
/// holds the head back, too; over HTTP/2 nginx sends the head alone.
fn withheld(exchange: &Exchange) -> Option<&'static str> {
    match &exchange.head {
        None => Some("not even headers"),
        Some(head) if head.version == "HTTP/2" && exchange.first_byte_us.is_none() => {
            exchange.lines().is_none_or(<[_]>::is_empty).then_some("not one byte")
        }
        Some(_) => None,
    }
}

/// Whether the stream stood open and its connection broke.
fn broken(exchange: &Exchange) -> bool {
    let failure = exchange.failure.as_ref().map(|failure| failure.kind);
    exchange.head.is_some()
        && matches!(failure, Some(FailureKind::Truncated | FailureKind::Reset | FailureKind::StreamRefused))
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, get, initialize, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Content, FailureKind, Phase, ProbeId, Profile};
    use crate::verdict::Status;

    fn legacy_get(text: &str, gap_us: u64, until_us: u64) -> Made {
        let mut made = get(ProbeId::LegacyGet, "get").status(200).stream(text, gap_us).held_until(until_us);
        made.made.era = Some(Era::Legacy);
        made
    }

    fn legacy(made: Made) -> Finding {
        Scan::legacy(true).with(made).judge(&CHECK)
    }

    /// A comment `after_us` the head, on a stream that was silent before.
    fn first_comment(after_us: u64) -> Made {
        let mut made = legacy_get(": keepalive\n\n", 0, after_us + 100_000);
        if let Content::Lines { lines, .. } = &mut made.made.content {
            lines.iter_mut().for_each(|line| line.at_us = 5_000 + after_us);
        }
        made
    }

    #[test]
    fn warns_of_a_silence_that_was_cut_and_names_the_proxy() {
        let cut = |gap: u64, kind| legacy_get("", 0, gap).failed(Phase::Body, kind);
        let finding = legacy(cut(15_000_000, FailureKind::Truncated));
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
        assert!(finding.message.contains("cut after 14.9 s") || finding.message.contains("cut after 15.0 s"));
        assert!(!finding.message.contains("name a proxy"), "{}", finding.message);
        let finding = legacy(cut(15_000_000, FailureKind::Reset).header("server", "nginx/1.22.1"));
        assert!(finding.message.contains("`nginx/1.22.1`"), "{}", finding.message);
        // Too early to blame silence for it, or a server that may end the stream when it likes.
        assert_eq!(legacy(cut(2_000_000, FailureKind::Truncated)).status, Status::Inconclusive);
        let mut ended = legacy_get("", 0, 15_000_000).header("server", "Caddy");
        ended.made.ended = crate::transcript::Ended::Complete;
        let finding = legacy(ended);
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        assert!(finding.message.contains("`Caddy`"), "{}", finding.message);
    }

    #[test]
    fn fails_when_a_stream_that_should_stay_is_cut_in_silence() {
        let cut = |gap: u64| {
            let text = "event: endpoint\ndata: /m\n\n";
            let made = get(ProbeId::Idle, "get").status(200).stream(text, 0).held_until(gap);
            Scan::http_sse().with(made.failed(Phase::Body, FailureKind::Truncated)).judge(&CHECK)
        };
        let made = get(ProbeId::Idle, "get").status(200).stream("event: endpoint\ndata: /m\n\n", 0);
        let mut proxied =
            Scan::http_sse().with(made.held_until(15_000_000).failed(Phase::Body, FailureKind::Truncated));
        proxied.transcript.header.proxy = Some("http://proxy.example:3128".to_owned());
        let finding = proxied.judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive, "{}", finding.message);
        assert!(finding.message.contains("http://proxy.example:3128"), "{}", finding.message);
        let made = get(ProbeId::Idle, "get").status(200).stream("event: endpoint\ndata: /m\n\n", 0);
        let mut proxied =
            Scan::http_sse().with(made.held_until(60_000_000).failed(Phase::Body, FailureKind::Truncated));
        proxied.transcript.header.proxy = Some("http://proxy.example:3128".to_owned());
        let finding = proxied.judge(&CHECK);
        assert_eq!(finding.status, Status::Warn, "a silence that was seen: {}", finding.message);
        let finding = cut(15_000_000);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("cut after 14.9 s"), "{}", finding.message);
        assert_ne!(cut(2_000_000).status, Status::Fail);
        // The minute after which many proxies cut; only `deep` watches for so long.
        let finding = cut(60_000_000);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        assert!(finding.message.contains("cut after 59.9 s"), "{}", finding.message);
    }

    #[test]
    fn names_the_proxy_that_may_hold_even_the_headers_back() {
        let mut held = get(ProbeId::LegacyGet, "get").held_until(35_000_000);
        held = held.failed(Phase::Head, FailureKind::HeaderTimeout);
        held.made.era = Some(Era::Legacy);
        let judged = |scan: Scan| scan.with(Made { made: held.made.clone() }).judge(&CHECK);
        let finding = judged(Scan::legacy(true));
        assert!(finding.status == Status::Warn && !finding.message.contains("proxy"), "{}", finding.message);
        let finding = judged(Scan::legacy(true).with(discover().status(400).header("server", "nginx")));
        assert!(finding.message.contains("not even headers") && finding.message.contains("`nginx`"));
        // The head came through: what is silent then is the server. Over HTTP/2 it comes alone.
        let mut open = legacy_get("", 0, 35_000_000).header("server", "nginx");
        assert!(!legacy(Made { made: open.made.clone() }).message.contains("nginx"));
        "HTTP/2".clone_into(&mut open.made.head.as_mut().unwrap().version);
        let finding = legacy(open);
        assert!(finding.message.contains("not one byte; replies name a proxy"), "{}", finding.message);
    }

    #[test]
    fn passes_after_a_first_gap_and_says_which() {
        let finding = legacy(first_comment(15_000_000));
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("15.0 s of silence (comment)"), "{}", finding.message);
        let scan = Scan::http_sse();
        let kept = get(ProbeId::Idle, "get")
            .status(200)
            .stream("event: endpoint\ndata: /m\n\n: ping\n\n: ping\n\n", 30_000_000)
            .held_until(60_100_000);
        assert!(scan.with(kept).judge(&CHECK).message.contains("every 30.0 s"));
    }

    #[test]
    fn warns_on_silence_or_too_long_a_gap() {
        assert_eq!(legacy(legacy_get("", 0, 35_005_000)).status, Status::Warn);
        assert_eq!(legacy(first_comment(33_000_000)).status, Status::Warn);
        // Three events half a second apart open the stream, and 34 s of silence follow.
        let burst = "data: 1\n\ndata: 2\n\ndata: 3\n\n";
        let finding = legacy(legacy_get(burst, 500_000, 35_005_000));
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
        assert!(finding.message.contains("of silence"), "{}", finding.message);
        // An event half a second after the head is a greeting, no keep-alive.
        let mut greeted = legacy_get("data: hello\n\n", 0, 36_000_000);
        if let Content::Lines { lines, .. } = &mut greeted.made.content {
            lines.iter_mut().for_each(|line| line.at_us = 505_000);
        }
        assert_eq!(legacy(greeted).status, Status::Warn);
        let held = get(ProbeId::LegacyGet, "get")
            .failed(Phase::Head, FailureKind::HeaderTimeout)
            .held_until(35_000_000);
        assert_eq!(legacy(held).status, Status::Warn);
    }

    #[test]
    fn undecided_when_watched_for_too_short_a_time_or_not_at_all() {
        let short = legacy(legacy_get("", 0, 3_000_000));
        assert_eq!(short.status, Status::Inconclusive);
        assert!(short.message.contains("2.9 s"), "{}", short.message);
        let quick = Scan::legacy(true).with(legacy_get("", 0, 100_000)).profile(Profile::Quick).judge(&CHECK);
        assert_eq!(quick.status, Status::Inconclusive);
        assert!(quick.message.contains("quick"));
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(
            legacy(get(ProbeId::LegacyGet, "get").failed(Phase::Head, FailureKind::Reset)).status,
            Status::Inconclusive
        );
    }

    fn subscribing() -> Scan {
        let result = json!({"resultType":"complete","supportedVersions":["2026-07-28"],
            "capabilities":{"tools":{"listChanged":true}}});
        Scan::empty()
            .with(discover().result(result))
            .with(initialize(ProbeId::Classify, "initialize").error(400, -32022, "no"))
    }

    fn listen(text: &str, gap_us: u64, until_us: u64) -> Made {
        let body = json!({"jsonrpc":"2.0","id":"d-9","method":"subscriptions/listen","params":{}});
        post(ProbeId::Listen, "listen", Era::Modern, body).stream(text, gap_us).held_until(until_us)
    }

    #[test]
    fn passes_and_warns_on_the_listen_stream() {
        let kept = listen("data: {}\n\n: keepalive\n\n", 15_000_000, 15_100_000);
        let finding = subscribing().with(kept).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        let silent = subscribing().with(listen("data: {}\n\n", 0, 35_010_000)).judge(&CHECK);
        assert_eq!(silent.status, Status::Warn, "{}", silent.message);
    }

    #[test]
    fn undecided_when_the_listen_stream_was_not_opened() {
        assert_eq!(subscribing().judge(&CHECK).status, Status::Inconclusive);
        let refused =
            post(ProbeId::Listen, "listen", Era::Modern, json!({"jsonrpc":"2.0","id":1,"method":"x"}));
        let refused = subscribing().with(refused.error(404, -32601, "unknown"));
        assert_eq!(refused.judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn not_applicable_where_only_short_streams_exist() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        let refused = legacy(get(ProbeId::LegacyGet, "get").status(405));
        assert_eq!(refused.status, Status::NotApplicable);
    }
}
