//! Servers that ask their client: pings are answered and everything else is declined, on every transport, so
//! that a server that waits for the answer goes on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentgauge::facts::Kind;
use agentgauge::transcript::{ProbeId, Transcript};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::support::raw::{Raw, request};
use crate::support::{class, scan_with};

/// What the client answered.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Vec<Answer>>>);

/// A response, and the session that it was sent in.
type Answer = (Value, Option<String>);

impl Answers {
    fn note(&self, message: &Value, head: &str) -> bool {
        let answer = message.get("method").is_none() && message.get("id").is_some();
        if answer {
            let session = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
            self.0.lock().unwrap().push((message.clone(), session.map(str::to_owned)));
        }
        answer
    }

    /// Waits for the answer to an id, as a server may; long enough to be missed if it does not come.
    async fn wait(&self, id: &Value) {
        for _ in 0..200 {
            if self.0.lock().unwrap().iter().any(|(answer, _)| answer["id"] == *id) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn all(&self) -> Vec<Answer> {
        self.0.lock().unwrap().clone()
    }
}

fn reply(message: &Value) -> Value {
    let id = &message["id"];
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "asker", "version": "1" },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": [
            { "name": "one", "description": "The only tool.", "inputSchema": { "type": "object" } },
        ] }),
        _ => {
            return json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "Method not found" } });
        }
    };
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

/// What is asked before tools are listed: a ping, and sampling with the very id that is pending.
fn questions(message: &Value) -> [Value; 2] {
    let sampling = json!({
        "jsonrpc": "2.0", "id": message["id"], "method": "sampling/createMessage", "params": { "messages": [] },
    });
    [json!({ "jsonrpc": "2.0", "id": "asked-1", "method": "ping" }), sampling]
}

fn accepted() -> &'static [u8] {
    b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
}

fn http(body: &Value, more: &str) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}content-length: {length}\r\n\r\n{body}"
    )
    .into()
}

fn check(transcript: &Transcript, answers: &Answers, kind: Kind) {
    assert_eq!(class(transcript).kind, kind);
    let seen = answers.all();
    let ping = json!({ "jsonrpc": "2.0", "id": "asked-1", "result": {} });
    assert!(seen.iter().any(|(answer, _)| *answer == ping), "{kind:?}: {seen:?}");
    assert!(seen.iter().any(|(answer, _)| answer["error"]["code"] == -32601), "{kind:?}: {seen:?}");
    // The list came although its server waited for us, and nobody is blamed.
    let facts = agentgauge::facts::Readings::new(transcript);
    for id in ["tools-schema-valid", "rpc-id-echo", "rpc-envelope-valid"] {
        let finding = agentgauge::checks::by_id(id).unwrap().run(&facts);
        assert_eq!(finding.status, agentgauge::verdict::Status::Pass, "{kind:?} {id}: {}", finding.message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_stream_of_a_post() {
    const SESSION: &str = "6f1c8e0e7d5b4d39a2f1c0b3e4d5a697";
    let answers = Answers::default();
    let log = answers.clone();
    let server = Raw::start(move |mut stream: TcpStream| {
        let log = log.clone();
        async move {
            let (head, body) = request(&mut stream).await;
            let message: Value = serde_json::from_str(&body).unwrap_or_default();
            let bytes = match message["method"].as_str() {
                _ if log.note(&message, &head) => accepted().to_vec(),
                _ if !head.starts_with("POST ") => {
                    b"HTTP/1.1 405 Method Not Allowed\r\nallow: POST\r\ncontent-length: 0\r\n\r\n".to_vec()
                }
                Some("initialize") => http(&reply(&message), &format!("mcp-session-id: {SESSION}\r\n")),
                Some("tools/list") => {
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
                        .await;
                    for question in questions(&message) {
                        let _ = stream.write_all(format!("data: {question}\n\n").as_bytes()).await;
                        log.wait(&question["id"]).await;
                    }
                    format!("data: {}\n\n", reply(&message)).into_bytes()
                }
                Some(_) if message.get("id").is_some() => http(&reply(&message), ""),
                _ => accepted().to_vec(),
            };
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    let transcript = scan_with(&server.url("http"), |_| {}).await;
    check(&transcript, &answers, Kind::Legacy);
    let in_session = answers.all().into_iter().filter(|(_, session)| session.as_deref() == Some(SESSION));
    assert!(in_session.count() >= 2, "{:?}", answers.all());
    // Recorded as what they are: requests of ours, and counted.
    let told = transcript.exchanges.iter().filter(|exchange| exchange.probe == ProbeId::Answers);
    assert_eq!(told.count(), answers.all().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_stream_of_http_sse() {
    let answers = Answers::default();
    let log = answers.clone();
    let streams: Arc<Mutex<Vec<mpsc::UnboundedSender<String>>>> = Arc::default();
    let server = Raw::start(move |mut stream: TcpStream| {
        let (log, streams) = (log.clone(), Arc::clone(&streams));
        async move {
            let (head, body) = request(&mut stream).await;
            if head.starts_with("GET /mcp ") {
                let (sender, mut events) = mpsc::unbounded_channel();
                let number = {
                    let mut streams = streams.lock().unwrap();
                    streams.push(sender);
                    streams.len() - 1
                };
                let _ = stream
                    .write_all(
                        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
                    )
                    .await;
                let first = format!("event: endpoint\ndata: /messages/{number}\n\n");
                let _ = stream.write_all(first.as_bytes()).await;
                while let Some(event) = events.recv().await {
                    if stream.write_all(event.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
            let posted = head.strip_prefix("POST /messages/").and_then(|rest| rest.split(' ').next());
            let Some(number) = posted.and_then(|number| number.parse::<usize>().ok()) else {
                let _ =
                    stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await;
                return;
            };
            let message: Value = serde_json::from_str(&body).unwrap_or_default();
            let _ = stream.write_all(accepted()).await;
            let _ = stream.shutdown().await;
            if log.note(&message, &head) || message.get("id").is_none() {
                return;
            }
            let sender = streams.lock().unwrap()[number].clone();
            let send = |value: &Value| sender.send(format!("event: message\ndata: {value}\n\n"));
            if message["method"] == "tools/list" {
                for question in questions(&message) {
                    let _ = send(&question);
                    log.wait(&question["id"]).await;
                }
            }
            let _ = send(&reply(&message));
        }
    })
    .await;
    let transcript = scan_with(&server.url("http"), |_| {}).await;
    check(&transcript, &answers, Kind::HttpSse);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_websocket() {
    let answers = Answers::default();
    let log = answers.clone();
    let server = Raw::start(move |mut stream: TcpStream| {
        let log = log.clone();
        async move {
            let mut peeked = [0; 4];
            if !matches!(stream.peek(&mut peeked).await, Ok(4) if &peeked == b"GET ") {
                request(&mut stream).await;
                let _ =
                    stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await;
                return;
            }
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
            let mut waiting: Vec<Value> = Vec::new();
            while let Some(Ok(frame)) = socket.next().await {
                let Message::Text(text) = frame else { continue };
                let message: Value = serde_json::from_str(&text).unwrap_or_default();
                let mut out = Vec::new();
                if log.note(&message, "") {
                    // Every question was answered: now the list.
                    if message["error"].is_object() {
                        out.extend(waiting.pop().map(|pending| reply(&pending)));
                    }
                } else if message["method"] == "tools/list" {
                    out.extend(questions(&message));
                    waiting.push(message);
                } else if message.get("id").is_some() {
                    out.push(reply(&message));
                }
                for message in out {
                    let _ = socket.send(Message::text(message.to_string())).await;
                }
            }
        }
    })
    .await;
    let transcript = scan_with(&server.url("ws"), |_| {}).await;
    check(&transcript, &answers, Kind::McpWebsocket);
}
