//! Section 5: WebSocket frames, byte by byte.

use std::future::Future;

use agentgauge::protocol::websocket::accept;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Sign::Within;
use super::stage::{Io, Scene, Serve, act, ask, http, linger, pour, write};
use super::{Row, Via, row};

/// Upgrades, and hands the socket over; anything else is not found.
pub(super) fn socket<F, S>(headers: &'static str, then: S) -> Serve
where
    S: Fn(Io, Scene) -> F + Send + Sync + Clone + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    upgrade(move |key| format!("Sec-WebSocket-Accept: {}\r\n{headers}", accept(key)), then)
}

fn upgrade<F, S>(headers: impl Fn(&str) -> String + Send + Sync + Clone + 'static, then: S) -> Serve
where
    S: Fn(Io, Scene) -> F + Send + Sync + Clone + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    act(move |mut io, scene| {
        let (headers, then) = (headers.clone(), then.clone());
        async move {
            let Some(ask) = ask(&mut io).await else { return };
            let Some(key) = ask.header("sec-websocket-key") else {
                return write(&mut io, &http("404 Not Found", &[], "")).await;
            };
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}\r\n",
                headers(key)
            );
            let _ = io.write_all(head.as_bytes()).await;
            then(io, scene).await;
        }
    })
}

/// A server's frame: first byte (FIN, RSV, opcode) and payload.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(u8::try_from(length).unwrap()),
        126..65_536 => {
            bytes.push(126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// Reads the next text of the client.
pub(super) async fn hear(io: &mut Io) -> Option<String> {
    loop {
        let mut head = [0; 2];
        io.read_exact(&mut head).await.ok()?;
        let length = match head[1] & 0x7f {
            126 => usize::from(io.read_u16().await.ok()?),
            127 => usize::try_from(io.read_u64().await.ok()?).ok()?,
            short => usize::from(short),
        };
        let mut mask = [0; 4];
        io.read_exact(&mut mask).await.ok()?;
        let mut payload = vec![0; length];
        io.read_exact(&mut payload).await.ok()?;
        for (index, byte) in payload.iter_mut().enumerate() {
            *byte ^= mask[index % 4];
        }
        if head[0] & 0x0f == 1 {
            return String::from_utf8(payload).ok();
        }
    }
}

/// Says these frames and waits.
fn says(bytes: impl Into<Vec<u8>>) -> Serve {
    let bytes = bytes.into();
    socket("", move |mut io, _| {
        let bytes = bytes.clone();
        async move {
            let _ = io.write_all(&bytes).await;
            linger(&mut io).await;
        }
    })
}

/// Says a start, and then one piece without end.
fn floods(start: impl Into<Vec<u8>>, piece: impl AsRef<[u8]>) -> Serve {
    let (start, piece) = (start.into(), piece.as_ref().repeat((64 * 1024 / piece.as_ref().len()).max(1)));
    socket("", move |mut io, _| {
        let (start, piece) = (start.clone(), piece.clone());
        async move {
            let _ = io.write_all(&start).await;
            pour(&mut io, &piece, 0).await;
        }
    })
}

/// Answers every request on the socket with this result, `ID` standing for its id.
pub(super) fn answers(text: impl Into<String>) -> Serve {
    let text: String = text.into();
    socket("Sec-WebSocket-Protocol: mcp\r\n", move |mut io, _| {
        let text = text.clone();
        async move {
            while let Some(heard) = hear(&mut io).await {
                let message: Value = serde_json::from_str(&heard).unwrap_or_default();
                let answer = text.replace("ID", &message["id"].to_string());
                if !message["id"].is_null() && io.write_all(&frame(0x81, answer.as_bytes())).await.is_err() {
                    return;
                }
            }
        }
    })
}

/// Sound MCP on a socket that gives back, in this form, the secret of the upgrade: in the handshake's answer, in
/// texts, binary messages, pings and the reason of the close.
pub(super) fn reflecting(form: fn(&str) -> String) -> Serve {
    act(move |mut io, _| async move {
        let Some(ask) = ask(&mut io).await else { return };
        let Some(key) = ask.header("sec-websocket-key") else {
            return write(&mut io, &http("404 Not Found", &[], "")).await;
        };
        let secret = form(&ask.secret());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Debug: {secret}\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: mcp\r\n\r\n",
            accept(key)
        );
        let _ = io.write_all(head.as_bytes()).await;
        let short = &secret.as_bytes()[..secret.len().min(120)];
        let mut said = 0;
        while let Some(heard) = hear(&mut io).await {
            let message: Value = serde_json::from_str(&heard).unwrap_or_default();
            let answer = HELLO.replace("stage", &secret).replace("ID", &message["id"].to_string());
            said += 1;
            let close = if said > 6 { frame(0x88, &[b"\x03\xe8", short].concat()) } else { Vec::new() };
            let frames = [
                frame(0x89, short),
                frame(0x82, secret.as_bytes()),
                frame(0x81, if message["id"].is_null() { b"{}" } else { answer.as_bytes() }),
                close,
            ];
            if io.write_all(&frames.concat()).await.is_err() {
                return;
            }
        }
    })
}

/// A sound `initialize` result.
pub(super) const HELLO: &str = r#"{"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"stage","version":"1"}}}"#;

pub(super) fn rows() -> Vec<Row> {
    let ws = |name, covers, serve| row(name, covers, serve).via(Via::Ws).is("websocket", 4);
    let refused = |name, covers, headers: fn(&str) -> String| {
        row(name, covers, upgrade(headers, |mut io: Io, _| async move { linger(&mut io).await }))
            .via(Via::Ws)
            .is("websocket", 4)
            .because("its handshake fails")
            .fails("framing")
    };
    let claim = |length: u64| [&[0x82, 127][..], &length.to_be_bytes()].concat();
    vec![
        ws("ws-claims-2-to-the-62", "W1", says([claim(1 << 62), vec![0; 9_000]].concat()))
            .hits("frame_bytes")
            .little()
            .again(),
        ws("ws-claims-2-to-the-63", "W1", says(claim(1 << 63))).fails("too-large").little(),
        ws("ws-sends-a-gigabyte", "W1", floods(claim(1 << 30), [0; 1_024])).hits("frame_bytes").little(),
        ws(
            "ws-one-message-of-many-megabytes",
            "W1 W2",
            floods(frame(0x01, b"x"), frame(0x00, &[b'x'; 60_000])),
        )
        .hits("message_bytes")
        .little(),
        ws("ws-empty-fragments-without-end", "W2", floods(frame(0x01, b""), frame(0x00, b"")))
            .hits("fragments")
            .little()
            .again(),
        ws(
            "ws-pings-between-fragments",
            "W2 W3",
            floods(frame(0x01, b""), [frame(0x89, b"hi"), frame(0x00, b"")].concat()),
        )
        .fails("too-large")
        .little(),
        ws("ws-ping-flood", "W3", floods("", frame(0x89, b"ping"))).hits("frames").little().again(),
        ws("ws-pong-flood", "W3", floods("", frame(0x8a, &[7; 125]))).hits("frames").little(),
        ws("ws-message-flood", "W3", floods("", frame(0x81, b"{}"))).hits("frames").little().again(),
        ws("ws-large-message-flood", "W3", floods("", frame(0x82, &[0; 60_000])))
            .hits("stream_bytes")
            .little(),
        ws(
            "ws-one-byte-a-second",
            "W3",
            socket("", |mut io, _| async move {
                let _ = io.write_all(&[0x81, 100]).await;
                pour(&mut io, b"x", 500).await;
            }),
        )
        .sign(Within(20)),
        ws("ws-silent", "W3", says("")).sign(Within(20)),
        refused("ws-wrong-accept", "W4", |_| {
            "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n".to_owned()
        })
        .because("Sec-WebSocket-Accept"),
        refused("ws-no-accept", "W4", |_| String::new()).because("Sec-WebSocket-Accept"),
        refused("ws-extension-not-offered", "W4", |key| {
            format!(
                "Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
                accept(key)
            )
        })
        .because("not offered"),
        ws(
            "ws-subprotocol-not-offered",
            "W4",
            socket("Sec-WebSocket-Protocol: \u{1b}[31mother\r\n", |mut io, _| async move {
                linger(&mut io).await;
            }),
        )
        .is("none", 3),
        ws(
            "ws-subprotocol-of-its-own",
            "W4",
            socket("Sec-WebSocket-Protocol: other\r\n", |mut io, _| async move { linger(&mut io).await }),
        )
        .finds("ws-handshake", "fail")
        .says("`other` was selected"),
        ws("ws-compressed-frame", "W4 W5", says(frame(0xc1, &[0; 600]))).fails("framing"),
        ws("ws-masked-frame", "W5", says([&[0x81, 0x82, 1, 2, 3, 4][..], b"ab"].concat())).fails("framing"),
        ws("ws-reserved-bits", "W5", says(frame(0xb1, b"x"))).fails("framing"),
        ws("ws-reserved-opcode", "W5", says(frame(0x83, b"x"))).fails("framing"),
        ws("ws-reserved-control-opcode", "W5", says(frame(0x8b, b"x"))).fails("framing"),
        ws("ws-long-ping", "W5", says(frame(0x89, &[0; 200]))).fails("framing"),
        ws("ws-fragmented-ping", "W5", says(frame(0x09, b"x"))).fails("framing"),
        ws("ws-continuation-of-nothing", "W5", says(frame(0x80, b"x"))).fails("framing"),
        ws("ws-invalid-utf-8", "W5", says(frame(0x81, b"\xff\xfe\x9b31m"))).fails("framing").again(),
        ws("ws-close-code-999", "W6", says(frame(0x88, &[3, 231]))).fails("framing"),
        ws("ws-close-code-1005", "W6", says(frame(0x88, &[3, 237]))).fails("framing"),
        ws("ws-close-code-5000", "W6", says(frame(0x88, b"\x13\x88\x1b[31mred"))).fails("framing").again(),
        ws("ws-close-of-one-byte", "W6", says(frame(0x88, &[3]))).fails("framing"),
        ws(
            "ws-close-with-a-coloured-reason",
            "W6 O1",
            says(frame(0x88, b"\x03\xe8\x1b[31mred\x1b]0;title\x07\xc2\x9b")),
        )
        .again(),
        ws("ws-close-with-bad-utf-8", "W6", says(frame(0x88, b"\x03\xe8\xff\xff"))).fails("framing"),
        ws(
            "ws-ignores-our-close",
            "W6",
            socket("", |mut io, _| async move {
                while io.write_all(&frame(0x81, b"{}")).await.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }),
        )
        .sign(Within(20)),
        ws(
            "ws-drops-without-a-close",
            "W6 T5",
            socket("", |mut io, _| async move {
                let _ = hear(&mut io).await;
            }),
        )
        .fails("truncated"),
        row("ws-speaks-mcp", "W3", answers(HELLO)).via(Via::Ws).is("mcp-websocket", 0).again(),
        row("ws-answers-with-other-ids", "J4 W3", answers(HELLO.replace("\"id\":ID", "\"id\":4711")))
            .via(Via::Ws)
            .is("websocket", 4),
        row("ws-answers-nested-deep", "J1 W3", answers("[".repeat(200_000)))
            .via(Via::Ws)
            .is("websocket", 4)
            .little(),
    ]
}
