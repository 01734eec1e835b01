//! A small HTTP/1.1 client that sends exactly what a test says, one request a connection.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Long enough for a busy machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// Chunks joined.
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The JSON of the body, or of the last event with data.
    pub(crate) fn json(&self) -> Value {
        let text = match self.header("content-type") {
            Some(media) if media.starts_with("text/event-stream") => {
                self.body.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default()
            }
            _ => self.body.as_str(),
        };
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_default()
    }

    /// The ids of the events, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.body.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
    }
}

/// `http://host:port/path` → `host:port`, `/path`.
fn split(url: &str) -> (String, String) {
    let rest = url.split_once("://").unwrap().1;
    let at = rest.find('/').unwrap_or(rest.len());
    (rest[..at].to_owned(), rest[at..].to_owned())
}

/// Sends a request and reads the reply to its end. `Host` is added unless given.
pub(crate) async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Response {
    exchange(method, url, headers, body, None).await.expect("an answer")
}

/// The same, reading until `mark` was seen in the body: for streams that are held open.
pub(crate) async fn hold(method: &str, url: &str, headers: &[(&str, &str)], mark: &str) -> Response {
    exchange(method, url, headers, "", Some(mark)).await.expect("an answer")
}

/// The same; `None` if the connection ended without an answer.
pub(crate) async fn exchange(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    mark: Option<&str>,
) -> Option<Response> {
    let stream = TcpStream::connect(split(url).0).await.unwrap();
    over(stream, method, url, headers, body, mark).await
}

/// The same over a given stream.
pub(crate) async fn over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    mark: Option<&str>,
) -> Option<Response> {
    let (host, path) = split(url);
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head.push_str(&format!("Host: {host}\r\n"));
    }
    head.push_str(&format!("Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut bytes, until) = (Vec::new(), Instant::now() + PATIENCE);
    loop {
        let mut chunk = [0; 4096];
        let read = tokio::time::timeout_at(until, stream.read(&mut chunk));
        let read = read.await.unwrap_or_else(|_| panic!("silence: {}", String::from_utf8_lossy(&bytes)));
        let Ok(count @ 1..) = read else { break };
        bytes.extend_from_slice(&chunk[..count]);
        let seen = mark.and_then(|mark| Some((mark, parse(&String::from_utf8_lossy(&bytes))?)));
        if seen.is_some_and(|(mark, response)| response.body.contains(mark)) {
            break;
        }
    }
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Option<Response> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { join(body) } else { body.to_owned() };
    Some(Response { status, headers, body })
}

/// Joins chunks; the last may be cut.
fn join(mut chunked: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunked.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&rest[..size.min(rest.len())]);
        chunked = rest.get(size + 2..).unwrap_or_default();
    }
    body
}

const JSON: [(&str, &str); 2] =
    [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];

/// POSTs JSON text with the headers that every MCP client sends, and more.
pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Response {
    send("POST", url, &[&JSON, headers].concat(), body).await
}

/// `_meta` of 2026-07-28 for a version.
pub(crate) fn meta(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A sound modern request.
pub(crate) async fn modern(url: &str, method: &str, id: Value, mut params: Value) -> Response {
    if params.get("_meta").is_none() {
        params["_meta"] = meta("2026-07-28");
    }
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method)];
    post(url, &headers, &body.to_string()).await
}

/// A sound `initialize`.
pub(crate) async fn initialize(url: &str, version: &str) -> Response {
    let client = json!({ "name": "test", "version": "1" });
    let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    post(url, &[], &body.to_string()).await
}

/// A sound legacy request, in a session if one is named.
pub(crate) async fn legacy(url: &str, session: Option<&str>, method: &str, id: Value) -> Response {
    let headers: Vec<(&str, &str)> = session.into_iter().map(|id| ("Mcp-Session-Id", id)).collect();
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": method });
    post(url, &headers, &body.to_string()).await
}

/// Opens a session of 2025-11-25 and returns its id.
pub(crate) async fn session(url: &str) -> String {
    initialize(url, "2025-11-25").await.header("mcp-session-id").expect("a session id").to_owned()
}
