//! Section 2: redirects, bodies, lengths, statuses.

use std::io::Write;

use super::Row;
use super::Sign::{Fewer, Within};
use super::stage::{
    CHUNKED, JSON, Scene, Serve, act, ask, bytes, drip, flood, http, mcp, mcp_flood, reply, write,
};
use super::{Via, row};
use crate::tls::Certificate;

pub(super) fn rows() -> Vec<Row> {
    [redirects(), bodies(), lengths(), chunks(), header_lines(), refusals(), pages()]
        .into_iter()
        .flatten()
        .collect()
}

/// Redirects every request to where `to` says.
fn redirect(status: &'static str, to: impl Fn(&Scene) -> String + Send + Sync + 'static) -> Serve {
    reply(move |_, scene| http(status, &[("location", &to(scene))], ""))
}

fn redirects() -> Vec<Row> {
    let offsite = |name, covers, status: &'static str, to: fn(&Scene) -> String| {
        row(name, covers, redirect(status, to)).because("where we do not follow")
    };
    vec![
        row(
            "redirect-to-itself",
            "H1",
            redirect("307 Temporary Redirect", |scene| format!("http://{}/mcp", scene.here)),
        )
        .because("redirects (307)")
        .sign(Fewer(40)),
        row(
            "redirect-for-ever",
            "H1",
            redirect("308 Permanent Redirect", |scene| format!("/mcp/{}", scene.number)),
        )
        .because("redirects (308)")
        .sign(Fewer(40)),
        offsite("redirect-302-offsite", "H2 K1", "302 Found", |scene| {
            format!("http://{}/mcp", scene.offsite)
        })
        .again(),
        offsite("redirect-301-offsite", "H2 K1", "301 Moved Permanently", |scene| {
            format!("//{}/mcp", scene.offsite)
        }),
        offsite("redirect-303-offsite", "H2 K1", "303 See Other", |scene| {
            format!("http://{}/mcp", scene.offsite)
        }),
        offsite("redirect-307-offsite", "H3 K1", "307 Temporary Redirect", |scene| {
            format!("http://{}/mcp", scene.offsite)
        })
        .again(),
        offsite("redirect-308-offsite", "H3 K1", "308 Permanent Redirect", |scene| {
            format!("http://{}/mcp", scene.offsite)
        }),
        offsite("redirect-307-userinfo", "H2 H3", "307 Temporary Redirect", |scene| {
            format!("http://{}@{}/mcp", scene.here, scene.offsite)
        }),
        offsite("redirect-307-backslash", "H2 H3", "307 Temporary Redirect", |scene| {
            format!("\\\\{}\\mcp", scene.offsite)
        }),
        offsite("redirect-away-and-back", "H4", "307 Temporary Redirect", |scene| {
            format!("http://{}/back?to=http://{}/mcp", scene.offsite, scene.here)
        }),
        offsite("redirect-https-to-http", "H5", "307 Temporary Redirect", |scene| {
            format!("http://{}/mcp", scene.here)
        })
        .via(Via::Tls(Certificate::Good)),
        offsite("redirect-to-metadata-address", "H6", "307 Temporary Redirect", |_| {
            "http://169.254.169.254/latest/meta-data/".to_owned()
        }),
        offsite("redirect-to-decimal-loopback", "H6", "307 Temporary Redirect", |scene| {
            format!("http://2130706433:{}/", scene.offsite.rsplit(':').next().unwrap_or_default())
        }),
        offsite("redirect-to-mapped-loopback", "H6", "308 Permanent Redirect", |scene| {
            format!("http://[::ffff:127.0.0.1]:{}/", scene.offsite.rsplit(':').next().unwrap_or_default())
        }),
        offsite("redirect-to-0.0.0.0", "H6", "307 Temporary Redirect", |scene| {
            format!("http://0.0.0.0:{}/", scene.offsite.rsplit(':').next().unwrap_or_default())
        }),
        offsite("redirect-to-file", "H7", "307 Temporary Redirect", |_| "file:///etc/passwd".to_owned()),
        offsite("redirect-to-gopher", "H7", "307 Temporary Redirect", |_| {
            "gopher://127.0.0.1:1/_x".to_owned()
        }),
        offsite("redirect-to-javascript", "H7 O4", "302 Found", |_| "javascript:alert(1)".to_owned()),
        row("redirect-without-location", "H7", bytes(http("302 Found", &[], ""))).because("to nowhere"),
        row("redirect-to-200-kB", "H7", redirect("302 Found", |_| "/".to_owned() + &"x".repeat(200_000)))
            .unreachable()
            .hits("header_bytes"),
    ]
}

fn bodies() -> Vec<Row> {
    let encoded = |name, coding: &'static str, body: Vec<u8>| {
        row(
            name,
            "H8",
            bytes(http(
                "200 OK",
                &[("content-type", "application/json"), ("content-encoding", coding)],
                body,
            )),
        )
        // A coded reply is never called none, whatever is in it.
        .is("mcp", 4)
        .little()
    };
    // What a real bomb begins with, and 3 MB of the bytes that inflate a thousandfold.
    let bomb = || [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xec, 0xc1][..], &[0; 3_000_000]].concat();
    vec![
        encoded("gzip-bomb", "gzip", bomb()),
        encoded("deflate-bomb", "deflate", bomb()),
        encoded("brotli-bomb", "br", bomb()),
        encoded("zstd-bomb", "zstd", bomb()),
        encoded("gzip-bomb-that-is-one", "gzip", inflating()).is("none", 3).hits("coding_ratio"),
        encoded("zstd-bomb-of-blocks", "zstd", [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x58][..], &[2, 0, 16, b'a'].repeat(9_000)].concat())
            .is("none", 3).hits("coding_ratio"),
        encoded("zstd-window-of-a-gigabyte", "zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0xa0, 1, 0, 0]).is("none", 3).hits("coding_ratio"),
        encoded("gzip-of-nothing-without-end", "gzip", empty_members()),
        encoded("encodings-stacked", "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip", bomb()),
        encoded("gzip-broken", "gzip", b"{\"not\":\"gzip\"}".to_vec()),
        row("json-in-gzip-unasked", "H8 S8", reply(|_, _| packed("application/json")))
            .is("mcp", 4)
            .because("the reply is compressed with gzip and ends before its final block")
            .little(),
        row(
            "stream-in-gzip-unasked",
            "H8 S8",
            reply(|ask, _| match ask.method.as_str() {
                "POST" => packed("text/event-stream"),
                _ => http("405 Method Not Allowed", &[("allow", "POST")], ""),
            }),
        )
        .is("mcp", 4)
            .because("the reply is compressed with gzip and ends before its final block")
        .little(),
        row("feed-and-replies-in-gzip-unasked", "H8 S8", reply(|_, _| packed("text/event-stream")))
            .is("event-stream", 0)
            .because("a POST was answered, but the reply is compressed with gzip")
            .finds("sse-unbuffered", "warn")
            .says("an event stream is compressed with gzip although the client did not ask for it")
            .little(),
        row(
            "tools-in-gzip-unasked",
            "H8 S8",
            mcp(|_, method, _, _| (method == "tools/list").then(|| packed("application/json"))),
        )
        .is("legacy", 0)
        .finds("sh-post-response-type", "pass")
        .finds("tools-schema-valid", "inconclusive")
        .says("compressed with gzip and ends before its final block, so that its body was not read")
        .little(),
        row(
            "tools-as-a-stream-in-gzip-unasked",
            "H8 S8",
            mcp(|_, method, _, _| (method == "tools/list").then(|| packed("text/event-stream"))),
        )
        .is("legacy", 0)
        .finds("sse-unbuffered", "warn")
        .finds("sh-stream-delivers-response", "inconclusive")
        .says("an event stream cannot be followed: the reply is compressed with gzip and ends before its final block")
        .little(),
        row("body-without-end", "H9", flood(JSON, "[")).hits("body_bytes").little(),
        row(
            "body-without-end-in-a-session",
            "H9",
            mcp_flood("tools/list", JSON, "{\"jsonrpc\":\"2.0\",\"id\":3,"),
        )
        .is("legacy", 0)
        .or_undecided()
        .hits("body_bytes")
        .little(),
        row("html-without-end", "H9 H15", flood("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n", "<p>"))
            .because("HTML")
            .hits("body_bytes")
            .little(),
        row("body-after-a-404-without-end", "H9", flood("HTTP/1.1 404 Not Found\r\n\r\n", "x"))
            .hits("body_bytes")
            .little(),
    ]
}

/// 64 MiB of one letter.
fn inflating() -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b'a'; 64 << 20]).unwrap();
    gzip.finish().unwrap()
}

/// Megabytes of members that hold nothing.
fn empty_members() -> Vec<u8> {
    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()).finish().unwrap().repeat(300_000)
}

/// A reply in gzip that breaks off in its first block.
fn packed(media: &str) -> Vec<u8> {
    let body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xec, 0xc1, 0x9b, 0x00];
    http("200 OK", &[("content-type", media), ("content-encoding", "gzip")], body)
}

fn lengths() -> Vec<Row> {
    let lying = |name, lengths: &str| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{lengths}\r\n\r\n{{}}");
        row(name, "H10", bytes(head))
    };
    vec![
        lying("length-too-long", "content-length: 100").fails("truncated"),
        lying("length-8-GiB", "content-length: 8589934592").fails("truncated").little(),
        lying("length-too-short", "content-length: 1"),
        lying("length-negative", "content-length: -1").unreachable().fails("framing"),
        lying("length-signed", "content-length: +2").unreachable().fails("framing"),
        lying("length-2-to-the-64", "content-length: 18446744073709551615").unreachable().fails("framing"),
        lying("length-of-forty-digits", "content-length: 1000000000000000000000000000000000000000")
            .unreachable()
            .fails("framing"),
        lying("length-twice", "content-length: 2\r\ncontent-length: 3").unreachable().fails("framing"),
        lying("length-and-chunked", "content-length: 2\r\ntransfer-encoding: chunked").fails("framing"),
    ]
}

fn chunks() -> Vec<Row> {
    let chunked = |name, body: &[u8]| row(name, "H11", bytes([CHUNKED, body].concat()));
    vec![
        chunked("chunk-size-not-hex", b"zz\r\n{}\r\n0\r\n\r\n").fails("framing"),
        chunked("chunk-size-16-times-F", b"FFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n").little(),
        chunked("chunk-size-17-times-F", b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n").fails("framing"),
        chunked("chunk-without-its-end", b"2\r\n{}zz\r\n0\r\n\r\n").fails("framing"),
        chunked("last-chunk-missing", b"2\r\n{}\r\n").fails("truncated"),
        row("chunk-extension-without-end", "H11", flood([CHUNKED, b"2;x="].concat(), "a"))
            .fails("framing")
            .little(),
        row(
            "trailers-without-end",
            "H11",
            flood([CHUNKED, b"2\r\n{}\r\n0\r\n"].concat(), "x-trailer: value\r\n"),
        )
        .little(),
        row("chunks-of-one-byte", "H11", flood(CHUNKED, "1\r\n[\r\n")).because("could not be read").little(),
        row("chunks-of-one-byte-slowly", "H11", drip(CHUNKED, "1\r\n \r\n", 700))
            .fails("body-timeout")
            .hits("reply_ms"),
    ]
}

fn header_lines() -> Vec<Row> {
    let line = |name, line: &str| {
        row(name, "H12", bytes(format!("HTTP/1.1 404 Not Found\r\n{line}\r\ncontent-length: 0\r\n\r\n")))
    };
    vec![
        line("header-with-nul", "x-header: a\0b").unreachable().fails("framing"),
        line("header-with-bare-cr", "x-header: a\rb").unreachable().fails("framing"),
        line("header-without-colon", "this is no header").unreachable().fails("framing"),
        line("header-folded", "x-header: a\r\n  b").unreachable().fails("framing"),
        line("header-with-space-before-colon", "x-header : a").unreachable().fails("framing"),
        line("header-with-high-bytes", "x-header: caf\u{e9} \u{9b}31m").again(),
    ]
}

fn refusals() -> Vec<Row> {
    let limited = |name, wait: &str| {
        row(name, "H13", bytes(http("429 Too Many Requests", &[("retry-after", wait)], ""))).is("blocked", 4)
    };
    vec![
        limited("retry-after-a-day", "86400")
            .because("asked to stay away for 86400 s")
            .sign(Fewer(4))
            .sign(Within(8)),
        limited("retry-after-zero", "0").sign(Fewer(12)),
        limited("retry-after-garbage", "soon").sign(Fewer(12)).sign(Within(20)),
        limited("retry-after-negative", "-5").sign(Fewer(12)),
        limited("retry-after-10-to-the-22", "10000000000000000000000").sign(Fewer(4)).sign(Within(8)),
        row(
            "503-with-retry-after",
            "H13",
            bytes(http("503 Service Unavailable", &[("retry-after", "99999999999999999999")], "")),
        )
        .because("503: that says nothing about what speaks here, and we are asked to stay away for 86400 s")
        .sign(Fewer(6))
        .sign(Within(10)),
        row(
            "503-with-retry-after-one-second",
            "H13",
            bytes(http("503 Service Unavailable", &[("retry-after", "1")], "")),
        )
        .because("asked to stay away for 1 s")
        .sign(Fewer(7))
        .sign(Within(10)),
        row("503-for-everything", "H13", bytes(http("503 Service Unavailable", &[], "")))
            .because("requests are answered with 503")
            .sign(Fewer(7))
            .sign(Within(10)),
        row("401", "H14", bytes(http("401 Unauthorized", &[("www-authenticate", "Bearer")], "")))
            .is("auth-gated", 4)
            .again(),
        row(
            "401-with-a-challenge-of-60-kB",
            "H14",
            bytes(http(
                "401 Unauthorized",
                &[("www-authenticate", &format!("Bearer realm=\"{}\"", "x".repeat(60_000)))],
                "",
            )),
        )
        .is("auth-gated", 4),
        row(
            "401-with-a-challenge-of-200-kB",
            "H14",
            bytes(http(
                "401 Unauthorized",
                &[("www-authenticate", &format!("Bearer realm=\"{}\"", "x".repeat(200_000)))],
                "",
            )),
        )
        .unreachable()
        .hits("header_bytes"),
        row(
            "401-that-points-elsewhere",
            "H14 K1",
            reply(|_, scene| {
                let challenge = format!("Bearer resource_metadata=\"file://{}/metadata\"", scene.offsite);
                http("401 Unauthorized", &[("www-authenticate", &challenge)], "")
            }),
        )
        .is("auth-gated", 4),
        row(
            "401-that-points-to-metadata-address",
            "H14 H6",
            bytes(http(
                "401 Unauthorized",
                &[("www-authenticate", "Bearer resource_metadata=\"http://169.254.169.254/latest\"")],
                "",
            )),
        )
        .is("auth-gated", 4)
        .says("169.254.169.254 is not for everybody")
        .whole(),
        row("403", "H14", bytes(http("403 Forbidden", &[], "no"))).is("blocked", 4).because("403"),
    ]
}

fn pages() -> Vec<Row> {
    let html = |status, body: &str| http(status, &[("content-type", "text/html; charset=utf-8")], body);
    let challenge = "<html><title>Just a moment...</title><script src=\"/cdn-cgi/challenge-platform/h/b\"></script></html>";
    vec![
        row("web-page-for-everything", "H15", bytes(html("200 OK", "<!doctype html><div id=root></div>")))
            .because("HTML, not MCP"),
        row(
            "captive-portal",
            "H15",
            bytes(html("200 OK", "<html><h1>Welcome to our Wi-Fi</h1><form action=/accept></form></html>")),
        )
        .because("captive portal"),
        row(
            "captive-portal-511",
            "H15",
            bytes(html("511 Network Authentication Required", "<html>log in</html>")),
        )
        .because("511"),
        row("login-page", "H15", bytes(html("200 OK", "<form><input type=\"password\"></form>")))
            .is("auth-gated", 4),
        row("firewall-by-header", "H16", bytes(http("403 Forbidden", &[("cf-mitigated", "challenge")], "")))
            .is("blocked", 4)
            .because("cf-mitigated"),
        row("firewall-by-page", "H16", bytes(html("503 Service Unavailable", challenge)))
            .is("blocked", 4)
            .because("bot challenge"),
        row("firewall-by-200", "H16", bytes(html("200 OK", challenge)))
            .is("blocked", 4)
            .because("bot challenge"),
        row("firewall-of-aws", "H16", bytes(http("202 Accepted", &[("x-amzn-waf-action", "challenge")], "")))
            .is("blocked", 4),
        row(
            "proxy-wants-a-credential",
            "H16",
            bytes(http("407 Proxy Authentication Required", &[("proxy-authenticate", "Basic realm=x")], "")),
        )
        .is("blocked", 4)
        .because("a proxy before the endpoint refuses us"),
        row("proxy-without-upstream", "H16", bytes(html("502 Bad Gateway", "<h1>502</h1>")))
            .because("got no valid answer"),
        row("empty-200", "H17", bytes(http("200 OK", &[], ""))),
        row("empty-204", "H17", bytes("HTTP/1.1 204 No Content\r\n\r\n")).is("event-stream", 4),
        row(
            "500-with-a-stack-trace",
            "H17",
            bytes(http(
                "500 Internal Server Error",
                &[("content-type", "text/plain")],
                "Traceback (most recent call last):\n  File \"/srv/app.py\"",
            )),
        )
        .because("500"),
        row(
            "head-only",
            "H17",
            act(|mut io, _| async move {
                ask(&mut io).await;
                write(&mut io, b"HTTP/1.1 200 OK\r\n\r\n").await;
            }),
        ),
    ]
}
