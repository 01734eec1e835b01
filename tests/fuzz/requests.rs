//! The law of requests: whatever a server answers, what leaves is of the plan.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentgauge::observe::{ScanOptions, Silent, Stop};
use agentgauge::scan::scan;
use agentgauge::target::Target;
use agentgauge::transcript::Profile;
use serde_json::{Value, json};

#[path = "plan.rs"]
pub(crate) mod plan;

/// Where the server puts the bytes.
#[derive(Clone, Copy, Debug)]
enum Place {
    Session,
    Cursor,
    Ping,
    Location,
    Announced,
    EventId,
    Cookie,
    Resource,
}

const PLACES: [Place; 8] = [
    Place::Session,
    Place::Cursor,
    Place::Ping,
    Place::Location,
    Place::Announced,
    Place::EventId,
    Place::Cookie,
    Place::Resource,
];

/// Requests of one scan: enough for each place to be used.
const REQUESTS: u32 = 30;

/// The first byte says where the others stand.
pub(crate) fn requests(data: &[u8]) {
    let Some((first, value)) = data.split_first() else { return };
    let place = PLACES[usize::from(*first) % PLACES.len()];
    let value: Vec<u8> = value.iter().copied().take(4_096).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let faults: Arc<Mutex<Vec<String>>> = Arc::default();
    let over = Arc::new(AtomicBool::new(false));
    let (told, ended, address) = (Arc::clone(&faults), Arc::clone(&over), here.clone());
    let server = std::thread::spawn(move || {
        for stream in listener.incoming() {
            if ended.load(Ordering::SeqCst) {
                return;
            }
            let (value, here, told) = (value.clone(), address.clone(), Arc::clone(&told));
            if let Ok(stream) = stream {
                std::thread::spawn(move || serve(stream, place, &value, &here, &told));
            }
        }
    });
    let mut target = Target::parse(&format!("http://{here}/mcp"), Profile::Quick).unwrap();
    target.limits.requests = REQUESTS;
    target.limits.target_ms = 5_000;
    target.limits.header_ms = 500;
    target.limits.reply_ms = 500;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(scan(&target, ScanOptions::default(), &Silent, &Stop::default()));
    over.store(true, Ordering::SeqCst);
    let _ = TcpStream::connect(&here);
    server.join().unwrap();
    let faults = faults.lock().unwrap();
    assert!(faults.is_empty(), "{place:?}: {faults:?}");
}

/// Answers one request, and holds it against the plan.
fn serve(
    mut stream: TcpStream,
    place: Place,
    value: &[u8],
    here: &str,
    told: &Mutex<Vec<String>>,
) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let (head, body) = read(&mut stream)?;
    // What it announces itself may be any path of its own.
    let given = matches!(place, Place::Location | Place::Announced).then_some("/");
    if let Some(fault) = plan::violation(&head, &body, here, given) {
        told.lock().unwrap().push(fault);
    }
    let asked: Value = serde_json::from_str(&body).unwrap_or_default();
    let (id, method) = (&asked["id"], asked["method"].as_str().unwrap_or_default());
    let text = String::from_utf8_lossy(value);
    let line: Vec<u8> = value.iter().copied().filter(|byte| !b"\r\n\0".contains(byte)).collect();
    let result =
        |result: Value| json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string().into_bytes();
    let events = |lines: &[&[u8]]| {
        let head: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        [&[head], lines].concat().concat()
    };
    let answer = match (place, method) {
        (Place::Location, _) if !head.contains(" /moved") => {
            [b"HTTP/1.1 307 Moved\r\ncontent-length: 0\r\nlocation: /moved", &line[..], b"\r\n\r\n"].concat()
        }
        (Place::Announced, _) if head.starts_with("GET /mcp ") => {
            events(&[b"event: endpoint\ndata: ", &line, b"\n\n"])
        }
        (Place::Announced, _) => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        (_, "initialize") => {
            let hello = json!({ "protocolVersion": "2025-11-25", "serverInfo": { "name": "x", "version": "1" },
                "capabilities": { "tools": {}, "resources": { "subscribe": true } } });
            let name: &[u8] = match place {
                Place::Cookie => b"set-cookie: a=",
                _ => b"mcp-session-id: ",
            };
            let issued = if matches!(place, Place::Session | Place::Cookie) {
                &line
            } else {
                &b"0123456789abcdef"[..]
            };
            whole(&result(hello), &[name, issued].concat())
        }
        (Place::Ping, "tools/list" | "ping") => {
            let ping = json!({ "jsonrpc": "2.0", "id": text, "method": "ping" }).to_string();
            events(&[b"data: ", ping.as_bytes(), b"\n\ndata: ", &result(json!({ "tools": [] })), b"\n\n"])
        }
        (Place::EventId, "ping" | "tools/list") => {
            events(&[b"id: ", &line, b"\ndata: ", &result(json!({ "tools": [] })), b"\n\n"])
        }
        (Place::Session, "tools/list") => {
            let ping = json!({ "jsonrpc": "2.0", "id": "~session-1~", "method": "ping" }).to_string();
            events(&[b"data: ", ping.as_bytes(), b"\n\ndata: ", &result(json!({ "tools": [] })), b"\n\n"])
        }
        (Place::Cursor, "tools/list") => {
            whole(&result(json!({ "tools": [], "nextCursor": text })), b"x-a: b")
        }
        (Place::Resource, "server/discover") => whole(
            &result(json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "serverInfo": { "name": "x", "version": "1" }, "capabilities": { "resources": { "subscribe": true } } })),
            b"x-a: b",
        ),
        (Place::Resource, "resources/list") => whole(
            &result(json!({ "resultType": "complete", "resources": [{ "uri": text, "name": "r" }] })),
            b"x-a: b",
        ),
        (_, "ping" | "tools/list") => whole(&result(json!({ "tools": [] })), b"x-a: b"),
        _ => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
    };
    stream.write_all(&answer).ok()
}

fn whole(body: &[u8], header: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    [head.as_bytes(), header, b"\r\n\r\n", body].concat()
}

/// Head and body of a request.
fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut seen, mut block) = (Vec::new(), [0; 4_096]);
    let end = loop {
        if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut block).ok()? {
            0 => return None,
            count => seen.extend_from_slice(&block[..count]),
        }
    };
    let head = String::from_utf8_lossy(&seen[..end]).into_owned();
    let length = head.lines().filter_map(|line| line.split_once(": ")).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok()).flatten()
    });
    let mut body = seen.split_off(end);
    while body.len() < length.unwrap_or(0) {
        match stream.read(&mut block).ok()? {
            0 => return None,
            count => body.extend_from_slice(&block[..count]),
        }
    }
    Some((head, String::from_utf8_lossy(&body).into_owned()))
}
