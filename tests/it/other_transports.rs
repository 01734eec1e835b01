//! HTTP+SSE and MCP over WebSocket: whole conversations with the built-in endpoints, and with servers
//! that close, echo, redirect or say nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentgauge::checks;
use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};
use agentgauge::facts::{Kind, Readings};
use agentgauge::finding::Finding;
use agentgauge::observe::{ScanOptions, Silent, Stop};
use agentgauge::scan::scan;
use agentgauge::target::Target;
use agentgauge::transcript::{MESSAGE, ProbeId, Profile, Transcript};
use agentgauge::verdict::Status;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::support::raw::{Raw, head};
use crate::support::{class, scan_with};

fn judge(transcript: &Transcript) -> BTreeMap<&'static str, Finding> {
    let readings = Readings::new(transcript);
    checks::all().map(|check| (check.id, check.run(&readings))).collect()
}

async fn standard(url: &str) -> Transcript {
    let mut target = Target::parse(url, Profile::Standard).unwrap();
    target.limits.idle_watch_ms = 3_000;
    scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await
}

fn blamed(findings: &BTreeMap<&'static str, Finding>) -> Vec<String> {
    findings
        .values()
        .filter(|finding| matches!(finding.status, Status::Warn | Status::Fail | Status::Error))
        .map(|finding| format!("{} {}: {}", finding.check.id, finding.status.as_str(), finding.message))
        .collect()
}

#[tokio::test]
async fn a_quick_conversation_is_within_its_budget_and_leaves_nothing_open() {
    for base in [Base::HttpSse, Base::WebSocketMcp] {
        let endpoint = Endpoint::start(Behaviour::sound(base)).unwrap();
        let transcript = scan_with(&endpoint.url(), |_| {}).await;
        let findings = judge(&transcript);
        assert!(blamed(&findings).is_empty(), "{base:?}: {:?}", blamed(&findings));
        let wanted: &[&str] = if base == Base::HttpSse {
            &[
                "http-sse-endpoint-first",
                "http-sse-endpoint-usable",
                "http-sse-roundtrip",
                "http-sse-deprecated",
                "legacy-initialize",
                "legacy-version-negotiation",
                "sh-content-type-enforced",
                "origin-rejected",
            ]
        } else {
            &["ws-handshake", "ws-origin-check", "ws-mcp-roundtrip", "ws-only"]
        };
        let everywhere = [
            "rpc-envelope-valid",
            "rpc-id-echo",
            "rpc-malformed-codes",
            "rpc-bad-input-no-5xx",
            "host-rebinding",
            "cap-matches-handlers",
            "tools-schema-valid",
            "tools-described",
            "ops-latency",
            "ops-error-rate",
        ];
        for id in wanted.iter().chain(&everywhere) {
            let finding = &findings[id];
            assert_eq!(finding.status, Status::Pass, "{base:?} {id}: {}", finding.message);
        }
        // WebSocket messages are no HTTP requests: the endpoint's log counts the rest.
        assert!(endpoint.requests().len() <= 80, "{base:?}: {}", endpoint.requests().len());
        assert!(transcript.exchanges.len() <= 80, "{base:?}: {}", transcript.exchanges.len());
        assert!(endpoint.peak_in_flight() <= 5 && endpoint.peak_held_streams() <= 4);
        // A server notices a closed stream at its next write or read.
        for _ in 0..100 {
            if endpoint.held_streams() == 0 && endpoint.open_connections() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((endpoint.held_streams(), endpoint.open_connections()), (0, 0), "{base:?}");
        assert_eq!(endpoint.sessions_opened(), endpoint.sessions_deleted(), "{base:?}");
    }
}

#[tokio::test]
async fn each_message_is_an_exchange_with_its_own_answer() {
    let endpoint = Endpoint::start(Behaviour::sound(Base::WebSocketMcp)).unwrap();
    let transcript = scan_with(&endpoint.url(), |_| {}).await;
    let readings = Readings::new(&transcript);
    let facts = agentgauge::facts::Facts::scoped(&readings, agentgauge::facts::Scope::All);
    let burst: Vec<_> = transcript.exchanges.iter().filter(|made| made.step.starts_with("burst")).collect();
    assert_eq!(burst.len(), 5);
    let upgrade = transcript.exchanges.iter().find(|made| made.step == "upgrade").unwrap();
    for made in burst {
        assert_eq!((made.request.method.as_str(), made.connection), (MESSAGE, upgrade.connection));
        assert!(facts.reply(made).served() && made.head.is_none() && made.head_us().is_some());
        assert_eq!(made.texts().count(), 1, "the answers of others are not its own");
    }
    let endpoint = Endpoint::start(Behaviour::sound(Base::HttpSse)).unwrap();
    let transcript = scan_with(&endpoint.url(), |_| {}).await;
    let readings = Readings::new(&transcript);
    let facts = agentgauge::facts::Facts::scoped(&readings, agentgauge::facts::Scope::All);
    for made in transcript.exchanges.iter().filter(|made| made.step.starts_with("burst")) {
        let stream = transcript.exchange(made.stream.unwrap()).unwrap();
        assert_eq!((stream.probe, stream.step.as_str()), (ProbeId::HttpSse, "get"));
        assert!(facts.reply(made).served());
        assert!(facts.reply(made).messages.len() == 1, "the answers of others are not its own");
    }
}

/// Faults that need more time than they are worth here; `accuracy.rs` and `operations_sse.rs` try them
/// elsewhere.
const SLOW: [&str; 6] = [
    "no-keep-alive",
    "stream-head-held",
    "malformed-hang",
    "latency-slow",
    "latency-very-slow",
    "bad-input-hang",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_of_every_check_is_found_over_both_transports() {
    let known: BTreeSet<&str> = checks::all().map(|check| check.id).collect();
    let own = |check: &str| check.starts_with("http-sse-") || check.starts_with("ws-");
    let mut seen = BTreeSet::new();
    let mut jobs = tokio::task::JoinSet::new();
    for fault in Fault::ALL {
        let spec = fault.spec();
        for base in spec.bases.iter().filter(|base| matches!(base, Base::HttpSse | Base::WebSocketMcp)) {
            let first = seen.insert((*base, spec.check));
            if (first || own(spec.check)) && known.contains(spec.check) && !SLOW.contains(&spec.name) {
                jobs.spawn(async move {
                    let behaviour = fault.on(*base).keep_alive(Duration::from_secs(1));
                    let endpoint = Endpoint::start(behaviour).unwrap();
                    (*fault, *base, judge(&standard(&endpoint.url()).await))
                });
            }
        }
    }
    let mut tried = 0;
    while let Some(result) = jobs.join_next().await {
        let (fault, base, findings) = result.unwrap();
        let finding = &findings[fault.spec().check];
        let (name, expected) = (fault.name(), fault.spec().expected);
        assert_eq!(finding.status, expected, "{name} on {base:?}: {}", finding.message);
        tried += 1;
    }
    assert!(tried >= 30, "only {tried} were tried");
}

/// A small HTTP+SSE server of its own habits.
#[derive(Clone, Copy, Default)]
struct Habits {
    /// GET wants a credential; a POST to the announced URI does not.
    gated_get: bool,
    /// Ends the client's stream when it posts what is no request.
    closes_stream: bool,
    /// Accepts every request after `initialize` and never answers it.
    mute: bool,
    /// What the first `endpoint` event says instead of its own path.
    announces: Option<&'static str>,
    /// A second `endpoint` event.
    then: Option<&'static str>,
}

type Streams = Arc<std::sync::Mutex<BTreeMap<String, UnboundedSender<Option<String>>>>>;

async fn old_server(habits: Habits) -> Raw {
    let streams = Streams::default();
    Raw::start(move |stream| serve(stream, habits, Arc::clone(&streams))).await
}

async fn serve(mut stream: TcpStream, habits: Habits, streams: Streams) {
    let asked = head(&mut stream).await;
    let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
    if asked.starts_with("GET /mcp") && !asked.to_ascii_lowercase().contains("upgrade:") {
        if habits.gated_get && !asked.to_ascii_lowercase().contains("authorization: bearer") {
            let refused =
                "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(refused.as_bytes()).await;
            return;
        }
        let token = uuid::Uuid::new_v4().simple().to_string();
        let (sender, mut receiver) = unbounded_channel();
        streams.lock().unwrap().insert(token.clone(), sender);
        let uri = habits.announces.map_or_else(|| format!("/post?session={token}"), str::to_owned);
        let then = habits.then.map(|uri| format!("event: endpoint\ndata: {uri}\n\n")).unwrap_or_default();
        let opening = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: {uri}\n\n{then}"
        );
        let _ = stream.write_all(opening.as_bytes()).await;
        while let Some(Some(text)) = receiver.recv().await {
            if stream.write_all(format!("data: {text}\n\n").as_bytes()).await.is_err() {
                break;
            }
        }
        streams.lock().unwrap().remove(&token);
        return;
    }
    let Some(token) = path.strip_prefix("/post?session=").filter(|_| asked.starts_with("POST")) else {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        return;
    };
    let length = asked.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = stream.read_exact(&mut body).await;
    let Some(sender) = streams.lock().unwrap().get(token).cloned() else {
        // The reference server never answers here.
        return std::future::pending().await;
    };
    let message = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let request = message["jsonrpc"] == "2.0" && message["method"].is_string();
    let sound = request && message["params"] != json!("scanner") && message["method"] != "";
    if sound && !message["id"].is_null() && !(habits.mute && message["method"] != "initialize") {
        let result = match message["method"].as_str() {
            Some("initialize") => {
                json!({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"old","version":"1"}})
            }
            _ => json!({}),
        };
        let _ = sender.send(Some(json!({"jsonrpc":"2.0","id":message["id"],"result":result}).to_string()));
    }
    if !sound && habits.closes_stream {
        let _ = sender.send(None);
    }
    let status = if sound { "202 Accepted" } else { "400 Bad Request" };
    let _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
}

#[tokio::test]
async fn a_server_that_closes_our_stream_on_bad_input_gets_a_fresh_session() {
    let server = old_server(Habits { closes_stream: true, ..Habits::default() }).await;
    let started = Instant::now();
    let transcript = scan_with(&server.url("http"), |_| {}).await;
    assert!(started.elapsed() < Duration::from_secs(15), "took {:?}", started.elapsed());
    assert_eq!(class(&transcript).kind, Kind::HttpSse);
    let gets = transcript
        .exchanges
        .iter()
        .filter(|made| made.probe == ProbeId::HttpSse && made.request.method == "GET")
        .count();
    assert!((2..=8).contains(&gets), "{gets} streams");
    let findings = judge(&transcript);
    let told = &findings["rpc-bad-input-no-5xx"].message;
    assert!(told.contains("ended the stream of their session"), "{told}");
    for id in ["rpc-bad-input-no-5xx", "http-sse-roundtrip", "rpc-id-echo", "legacy-initialize"] {
        let finding = &findings[id];
        assert!(
            !matches!(finding.status, Status::Fail | Status::Warn),
            "{id} {}: {}",
            finding.status.as_str(),
            finding.message
        );
    }
}

#[tokio::test]
async fn an_announced_uri_that_asks_for_no_credential_is_a_hole_in_the_gate() {
    let server = old_server(Habits { gated_get: true, ..Habits::default() }).await;
    let secret = agentgauge::target::secret::Secret::new("Bearer t0ken".to_owned());
    let transcript = scan_with(&server.url("http"), |target| {
        target.headers.push((http::header::AUTHORIZATION, secret));
    })
    .await;
    assert_eq!(class(&transcript).kind, Kind::HttpSse);
    let finding = &judge(&transcript)["auth-consistent"];
    assert_eq!(finding.status, Status::Fail, "{}", finding.message);
    assert!(finding.message.contains("announced URI"), "{}", finding.message);
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_waited_for_in_bounds() {
    let server = old_server(Habits { mute: true, ..Habits::default() }).await;
    let mut target = Target::parse(&server.url("http"), Profile::Standard).unwrap();
    target.limits.idle_watch_ms = 500;
    target.limits.header_ms = 700;
    target.limits.negative_ms = 300;
    target.limits.target_ms = 30_000;
    let transcript = scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await;
    let finding = &judge(&transcript)["http-sse-roundtrip"];
    assert_eq!(finding.status, Status::Fail, "{}", finding.message);
    assert!(finding.message.contains("no reply came"), "{}", finding.message);
}

#[tokio::test]
async fn an_endpoint_elsewhere_is_a_finding_and_never_contacted() {
    let other = Raw::replying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let uri: &'static str = format!("http://{}/post?session=1", other.address).leak();
    let server = old_server(Habits { announces: Some(uri), ..Habits::default() }).await;
    let findings = judge(&scan_with(&server.url("http"), |_| {}).await);
    assert_eq!(findings["http-sse-endpoint-usable"].status, Status::Fail);
    assert_eq!(findings["http-sse-endpoint-first"].status, Status::Pass);
    assert_eq!(findings["http-sse-roundtrip"].status, Status::Inconclusive);
    assert_eq!(other.connections(), 0, "it must not be contacted");
    // The first announcement is final.
    let server = old_server(Habits { then: Some(uri), ..Habits::default() }).await;
    let findings = judge(&scan_with(&server.url("http"), |_| {}).await);
    for id in ["http-sse-endpoint-usable", "http-sse-endpoint-first", "http-sse-roundtrip"] {
        assert_eq!(findings[id].status, Status::Pass, "{id}: {}", findings[id].message);
    }
    assert_eq!(other.connections(), 0, "it must not be contacted");
}

/// A WebSocket that selects a subprotocol by `select` and answers each text by `answer`.
async fn socket(select: fn(&str) -> Option<String>, answer: fn(&str) -> Option<String>) -> Raw {
    Raw::start(move |stream| async move {
        #[allow(clippy::result_large_err, reason = "the library's own type")]
        let choose = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            let offered = request.headers().get("sec-websocket-protocol");
            let offered = offered.and_then(|value| value.to_str().ok()).unwrap_or_default();
            match select(offered) {
                Some(name) if !name.is_empty() => {
                    response.headers_mut().insert("sec-websocket-protocol", name.parse().unwrap());
                    Ok(response)
                }
                Some(_) => Ok(response),
                None => {
                    let mut refused =
                        ErrorResponse::new(Some("invalid subprotocol; expected one of lab.v1.".to_owned()));
                    *refused.status_mut() = http::StatusCode::BAD_REQUEST;
                    Err(refused)
                }
            }
        };
        let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, choose).await else { return };
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            if let Some(reply) = answer(text.as_str())
                && socket.send(Message::text(reply)).await.is_err()
            {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn an_echo_is_no_mcp_whatever_it_selects() {
    let server = socket(|offered| Some(offered.to_owned()), |text| Some(text.to_owned())).await;
    let started = Instant::now();
    let transcript = scan_with(&server.url("ws"), |_| {}).await;
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    let class = class(&transcript);
    assert_eq!((class.kind, class.eras.len()), (Kind::Websocket, 0));
    let findings = judge(&transcript);
    assert_eq!(findings["ws-handshake"].status, Status::Pass);
    assert_eq!(findings["ws-mcp-roundtrip"].status, Status::NotApplicable);
    assert_eq!(findings["ws-only"].status, Status::NotApplicable);
    assert_eq!(findings["rpc-envelope-valid"].status, Status::NotApplicable);
}

#[tokio::test]
async fn a_refusal_that_names_a_subprotocol_is_understood() {
    let server =
        socket(|offered| (offered == "lab.v1").then(|| "lab.v1".to_owned()), |_| Some("hello".to_owned()))
            .await;
    let transcript = scan_with(&server.url("ws"), |_| {}).await;
    assert_eq!(class(&transcript).kind, Kind::Websocket);
    assert_eq!(judge(&transcript)["ws-handshake"].status, Status::Pass);
}

#[tokio::test]
async fn a_silent_socket_answers_nothing_in_bounds() {
    let answer = |text: &str| {
        let message: Value = serde_json::from_str(text).ok()?;
        let result =
            json!({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}});
        // Only the handshake and sound pings are answered, and not in the body that came before.
        let known = matches!(message["method"].as_str(), Some("initialize" | "ping"));
        let sound = known && message["params"] != json!("scanner") && message["jsonrpc"] == "2.0";
        (sound && !message["id"].is_null())
            .then(|| json!({"jsonrpc":"2.0","id":message["id"],"result":result}).to_string())
    };
    let server = socket(|_| Some("mcp".to_owned()), answer).await;
    let transcript = scan_with(&server.url("ws"), |_| {}).await;
    assert_eq!(class(&transcript).kind, Kind::McpWebsocket);
    let findings = judge(&transcript);
    assert_eq!(
        findings["rpc-malformed-codes"].status,
        Status::Warn,
        "{}",
        findings["rpc-malformed-codes"].message
    );
    assert_eq!(findings["ws-only"].status, Status::Warn);
    assert_eq!(findings["ws-mcp-roundtrip"].status, Status::Pass);
    // In quick the wait for the request that must be answered is too short to judge, unless the machine
    // stood still meanwhile.
    let silent = findings["rpc-bad-input-no-5xx"].status;
    assert!(matches!(silent, Status::Inconclusive | Status::Warn), "{silent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_leads_to_its_own_card_and_no_further() {
    let server = Raw::start(|mut stream: tokio::net::TcpStream| async move {
        let head = head(&mut stream).await;
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let json = |body: serde_json::Value| {
            let body = body.to_string();
            let length = body.len();
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        let entry = |url: &str| json!({ "identifier": "urn:air:x", "type": "application/mcp-server-card+json", "url": url });
        let answer = match head.split(' ').nth(1).unwrap_or_default() {
            "/.well-known/ai-catalog.json" => {
                // Port 1: whoever followed it would be refused, and say so.
                let entries = [entry("http://127.0.0.1:1/server-card"), entry(&format!("http://{host}/cards/notes"))];
                json(json!({ "specVersion": "1.0", "entries": entries }))
            }
            "/cards/notes" => json(json!({
                "name": "example/notes",
                "remotes": [{ "type": "streamable-http", "url": "https://notes.example/mcp" }],
            })),
            _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let transcript = scan_with(&server.url("http"), |_| {}).await;
    let class = class(&transcript);
    assert_eq!(class.kind, Kind::None);
    let found: Vec<&str> = class.found_at.iter().map(|found| found.url.as_str()).collect();
    assert!(found.contains(&"https://notes.example/mcp"), "{found:?}");
    assert!(found.contains(&"http://127.0.0.1:1/server-card"), "{found:?}");
    let asked = transcript.exchanges.iter().map(|exchange| exchange.request.url.as_str());
    assert!(asked.clone().any(|url| url.ends_with("/cards/notes")));
    assert!(asked.clone().all(|url| url.contains(&server.address.to_string())), "only the scanned origin");
}
