//! Section 3: event streams, on GET and as answers to POST.

use super::Sign::{Fewer, Within};
use super::stage::{
    EVENTS, Scene, Serve, act, ask, drip, feed, feed_flood, feed_of, http, mcp, mcp_flood, result, write,
};
use super::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    [floods(), silences(), grammar(), endpoints()].into_iter().flatten().collect()
}

fn floods() -> Vec<Row> {
    let on_get = |name, covers, start, piece: &'static [u8]| {
        // How much is left to judge depends on when the flood is cut.
        row(name, covers, feed_flood(start, piece)).is("event-stream", 0).or_undecided().little()
    };
    let on_post = |name, covers, start: &'static [u8], piece: &'static [u8]| {
        row(name, covers, mcp_flood("initialize", start, piece)).is("mcp", 4).little()
    };
    vec![
        on_get("line-without-end", "S1", b"data: ", b"xxxxxxxx"),
        on_get("event-name-without-end", "S1", b"event: ", b"xxxxxxxx"),
        on_get("comment-without-end", "S1 S3", b":", b"xxxxxxxx"),
        on_get("data-lines-without-end", "S2", b"", b"data: 0123456789012345678901234567890123456789\n"),
        on_get("empty-data-lines-without-end", "S2", b"", b"data\n"),
        on_get("events-without-end", "S3", b"", b"data: {}\n\n"),
        on_get("comments-without-end", "S3", b"", b":\n\n"),
        on_get("blank-lines-without-end", "S3", b"data: x\n\n", b"\n"),
        on_get("unknown-fields-without-end", "S3", b"data: x\n\n", b"x: y\n"),
        on_post("answer-line-without-end", "S1", EVENTS, b"xxxxxxxx").hits("stream_bytes").hits("line_bytes"),
        on_post("answer-data-lines-without-end", "S2", EVENTS, b"data: 0123456789012345678901234567890123456789\n")
            .fails("too-large"),
        on_post("answer-empty-data-lines-without-end", "S2", EVENTS, b"data\n").hits("event_lines"),
        on_post("answer-events-without-end", "S3", EVENTS, b"data: {}\n\n"),
        on_post(
            "answer-notifications-without-end",
            "S3",
            EVENTS,
            b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n",
        )
        .fails("too-large"),
        on_post("answer-blank-lines-without-end", "S3", EVENTS, b"\n").fails("too-large"),
        on_post("answer-cr-without-end", "S3 S6", EVENTS, b"\r").fails("too-large"),
    ]
}

fn silences() -> Vec<Row> {
    let declared = |name, serve| row(name, "S4", serve);
    vec![
        declared("stream-opens-and-is-silent", feed("")).is("event-stream", 0),
        declared("keep-alives-and-no-answer", drip(EVENTS, ": ping\n\n", 300)).is("event-stream", 0).hits("reply_ms"),
        declared("events-and-no-answer", drip(EVENTS, "data: {\"tick\":1}\n\n", 300)).is("event-stream", 0),
        row("stream-ends-without-the-answer", "S4 S7", answering(|_| "id: 1\nretry: 0\ndata:\n\n".to_owned())).is("mcp", 4),
        row("get-ends-at-once", "S7", feed_of(|_| EVENTS.to_vec(), false)).is("event-stream", 0).sign(Fewer(60)),
        row(
            "stream-in-gzip",
            "S8",
            feed_of(
                |_| {
                    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n";
                    [&head[..], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]].concat()
                },
                true,
            ),
        )
        .is("event-stream", 0)
        .little(),
        row("stream-as-text-plain", "S8", feed_of(|_| http("200 OK", &[("content-type", "text/plain")], "data: x\n\n"), false))
            .is("event-stream", 0),
    ]
}

/// MCP whose every POST is answered with an event stream; `{id}` is the id asked for.
fn answering(stream: impl Fn(&str) -> String + Send + Sync + 'static) -> Serve {
    mcp(move |ask, method, id, _| {
        if ask.method != "POST" || method == "server/discover" || method.starts_with("notifications/") {
            return None;
        }
        let plain = String::from_utf8(result(id, &super::stage::handshake())).unwrap();
        let body = plain.split_once("\r\n\r\n").unwrap().1.to_owned();
        Some(http("200 OK", &[("content-type", "text/event-stream")], stream(&body)))
    })
}

fn grammar() -> Vec<Row> {
    let sound = |name, covers, make: fn(&str) -> String| row(name, covers, answering(make)).is("legacy", 0);
    vec![
        sound("nul-in-an-id", "S5", |body| format!("id: a\0b\ndata: {body}\n\n")).again(),
        sound("an-id-of-control-characters", "S5", |body| {
            format!("id: \u{1b}[31m\u{7}x: y\ndata: {body}\n\n")
        })
        .again(),
        sound("cr-alone-ends-lines", "S6", |body| format!("data: {body}\r\r")),
        sound("bom-before-the-stream", "S6", |body| format!("\u{feff}data: {body}\n\n")),
        sound("crlf-ends-lines", "S6", |body| format!("data: {body}\r\n\r\n")),
        sound("unknown-fields-and-comments", "S6", |body| {
            format!(":\u{202e}x\nnonsense: y\ndata: {body}\n\n")
        })
        .again(),
        row("no-final-blank-line", "S6", answering(|body| format!("data: {body}\n"))).is("mcp", 4),
        sound("retry-0", "S7", |body| format!("retry: 0\ndata: {body}\n\n")),
        sound("retry-10-to-the-26", "S7", |body| {
            format!("retry: 100000000000000000000000000\ndata: {body}\n\n")
        })
        .sign(Within(20)),
        sound("retry-negative", "S7", |body| format!("retry: -1\ndata: {body}\n\n")),
        sound("retry-hex", "S7", |body| format!("retry: 0xff\ndata: {body}\n\n")),
        sound("retry-other-digits", "S7", |body| format!("retry: ٣٠\ndata: {body}\n\n")),
        row(
            "invalid-utf-8-in-events",
            "S6",
            feed(&b"data: \xff\xfe\xc0\xaf \xed\xa0\x80 x\n\nevent: \xf5\ndata: y\n\n"[..]),
        )
        .is("event-stream", 0)
        .again(),
    ]
}

/// A GET that announces these URIs, one event each; POSTs are told that they are not allowed.
fn announcing(uris: impl Fn(&Scene) -> Vec<String> + Send + Sync + 'static) -> Serve {
    let uris = std::sync::Arc::new(uris);
    act(move |mut io, scene| {
        let uris = std::sync::Arc::clone(&uris);
        async move {
            let Some(ask) = ask(&mut io).await else { return };
            if ask.method != "GET" || ask.header("upgrade").is_some() {
                return write(&mut io, &http("405 Method Not Allowed", &[("allow", "GET")], "")).await;
            }
            let events: String =
                uris(&scene).iter().map(|uri| format!("event: endpoint\ndata: {uri}\n\n")).collect();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut io, &[EVENTS, events.as_bytes()].concat()).await;
            super::stage::linger(&mut io).await;
        }
    })
}

fn endpoints() -> Vec<Row> {
    let elsewhere = |name, covers, uri: fn(&Scene) -> String| {
        row(name, covers, announcing(move |scene| vec![uri(scene)])).is("http-sse", 4)
    };
    vec![
        elsewhere("endpoint-absolute-elsewhere", "S9 K1", |scene| {
            format!("http://{}/messages", scene.offsite)
        })
        .again(),
        elsewhere("endpoint-without-scheme", "S9 K1", |scene| format!("//{}/messages", scene.offsite)),
        elsewhere("endpoint-with-userinfo", "S9 K1", |scene| {
            format!("http://{}@{}/messages", scene.here, scene.offsite)
        }),
        elsewhere("endpoint-with-backslashes", "S9 K1", |scene| format!("\\\\{}\\messages", scene.offsite)),
        elsewhere("endpoint-with-a-tab-inside", "S9 K1", |scene| {
            format!("ht\ttp://{}/messages", scene.offsite)
        }),
        elsewhere("endpoint-of-another-scheme", "S9", |_| "file:///etc/passwd".to_owned()),
        elsewhere("endpoint-at-the-metadata-address", "S9 H6", |_| {
            "http://169.254.169.254/latest/".to_owned()
        }),
        elsewhere("endpoint-at-decimal-loopback", "S9 H6", |scene| {
            format!("http://2130706433:{}/", scene.offsite.rsplit(':').next().unwrap_or_default())
        }),
        row(
            "endpoint-good-then-elsewhere",
            "S10 K1",
            announcing(|scene| {
                vec!["/messages?x=1".to_owned(), format!("http://{}/messages", scene.offsite)]
            }),
        )
        .is("http-sse", 4),
        row(
            "endpoint-elsewhere-then-good",
            "S10 K1",
            announcing(|scene| {
                vec![format!("http://{}/messages", scene.offsite), "/messages?x=1".to_owned()]
            }),
        )
        .is("http-sse", 4),
        // The announcement never ended: it is none.
        row("endpoint-of-5-MB", "S11", announcing(|_| vec!["/".to_owned() + &"x".repeat(5_000_000)]))
            .is("event-stream", 0)
            .or_undecided()
            .hits("line_bytes"),
        row("endpoint-empty", "S11", announcing(|_| vec![String::new()])).is("http-sse", 4),
        row(
            "endpoints-without-end",
            "S10 S11",
            feed_flood(b"", b"event: endpoint\ndata: /messages?token=0123456789abcdef\n\n"),
        )
        .is("http-sse", 0)
        .or_undecided()
        .little(),
    ]
}
