//! The built-in endpoints: sound ones follow CHECKS.md, faults do what they say.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{
    PATIENCE, exchange, hold, initialize, legacy, meta, modern, over, post, send, session,
};
use crate::support::tls::{Certificate, TlsFront};

const FOREIGN: &str = "https://scanner-origin.invalid";

fn sound(base: Base) -> Endpoint {
    Endpoint::start(Behaviour::sound(base).keep_alive(Duration::from_millis(100))).unwrap()
}

fn faulty(fault: Fault, base: Base) -> Endpoint {
    Endpoint::start(fault.on(base)).unwrap()
}

#[tokio::test]
async fn a_modern_endpoint_discovers_and_refuses_by_the_book() {
    let endpoint = sound(Base::Modern);
    let url = &endpoint.url();
    let found = modern(url, "server/discover", json!("d-1"), json!({})).await;
    assert_eq!((found.status, found.header("content-type")), (200, Some("application/json")));
    let found = found.json();
    assert_eq!(found["id"], "d-1");
    let result = &found["result"];
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["resultType"], "complete");
    assert!(result["ttlMs"].is_u64() && result["cacheScope"] == "public");
    assert!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"].is_string());

    let ask = async |version: &str, method: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 9, "method": "server/discover", "params": params });
        let reply =
            post(url, &[("MCP-Protocol-Version", version), ("Mcp-Method", method)], &body.to_string()).await;
        assert_eq!(reply.json()["id"], 9);
        (reply.status, reply.code())
    };
    let discover = "server/discover";
    assert_eq!(ask("1900-01-01", discover, json!({ "_meta": meta("1900-01-01") })).await, (400, -32022));
    assert_eq!(ask("2026-07-28", discover, json!({ "_meta": meta("1900-01-01") })).await, (400, -32020));
    assert_eq!(ask("2025-11-25", discover, json!({ "_meta": meta("2026-07-28") })).await, (400, -32020));
    assert_eq!(ask("2026-07-28", "tools/list", json!({ "_meta": meta("2026-07-28") })).await, (400, -32020));
    assert_eq!(ask("2026-07-28", discover, json!({})).await, (400, -32602));
    let mut partial = meta("2026-07-28");
    partial.as_object_mut().unwrap().shift_remove("io.modelcontextprotocol/clientCapabilities");
    assert_eq!(ask("2026-07-28", discover, json!({ "_meta": partial })).await, (400, -32602));

    for method in ["scanner/does-not-exist", "ping", "logging/setLevel", "resources/subscribe"] {
        let reply = modern(url, method, json!(1), json!({})).await;
        assert_eq!((reply.status, reply.code()), (404, -32601), "{method}");
    }
    for method in ["GET", "DELETE", "PUT"] {
        let reply = send(method, url, &[], "").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{method}");
    }
    let refused = initialize(url, "2025-11-25").await;
    assert_eq!((refused.status, refused.code()), (400, -32022));
}

#[tokio::test]
async fn a_subscription_is_acknowledged_first_and_kept_alive() {
    let endpoint = sound(Base::Modern);
    let params = json!({ "notifications": { "toolsListChanged": true }, "_meta": meta("2026-07-28") });
    let body = json!({ "jsonrpc": "2.0", "id": "s-1", "method": "subscriptions/listen", "params": params });
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "subscriptions/listen"),
    ];
    let mark = Some(": keep-alive\n\n: keep-alive");
    let reply = exchange("POST", &endpoint.url(), &headers, &body.to_string(), mark).await.unwrap();
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert_eq!(reply.header("x-accel-buffering"), Some("no"));
    let first = reply.json();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "s-1");
    assert_eq!(endpoint.peak_held_streams(), 1);
}

#[tokio::test]
async fn a_legacy_endpoint_keeps_sessions_streams_and_events_apart() {
    let endpoint = sound(Base::Legacy);
    let url = &endpoint.url();
    for (offered, negotiated) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let reply = initialize(url, offered).await;
        assert_eq!(reply.json()["result"]["protocolVersion"], negotiated);
        assert!(reply.header("mcp-session-id").is_some_and(|id| id.len() == 36));
    }
    let (one, two) = (session(url).await, session(url).await);
    assert_ne!(one, two);
    let ping = legacy(url, Some(&one), "ping", json!(7)).await;
    assert_eq!(ping.header("content-type"), Some("text/event-stream"));
    assert_eq!(ping.json(), json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
    let other = legacy(url, Some(&one), "ping", json!(8)).await;
    let ids = ping.ids();
    assert_eq!(ids.len(), 2);
    assert!(ping.body.starts_with(&format!("id: {}\ndata:\n\n", ids[0])), "{}", ping.body);
    assert!(other.ids().iter().all(|id| !ids.contains(id)));

    let resume = async |session: &str, last: &str| {
        let headers = [("Accept", "text/event-stream"), ("Mcp-Session-Id", session), ("Last-Event-ID", last)];
        send("GET", url, &headers, "").await
    };
    let rest = resume(&one, &ids[0]).await;
    assert_eq!(rest.ids(), ids[1..]);
    assert_eq!(rest.json()["id"], 7);
    assert_eq!(resume(&one, &ids[1]).await.body, "");
    assert_eq!(resume(&two, &ids[0]).await.status, 400);

    assert_eq!(legacy(url, None, "tools/list", json!(1)).await.status, 400);
    assert_eq!(legacy(url, Some("4c1e"), "tools/list", json!(1)).await.status, 404);
    let unknown = legacy(url, Some(&one), "scanner/does-not-exist", json!(1)).await;
    assert_eq!((unknown.status, unknown.code()), (200, -32601));
    let headers = [("Mcp-Session-Id", one.as_str())];
    let told = post(url, &headers, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert_eq!((told.status, told.body.as_str()), (202, ""));
    let stale = [("Mcp-Session-Id", one.as_str()), ("MCP-Protocol-Version", "1999-01-01")];
    assert_eq!(post(url, &stale, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await.status, 400);

    let get = [("Accept", "text/event-stream"), ("Mcp-Session-Id", one.as_str())];
    let idle = hold("GET", url, &get, ": keep-alive\n\n: keep-alive").await;
    assert_eq!((idle.status, idle.ids().len()), (200, 1));
    assert_eq!(send("DELETE", url, &headers, "").await.status, 200);
    assert_eq!(legacy(url, Some(&one), "ping", json!(1)).await.status, 404);
    assert_eq!((endpoint.sessions_opened(), endpoint.sessions_deleted()), (6, 1));
}

#[tokio::test]
async fn a_batch_is_answered_in_2025_03_26_alone() {
    let endpoint = sound(Base::Legacy);
    let url = &endpoint.url();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#;
    for (version, status) in [("2025-03-26", 200), ("2025-11-25", 400)] {
        let opened = initialize(url, version).await;
        let session = opened.header("mcp-session-id").unwrap();
        let reply = post(url, &[("Mcp-Session-Id", session)], batch).await;
        assert_eq!(reply.status, status, "{version}");
        if status == 200 {
            assert_eq!(reply.json().as_array().map(Vec::len), Some(2));
        }
    }
}

#[tokio::test]
async fn a_json_endpoint_has_neither_sessions_nor_streams() {
    let endpoint = sound(Base::LegacyJson);
    let url = &endpoint.url();
    let reply = initialize(url, "2025-11-25").await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("mcp-session-id"), None);
    assert_eq!(
        legacy(url, None, "tools/list", json!(1)).await.json()["result"]["tools"].as_array().unwrap().len(),
        3
    );
    for method in ["GET", "DELETE"] {
        let reply = send(method, url, &[("Accept", "text/event-stream")], "").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    }
}

#[tokio::test]
async fn a_dual_endpoint_answers_each_era_in_its_own_way() {
    let endpoint = sound(Base::Dual);
    let url = &endpoint.url();
    let new = modern(url, "tools/list", json!(1), json!({})).await;
    assert_eq!(new.json()["result"]["resultType"], "complete");
    assert_eq!(new.header("mcp-session-id"), None);
    let id = session(url).await;
    let old = legacy(url, Some(&id), "tools/list", json!(1)).await;
    assert_eq!(old.json()["result"]["tools"], new.json()["result"]["tools"]);
    assert_eq!(old.json()["result"]["resultType"], Value::Null);

    // Headers of the modern era do not make an `initialize` modern; `_meta` does.
    let asks = async |version: &str, params: Value| {
        let headers = [("MCP-Protocol-Version", version), ("Mcp-Method", "initialize")];
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        post(url, &headers, &body.to_string()).await
    };
    let client = json!({ "name": "test", "version": "1" });
    let mut params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let shaken = asks("2025-11-25", params.clone()).await;
    assert!(shaken.status == 200 && shaken.header("mcp-session-id").is_some());
    params["_meta"] = meta("2026-07-28");
    let removed = asks("2026-07-28", params).await;
    assert_eq!((removed.status, removed.code()), (404, -32601));
}

#[tokio::test]
async fn a_resource_that_is_not_there_is_an_error_that_names_it() {
    let endpoint = sound(Base::Dual);
    let url = &endpoint.url();
    let uri = "scan://nonexistent/1";
    let mut headers =
        vec![("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "resources/read"), ("Mcp-Name", uri)];
    let mut body = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": uri } });
    body["params"]["_meta"] = meta("2026-07-28");
    let new = post(url, &headers, &body.to_string()).await;
    body["params"].as_object_mut().unwrap().shift_remove("_meta");
    let id = session(url).await;
    headers = vec![("Mcp-Session-Id", &id)];
    let old = post(url, &headers, &body.to_string()).await;
    for (reply, code) in [(new, -32602), (old, -32002)] {
        assert_eq!((reply.code(), &reply.json()["error"]["data"]["uri"]), (code, &json!(uri)));
    }
}

#[tokio::test]
async fn bad_input_gets_the_right_4xx_everywhere() {
    for base in [Base::Modern, Base::Legacy, Base::LegacyJson, Base::Dual] {
        let endpoint = sound(base);
        let url = &endpoint.url();
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (body, code) in [
            (r#"{"jsonrpc":"2.0","id":1,"#, -32700),
            ("", -32700),
            (deep.as_str(), -32700),
            (r#"{"foo":1}"#, -32600),
            ("null", -32600),
            ("[]", -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#, -32600),
        ] {
            let reply = post(url, &[], body).await;
            assert_eq!((reply.status, reply.code()), (400, code), "{base:?} {body:.60}");
        }
        for media in ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", ""] {
            let headers = [("Content-Type", media), ("Accept", "*/*")];
            assert_eq!(send("POST", url, &headers, "{}").await.status, 415, "{base:?} {media}");
        }
        let long = "x".repeat(1_100_000);
        assert_eq!(post(url, &[], &long).await.status, 413);
    }
}

#[tokio::test]
async fn browsers_and_rebinding_are_kept_out() {
    for base in Base::ALL.into_iter().filter(|base| *base != Base::WebSite) {
        let endpoint = sound(base);
        let url = &endpoint.url();
        let method =
            if matches!(base, Base::HttpSse | Base::Feed | Base::WebSocketMcp) { "GET" } else { "POST" };
        for headers in [
            vec![("Origin", FOREIGN)],
            vec![("Origin", "null")],
            vec![("Host", "scanner-origin.invalid")],
            vec![("Host", "scanner-origin.invalid"), ("Origin", "http://scanner-origin.invalid")],
        ] {
            let reply = send(method, url, &headers, "{}").await;
            assert_eq!(reply.status, 403, "{base:?} {headers:?}");
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
        let preflight = [("Origin", FOREIGN), ("Access-Control-Request-Method", "POST")];
        assert_eq!(send("OPTIONS", url, &preflight, "").await.status, 403);
    }
}

#[tokio::test]
async fn an_endpoint_for_any_origin_has_correct_cors_without_credentials() {
    let endpoint = Endpoint::start(Behaviour::sound(Base::Dual).any_origin()).unwrap();
    let url = &endpoint.url();
    let reply =
        send("OPTIONS", url, &[("Origin", FOREIGN), ("Access-Control-Request-Method", "POST")], "").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    let allowed = reply.header("access-control-allow-headers").unwrap();
    for name in
        ["authorization", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id"]
    {
        assert!(allowed.contains(name), "{name}");
    }
    let read = post(url, &[("Origin", FOREIGN)], "{").await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (400, Some("*")));
}

#[tokio::test]
async fn http_sse_answers_on_the_stream() {
    let endpoint = sound(Base::HttpSse);
    let url = endpoint.url();
    let origin = url.strip_suffix("/sse").unwrap().to_owned();
    let stream = tokio::net::TcpStream::connect(endpoint.address()).await.unwrap();
    let mut stream = tokio::io::BufReader::new(stream);
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
    let head =
        format!("GET /sse HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n", endpoint.address());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut data = async || loop {
        let mut line = String::new();
        tokio::time::timeout(PATIENCE, stream.read_line(&mut line)).await.expect("an event").unwrap();
        if let Some(data) = line.trim_end().strip_prefix("data: ") {
            return data.to_owned();
        }
    };
    let target = format!("{origin}{}", data().await);
    let sent = initialize(&target, "2025-11-25").await;
    assert_eq!((sent.status, sent.body.as_str()), (202, ""));
    let answered: Value = serde_json::from_str(&data().await).unwrap();
    assert_eq!(answered["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(post(&target, &[], "{").await.status, 400);
    assert_eq!(post(&format!("{origin}/messages?sessionId=0"), &[], "{}").await.status, 404);
    assert_eq!(send("POST", &url, &[], "").await.status, 405);
    assert_eq!(initialize(&format!("{origin}/mcp"), "2025-11-25").await.status, 200);
}

#[tokio::test]
async fn a_feed_continues_after_the_last_id() {
    let endpoint = sound(Base::Feed);
    let url = &endpoint.url();
    let first = hold("GET", url, &[], "id: 7\n").await;
    assert_eq!(first.ids(), ["1", "2", "3", "4", "5", "6", "7"]);
    assert!(first.body.contains("retry: 3000\n"));
    let rest = hold("GET", url, &[("Last-Event-ID", "5")], ": keep-alive").await;
    assert_eq!(rest.ids(), ["6", "7"]);
    assert_eq!(send("POST", url, &[], "").await.header("allow"), Some("GET"));
}

#[tokio::test]
async fn a_socket_speaks_both_eras() {
    let endpoint = sound(Base::WebSocketMcp);
    let mut request =
        tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(endpoint.url())
            .unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "mcp".parse().unwrap());
    let stream = tokio::net::TcpStream::connect(endpoint.address()).await.unwrap();
    let (mut socket, reply) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    assert_eq!(reply.headers().get("sec-websocket-protocol").unwrap(), "mcp");
    let mut ask = async |text: String| {
        if socket.send(Message::text(text.clone())).await.is_err() {
            panic!("the socket is gone");
        }
        loop {
            match tokio::time::timeout(PATIENCE, socket.next()).await.expect("a frame") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str::<Value>(&text).unwrap(),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let params = json!({ "_meta": meta("2026-07-28") });
    let body = json!({ "jsonrpc": "2.0", "id": "d-1", "method": "server/discover", "params": params });
    assert_eq!(ask(body.to_string()).await["result"]["supportedVersions"], json!(["2026-07-28"]));
    let params = json!({ "protocolVersion": "2025-11-25" });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    assert_eq!(ask(body.to_string()).await["result"]["protocolVersion"], "2025-11-25");
    let body = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    assert_eq!(ask(body.to_string()).await, json!({ "jsonrpc": "2.0", "id": 2, "result": {} }));
    assert_eq!(ask("{".to_owned()).await["error"]["code"], -32700);
}

#[tokio::test]
async fn a_gate_challenges_and_opens_with_the_token() {
    let endpoint = sound(Base::Gated);
    let url = &endpoint.url();
    let refused = initialize(url, "2025-11-25").await;
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap();
    let metadata = challenge.split('"').nth(1).unwrap();
    let metadata = send("GET", metadata, &[], "").await.json();
    assert_eq!(metadata["resource"], url.as_str());
    let issuer = metadata["authorization_servers"][0].as_str().unwrap();
    let issued =
        send("GET", &format!("{issuer}/.well-known/oauth-authorization-server"), &[], "").await.json();
    assert_eq!(issued["issuer"], issuer);
    assert_eq!(issued["code_challenge_methods_supported"], json!(["S256"]));
    for method in ["GET", "DELETE", "POST"] {
        let headers = [("Authorization", "Bearer nobody.invalid.token")];
        let reply = send(method, url, &headers, "").await;
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    }
    let token = format!("Bearer {}", endpoint.token());
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;
    assert_eq!(post(url, &[("Authorization", &token)], body).await.status, 200);
}

#[tokio::test]
async fn a_web_site_is_html() {
    let endpoint = sound(Base::WebSite);
    let page = send("GET", &endpoint.url(), &[], "").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(initialize(&endpoint.url(), "2025-11-25").await.status, 405);
}

#[tokio::test]
async fn faults_do_what_they_say() {
    let e = faulty(Fault::OriginIgnored, Base::Modern);
    let reply = post(&e.url(), &[("Origin", FOREIGN)], "{}").await;
    assert_eq!(reply.code(), -32600, "the body was read");

    let e = faulty(Fault::IdNumericString, Base::Modern);
    assert_eq!(modern(&e.url(), "server/discover", json!("7"), json!({})).await.json()["id"], 7);

    let e = faulty(Fault::SessionIdCounter, Base::Legacy);
    assert_eq!(session(&e.url()).await, "session-00000001");

    let e = faulty(Fault::SessionUnknownServed, Base::Legacy);
    assert_eq!(legacy(&e.url(), Some("invented"), "ping", json!(1)).await.status, 200);

    let e = faulty(Fault::VersionEchoed, Base::LegacyJson);
    assert_eq!(initialize(&e.url(), "1999-01-01").await.json()["result"]["protocolVersion"], "1999-01-01");

    let e = faulty(Fault::BadInputReset, Base::Modern);
    let headers = [("Content-Type", "application/json")];
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"x","params":"x"}"#;
    assert!(exchange("POST", &e.url(), &headers, body, None).await.is_none());

    let e = faulty(Fault::ErrorStackTrace, Base::Modern);
    assert!(post(&e.url(), &[], "{").await.body.contains("/srv/notes/src/"));

    let e = faulty(Fault::StreamEndsEarly, Base::Legacy);
    let id = session(&e.url()).await;
    let reply = legacy(&e.url(), Some(&id), "tools/list", json!(1)).await;
    assert_eq!((reply.status, reply.ids().len()), (200, 0));

    let e = faulty(Fault::CorsReflectsCredentials, Base::Modern);
    let reply = post(&e.url(), &[("Origin", FOREIGN)], "{}").await;
    assert_eq!(reply.header("access-control-allow-origin"), Some(FOREIGN));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));

    let e = faulty(Fault::ResumeRepeats, Base::Legacy);
    let id = session(&e.url()).await;
    let ids = legacy(&e.url(), Some(&id), "ping", json!(1)).await.ids();
    let headers = [("Mcp-Session-Id", id.as_str()), ("Last-Event-ID", ids[0].as_str())];
    assert_eq!(send("GET", &e.url(), &headers, "").await.ids(), ids);

    let e = faulty(Fault::StreamPolling, Base::Legacy);
    let id = session(&e.url()).await;
    let cut = legacy(&e.url(), Some(&id), "tools/list", json!(1)).await;
    assert!(cut.body.contains("retry: 500\n") && !cut.body.contains("tools"));
    let ids = cut.ids();
    let headers = [("Mcp-Session-Id", id.as_str()), ("Last-Event-ID", ids[0].as_str())];
    assert!(send("GET", &e.url(), &headers, "").await.json()["result"]["tools"].is_array());
}

#[tokio::test]
async fn replicas_differ_by_connection() {
    let e = faulty(Fault::SessionSticky, Base::Legacy);
    let id = session(&e.url()).await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(legacy(&e.url(), Some(&id), "ping", json!(1)).await.status);
    }
    assert_eq!(statuses, [200, 200, 404, 404, 200, 404, 200, 404], "every third and every fourth");

    let e = faulty(Fault::ListByConnection, Base::Modern);
    let mut tools = Vec::new();
    for _ in 0..4 {
        let list = modern(&e.url(), "tools/list", json!(1), json!({})).await.json();
        tools.push(list["result"]["tools"].as_array().map_or(0, Vec::len));
    }
    assert_eq!(tools, [3, 2, 3, 2]);
}

#[tokio::test]
async fn faults_of_the_other_transports_do_what_they_say() {
    let e = faulty(Fault::EndpointElsewhere, Base::HttpSse);
    let opened = hold("GET", &e.url(), &[("Accept", "text/event-stream")], "\n\n").await;
    assert!(opened.body.contains("data: http://localhost:1/"));

    let e = faulty(Fault::FeedResumeIgnored, Base::Feed);
    let again = hold("GET", &e.url(), &[("Last-Event-ID", "5")], "id: 5\n").await;
    assert_eq!(again.ids().first().map(String::as_str), Some("1"));

    let e = faulty(Fault::AuthForbidden, Base::Gated);
    assert_eq!(initialize(&e.url(), "2025-11-25").await.status, 403);

    let e = faulty(Fault::AuthNoMetadata, Base::Gated);
    let refused = initialize(&e.url(), "2025-11-25").await;
    assert!(!refused.header("www-authenticate").unwrap().contains("resource_metadata"));

    let e = faulty(Fault::SocketOk, Base::WebSocketMcp);
    let headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    assert_eq!(send("GET", &e.url(), &headers, "").await.status, 200);
}

/// Every fault on every endpoint it is for still answers something to a plain request: a fault that
/// takes the endpoint away would be seen by every check, and so by none.
#[tokio::test]
async fn every_fault_leaves_an_endpoint_that_can_be_classified() {
    // Of those that shut everybody out one check alone can speak.
    let alone = ["http-host-served", "origin-absent-ok"];
    for fault in Fault::ALL.iter().filter(|fault| !alone.contains(&fault.spec().check)) {
        for base in fault.spec().bases {
            let endpoint = faulty(*fault, *base);
            let url = &endpoint.url();
            match base {
                Base::Modern => {
                    let found = modern(url, "server/discover", json!("d-1"), json!({})).await;
                    let unknown = found.status == 404 && *fault == Fault::DiscoverUnknown;
                    assert!(unknown || found.status == 200, "{fault:?} on {base:?}");
                }
                Base::Legacy | Base::LegacyJson | Base::Dual => {
                    assert_eq!(initialize(url, "2025-11-25").await.status, 200, "{fault:?} on {base:?}");
                }
                Base::HttpSse | Base::Feed | Base::WebSocketMcp | Base::Gated | Base::WebSite => {}
            }
            assert!(endpoint.panics().is_empty(), "{fault:?} on {base:?}");
        }
    }
}

#[tokio::test]
async fn a_thread_of_its_own_serves_and_stops() {
    let endpoint = tokio::task::spawn_blocking(|| Endpoint::start_on_thread(Behaviour::sound(Base::Dual)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(initialize(&endpoint.url(), "2025-11-25").await.status, 200);
    let log = endpoint.requests();
    assert_eq!((log.len(), log[0].method.as_str(), log[0].connection), (1, "POST", 1));
    assert_eq!(log[0].header("content-type"), Some("application/json"));
    assert!(String::from_utf8_lossy(&log[0].body).contains("initialize"));
    let address = endpoint.address();
    tokio::task::spawn_blocking(move || drop(endpoint)).await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn certificates_are_wrong_in_the_way_they_say() {
    let endpoint = sound(Base::Modern);
    for certificate in Certificate::ALL {
        let front = TlsFront::start(&endpoint, certificate);
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(rustls::pki_types::CertificateDer::from_pem_slice(front.ca_pem().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = tokio::net::TcpStream::connect(front.address()).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connected = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        match (certificate, connected) {
            (Certificate::Good, Ok(stream)) => {
                let reply = over(stream, "GET", &front.url(), &[], "", None).await.unwrap();
                assert_eq!(reply.status, 405);
            }
            (Certificate::Good, Err(error)) => panic!("{error}"),
            (_, Ok(_)) => panic!("{certificate:?} was accepted"),
            (_, Err(error)) => {
                let words = error.to_string();
                let expected = match certificate {
                    Certificate::Expired => "expired",
                    Certificate::NotYetValid => "not valid yet",
                    Certificate::WrongName => "not valid for name",
                    Certificate::SelfSignedCa => "CaUsedAsEndEntity",
                    _ => "UnknownIssuer",
                };
                assert!(words.contains(expected), "{certificate:?}: {words}");
            }
        }
        assert!(front.leaf_pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
