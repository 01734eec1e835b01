//! Servers whose tokens would be requests if anybody put them into a text: every place a token can stand, every
//! way in. A request that is not of the plan, or a value that does not come back as it was given, is told to
//! the listener on the other origin, which must stay clean.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::plan;
use super::socket::{frame, hear, socket};
use super::stage::{Ask, EVENTS, Scene, Serve, act, ask, handshake, http, json_text, linger, sound, write};
use super::{Row, Via, row};
use crate::tls::Certificate;

/// What stands where a token is due.
const VALUES: &[(&str, &str)] = &[
    ("a-message", r#"","method":"tools/call","params":{"name":"delete_everything"},"x":""#),
    (
        "a-whole-message",
        r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"delete_everything"}}"#,
    ),
    ("a-placeholder", "~session-1~"),
    ("placeholders", "~session-1~~session-1~~cookie-1~~uri-token-1~~credential~"),
    ("an-escaped-placeholder", "~!session-1~"),
    ("a-word", "protocolVersion"),
];

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Session,
    Cursor,
    Ping,
    EventId,
    Cookie,
}

const PLACES: [(&str, At); 5] = [
    ("session", At::Session),
    ("cursor", At::Cursor),
    ("ping", At::Ping),
    ("event-id", At::EventId),
    ("cookie", At::Cookie),
];

/// Tells the other origin what must not have been sent.
async fn tell(scene: &Scene, fault: &str) {
    if let Ok(mut stream) = TcpStream::connect(&scene.offsite).await {
        let _ = stream.write_all(format!("not planned: {fault}\n").as_bytes()).await;
    }
}

/// Holds each request against the plan, and answers it; `make` may object, too.
fn planned(
    given: Option<&'static str>,
    make: impl Fn(&Ask) -> Result<Vec<u8>, String> + Send + Sync + Clone + 'static,
) -> Serve {
    act(move |mut io, scene| {
        let make = make.clone();
        async move {
            let Some(ask) = ask(&mut io).await else { return };
            if let Some(fault) = plan::violation(&ask.head, &ask.body, &scene.here, given) {
                tell(&scene, &fault).await;
            }
            match make(&ask) {
                Ok(answer) => write(&mut io, &answer).await,
                Err(fault) => tell(&scene, &fault).await,
            }
        }
    })
}

fn events(lines: &str) -> Vec<u8> {
    [EVENTS, lines.as_bytes()].concat()
}

fn answer(id: &Value, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

/// A session whose server gives this value at this place, and knows how it must come back.
fn serve(at: At, value: &'static str) -> Serve {
    planned(None, move |ask| {
        let (method, id) = ask.rpc();
        let tools = json!({ "tools": [] });
        let asked: Value = serde_json::from_str(&ask.body).unwrap_or_default();
        let ping = |id: &str| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }).to_string();
        // Its own answer to our ping has the id as one string.
        if asked.get("result").is_some() {
            let ours = if at == At::Ping { value } else { "~session-1~" };
            return if id == ours { Ok(http("202 Accepted", &[], "")) } else { Err(format!("the id {id}")) };
        }
        if let Some(came) = ask.header("mcp-session-id").filter(|came| at == At::Session && came.len() != 36)
            && came != value
        {
            return Err(format!("the session {came:?}"));
        }
        if let Some(came) = ask.header("last-event-id").filter(|came| at == At::EventId && *came != value) {
            return Err(format!("the event id {came:?}"));
        }
        Ok(match (at, ask.method.as_str(), method.as_str()) {
            (_, "POST", "initialize") => {
                let body = answer(&id, &handshake());
                let cookie = format!("x={value}; Path=/");
                let session = if at == At::Session { value } else { "0123456789abcdef" };
                let mut headers = vec![("content-type", "application/json"), ("mcp-session-id", session)];
                if at == At::Cookie {
                    headers.push(("set-cookie", &cookie));
                }
                http("200 OK", &headers, body)
            }
            (At::Session, "POST", "tools/list") => {
                events(&format!("data: {}\n\ndata: {}\n\n", ping("~session-1~"), answer(&id, &tools)))
            }
            (At::Ping, "POST", "tools/list" | "ping") => events(&format!(
                "data: {}\n\ndata: {}\n\n",
                ping(value),
                answer(&id, &json!({ "tools": [] }))
            )),
            (At::EventId, "POST", "ping") => {
                events(&format!("id: {value}\ndata: {}\n\nid: 2\n\n", answer(&id, &json!({}))))
            }
            (At::Cursor, "POST", "tools/list") => {
                let came = asked.pointer("/params/cursor");
                match came {
                    Some(came) if came != value => return Err(format!("the cursor {came}")),
                    Some(_) => json_text(answer(&id, &tools)),
                    None => json_text(answer(&id, &json!({ "tools": [], "nextCursor": value }))),
                }
            }
            _ => sound(ask, &method, &id),
        })
    })
}

/// The same over a WebSocket: the id of a ping, or a cursor.
fn on_a_socket(at: At, value: &'static str) -> Serve {
    socket("Sec-WebSocket-Protocol: mcp\r\n", move |mut io, scene| async move {
        while let Some(heard) = hear(&mut io).await {
            if let Some(fault) = plan::message(&heard) {
                tell(&scene, &fault).await;
            }
            let message: Value = serde_json::from_str(&heard).unwrap_or_default();
            let id = &message["id"];
            if message.get("result").is_some() && id != value {
                tell(&scene, &format!("the id {id}")).await;
            }
            let mut says = Vec::new();
            match message["method"].as_str().unwrap_or_default() {
                "initialize" => says.push(answer(id, &handshake())),
                "tools/list" if at == At::Ping => {
                    says.push(json!({ "jsonrpc": "2.0", "id": value, "method": "ping" }).to_string());
                    says.push(answer(id, &json!({ "tools": [] })));
                }
                "tools/list" => match message.pointer("/params/cursor") {
                    None => says.push(answer(id, &json!({ "tools": [], "nextCursor": value }))),
                    Some(came) => {
                        if came != value {
                            tell(&scene, &format!("the cursor {came}")).await;
                        }
                        says.push(answer(id, &json!({ "tools": [] })));
                    }
                },
                "ping" => says.push(answer(id, &json!({}))),
                "" => {}
                _ if id.is_null() => {}
                _ => says.push(
                    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no" } })
                        .to_string(),
                ),
            }
            for text in says {
                if io.write_all(&frame(0x81, text.as_bytes())).await.is_err() {
                    return;
                }
            }
        }
    })
}

/// HTTP+SSE that announces this.
fn announces(data: String) -> Serve {
    act(move |mut io, scene| {
        let data = data.clone();
        async move {
            let Some(ask) = ask(&mut io).await else { return };
            if let Some(fault) = plan::violation(&ask.head, &ask.body, &scene.here, Some("/m")) {
                tell(&scene, &fault).await;
            }
            if ask.method != "GET" || ask.header("upgrade").is_some() {
                return write(&mut io, &http("405 Method Not Allowed", &[("allow", "GET")], "")).await;
            }
            let _ = io.write_all(&events(&data)).await;
            linger(&mut io).await;
        }
    })
}

pub(super) fn rows() -> Vec<Row> {
    let named = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let mut rows = Vec::new();
    for (place, at) in PLACES {
        for (what, value) in VALUES {
            let name = named(format!("handles-{place}-is-{what}"));
            rows.push(row(name, "J9 J12 K6", serve(at, value)).is("legacy", 0).or_undecided().whole());
        }
        let name = named(format!("handles-{place}-over-tls"));
        let over_tls = row(name, "J9 J12 K6", serve(at, "~session-1~~credential~"));
        rows.push(over_tls.via(Via::Tls(Certificate::Good)).is("legacy", 0).or_undecided().again());
    }
    for (what, value) in VALUES {
        for (place, at) in [("ping", At::Ping), ("cursor", At::Cursor)] {
            let name = named(format!("handles-ws-{place}-is-{what}"));
            let on = row(name, "J9 J12 W6", on_a_socket(at, value)).via(Via::Ws);
            rows.push(on.is("mcp-websocket", 0).or_undecided().whole());
        }
        let name = named(format!("handles-announced-is-{what}"));
        let escaped = value.replace('"', "%22");
        let data = format!("event: endpoint\ndata: /m?session_id={escaped}\n\n");
        rows.push(row(name, "S9 S10 K6", announces(data)).is("http-sse", 0).or_undecided());
        let name = named(format!("handles-location-is-{what}"));
        let moved = planned(Some("/moved"), move |ask| {
            let (method, id) = ask.rpc();
            let to = format!("/moved?code={value}");
            let there = ask.head.split(' ').nth(1).is_some_and(|path| path.starts_with("/moved"));
            Ok(if there { sound(ask, &method, &id) } else { http("307 Moved", &[("location", &to)], "") })
        });
        rows.push(row(name, "H2 K6", moved).is("legacy", 0).or_undecided());
    }
    // The stream of announcements that grew to 195 MB, and one URI that is nothing but tokens.
    let flood: String =
        (0..12_000).map(|number| format!("event: endpoint\ndata: /m?token=k7Qz{number:08}\n\n")).collect();
    rows.push(
        row("handles-announced-flood", "S10 J10", announces(flood)).is("http-sse", 0).or_undecided().little(),
    );
    let many = format!("event: endpoint\ndata: /m?{}\n\n", "token=a8Kx0q7Zt1&".repeat(50_000));
    rows.push(
        row("handles-announced-full-of-tokens", "S10 J10", announces(many)).is("http-sse", 0).or_undecided(),
    );
    rows
}
