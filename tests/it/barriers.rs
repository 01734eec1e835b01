//! What keeps a scan from its subject, and what speaks there if it is not MCP: small servers of one fault each,
//! and the class, the quote and the exit that must follow.

use std::sync::{Arc, Mutex};

use agentgauge::exit::Exit;
use agentgauge::facts::Kind;
use agentgauge::facts::classification::{Classification, Confidence, Protocol};
use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::report::Report;
use agentgauge::rubric::Rubric;
use agentgauge::transcript::{ProbeId, Transcript};
use agentgauge::verdict::Severity;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::support::raw::{Raw, request};
use crate::support::{class, scan_with};

/// What a server here reads of a request.
struct Asked {
    line: String,
    head: String,
    body: Value,
}

impl Asked {
    fn is(&self, method: &str) -> bool {
        self.line.starts_with(method)
    }

    fn calls(&self, method: &str) -> bool {
        self.body["method"] == method
    }
}

fn http(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn json_reply(status: u16, value: &Value) -> String {
    http(status, "content-type: application/json\r\n", &value.to_string())
}

fn error(asked: &Asked, status: u16, code: i64, message: &str) -> String {
    let error = json!({"code": code, "message": message});
    json_reply(status, &json!({"jsonrpc": "2.0", "id": asked.body["id"], "error": error}))
}

fn result(asked: &Asked, result: &Value) -> String {
    json_reply(200, &json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": result}))
}

fn shaken(asked: &Asked) -> String {
    result(
        asked,
        &json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "small", "version": "1" },
        }),
    )
}

/// Starts a server and gives it with the paths that it was asked for.
async fn serve(answer: impl Fn(&Asked) -> String + Send + Sync + 'static) -> (Raw, Arc<Mutex<Vec<String>>>) {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let (answer, kept) = (Arc::new(answer), Arc::clone(&lines));
    let raw = Raw::start(move |mut stream| {
        let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
        async move {
            let (head, body) = request(&mut stream).await;
            let line = head.lines().next().unwrap_or_default().to_owned();
            kept.lock().unwrap().push(line.clone());
            let asked = Asked { line, head, body: serde_json::from_str(&body).unwrap_or_default() };
            let _ = stream.write_all(answer(&asked).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    (raw, lines)
}

async fn found(answer: impl Fn(&Asked) -> String + Send + Sync + 'static) -> (Classification, Transcript) {
    let (raw, _) = serve(answer).await;
    let transcript = scan_with(&raw.url("http"), |_| {}).await;
    (class(&transcript), transcript)
}

fn report(transcript: &Transcript, gates: &Gates) -> Report {
    judge(transcript, &Rubric::default_rubric(), gates)
}

fn on_harm() -> Gates {
    Gates { fail_on: Some(Severity::High), ..Gates::default() }
}

#[tokio::test]
async fn a_gate_before_discovery_leaves_the_handshake_to_be_asked() {
    let challenge = "www-authenticate: Bearer realm=\"x\"\r\n";
    let (lazy, transcript) = found(move |asked| match () {
        () if asked.calls("initialize") => shaken(asked),
        () if asked.calls("tools/list") => result(asked, &json!({"tools": []})),
        () if asked.calls("ping") => result(asked, &json!({})),
        () if asked.is("POST") => http(401, challenge, "sign in to go on"),
        () => http(405, "", ""),
    })
    .await;
    assert_eq!(lazy.kind, Kind::Legacy, "{}", lazy.reason);
    assert!(lazy.reason.contains("sign in to go on"), "{}", lazy.reason);
    assert!(report(&transcript, &Gates::default()).era_guess.is_none(), "a guess beside a fact");
    let (gated, transcript) = found(move |asked| match asked.is("POST") {
        true => http(401, challenge, "sign in first"),
        false => http(405, "", ""),
    })
    .await;
    assert_eq!(gated.kind, Kind::AuthGated);
    assert_eq!(gated.refusal.unwrap().text, "sign in first");
    assert!(gated.reason.contains("401: \"sign in first\""), "{}", gated.reason);
    assert_eq!(report(&transcript, &Gates::default()).exit, Exit::Inconclusive);
    assert_ne!(report(&transcript, &on_harm()).exit, Exit::Ok, "a gate on what was not looked at");
}

#[tokio::test]
async fn an_error_under_our_id_is_mcp_speaking_whatever_it_says() {
    for (status, code, message, may) in [
        (200, -32000, "Quota of your plan used up", false),
        (400, 401, "Sign in with your workspace", true),
        (500, -32603, "upstream down", false),
        (200, -32001, "Unauthorized", true),
    ] {
        let (class, transcript) = found(move |asked| match asked.is("POST") {
            true => error(asked, status, code, message),
            false => http(404, "", ""),
        })
        .await;
        assert_eq!((class.kind, class.confidence), (Kind::Mcp, Confidence::Suspected), "{message}");
        assert!(class.reason.contains(message), "{}", class.reason);
        assert_eq!(class.reason.contains("may want a credential"), may, "{}", class.reason);
        let refusal = class.refusal.unwrap();
        assert_eq!((refusal.status, refusal.code), (status, Some(code)));
        assert_eq!(report(&transcript, &Gates::default()).exit, Exit::Inconclusive);
    }
}

#[tokio::test]
async fn an_order_of_media_types_is_tried_before_it_is_blamed() {
    let answer = |asked: &Asked| match () {
        () if asked.calls("initialize") => shaken(asked),
        () if asked.body["id"].is_null() => http(202, "", ""),
        () if asked.calls("server/discover") => error(asked, 404, -32601, "unknown method"),
        () => result(asked, &json!({"tools": []})),
    };
    let other = "accept: text/event-stream, application/json";
    let (served, _) = found(move |asked| match asked.is("POST") {
        true if asked.head.contains(other) => answer(asked),
        true => http(406, "", "Not Acceptable: name the stream first"),
        false => http(405, "", ""),
    })
    .await;
    assert_eq!(served.kind, Kind::Legacy, "{}", served.reason);
    assert!(served.reason.contains("406: \"Not Acceptable: name the stream first\""), "{}", served.reason);
    let (refused, transcript) = found(|asked| match asked.is("POST") {
        true => http(406, "", "Not Acceptable"),
        false => http(405, "", ""),
    })
    .await;
    assert_eq!(refused.kind, Kind::Mcp);
    assert!(refused.reason.contains("refuses our Accept"), "{}", refused.reason);
    assert_eq!(report(&transcript, &Gates::default()).exit, Exit::Inconclusive);
}

#[tokio::test]
async fn a_refused_name_ends_the_asking_and_a_refused_address_is_named() {
    // Where the Origin is refused that was not sent, the same is asked once with that of the endpoint.
    for (status, text, requests) in
        [(421, "Invalid Host header", 1), (403, "Origin not allowed", 2), (400, "DisallowedHost at /", 1)]
    {
        let (raw, lines) = serve(move |_| http(status, "", text)).await;
        let class = class(&scan_with(&raw.url("http"), |_| {}).await);
        assert_eq!(class.kind, Kind::Blocked, "{status}");
        assert!(class.reason.contains(text), "{}", class.reason);
        assert_eq!(lines.lock().unwrap().len(), requests, "{status}: no request can be answered");
    }
    let (named, _) = found(|_| http(403, "", "Access denied for 203.0.113.9")).await;
    assert_eq!((named.kind, named.confidence), (Kind::Blocked, Confidence::Suspected));
    assert!(named.reason.contains("203.0.113.9 is the address it names"), "{}", named.reason);
    assert!(named.reason.contains("missing credential"), "{}", named.reason);
}

#[tokio::test]
async fn what_says_that_it_is_coded_and_is_not_is_read() {
    for coding in ["none", "utf-8", "aws-chunked"] {
        let (class, _) = found(move |asked| {
            let body = shaken(asked);
            match () {
                () if asked.calls("initialize") => body.replacen(
                    "content-length",
                    &format!("content-encoding: {coding}\r\ncontent-length"),
                    1,
                ),
                () if asked.is("POST") => error(asked, 404, -32601, "unknown method"),
                () => http(405, "", ""),
            }
        })
        .await;
        assert_eq!(class.kind, Kind::Legacy, "{coding}: {}", class.reason);
    }
    let (packed, _) = found(|asked| match asked.is("POST") {
        true => http(200, "content-type: application/json\r\ncontent-encoding: gzip\r\n", "\u{1f}x"),
        false => http(404, "", ""),
    })
    .await;
    assert_ne!(packed.kind, Kind::None, "{}", packed.reason);
    assert!(packed.reason.contains("gzip"), "{}", packed.reason);
}

#[tokio::test]
async fn a_stream_is_what_it_brought_and_nothing_more() {
    let stream = "content-type: text/event-stream\r\n";
    let open = move |body: &str| format!("HTTP/1.1 200 OK\r\n{stream}connection: close\r\n\r\n{body}");
    let (silent, _) = found(move |asked| match asked.is("GET") {
        true => open(""),
        false => http(404, "", ""),
    })
    .await;
    assert_eq!((silent.kind, silent.confidence), (Kind::EventStream, Confidence::Suspected));
    assert!(!silent.reason.contains("speaks no MCP"), "{}", silent.reason);
    // Its POST gives a stream, too, and no GET: it is there all the same.
    let (raw, lines) = serve(move |asked| match asked.is("POST") {
        true => open("data: {\"n\":1}\n\ndata: {\"n\":2}\n\n"),
        false => http(405, "", ""),
    })
    .await;
    let posted = class(&scan_with(&raw.url("http"), |_| {}).await);
    assert_eq!(posted.kind, Kind::EventStream, "{}", posted.reason);
    let posts = lines.lock().unwrap().iter().filter(|line| line.starts_with("POST /mcp ")).count();
    assert_eq!(posts, 1, "a second one could start something");
}

#[tokio::test]
async fn other_protocols_are_named() {
    let card = json!({"name": "a", "skills": [], "capabilities": {}, "protocolVersion": "0.3.0", "url": "x"});
    let (a2a, _) = found(move |asked| match () {
        () if asked.is("POST") => error(asked, 200, -32601, "Method not found"),
        () if asked.line.contains("/.well-known/agent-card.json") => json_reply(200, &card),
        () => http(404, "", ""),
    })
    .await;
    assert_eq!((a2a.kind, a2a.protocol), (Kind::Other, Some(Protocol::A2a)), "{}", a2a.reason);
    for (events, protocol) in [
        (
            "data: {\"type\":\"RUN_STARTED\",\"runId\":\"r\"}\n\ndata: {\"type\":\"RUN_FINISHED\"}\n\n",
            Protocol::AgUi,
        ),
        ("data: {\"type\":\"start\",\"messageId\":\"m\"}\n\n", Protocol::AiSdk),
        ("data: {\"object\":\"chat.completion.chunk\",\"choices\":[]}\n\n", Protocol::OpenaiStream),
        ("event: next\ndata: {\"errors\":[{\"message\":\"no query\"}]}\n\n", Protocol::GraphqlSse),
    ] {
        let (raw, lines) = serve(move |asked| match asked.is("POST") {
            true => format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
            ),
            false => http(405, "", ""),
        })
        .await;
        let transcript = scan_with(&raw.url("http"), |_| {}).await;
        let class = class(&transcript);
        assert_eq!((class.kind, class.protocol), (Kind::Other, Some(protocol)), "{}", class.reason);
        let posts = lines.lock().unwrap().iter().filter(|line| line.starts_with("POST /mcp ")).count();
        assert_eq!(posts, 1, "{protocol:?}: a second POST would run it again");
        let said = serde_json::to_string(&agentgauge::report::json::v1::JsonReport::from(&report(
            &transcript,
            &Gates::default(),
        )))
        .unwrap();
        for denied in ["nothing an agent could use", "no event stream"] {
            assert!(!said.contains(denied), "{protocol:?}: {denied}");
        }
    }
}

#[tokio::test]
async fn the_parent_of_a_path_is_a_sibling_and_a_query_is_no_part_of_it() {
    let (raw, lines) = serve(|asked| match () {
        () if asked.line.starts_with("POST /tools/mcp/ ") && asked.calls("initialize") => shaken(asked),
        () if asked.line.starts_with("POST /tools/mcp/ ") => error(asked, 400, -32601, "unknown method"),
        () => http(404, "", "Not Found"),
    })
    .await;
    let url = raw.url("http").replace("/mcp", "/tools/mcp/sse?tenant=a/b");
    let class = class(&scan_with(&url, |_| {}).await);
    assert_eq!(class.kind, Kind::None);
    assert!(class.reason.contains("404: \"Not Found\""), "{}", class.reason);
    let found: Vec<&str> = class.found_at.iter().map(|found| found.url.as_str()).collect();
    assert!(found.iter().any(|url| url.ends_with("/tools/mcp/")), "{found:?}");
    let lines = lines.lock().unwrap();
    assert!(!lines.iter().any(|line| line.contains("tenant=a/b/")), "{lines:?}");
}

#[tokio::test]
async fn a_lone_403_to_an_upgrade_says_no_websocket_and_nothing_else() {
    let (class, transcript) = found(|asked| match () {
        () if asked.head.to_ascii_lowercase().contains("upgrade: websocket") => http(403, "", ""),
        () => http(404, "", "Not Found"),
    })
    .await;
    assert!(transcript.exchanges.iter().any(|exchange| exchange.probe == ProbeId::Classify));
    assert_eq!(class.kind, Kind::None, "{}", class.reason);
}

#[tokio::test]
async fn a_socket_behind_a_gate_is_gated() {
    let refused = Raw::replying(http(401, "www-authenticate: Bearer\r\n", "no ticket")).await;
    let class_of = |transcript: &Transcript| class(transcript);
    let typed = class_of(&scan_with(&refused.url("ws"), |_| {}).await);
    assert_eq!(typed.kind, Kind::AuthGated, "{}", typed.reason);
    assert!(typed.reason.contains("401: \"no ticket\""), "{}", typed.reason);
    for code in [1008_u16, 4401, 4403] {
        let raw = Raw::start(move |stream| async move {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
            let _ =
                socket.close(Some(CloseFrame { code: code.into(), reason: "token expired".into() })).await;
        })
        .await;
        let closed = class_of(&scan_with(&raw.url("ws"), |_| {}).await);
        assert_eq!(closed.kind, Kind::AuthGated, "{code}: {}", closed.reason);
        assert!(closed.reason.contains("token expired"), "{}", closed.reason);
    }
}

#[tokio::test]
async fn repetitions_that_are_refused_alike_are_no_mixed_fleet() {
    let (alike, _) = found(|asked| match () {
        () if asked.calls("initialize") => shaken(asked),
        () if asked.is("POST") => error(asked, 404, -32601, "nothing else here"),
        () => http(405, "", ""),
    })
    .await;
    assert_eq!(alike.kind, Kind::Legacy);
    assert!(!alike.reason.contains("mixed"), "{}", alike.reason);
    let shakes = Arc::new(Mutex::new(0));
    let (mixed, _) = found(move |asked| match () {
        () if asked.calls("initialize") => {
            let mut shakes = shakes.lock().unwrap();
            *shakes += 1;
            if *shakes % 2 == 1 { shaken(asked) } else { error(asked, 404, -32601, "only the new era") }
        }
        () if asked.is("POST") => error(asked, 404, -32601, "no"),
        () => http(405, "", ""),
    })
    .await;
    assert_eq!(mixed.confidence, Confidence::Suspected);
    assert!(mixed.reason.contains("mixed") && mixed.reason.contains("only the new era"), "{}", mixed.reason);
}

#[tokio::test]
async fn a_credential_that_was_refused_is_never_green() {
    let challenge = "www-authenticate: Bearer error=\"invalid_token\"\r\n";
    let (raw, _) = serve(move |asked| match () {
        () if asked.calls("initialize") => shaken(asked),
        () if asked.is("POST") => http(401, challenge, "expired"),
        () => http(405, "", ""),
    })
    .await;
    let transcript = scan_with(&raw.url("http"), |target| {
        target.headers.push((
            http::header::AUTHORIZATION,
            agentgauge::target::secret::Secret::new("Bearer an-old-token-of-ours".to_owned()),
        ));
    })
    .await;
    assert!(class(&transcript).credential_refused);
    let sent = transcript.exchanges.iter().filter(|exchange| exchange.credentialed());
    let refused = sent.filter(|exchange| exchange.status() == Some(401)).count();
    assert!(refused <= 6, "servers count failed attempts: {refused}");
    for gates in [
        Gates::default(),
        on_harm(),
        Gates { require: vec!["origin-rejected".to_owned()], ..Gates::default() },
    ] {
        assert_eq!(report(&transcript, &gates).exit, Exit::Inconclusive);
    }
}
