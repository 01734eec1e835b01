//! Who we say we are, as servers saw it: one name in the header and in every message, the user's if they gave one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use agentgauge::demo::{Base, Behaviour, Endpoint};
use agentgauge::transcript::codec;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::program::{Folder, run};
use crate::support::raw::{Raw, head, request};
use crate::support::scan_with;

const THEIRS: &str = "acme-probe/7.3 (ops@example.com)";

/// Every `clientInfo` in a message, wherever the era has it.
fn infos(message: &[u8]) -> Vec<(String, String)> {
    let Ok(message) = serde_json::from_slice::<Value>(message) else { return Vec::new() };
    let params = &message["params"];
    let text = |info: &Value, key: &str| info[key].as_str().unwrap_or("(missing)").to_owned();
    [&params["clientInfo"], &params["_meta"]["io.modelcontextprotocol/clientInfo"]]
        .into_iter()
        .filter(|info| !info.is_null())
        .map(|info| (text(info, "name"), text(info, "version")))
        .collect()
}

fn pair(name: &str, version: &str) -> (String, String) {
    (name.to_owned(), version.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_hears_one_name_in_header_and_messages() {
    let ours = env!("CARGO_PKG_VERSION");
    for (given, header, info) in [
        (None, format!("agentgauge/{ours} (endpoint scanner; read-only)"), pair("agentgauge", ours)),
        (Some(THEIRS), THEIRS.to_owned(), pair("acme-probe", "7.3")),
        // Without a version that of the program that speaks stays: clientInfo must have one.
        (Some("acme-probe"), "acme-probe".to_owned(), pair("acme-probe", ours)),
    ] {
        for base in [Base::Modern, Base::Legacy, Base::Dual, Base::HttpSse] {
            let endpoint = Endpoint::start_on_thread(Behaviour::sound(base)).unwrap();
            let transcript = scan_with(&endpoint.url(), |target| {
                if let Some(given) = given {
                    given.clone_into(&mut target.user_agent);
                }
            })
            .await;
            let requests = endpoint.requests();
            assert!(requests.len() > 5, "{base:?}");
            for seen in &requests {
                assert_eq!(seen.header("user-agent"), Some(header.as_str()), "{base:?} {}", seen.path);
            }
            let named: Vec<(String, String)> = requests.iter().flat_map(|seen| infos(&seen.body)).collect();
            assert!(named.len() > 2, "{base:?}: {named:?}");
            assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), [info.clone()].into(), "{base:?}");
            let modern = requests.iter().any(|seen| {
                String::from_utf8_lossy(&seen.body).contains("\"io.modelcontextprotocol/clientInfo\"")
            });
            let legacy =
                requests.iter().any(|seen| String::from_utf8_lossy(&seen.body).contains("\"clientInfo\""));
            assert!(modern && (legacy || base == Base::Modern), "{base:?}: both eras were tried");
            // The record is what was sent.
            let recorded =
                transcript.exchanges.iter().filter_map(|exchange| exchange.request.body.as_deref());
            let recorded: BTreeSet<_> = recorded.flat_map(|body| infos(body.as_bytes())).collect();
            assert_eq!(recorded, [info.clone()].into(), "{base:?}");
        }
    }
}

/// A legacy MCP server on a socket that keeps the head and every message.
async fn socket(heads: Arc<Mutex<Vec<String>>>, messages: Arc<Mutex<Vec<String>>>) -> Raw {
    Raw::start(move |stream| {
        let (heads, messages) = (Arc::clone(&heads), Arc::clone(&messages));
        async move {
            #[allow(clippy::result_large_err, reason = "the library's own type")]
            let keep = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
                let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
                heads.lock().unwrap().push(agent.unwrap_or_default().to_owned());
                response.headers_mut().insert("sec-websocket-protocol", "mcp".parse().unwrap());
                Ok(response)
            };
            let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, keep).await else { return };
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                messages.lock().unwrap().push(text.as_str().to_owned());
                let Ok(asked) = serde_json::from_str::<Value>(text.as_str()) else { continue };
                if asked["id"].is_null() {
                    continue;
                }
                let mut reply = json!({ "jsonrpc": "2.0", "id": asked["id"] });
                match asked["method"].as_str() {
                    Some("initialize") => {
                        reply["result"] = json!({
                            "protocolVersion": "2025-11-25",
                            "capabilities": { "tools": {} },
                            "serverInfo": { "name": "socket", "version": "1" },
                        });
                    }
                    Some("ping") => reply["result"] = json!({}),
                    Some("tools/list") => reply["result"] = json!({ "tools": [] }),
                    _ => reply["error"] = json!({ "code": -32601, "message": "Method not found" }),
                }
                if socket.send(Message::text(reply.to_string())).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_hears_it_too() {
    let (heads, messages) = (Arc::default(), Arc::default());
    let server = socket(Arc::clone(&heads), Arc::clone(&messages)).await;
    let transcript = scan_with(&server.url("ws"), |target| THEIRS.clone_into(&mut target.user_agent)).await;
    let heads = heads.lock().unwrap().clone();
    assert!(!heads.is_empty() && heads.iter().all(|agent| agent == THEIRS), "{heads:?}");
    let messages = messages.lock().unwrap().clone();
    let named: Vec<(String, String)> = messages.iter().flat_map(|text| infos(text.as_bytes())).collect();
    assert_eq!(named.iter().collect::<BTreeSet<_>>(), [&pair("acme-probe", "7.3")].into());
    for era in ["\"initialize\"", "\"server/discover\""] {
        assert!(messages.iter().any(|text| text.contains(era)), "{era} was not sent: {messages:?}");
    }
    let text = String::from_utf8(codec::encode(&transcript)).unwrap();
    assert!(!text.contains(r#"\"name\":\"agentgauge\""#), "the record names another client");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_asked_for_metadata_knows_who_asks() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&seen);
    let elsewhere = Raw::start(move |mut stream| {
        let keep = Arc::clone(&keep);
        async move {
            let asked = head(&mut stream).await;
            keep.lock().unwrap().push(asked);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let metadata = elsewhere.url("http").replace("/mcp", "/metadata");
    let reply = format!(
        "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer resource_metadata=\"{metadata}\"\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    let gated = Raw::start(move |mut stream| {
        let reply = reply.clone();
        async move {
            request(&mut stream).await;
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    })
    .await;
    scan_with(&gated.url("http"), |target| THEIRS.clone_into(&mut target.user_agent)).await;
    let seen = seen.lock().unwrap().clone();
    assert!(!seen.is_empty(), "the metadata was fetched");
    for head in seen {
        assert!(head.contains(&format!("user-agent: {THEIRS}\r\n")), "{head}");
    }
}

#[test]
fn the_option_reaches_the_wire_and_the_transcript() {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Dual)).unwrap();
    let folder = Folder::new("identity");
    let saved = folder.path("t.jsonl");
    let scan =
        ["scan", "--profile", "quick", "-f", "json", "--save-transcript", &saved, "--user-agent", THEIRS];
    let run_scan = run(&[&scan[..], &[&endpoint.url()]].concat());
    assert_eq!(run_scan.code, Some(0), "{run_scan:?}");
    assert_eq!(run(&["replay", "-f", "json", &saved]).stdout, run_scan.stdout);
    let requests = endpoint.requests();
    assert!(requests.iter().all(|seen| seen.header("user-agent") == Some(THEIRS)));
    let named: BTreeSet<_> = requests.iter().flat_map(|seen| infos(&seen.body)).collect();
    assert_eq!(named, [pair("acme-probe", "7.3")].into());
}

#[test]
fn a_user_agent_that_cannot_be_is_refused() {
    for (text, said) in [
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("me/1\r\nx-evil: 1", "printable ASCII"),
        ("me/1\n", "printable ASCII"),
        ("me/1\t(x)", "printable ASCII"),
        ("m\u{fc}ller/1", "printable ASCII"),
        (&"a".repeat(513), "longer than 512 bytes"),
        (" me/1", "begin with a product"),
        ("(me)", "begin with a product"),
        ("me/", "begin with a product"),
        ("me: 1", "begin with a product"),
    ] {
        // The port is dead: only a refusal can end with 2.
        let run = run(&["scan", "http://127.0.0.1:9/mcp", "--user-agent", text]);
        assert_eq!(run.code, Some(2), "{text:?}: {run:?}");
        assert!(run.stderr.starts_with("exit 2 (usage): --user-agent: it "), "{text:?}: {run:?}");
        assert!(run.stderr.contains(said), "{text:?}: {run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    }
    let longest = format!("a/{}", "1".repeat(510));
    assert_eq!(run(&["scan", "--plan", "http://127.0.0.1:9/mcp", "--user-agent", &longest]).code, Some(0));
}
