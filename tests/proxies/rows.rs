//! Each way through a proxy, and what a scan must say about it. What the proxies do was seen with curl
//! (nginx 1.22, Caddy 2.6).

use std::time::Duration;

use agentgauge::demo::{Base, Behaviour, Fault};

use crate::proxy::{Program, Site, Wire};

/// What stands behind the proxy.
pub(crate) enum Upstream {
    /// A built-in endpoint.
    Sound(fn() -> Behaviour),
    /// The first server of `tests/interop`, where its packages are installed.
    Real,
}

/// One way, and what is known about it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) site: Site,
    pub(crate) upstream: Upstream,
    pub(crate) kind: &'static str,
    /// Check, status, and words that its message holds. No other check may warn, fail or be undecided.
    pub(crate) says: &'static [(&'static str, &'static str, &'static [&'static str])],
    /// Places in the facts of the report, and what they hold.
    pub(crate) facts: &'static [(&'static str, Fact)],
}

/// What a place of the report's `facts` holds.
pub(crate) enum Fact {
    Is(&'static str),
    Begins(&'static str),
    /// A number between the two.
    Within(u64, u64),
    Absent,
}

use Fact::{Absent, Begins, Is, Within};
use Program::{Caddy, Nginx};
use Upstream::{Real, Sound};

const PLAIN: Site = Site { wire: Wire::Plain, listener: "", passing: "", upstream: "" };
const TLS: Site = Site { wire: Wire::Tls, ..PLAIN };
const HTTP2: Site = Site { wire: Wire::Http2, ..PLAIN };
/// The Host of the client is passed on, as every guide has it; without that it is the upstream's.
const HOST: Site = passing("proxy_set_header Host $http_host;");
const OFF: Site = passing(
    "proxy_set_header Host $http_host; proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection '';",
);
const GZIP: Site = passing(
    "proxy_set_header Host $http_host; proxy_buffering off; gzip on; gzip_proxied any; gzip_types text/event-stream;",
);
const CUT: Site = passing("proxy_set_header Host $http_host; proxy_buffering off; proxy_read_timeout 15s;");

const fn passing(directives: &'static str) -> Site {
    Site { passing: directives, ..PLAIN }
}

fn legacy() -> Behaviour {
    Behaviour::sound(Base::Legacy)
}

fn modern() -> Behaviour {
    Behaviour::sound(Base::Modern)
}

fn http_sse() -> Behaviour {
    Behaviour::sound(Base::HttpSse)
}

fn feed() -> Behaviour {
    Behaviour::sound(Base::Feed)
}

/// Most servers do not send `X-Accel-Buffering: no`.
fn bare(behaviour: Behaviour) -> Behaviour {
    behaviour.with(Fault::NoAccelHeader)
}

/// Within the 30 s that the checks ask for, and too slow for a proxy that waits 15 s.
fn slow(behaviour: Behaviour) -> Behaviour {
    behaviour.keep_alive(Duration::from_secs(28))
}

const UNBUFFERED: (&str, &str, &[&str]) = ("sse-unbuffered", "pass", &[]);
const ALIVE: (&str, &str, &[&str]) = ("sse-keepalive", "pass", &[]);
const NO_HEADERS: (&str, &str, &[&str]) =
    ("sse-keepalive", "warn", &["not even headers", "a proxy that may hold it back: `nginx"]);
const CUT_BY_NGINX: (&str, &str, &[&str]) =
    ("sse-keepalive", "warn", &["the stream was cut after 1", "s of silence", "read timeout", "`nginx"]);
/// A legacy server may close its GET stream; the other streams should stay.
const CUT_OFF_BY_NGINX: (&str, &str, &[&str]) = ("sse-keepalive", "fail", CUT_BY_NGINX.2);
const ENDED_BY_CADDY: (&str, &str, &[&str]) =
    ("sse-keepalive", "inconclusive", &["ended, by the server or by the proxy", "(`Caddy`), after 1"]);
const COMPRESSED_BY_NGINX: (&str, &str, &[&str]) =
    ("sse-unbuffered", "warn", &["compressed (gzip)", "yet timely", "may compress it: `nginx"]);
/// 15 s, less what came in one read with the head; and the clock of a busy machine.
const CUT_AT: (&str, Fact) = ("/keepalive/longest_gap_ms", Within(14_000, 19_000));
const HELD_FOR: (&str, Fact) = ("/delivery/held_back_ms", Within(34_000, 45_000));
const NGINX_HELD: (&str, Fact) = ("/delivery/proxy", Begins("nginx"));
const NOT_HELD: (&str, Fact) = ("/delivery/held_back_ms", Absent);
const HTTP_1: (&str, Fact) = ("/tls/alpn", Is("http/1.1"));
const HTTP_2: (&str, Fact) = ("/tls/alpn", Is("h2"));

macro_rules! row {
    ($name:literal, $program:ident, $site:expr, $upstream:expr, $kind:literal, [$($says:expr),*], [$($fact:expr),*]) => {
        Row {
            name: $name,
            program: $program,
            site: $site,
            upstream: $upstream,
            kind: $kind,
            says: &[$($says),*],
            facts: &[$($fact),*],
        }
    };
}

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    // Buffering is on by default, and X-Accel-Buffering switches it off for one reply.
    row!("nginx as installed", Nginx, PLAIN, Sound(legacy), "legacy", [
        UNBUFFERED, ALIVE,
        ("host-rebinding", "warn", &["only when a foreign Origin comes with it", "a Host of its own: `nginx"])
    ], [NOT_HELD]),
    row!("nginx, Host passed on", Nginx, HOST, Sound(legacy), "legacy", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("nginx, Host passed on", Nginx, HOST, Sound(modern), "modern", [
        ("sse-unbuffered", "pass", &["X-Accel-Buffering is not seen, but nginx removes it"]), ALIVE
    ], [NOT_HELD]),
    row!("nginx, Host passed on", Nginx, HOST, Sound(http_sse), "http-sse", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("nginx, Host passed on", Nginx, HOST, Sound(feed), "event-stream", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("nginx, Host passed on", Nginx, HOST, Real, "legacy", [UNBUFFERED, ALIVE], [NOT_HELD]),
    // Without that header everything is held back until a buffer is full or the reply ends.
    row!("nginx that buffers", Nginx, HOST, Sound(|| bare(legacy())), "legacy", [
        ("sse-unbuffered", "inconclusive", &["holds its headers back", "or a proxy holds them back", "`nginx"]),
        NO_HEADERS,
        ("legacy-get-sse-or-405", "warn", &["none came in 35 s", "a proxy that may hold them back: `nginx"])
    ], []),
    row!("nginx that buffers", Nginx, HOST, Sound(|| bare(modern())), "modern", [
        ("sse-unbuffered", "fail", &["the listen stream: even the headers", "35.", "may buffer it: `nginx"]),
        ("listen-ack-first", "inconclusive", &["no response headers in time"]),
        NO_HEADERS
    ], [HELD_FOR, NGINX_HELD]),
    row!("nginx that does not buffer", Nginx, OFF, Sound(|| bare(legacy())), "legacy", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("nginx that does not buffer", Nginx, OFF, Sound(|| bare(modern())), "modern", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("nginx that does not buffer", Nginx, OFF, Sound(|| bare(http_sse())), "http-sse", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("nginx that does not buffer", Nginx, OFF, Real, "legacy", [UNBUFFERED, ALIVE], [NOT_HELD]),
    // Nothing is compressed for us, who do not ask for it, but for one stream that does.
    row!("nginx with gzip", Nginx, GZIP, Sound(legacy), "legacy", [COMPRESSED_BY_NGINX, ALIVE],
         [NOT_HELD, ("/delivery/encoding", Absent)]),
    row!("nginx with gzip", Nginx, GZIP, Sound(modern), "modern", [COMPRESSED_BY_NGINX, ALIVE],
         [NOT_HELD, ("/delivery/encoding", Absent)]),
    // The reply is broken off: no last chunk.
    row!("nginx that waits 15 s", Nginx, CUT, Sound(|| slow(legacy())), "legacy", [UNBUFFERED, CUT_BY_NGINX], [CUT_AT]),
    row!("nginx that waits 15 s", Nginx, CUT, Sound(|| slow(modern())), "modern", [UNBUFFERED, CUT_OFF_BY_NGINX], [CUT_AT]),
    row!("nginx that waits 15 s", Nginx, CUT, Sound(|| slow(http_sse())), "http-sse", [UNBUFFERED, CUT_OFF_BY_NGINX], [CUT_AT]),
    // It offers h2 and http/1.1; the scanner takes the latter.
    row!("nginx with TLS and HTTP/2", Nginx, Site { wire: Wire::Tls, listener: "http2", ..HOST }, Sound(legacy), "legacy",
         [UNBUFFERED, ALIVE], [HTTP_1, NOT_HELD]),
    row!("nginx with TLS and HTTP/2", Nginx, Site { wire: Wire::Tls, listener: "http2", ..HOST }, Sound(modern), "modern",
         [UNBUFFERED, ALIVE], [HTTP_1, NOT_HELD]),
    // Caddy passes event streams on at once, and the header, too.
    row!("Caddy as installed", Caddy, PLAIN, Sound(|| bare(legacy())), "legacy", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("Caddy as installed", Caddy, PLAIN, Sound(modern), "modern", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("Caddy as installed", Caddy, PLAIN, Sound(|| bare(modern())), "modern", [
        ("sse-unbuffered", "warn", &["has no `X-Accel-Buffering: no`"]), ALIVE
    ], [NOT_HELD]),
    row!("Caddy as installed", Caddy, PLAIN, Sound(http_sse), "http-sse", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("Caddy as installed", Caddy, PLAIN, Real, "legacy", [UNBUFFERED, ALIVE], [NOT_HELD]),
    row!("Caddy, flush_interval -1", Caddy, Site { upstream: "flush_interval -1", ..PLAIN }, Sound(|| bare(legacy())),
         "legacy", [UNBUFFERED, ALIVE], [NOT_HELD]),
    // It compresses replies whose first piece has 512 bytes or more.
    row!("Caddy with gzip", Caddy, Site { passing: "encode gzip", ..PLAIN }, Sound(feed), "event-stream", [
        ("sse-unbuffered", "warn", &["compressed (gzip)", "yet timely", "may compress it: `Caddy`"]), ALIVE
    ], [NOT_HELD, ("/delivery/encoding", Absent)]),
    row!("Caddy with gzip", Caddy, Site { passing: "encode gzip", ..PLAIN }, Sound(legacy), "legacy",
         [UNBUFFERED, ALIVE], [NOT_HELD]),
    // Caddy ends the reply in order, as a server does that has had enough: nobody is blamed.
    row!("Caddy that waits 15 s", Caddy, Site { upstream: "transport http {\n\t\t\tread_timeout 15s\n\t\t}", ..PLAIN },
         Sound(|| slow(legacy())), "legacy", [UNBUFFERED, ENDED_BY_CADDY], [CUT_AT]),
    row!("Caddy with TLS and HTTP/2", Caddy, TLS, Sound(legacy), "legacy", [UNBUFFERED, ALIVE], [HTTP_1, NOT_HELD]),
    // Go serves HTTP/1.1 where h2 alone is offered, and says nothing about it.
    row!("Caddy that offers h2 only", Caddy, Site { listener: "alpn h2", ..TLS }, Sound(legacy), "legacy",
         [UNBUFFERED, ALIVE], [("/tls/alpn", Absent), NOT_HELD]),
    row!("Caddy over HTTP/2", Caddy, HTTP2, Sound(legacy), "legacy", [UNBUFFERED, ALIVE], [HTTP_2, NOT_HELD]),
    row!("Caddy over HTTP/2", Caddy, HTTP2, Sound(modern), "modern", [UNBUFFERED, ALIVE], [HTTP_2, NOT_HELD]),
    row!("Caddy over HTTP/2", Caddy, HTTP2, Sound(http_sse), "http-sse", [UNBUFFERED, ALIVE], [HTTP_2, NOT_HELD]),
    row!("nginx over HTTP/2", Nginx, Site { wire: Wire::Http2, ..OFF }, Sound(legacy), "legacy",
         [UNBUFFERED, ALIVE], [HTTP_2, NOT_HELD]),
    row!("nginx over HTTP/2", Nginx, Site { wire: Wire::Http2, ..OFF }, Sound(modern), "modern",
         [UNBUFFERED, ALIVE], [HTTP_2, NOT_HELD]),
    row!("nginx over HTTP/2", Nginx, Site { wire: Wire::Http2, ..OFF }, Sound(http_sse), "http-sse",
         [UNBUFFERED, ALIVE], [HTTP_2, NOT_HELD]),
    row!("nginx over HTTP/2", Nginx, Site { wire: Wire::Http2, ..OFF }, Real, "legacy",
         [UNBUFFERED, ALIVE], [HTTP_2, NOT_HELD]),
    row!("nginx over HTTP/2 that waits 15 s", Nginx, Site { wire: Wire::Http2, ..CUT }, Sound(|| slow(legacy())), "legacy",
         [UNBUFFERED, CUT_BY_NGINX], [HTTP_2, CUT_AT]),
    // Over HTTP/2 nginx sends the headers and holds the rest back.
    row!("nginx over HTTP/2 that buffers", Nginx, Site { wire: Wire::Http2, ..HOST }, Sound(|| bare(modern())), "modern", [
        ("sse-unbuffered", "fail", &["the listen stream: the first byte", "35.", "may buffer it: `nginx"]),
        ("listen-ack-first", "inconclusive", &["not one byte came", "may hold it back: `nginx"]),
        ("sh-sse-data-is-jsonrpc", "inconclusive", &["no event carried data"]),
        ("sse-keepalive", "warn", &["not one byte", "may hold it back: `nginx"])
    ], [HTTP_2, HELD_FOR, NGINX_HELD]),
];
