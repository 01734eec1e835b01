//! Whether streams are delivered as they are produced: times of head, first byte and events.

use serde_json::Value;

use super::Kind;
use super::class::Classification;
use super::events::Event;
use super::resume::events;
use crate::protocol::revision::Era;
use crate::protocol::sse::LineKind;
use crate::protocol::{jsonrpc, names};
use crate::transcript::exchange::request_method;
use crate::transcript::{Content, Ended, Exchange, FailureKind, ProbeId, Transcript};

/// Reads closer together than this are one burst, microseconds.
const BURST_US: u64 = 100_000;
/// Fewer events than this make no burst.
const BURST_EVENTS: usize = 5;
/// Server times that lie closer together than this prove nothing, microseconds.
const SPREAD_US: u64 = 2_000_000;

/// Which stream it is: that decides what the server owes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveredStream {
    /// `subscriptions/listen`: the acknowledgement.
    Listen,
    /// HTTP+SSE: the `endpoint` event.
    HttpSse,
    /// A plain feed: nothing but the head.
    Feed,
    /// GET of the legacy era: nothing; even the head may wait for the first message.
    LegacyGet,
    /// The reply to a POST: the answer.
    Post,
}

impl DeliveredStream {
    /// The stream in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Listen => "the listen stream",
            Self::HttpSse | Self::Feed => "the event stream",
            Self::LegacyGet => "the GET stream",
            Self::Post => "a POST's stream",
        }
    }

    /// Whether it stays open by its nature.
    #[must_use]
    pub const fn held(self) -> bool {
        !matches!(self, Self::Post)
    }
}

/// Times of one stream, from sending, microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The head.
    pub head_us: Option<u64>,
    /// The first byte of the body.
    pub first_byte_us: Option<u64>,
    /// The first event with data.
    pub first_event_us: Option<u64>,
    /// Between the first and the last arrival.
    pub spread_us: u64,
    /// Arrivals that are apart by more than a burst.
    pub arrivals: usize,
    /// How long we read.
    pub watched_us: u64,
    /// `Content-Encoding`, if the body is compressed.
    pub encoding: Option<String>,
}

/// Which stream an exchange is, if it is one or was meant to become one.
#[must_use]
pub fn stream(exchange: &Exchange, class: &Classification) -> Option<DeliveredStream> {
    let declared = exchange.declares_event_stream();
    let streams = matches!(exchange.content, Content::Lines { .. }) || declared;
    let open = exchange.status() == Some(200) && streams;
    let waited = exchange.head.is_none();
    let get = exchange.request.method == "GET" && exchange.step == "get";
    match exchange.probe {
        ProbeId::Siblings => None,
        ProbeId::Listen if exchange.step == "listen" && (open || unanswered(exchange)) => {
            Some(DeliveredStream::Listen)
        }
        ProbeId::LegacyGet if open || waited => Some(DeliveredStream::LegacyGet),
        ProbeId::Classify | ProbeId::Idle if get && (open || waited) => match class.kind {
            Kind::HttpSse => Some(DeliveredStream::HttpSse),
            Kind::EventStream | Kind::Other => Some(DeliveredStream::Feed),
            _ => None,
        },
        ProbeId::Resume if exchange.request.method == "GET" => None,
        _ if exchange.request.method == "POST" && open && exchange.lines().is_some() => {
            (request_method(exchange).as_deref() != Some(names::LISTEN)).then_some(DeliveredStream::Post)
        }
        _ => None,
    }
}

/// Whether a head was awaited in vain.
fn unanswered(exchange: &Exchange) -> bool {
    let failure = exchange.failure.as_ref().map(|failure| failure.kind);
    exchange.head.is_none() && matches!(failure, Some(FailureKind::HeaderTimeout | FailureKind::Cancelled))
}

/// Reads the times of a stream.
#[must_use]
pub fn timing(exchange: &Exchange) -> Timing {
    let since = |us: u64| us.saturating_sub(exchange.started_us);
    let lines = exchange.lines().unwrap_or_default();
    let first_event = events(lines).into_iter().find(|event| !event.data.is_empty());
    let first_event_us = first_event.and_then(|event| lines.get(event.line)).map(|line| since(line.at_us));
    let mut arrivals: Vec<u64> = lines.iter().map(|line| line.at_us).collect();
    arrivals.dedup_by(|later, earlier| later.saturating_sub(*earlier) < BURST_US);
    let spread = arrivals.last().zip(arrivals.first()).map_or(0, |(last, first)| last.saturating_sub(*first));
    let encoding = exchange.header("content-encoding").map(str::trim);
    Timing {
        head_us: exchange.head_us(),
        first_byte_us: exchange.first_byte_us.or(lines.first().map(|line| line.at_us)).map(since),
        first_event_us,
        spread_us: spread,
        arrivals: arrivals.len(),
        watched_us: exchange.took_us(),
        encoding: encoding
            .filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("identity"))
            .map(str::to_ascii_lowercase),
    }
}

/// Events of distinct server times that came in one burst at the end of a stream which was silent as
/// long as those times are apart: how many, and over how many microseconds they were produced.
#[must_use]
pub fn burst(exchange: &Exchange) -> Option<(usize, u64)> {
    if exchange.ended != Ended::Complete {
        return None;
    }
    let lines = exchange.lines()?;
    let last = lines.last()?.at_us;
    let events = events(lines);
    let late: Vec<(u64, &str)> =
        events.iter().filter_map(|event| Some((lines.get(event.line)?.at_us, event.data.as_str()))).collect();
    let first = late.first()?.0;
    // One burst, and nothing before it.
    if last.saturating_sub(first) > BURST_US || late.len() < BURST_EVENTS {
        return None;
    }
    let times: Vec<u64> = late.iter().filter_map(|(_, data)| server_time(data)).collect();
    let distinct = times.iter().zip(times.iter().skip(1)).all(|(before, after)| before < after);
    let span = times.last()?.saturating_sub(*times.first()?);
    let waited = first.saturating_sub(exchange.started_us);
    // What was produced before we asked (a history) says nothing.
    (times.len() == late.len() && distinct && span >= SPREAD_US && waited.saturating_add(BURST_US) >= span)
        .then_some((late.len(), span))
}

/// What was collected on its way: much in one read after a long silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lump {
    /// The first of its lines.
    pub line: usize,
    /// Events and comments in it.
    pub items: usize,
    /// The silence before it, microseconds.
    pub silence_us: u64,
    /// What shows that it was produced bit by bit; `None` where nothing tells.
    pub shown_by: Option<&'static str>,
}

/// So much silence before a lump, microseconds; so many events, or bytes, in one.
const LUMP_SILENCE_US: u64 = 10_000_000;
const LUMP_ITEMS: usize = 10;
const LUMP_BYTES: usize = 4 * 1024;

/// The first lump of a stream. What comes with the head is its history.
#[must_use]
pub fn lump(exchange: &Exchange) -> Option<Lump> {
    let lines = exchange.lines()?;
    let mut before = exchange.head.as_ref()?.at_us;
    let mut at = 0;
    while let Some(first) = lines.get(at) {
        let rest = lines.get(at..).unwrap_or_default();
        let long = rest.iter().take_while(|line| line.at_us.saturating_sub(first.at_us) <= BURST_US).count();
        let read = rest.get(..long).unwrap_or_default();
        let silence_us = first.at_us.saturating_sub(before);
        let pings = read.iter().filter(|line| matches!(line.kind(), LineKind::Comment(_))).count();
        let inside = events(read);
        let items = inside.len().saturating_add(pings);
        let bytes = read.iter().map(|line| line.text.len().saturating_add(1)).sum::<usize>();
        if silence_us >= LUMP_SILENCE_US && (items >= LUMP_ITEMS || (items > 1 && bytes >= LUMP_BYTES)) {
            let shown_by = marks(&inside, pings);
            // Many events of one moment were not collected: they were produced together.
            return shown_by.map(|shown_by| Lump { line: at, items, silence_us, shown_by });
        }
        before = read.last().map_or(first.at_us, |line| line.at_us);
        at = at.saturating_add(long.max(1));
    }
    None
}

/// What shows that events were produced over time: `None` where their own times say that they were not,
/// `Some(None)` where nothing tells.
fn marks(inside: &[Event], pings: usize) -> Option<Option<&'static str>> {
    if pings >= LUMP_ITEMS {
        return Some(Some("keep-alives that came together"));
    }
    let times: Vec<u64> = inside.iter().filter_map(|event| server_time(&event.data)).collect();
    if times.len() == inside.len() && times.len() > 1 {
        let span = times.last().zip(times.first()).map_or(0, |(last, first)| last.saturating_sub(*first));
        return (span >= SPREAD_US).then_some(Some("the times that the server wrote into them"));
    }
    let consecutive = |numbers: Vec<u64>| {
        numbers.len() == inside.len()
            && numbers.len() > 1
            && numbers.iter().zip(numbers.iter().skip(1)).all(|(one, next)| next.checked_sub(*one) == Some(1))
    };
    let ids = inside.iter().filter_map(|event| event.id.as_deref()?.parse().ok()).collect();
    let calls =
        inside.iter().filter_map(|event| jsonrpc::parse(&event.data).ok()?.get("id")?.as_u64()).collect();
    let shown = if consecutive(ids) {
        Some("consecutive ids")
    } else {
        consecutive(calls).then_some("consecutive JSON-RPC ids")
    };
    Some(shown)
}

/// A time that the server wrote into an event, microseconds since 1970: a number or RFC 3339 text, as
/// the data itself or a member of it.
fn server_time(data: &str) -> Option<u64> {
    let value = jsonrpc::parse(data).unwrap_or_else(|_| Value::String(data.to_owned()));
    match &value {
        Value::Object(members) => members.values().find_map(time),
        other => time(other),
    }
}

fn time(value: &Value) -> Option<u64> {
    if let Some(text) = value.as_str() {
        let stamp = text.trim().parse::<jiff::Timestamp>().ok()?;
        return u64::try_from(stamp.as_microsecond()).ok();
    }
    if let Some(whole) = value.as_u64() {
        return match whole {
            1_000_000_000..10_000_000_000 => Some(whole.saturating_mul(1_000_000)),
            1_000_000_000_000..10_000_000_000_000 => Some(whole.saturating_mul(1_000)),
            _ => None,
        };
    }
    let seconds = value.as_f64().filter(|seconds| (1e9..1e10).contains(seconds))?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some((seconds * 1e6) as u64)
}

/// Names of servers that stand in front of others.
const PROXIES: [&str; 13] = [
    "nginx",
    "openresty",
    "envoy",
    "cloudflare",
    "cloudfront",
    "caddy",
    "traefik",
    "haproxy",
    "varnish",
    "awselb",
    "akamaighost",
    "apache",
    "google frontend",
];

/// The proxy that replies name (`Server` or `Via`), as sent and cut.
#[must_use]
pub fn proxy(transcript: &Transcript) -> Option<String> {
    transcript.exchanges.iter().filter(|exchange| exchange.probe != ProbeId::Siblings).find_map(|exchange| {
        let server = exchange.header("server").filter(|server| {
            let server = server.to_ascii_lowercase();
            PROXIES.iter().any(|proxy| server.contains(proxy))
        });
        server.or(exchange.header("via")).map(|name| name.chars().take(40).collect())
    })
}

/// Whether the reply says that nginx sent it, which removes `X-Accel-Buffering`.
#[must_use]
pub fn behind_nginx(exchange: &Exchange) -> bool {
    exchange.header("server").is_some_and(|server| {
        let server = server.to_ascii_lowercase();
        server.contains("nginx") || server.contains("openresty")
    })
}

/// Headers or what is owed at once, later than this, was held back, microseconds.
pub const HELD_US: u64 = 10_000_000;

/// Whether nothing came of a stream for so long that something holds it back: no head where one is
/// owed, or no byte of what is owed at once.
#[must_use]
pub fn held_back(stream: DeliveredStream, timing: &Timing) -> Option<u64> {
    // Our own timer may fire a moment early.
    let long = |us: u64| us.saturating_add(100_000) >= HELD_US;
    match (stream, timing.head_us) {
        (DeliveredStream::LegacyGet, _) => None,
        (_, None) => Some(timing.watched_us).filter(|us| long(*us)),
        (_, Some(head)) if long(head) => Some(head),
        (DeliveredStream::Feed, Some(_)) => None,
        // The event itself came late, or not one byte came in all the time.
        (_, Some(_)) => match (timing.first_byte_us, timing.first_event_us) {
            (Some(byte), Some(event)) if byte == event && long(event) => Some(event),
            (None, _) => Some(timing.watched_us).filter(|us| long(*us)),
            _ => None,
        },
    }
}

/// What the report says about delivery: the stream that says most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The exchange.
    pub exchange: u32,
    /// Which stream.
    pub stream: DeliveredStream,
    /// Its times.
    pub timing: Timing,
    /// How long something held it back, microseconds.
    pub held_us: Option<u64>,
    /// The proxy that replies name, where something was held back.
    pub proxy: Option<String>,
}

/// Reads delivery: a stream that was held back, otherwise the first of the kind that shows most.
#[must_use]
pub fn summary(transcript: &Transcript, class: &Classification) -> Option<Delivery> {
    let mut found: Vec<Delivery> = transcript
        .exchanges
        .iter()
        .filter_map(|exchange| {
            let stream = stream(exchange, class)?;
            // Classification asks in an era that may not be spoken.
            if exchange.era.is_some_and(|era: Era| !class.eras.contains(&era)) {
                return None;
            }
            let timing = timing(exchange);
            let held_us = held_back(stream, &timing);
            let named = held_us.is_some() || timing.encoding.is_some();
            let proxy = if named { proxy(transcript) } else { None };
            Some(Delivery { exchange: exchange.id, stream, timing, held_us, proxy })
        })
        .collect();
    let rank = |one: &Delivery| match one.stream {
        _ if one.held_us.is_some() => 0,
        DeliveredStream::Listen | DeliveredStream::HttpSse | DeliveredStream::Feed => 1,
        DeliveredStream::LegacyGet if one.timing.head_us.is_some() => 2,
        DeliveredStream::Post => 3,
        DeliveredStream::LegacyGet => 4,
    };
    found.sort_by_key(|one| (rank(one), one.exchange));
    found.into_iter().next()
}
