//! Section 1: connections, TLS, heads and HTTP/2.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Sign::{Fewer, Says, Within};
use super::stage::{Io, Serve, act, ask, bytes, drip, flood, http, linger, mcp, pour, write};
use super::{Row, Via, row};
use crate::tls::Certificate;

/// Accepts and does nothing.
fn silent() -> Serve {
    act(|mut io, _| async move { linger(&mut io).await })
}

/// Holds back the head of every reply to a POST; other requests get 404 at once.
fn posts(held: Duration) -> Serve {
    act(move |mut io, _| async move {
        let Some(asked) = ask(&mut io).await else { return };
        if asked.method == "POST" {
            tokio::time::sleep(held).await;
        }
        let _ = io.write_all(&http("404 Not Found", &[], "")).await;
        linger(&mut io).await;
    })
}

/// Writes before anything was asked, and waits.
fn greeting(text: &'static [u8]) -> Serve {
    act(move |mut io, _| async move {
        let _ = io.write_all(text).await;
        linger(&mut io).await;
    })
}

/// Reads what comes first, writes these bytes, and waits.
fn raw(bytes: impl Into<Vec<u8>>) -> Serve {
    let bytes = bytes.into();
    act(move |mut io, _| {
        let bytes = bytes.clone();
        async move {
            let mut block = [0; 4096];
            let _ = io.read(&mut block).await;
            let _ = io.write_all(&bytes).await;
            linger(&mut io).await;
        }
    })
}

pub(super) fn rows() -> Vec<Row> {
    [connecting(), heads(), certificates(), handshakes(), http2()].into_iter().flatten().collect()
}

fn connecting() -> Vec<Row> {
    let nothing = || act(|_, _| async {});
    vec![
        row("refused", "T1", nothing()).via(Via::Dead).unreachable().fails("refused").sign(Within(5)),
        row("drops-syn", "T2", nothing())
            .via(Via::Full)
            .unreachable()
            .fails("connect-timeout")
            .hits("connect_ms"),
        row("no-such-name", "T3", nothing())
            .via(Via::Url("https://stage.invalid/mcp"))
            .args(&["--no-proxy"])
            .unreachable()
            .fails("dns"),
        row("first-address-dead", "T3", bytes(http("404 Not Found", &[], ""))).via(Via::Localhost),
        // Whether our request comes before or after the close decides between an end and a reset.
        row("closes-at-once", "T5", nothing()).unreachable().fails("truncated|reset").sign(Within(10)),
        row(
            "closes-after-the-request",
            "T4 T5",
            act(|mut io, _| async move {
                ask(&mut io).await;
            }),
        )
        .unreachable()
        .fails("truncated")
        .sign(Within(10)),
        row(
            "half-closes",
            "T5",
            act(|mut io, _| async move {
                ask(&mut io).await;
                let _ = io.shutdown().await;
                linger(&mut io).await;
            }),
        )
        .unreachable()
        .fails("truncated")
        .sign(Within(10)),
        // Unread bytes make the close a reset.
        row(
            "resets-at-the-request",
            "T4",
            act(|mut io, _| async move {
                let _ = io.read(&mut [0; 1]).await;
            }),
        )
        .unreachable()
        .fails("reset"),
        row(
            "resets-in-the-body",
            "T4",
            act(|mut io, _| async move {
                let mut block = [0; 16];
                let _ = io.read(&mut block).await;
                let _ = io
                    .write_all(
                        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{",
                    )
                    .await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }),
        )
        .because("could not be read: connection reset"),
        row("posts-are-never-answered", "T6", posts(Duration::from_secs(3_600)))
            .fails("header-timeout")
            .hits("header_ms")
            .because("no POST was (no response headers in time"),
        row("posts-are-answered-late", "T6", posts(Duration::from_secs(15)))
            .fails("header-timeout")
            .because("no POST was (no response headers in time"),
        row("silent", "T6", silent()).unreachable().fails("header-timeout").hits("header_ms"),
    ]
}

fn heads() -> Vec<Row> {
    let ok = "HTTP/1.1 200 OK\r\n";
    vec![
        row("slow-loris", "T7", drip("HTTP/1.1 200 OK\r\nx-slow: ", "a", 500))
            .unreachable()
            .fails("header-timeout")
            .hits("header_ms"),
        row("slow-status-line", "T7", drip("", "H", 900)).unreachable(),
        row(
            "body-one-byte-a-second",
            "T8",
            drip(format!("{ok}content-type: application/json\r\ncontent-length: 9999\r\n\r\n"), " ", 1_000),
        )
        .fails("body-timeout")
        .hits("reply_ms"),
        row(
            "body-one-byte-in-nine-seconds",
            "T8",
            drip(format!("{ok}content-type: application/json\r\n\r\n"), "{", 9_000),
        )
        .fails("body-timeout")
        .hits("reply_ms"),
        row("status-line-without-end", "T9", flood("HTTP/1.1 200 ", "O"))
            .unreachable()
            .hits("header_bytes")
            .little(),
        row("header-without-end", "T9", flood(format!("{ok}x: "), "a"))
            .unreachable()
            .hits("header_bytes")
            .little(),
        row("header-name-without-end", "T9", flood(ok, "a")).unreachable().hits("header_bytes").little(),
        row("headers-without-end", "T9", flood(ok, "x-header: value\r\n"))
            .unreachable()
            .fails("too-large")
            .little(),
        row("headers-20000", "T9", bytes(format!("{ok}{}\r\n", "x: y\r\n".repeat(20_000))))
            .unreachable()
            .hits("header_lines")
            .little(),
        row("100-continue-for-ever", "T10", flood("", "HTTP/1.1 100 Continue\r\n\r\n"))
            .unreachable()
            .hits("interim")
            .little()
            .sign(Within(10)),
        row(
            "103-early-hints-for-ever",
            "T10",
            flood("", "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"),
        )
        .unreachable()
        .hits("interim")
        .little()
        .sign(Within(10)),
        row(
            "one-100-and-an-answer",
            "T10",
            bytes([b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), http("404 Not Found", &[], "")].concat()),
        ),
        row(
            "101-unasked",
            "T10",
            bytes("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n{}"),
        )
        .because("101 Switching Protocols was not asked for"),
        row("ssh-banner", "T11", greeting(b"SSH-2.0-OpenSSH_9.9\x1b[2J\r\n"))
            .unreachable()
            .fails("not-http")
            .says("SSH-2.0"),
        row("smtp-banner", "T11", greeting(b"220 mail.example ESMTP\r\n"))
            .unreachable()
            .fails("not-http")
            .says("ESMTP"),
        row("noise", "T11", raw(vec![0x9b, 0x1b, 0xff, 0x00, 0x07, 0x8d, 0xe2, 0x80, 0xae]))
            .unreachable()
            .fails("not-http")
            .again(),
        row("http-9.9", "T11", bytes("HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n"))
            .unreachable()
            .fails("not-http"),
        row("http-0.9", "T11", bytes("<html>no head at all</html>")).unreachable().fails("not-http"),
        row("proxy-in-the-environment", "T19 K8", bytes(http("404 Not Found", &[], ""))),
    ]
}

fn certificates() -> Vec<Row> {
    let sound = || mcp(|_, _, _, _| None);
    let faulty = |name, certificate, kind| {
        row(name, "T12", sound()).via(Via::Tls(certificate)).unreachable().fails(kind)
    };
    vec![
        faulty("certificate-expired", Certificate::Expired, "certificate-expired").says("expired"),
        faulty("certificate-not-yet-valid", Certificate::NotYetValid, "certificate-not-yet-valid"),
        faulty("certificate-of-another-name", Certificate::WrongName, "certificate-wrong-name")
            .says("elsewhere.example"),
        faulty("certificate-self-signed", Certificate::SelfSigned, "certificate-self-signed"),
        faulty("certificate-of-an-unknown-issuer", Certificate::UnknownIssuer, "certificate-unknown-issuer"),
        faulty(
            "certificate-without-its-intermediate",
            Certificate::MissingIntermediate,
            "certificate-unknown-issuer",
        ),
        row("certificate-expired-and-insecure", "T12", sound())
            .via(Via::Tls(Certificate::Expired))
            .args(&["--insecure"])
            .is("legacy", 0)
            .says("\"insecure\":true")
            .finds("tls-cert-valid", "fail"),
        row("certificate-sound", "T12", sound())
            .via(Via::Tls(Certificate::Good))
            .is("legacy", 0)
            .finds("tls-cert-valid", "pass"),
    ]
}

/// A TLS record with this type and payload.
fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &length[..], payload].concat()
}

/// A `ServerHello` of TLS 1.x, with the number that x has on the wire.
fn hello(minor: u8) -> Vec<u8> {
    let body = [&[3, minor][..], &[7; 32], &[0], &[0, 0x2f], &[0]].concat();
    [&[2, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat()
}

fn handshakes() -> Vec<Row> {
    let tls = |name, covers, serve| row(name, covers, serve).via(Via::TlsRaw).unreachable();
    vec![
        tls("tls-1.0-only", "T13", raw(record(21, &[2, 70])))
            .fails("tls-version")
            .because("needs TLS 1.2 or newer"),
        tls("tls-hello-of-1.0", "T13", raw(record(22, &hello(1))))
            .fails("tls-version")
            .because("needs TLS 1.2 or newer"),
        tls("tls-hello-of-1.1", "T13", raw(record(22, &hello(2)))).fails("tls-version"),
        tls("tls-no-common-cipher", "T13", raw(record(21, &[2, 40])))
            .fails("tls-incompatible")
            .because("no common TLS cipher"),
        tls("tls-certificate-required", "T13", raw(record(21, &[2, 116])))
            .fails("client-certificate")
            .because("asks for a client certificate"),
        row("tls-1.3-client-certificate", "T13", mcp(|_, _, _, _| None))
            .via(Via::TlsClient(&rustls::version::TLS13))
            .unreachable()
            .fails("client-certificate"),
        row("tls-1.2-client-certificate", "T13", mcp(|_, _, _, _| None))
            .via(Via::TlsClient(&rustls::version::TLS12))
            .unreachable()
            .fails("client-certificate"),
        tls("tls-stalls", "T14", silent()).fails("tls-timeout").hits("tls_ms"),
        tls("tls-drips", "T14", act(|mut io, _| async move { pour(&mut io, &[22], 400).await })),
        tls(
            "tls-noise-without-end",
            "T14",
            act(|mut io, _| async move { pour(&mut io, &[0xa5; 65_536], 0).await }),
        )
        .fails("not-tls")
        .little(),
        tls(
            "tls-handshake-messages-without-end",
            "T14",
            act(|mut io, _| async move {
                // One certificate message of 16 MiB, in records of 16 kB.
                let _ = io.write_all(&record(22, &[11, 0xff, 0xff, 0xff])).await;
                pour(&mut io, &record(22, &[0; 16_000]), 0).await;
            }),
        )
        .little(),
        tls(
            "tls-empty-records-without-end",
            "T14",
            act(|mut io, _| async move { pour(&mut io, &record(22, &[]).repeat(8_000), 0).await }),
        )
        .little(),
        tls(
            "tls-warnings-without-end",
            "T14",
            act(|mut io, _| async move { pour(&mut io, &record(21, &[1, 90]).repeat(8_000), 0).await }),
        )
        .little(),
        tls(
            "tls-plain-http-on-the-port",
            "T14",
            raw(http("400 Bad Request", &[], "The plain HTTP request was sent to HTTPS port")),
        )
        .fails("not-tls")
        .because("plain HTTP"),
        tls("tls-ssh-on-the-port", "T14", greeting(b"SSH-2.0-OpenSSH_9.9\r\n")).fails("not-tls"),
        row("tls-port-spoken-to-in-plain", "T14", raw(record(21, &[2, 70]))).unreachable().fails("not-http"),
        row(
            "tls-cut-without-close-notify",
            "T15",
            act(|mut io, _| async move {
                ask(&mut io).await;
                // No length: only a close_notify could say that this was all.
                let _ = io
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"jsonrpc\"")
                    .await;
                let _ = io.flush().await;
            }),
        )
        .via(Via::Tls(Certificate::Good))
        .fails("truncated"),
    ]
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const DATA: u8 = 0;
const RESET: u8 = 3;
const GOAWAY: u8 = 7;
const PUSH: u8 = 5;
const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;
/// `:status: 200` and `content-type: application/json`, in HPACK.
fn ok() -> Vec<u8> {
    [&[0x88, 0x5f, 16][..], b"application/json"].concat()
}

/// Waits for the request, writes SETTINGS and these frames, and then one piece without end (none if it is
/// empty).
fn h2(start: Vec<u8>, piece: Vec<u8>) -> Serve {
    act(move |mut io, _| {
        let (start, piece) = (start.clone(), piece.clone());
        async move {
            let _ = io.write_all(&frame(SETTINGS, 0, 0, &[])).await;
            if !request_frame(&mut io).await || io.write_all(&start).await.is_err() {
                return;
            }
            if piece.is_empty() {
                let _ = io.flush().await;
                return linger(&mut io).await;
            }
            // What the client answers must not fill its own way to us: half of the pieces are read.
            let (mut reading, mut writing) = tokio::io::split(io);
            let drain = async {
                let mut block = [0; 65_536];
                while matches!(reading.read(&mut block).await, Ok(1..)) {}
            };
            let flood = async { while writing.write_all(&piece).await.is_ok() {} };
            tokio::select! { () = drain => {}, () = flood => {} }
        }
    })
}

/// SETTINGS whose first window for streams holds so many bytes.
fn windows(bytes: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&[0, 4][..], &bytes.to_be_bytes()].concat())
}

/// Answers the first request of a connection with 404 and a small window for those that follow, and never opens it.
fn h2_windows(bytes: u32) -> Serve {
    act(move |mut io, _| async move {
        if !request_frame(&mut io).await {
            return;
        }
        let answer = frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x8d]);
        let all = [windows(bytes), frame(SETTINGS, 1, 0, &[]), answer].concat();
        if io.write_all(&all).await.is_ok() && io.flush().await.is_ok() {
            linger(&mut io).await;
        }
    })
}

/// Reads frames until the HEADERS of a request.
async fn request_frame(io: &mut Io) -> bool {
    let mut preface = [0; 24];
    if io.read_exact(&mut preface).await.is_err() {
        return false;
    }
    loop {
        let mut head = [0; 9];
        if io.read_exact(&mut head).await.is_err() {
            return false;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        if io.read_exact(&mut payload).await.is_err() {
            return false;
        }
        if head[3] == HEADERS {
            return true;
        }
    }
}

fn http2() -> Vec<Row> {
    let many = |frame: Vec<u8>| frame.repeat((32 * 1024 / frame.len()).max(1));
    let h2_row = |name, covers, serve| row(name, covers, serve).via(Via::TlsH2);
    let goaway =
        |code: u8, debug: &[u8]| frame(GOAWAY, 0, 0, &[&[0, 0, 0, 0, 0, 0, 0, code], debug].concat());
    let mut bomb = frame(HEADERS, 0, 1, &[&[0x40, 1, b'a', 0x7f, 0x81, 0x1e][..], &[b'b'; 4_000]].concat());
    // The entry of 4 kB again and again, in one byte each.
    for _ in 0..40 {
        bomb.extend(frame(CONTINUATION, 0, 1, &[0xbe; 16_000]));
    }
    vec![
        h2_row("h2-goaway-always", "T16", h2(goaway(0, b"go\x1b[31maway"), vec![]))
            .unreachable()
            .fails("stream-refused")
            .again(),
        h2_row("h2-goaway-enhance-your-calm", "T16", h2(goaway(11, b"calm"), vec![]))
            .unreachable()
            .fails("stream-refused"),
        h2_row("h2-refused-stream-always", "T16", h2(frame(RESET, 0, 1, &[0, 0, 0, 7]), vec![]))
            .unreachable()
            .fails("stream-refused"),
        h2_row("h2-reset-always", "T16", h2(frame(RESET, 0, 1, &[0, 0, 0, 2]), vec![])).unreachable(),
        h2_row(
            "h2-continuation-flood",
            "T17",
            h2(
                frame(HEADERS, 0, 1, &[0x88]),
                many(frame(CONTINUATION, 0, 1, &[0x40, 1, b'x', 1, b'y'].repeat(100))),
            ),
        )
        .unreachable()
        .little(),
        h2_row(
            "h2-empty-continuation-flood",
            "T17",
            h2(frame(HEADERS, 0, 1, &[0x88]), many(frame(CONTINUATION, 0, 1, &[]))),
        )
        .unreachable()
        .little(),
        h2_row("h2-settings-flood", "T17", h2(vec![], many(frame(SETTINGS, 0, 0, &[]))))
            .unreachable()
            .fails("too-large")
            .hits("h2_frames")
            .because("a flood of SETTINGS frames")
            .little()
            .sign(Within(10)),
        h2_row("h2-ping-flood", "T17", h2(vec![], many(frame(PING, 0, 0, &[7; 8]))))
            .unreachable()
            .fails("too-large")
            .hits("h2_frames")
            .because("a flood of PING frames")
            .little()
            .sign(Within(10)),
        h2_row(
            "h2-ping-flood-in-the-body",
            "T17",
            h2(frame(HEADERS, END_HEADERS, 1, &ok()), many(frame(PING, 0, 0, &[7; 8]))),
        )
        .fails("too-large")
        .hits("h2_frames")
        .because("could not be read: a size limit was hit: h2_frames 1000, a flood of PING frames")
        .little()
        .sign(Within(10)),
        h2_row(
            "h2-some-pings-and-an-answer",
            "T17",
            h2(
                [
                    frame(PING, 0, 0, &[7; 8]).repeat(500),
                    frame(HEADERS, END_HEADERS | END_STREAM, 1, &ok()),
                    frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
                ]
                .concat(),
                vec![],
            ),
        ),
        h2_row(
            "h2-empty-data-flood",
            "T17",
            h2(frame(HEADERS, END_HEADERS, 1, &ok()), many(frame(DATA, 0, 1, &[]))),
        )
        .little(),
        h2_row(
            "h2-data-against-flow-control",
            "T17",
            h2(frame(HEADERS, END_HEADERS, 1, &ok()), frame(DATA, 0, 1, &[b' '; 16_000])),
        )
        .little(),
        h2_row("h2-hpack-bomb", "T17", h2(bomb, vec![])).unreachable().little(),
        h2_row("h2-push-promise", "T17", h2(frame(PUSH, END_HEADERS, 1, &[0, 0, 0, 2, 0x82, 0x84]), vec![]))
            .unreachable()
            .fails("framing"),
        h2_row(
            "h2-frame-too-large",
            "T17",
            h2([&[0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1][..], &[0; 70_000]].concat(), vec![]),
        )
        .unreachable(),
        h2_row("h2-reset-flood", "T17", h2(vec![], many(frame(RESET, 0, 1, &[0, 0, 0, 8]))))
            .unreachable()
            .little(),
        h2_row(
            "h2-103-flood",
            "T10 T17",
            h2(vec![], many(frame(HEADERS, END_HEADERS, 1, &[0x48, 3, b'1', b'0', b'3']))),
        )
        .unreachable()
        .fails("too-large")
        .hits("interim")
        .because("a flood of informational (1xx) responses")
        .little()
        .sign(Within(10)),
        h2_row(
            "h2-some-103-and-an-answer",
            "T10 T17",
            h2(
                [
                    frame(HEADERS, END_HEADERS, 1, &[0x48, 3, b'1', b'0', b'3']).repeat(15),
                    frame(HEADERS, END_HEADERS | END_STREAM, 1, &ok()),
                    frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
                ]
                .concat(),
                vec![],
            ),
        ),
        h2_row("h2-stream-stalls", "T18", h2(frame(HEADERS, END_HEADERS, 1, &ok()), vec![]))
            .fails("body-timeout"),
        h2_row("h2-no-headers", "T18", h2(vec![], vec![])).unreachable().fails("header-timeout"),
        h2_row("h2-window-of-nothing", "T17 T18", h2_windows(0))
            .is("none", 3)
            .fails("header-timeout")
            .sign(Says("HTTP/2 flow control holds it back")),
        h2_row("h2-window-of-ten-bytes", "T17 T18", h2_windows(10))
            .is("none", 3)
            .fails("header-timeout")
            .sign(Says("HTTP/2 flow control holds it back")),
        h2_row("h2-noise-after-the-preface", "T18", h2(vec![0xa5; 4096], vec![])).unreachable(),
        h2_row(
            "h2-not-spoken-after-alpn",
            "T18",
            act(|mut io, _| async move {
                let mut block = [0; 4096];
                let _ = io.read(&mut block).await;
                write(&mut io, &http("200 OK", &[], "")).await;
            }),
        )
        .unreachable()
        .sign(Fewer(12)),
    ]
}
