//! The stage on which hostile endpoints act: sockets, TLS, requests read, bytes written.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A connection, plain or inside TLS.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}
pub(super) type Io = Box<dyn Pipe>;

pub(super) type Future_ = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an endpoint does with each connection.
pub(super) type Serve = Arc<dyn Fn(Io, Scene) -> Future_ + Send + Sync>;

/// What an endpoint knows about its surroundings.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// `host:port` of the endpoint itself.
    pub(super) here: String,
    /// `host:port` of a listener on another origin, which must stay clean.
    pub(super) offsite: String,
    /// Which connection it is, from 0.
    pub(super) number: usize,
}

/// Makes a [`Serve`] of an async closure.
pub(super) fn act<F, S>(serve: S) -> Serve
where
    S: Fn(Io, Scene) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |io, scene| Box::pin(serve(io, scene)))
}

/// One HTTP/1.1 request as it came.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) head: String,
    pub(super) body: String,
}

impl Ask {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// JSON-RPC method and id.
    pub(super) fn rpc(&self) -> (String, Value) {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        (body["method"].as_str().unwrap_or_default().to_owned(), body["id"].clone())
    }

    /// What was sent as a secret, in whichever header, without what is around it there.
    pub(super) fn secret(&self) -> String {
        let between = |header: &str, before: &str, after: &str| {
            let (_, rest) = self.header(header)?.split_once(before)?;
            Some(rest.split_once(after).map_or(rest, |(secret, _)| secret).to_owned())
        };
        let basic = |header: &str| {
            let pair = STANDARD.decode(between(header, "Basic ", " ")?).ok()?;
            String::from_utf8(pair).ok()?.split_once(':').map(|(_, password)| password.to_owned())
        };
        between("authorization", "Bearer ", " ")
            .or_else(|| between("authorization", "nonce=\"", "\""))
            .or_else(|| basic("authorization"))
            .or_else(|| basic("proxy-authorization"))
            .or_else(|| between("cookie", "session=", ";"))
            .or_else(|| between("x-api-key", "Bearer ", " "))
            .or_else(|| self.header("x-api-key").map(str::to_owned))
            .unwrap_or_else(|| "no secret was sent with this".to_owned())
    }

    /// The secret of the URL's query, without its percent escapes.
    pub(super) fn queried(&self) -> String {
        let value = self.head.split_once("api_key=").map_or("", |(_, rest)| rest);
        let value = value.split(' ').next().unwrap_or_default();
        percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()
    }
}

/// Reads a request; `None` if the peer went away.
pub(super) async fn ask(io: &mut Io) -> Option<Ask> {
    let (mut seen, mut block) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match io.read(&mut block).await {
            Ok(count @ 1..) if seen.len() < 1 << 20 => seen.extend_from_slice(&block[..count]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&seen[..end]).into_owned();
    let method = head.split(' ').next().unwrap_or_default().to_owned();
    let mut ask = Ask { method, head, body: String::new() };
    let length: usize = ask.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = seen.split_off(end);
    while body.len() < length {
        match io.read(&mut block).await {
            Ok(count @ 1..) => body.extend_from_slice(&block[..count]),
            _ => return None,
        }
    }
    ask.body = String::from_utf8_lossy(&body).into_owned();
    Some(ask)
}

/// Writes, and then closes the writing side.
pub(super) async fn write(io: &mut Io, bytes: &[u8]) {
    let _ = io.write_all(bytes).await;
    let _ = io.shutdown().await;
}

/// Long enough for any scan to give up first.
pub(super) const FOREVER: Duration = Duration::from_secs(60);

/// Waits until the peer goes away.
pub(super) async fn linger(io: &mut Io) {
    let mut block = [0; 4096];
    let drain = async { while matches!(io.read(&mut block).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(FOREVER, drain).await;
}

/// A whole HTTP response.
pub(super) fn http(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(super) fn json_text(body: impl AsRef<[u8]>) -> Vec<u8> {
    http("200 OK", &[("content-type", "application/json")], body)
}

pub(super) fn result(id: &Value, result: &Value) -> Vec<u8> {
    json_text(json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}

/// A whole answer around a result that was made into text before: large ones are made once.
pub(super) fn result_text(id: &Value, result: &str) -> Vec<u8> {
    json_text(["{\"jsonrpc\":\"2.0\",\"id\":", &id.to_string(), ",\"result\":", result, "}"].concat())
}

pub(super) fn refusal(id: &Value, code: i64, message: &str) -> Vec<u8> {
    let error = json!({ "code": code, "message": message });
    json_text(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string())
}

/// Writes these bytes to every request and closes.
pub(super) fn bytes(bytes: impl Into<Vec<u8>>) -> Serve {
    let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
    act(move |mut io, _| {
        let bytes = Arc::clone(&bytes);
        async move {
            if ask(&mut io).await.is_some() {
                write(&mut io, &bytes).await;
            }
        }
    })
}

/// Writes what the request calls for and closes.
pub(super) fn reply(make: impl Fn(&Ask, &Scene) -> Vec<u8> + Send + Sync + 'static) -> Serve {
    let make = Arc::new(make);
    act(move |mut io, scene| {
        let make = Arc::clone(&make);
        async move {
            if let Some(ask) = ask(&mut io).await {
                let answer = make(&ask, &scene);
                write(&mut io, &answer).await;
            }
        }
    })
}

/// A legacy MCP server that is sound, except where `other` says something else.
pub(super) fn mcp(
    other: impl Fn(&Ask, &str, &Value, &Scene) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Serve {
    reply(move |ask, scene| {
        let (method, id) = ask.rpc();
        other(ask, &method, &id, scene).unwrap_or_else(|| sound(ask, &method, &id))
    })
}

/// A tool as it should be.
pub(super) fn tool(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object" } })
}

pub(super) fn handshake() -> Value {
    json!({
        "protocolVersion": "2025-06-18",
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "stage", "version": "1" },
    })
}

pub(super) fn sound(ask: &Ask, method: &str, id: &Value) -> Vec<u8> {
    match (ask.method.as_str(), method) {
        ("POST", "initialize") => result(id, &handshake()),
        ("POST", "ping") => result(id, &json!({})),
        ("POST", "tools/list") => result(id, &json!({ "tools": [tool("look", "Looks at nothing.")] })),
        ("POST", name) if name.starts_with("notifications/") => http("202 Accepted", &[], ""),
        ("POST", "") => http("400 Bad Request", &[("content-type", "application/json")], PARSE_ERROR),
        ("POST", _) => refusal(id, -32601, "no such method"),
        _ => http("405 Method Not Allowed", &[("allow", "POST")], ""),
    }
}

const PARSE_ERROR: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;

/// Reads a request, writes a start, and then one piece after the other with a pause between them.
pub(super) fn drip(start: impl Into<Vec<u8>>, piece: impl Into<Vec<u8>>, pause_ms: u64) -> Serve {
    let (start, piece): (Arc<Vec<u8>>, Arc<Vec<u8>>) = (Arc::new(start.into()), Arc::new(piece.into()));
    act(move |mut io, _| {
        let (start, piece) = (Arc::clone(&start), Arc::clone(&piece));
        async move {
            if ask(&mut io).await.is_none() || io.write_all(&start).await.is_err() {
                return;
            }
            pour(&mut io, &piece, pause_ms).await;
        }
    })
}

/// Writes one piece after the other until the peer goes away.
pub(super) async fn pour(io: &mut Io, piece: &[u8], pause_ms: u64) {
    while io.write_all(piece).await.is_ok() && io.flush().await.is_ok() {
        if pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }
}

/// Reads a request, writes a start, and then without end. Pieces are made large, so that the endpoint is
/// faster than any reader.
pub(super) fn flood(start: impl Into<Vec<u8>>, piece: impl AsRef<[u8]>) -> Serve {
    let piece = piece.as_ref();
    drip(start, piece.repeat((64 * 1024 / piece.len()).max(1)), 0)
}

/// Sound MCP, but every POST of this method is answered with a start and then a flood.
pub(super) fn mcp_flood(wanted: &'static str, start: &'static [u8], piece: impl AsRef<[u8]>) -> Serve {
    let piece: Arc<Vec<u8>> = Arc::new(piece.as_ref().repeat((64 * 1024 / piece.as_ref().len()).max(1)));
    act(move |mut io, _| {
        let piece = Arc::clone(&piece);
        async move {
            let Some(ask) = ask(&mut io).await else { return };
            let (method, id) = ask.rpc();
            if method == wanted {
                let _ = io.write_all(start).await;
                pour(&mut io, &piece, 0).await;
            } else {
                write(&mut io, &sound(&ask, &method, &id)).await;
            }
        }
    })
}

/// An event-stream response head.
pub(super) const EVENTS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
/// A JSON response head without a length.
pub(super) const JSON: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
/// A JSON response head that announces chunks.
pub(super) const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

/// GET is answered with these bytes of an event stream, which then stays open; POST with 404.
pub(super) fn feed(stream: impl Into<Vec<u8>>) -> Serve {
    let stream: Arc<Vec<u8>> = Arc::new([EVENTS, &stream.into()].concat());
    feed_of(move |_| stream.to_vec(), true)
}

/// GET is answered with what `make` gives; POST with 404.
pub(super) fn feed_of(make: impl Fn(&Scene) -> Vec<u8> + Send + Sync + 'static, stays: bool) -> Serve {
    let make = Arc::new(make);
    act(move |mut io, scene| {
        let make = Arc::clone(&make);
        async move {
            let Some(ask) = ask(&mut io).await else { return };
            if ask.method != "GET" || ask.header("upgrade").is_some() {
                return write(&mut io, &http("404 Not Found", &[], "")).await;
            }
            let _ = io.write_all(&make(&scene)).await;
            if stays {
                linger(&mut io).await;
            } else {
                let _ = io.shutdown().await;
            }
        }
    })
}

/// GET is answered with a start and then a flood; POST with 404.
pub(super) fn feed_flood(start: &'static [u8], piece: impl AsRef<[u8]>) -> Serve {
    let piece: Arc<Vec<u8>> = Arc::new(piece.as_ref().repeat((64 * 1024 / piece.as_ref().len()).max(1)));
    act(move |mut io, _| {
        let piece = Arc::clone(&piece);
        async move {
            let Some(ask) = ask(&mut io).await else { return };
            if ask.method != "GET" || ask.header("upgrade").is_some() {
                return write(&mut io, &http("404 Not Found", &[], "")).await;
            }
            let _ = io.write_all(&[EVENTS, start].concat()).await;
            pour(&mut io, &piece, 0).await;
        }
    })
}
