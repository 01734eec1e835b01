//! Section 4: JSON-RPC and MCP.

use serde_json::{Value, json};

use super::Sign::Fewer;
use super::stage::{Serve, handshake, http, json_text, mcp, refusal, result, result_text, tool};
use super::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    [texts(), envelopes(), shapes(), lists(), errors(), others()].into_iter().flatten().collect()
}

/// `initialize` is answered with this text; `ID` stands for the id.
fn greeted(text: impl Into<String>) -> Serve {
    let text: String = text.into();
    mcp(move |_, method, id, _| {
        (method == "initialize").then(|| json_text(text.replace("ID", &id.to_string())))
    })
}

/// `tools/list` is answered with this text.
fn listed(text: impl Into<String>) -> Serve {
    let text: String = text.into();
    mcp(move |_, method, id, _| {
        (method == "tools/list").then(|| json_text(text.replace("ID", &id.to_string())))
    })
}

/// `tools/list` gives these tools.
fn tools(tools: impl Into<Value>) -> Serve {
    let text = json!({ "tools": tools.into() }).to_string();
    mcp(move |_, method, id, _| (method == "tools/list").then(|| result_text(id, &text)))
}

/// A sound answer with one more member whose value is this text.
fn with(member: &str) -> String {
    let whole = json!({ "jsonrpc": "2.0", "id": 0, "result": handshake() }).to_string();
    whole.replacen('{', &format!("{{\"x\":{member},"), 1).replace("\"id\":0", "\"id\":ID")
}

fn texts() -> Vec<Row> {
    let sound = |name, covers, text: String| row(name, covers, greeted(text)).is("legacy", 0);
    // `server/discover` was refused under our id: that is MCP.
    let broken = |name, covers, text: String| row(name, covers, greeted(text)).is("mcp", 4);
    vec![
        broken("nested-200000-deep", "J1", "[".repeat(200_000)).little(),
        broken("nested-200000-deep-in-objects", "J1", "{\"a\":".repeat(200_000)).little(),
        sound("nested-120-deep", "J1", with(&format!("{}{}", "[".repeat(120), "]".repeat(120)))),
        broken("a-million-zeros", "J1 J10", format!("[{}0]", "0,".repeat(1_000_000))),
        broken("a-hundred-thousand-zeros", "J1 J10", format!("[{}0]", "0,".repeat(100_000))),
        broken("a-million-empty-objects", "J1 J10", format!("[{}{{}}]", "{},".repeat(1_000_000))),
        broken("number-1e999999", "J2", with("1e999999")),
        broken("number-of-5000-digits", "J2", with(&"9".repeat(5_000))),
        sound("number-minus-zero", "J2", with("-0")),
        broken("number-nan", "J2", with("NaN")),
        broken("number-infinity", "J2", with("-Infinity")),
        sound("duplicate-keys", "J3", with("1,\"x\":2,\"x\":3"))
            .finds("rpc-envelope-valid", "warn")
            .says("the key `x` stands twice"),
        broken("json-truncated", "J8", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{".to_owned()),
        broken("json-and-noise", "J8", with("1") + "\u{0}\u{1}noise"),
        sound("json-with-bom", "J8 H17", format!("\u{feff}{}", with("1")))
            .finds("rpc-envelope-valid", "fail")
            .says("byte-order mark"),
        sound("json-with-escaped-escapes", "J8 O8", with("\"\\\\u0000 é\"")).again(),
        broken("json-with-a-lone-surrogate", "J8 O8", with("\"\\ud800\"")),
        sound("json-with-nul-escapes", "J8 O8", with("\"\\u0000\\u001b[31m\\u009b\\u202e\"")).again(),
        row(
            "json-in-utf-16",
            "J8 H17",
            mcp(|_, method, _, _| {
                let text: Vec<u8> =
                    "{\"jsonrpc\":\"2.0\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
                (method == "initialize").then(|| json_text([&[0xff, 0xfe][..], &text].concat()))
            }),
        )
        .is("mcp", 4),
        row(
            "json-with-invalid-utf-8",
            "J8",
            mcp(|_, method, _, _| {
                (method == "initialize")
                    .then(|| json_text(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\x9b31m\"}"))
            }),
        )
        .is("mcp", 4)
        .again(),
        row(
            "json-as-text-plain",
            "H17",
            mcp(|_, method, id, _| {
                (method == "initialize").then(|| {
                    let body = json!({ "jsonrpc": "2.0", "id": id, "result": handshake() }).to_string();
                    http("200 OK", &[("content-type", "text/plain")], body)
                })
            }),
        )
        .is("legacy", 0)
        .finds("sh-post-response-type", "fail"),
    ]
}

fn envelopes() -> Vec<Row> {
    let ok = handshake().to_string();
    let sound = |name, covers, text: String| row(name, covers, greeted(text)).is("legacy", 0);
    let list = |name, covers, text: &str| row(name, covers, listed(text)).is("legacy", 0);
    vec![
        sound("answer-with-another-id", "J4", format!("{{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{ok}}}"))
            .finds("rpc-id-echo", "fail"),
        sound(
            "answer-with-the-id-as-text",
            "J4",
            format!("{{\"jsonrpc\":\"2.0\",\"id\":\"ID\",\"result\":{ok}}}"),
        )
        .finds("rpc-id-echo", "fail"),
        sound("answer-with-id-null", "J4", format!("{{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{ok}}}"))
            .finds("rpc-id-echo", "fail"),
        list(
            "list-with-another-id",
            "J4",
            "{\"jsonrpc\":\"2.0\",\"id\":\"someone else's\",\"result\":{\"tools\":[]}}",
        )
        .finds("rpc-id-echo", "fail"),
        row(
            "every-answer-with-another-id",
            "J4",
            mcp(|ask, method, _, _| {
                (ask.method == "POST" && method == "ping")
                    .then(|| json_text("{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{}}"))
            }),
        )
        .is("legacy", 0)
        .finds("rpc-id-echo", "fail"),
        sound("answer-in-an-array", "J5", format!("[{{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{ok}}}]"))
            .finds("rpc-envelope-valid", "fail")
            .says("the reply is an array"),
        sound(
            "a-thousand-answers-in-an-array",
            "J5",
            format!("[{}{{}}]", format!("{{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{ok}}},").repeat(1_000)),
        )
        .finds("rpc-envelope-valid", "fail"),
        row("empty-array", "J5", greeted("[]")).is("mcp", 4),
        list("error-without-message", "J6", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{\"code\":-32000}}")
            .finds("rpc-error-object-shape", "fail"),
        list("error-without-code", "J6", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{\"message\":\"x\"}}")
            .finds("rpc-error-object-shape", "fail"),
        list("error-as-text", "J6", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":\"no\"}")
            .finds("rpc-error-object-shape", "fail")
            .says("`error` is a string"),
        list(
            "error-and-result",
            "J6",
            "{\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{\"code\":1,\"message\":\"x\"},\"result\":{}}",
        )
        .finds("rpc-envelope-valid", "fail"),
        list("neither-error-nor-result", "J6", "{\"jsonrpc\":\"2.0\",\"id\":ID}")
            .finds("rpc-envelope-valid", "fail"),
        list("no-jsonrpc-member", "J6", "{\"id\":ID,\"result\":{\"tools\":[]}}")
            .finds("rpc-envelope-valid", "fail"),
        list(
            "error-with-1-MB-of-data",
            "J6",
            &format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{{\"code\":-32603,\"message\":\"x\",\"data\":\"{}\"}}}}",
                "y".repeat(1_000_000)
            ),
        )
        .or_undecided(),
    ]
}

fn shapes() -> Vec<Row> {
    let list = |name, covers, text: &str| row(name, covers, listed(text)).is("legacy", 0);
    let of = |name, covers, all: Value| row(name, covers, tools(all)).is("legacy", 0);
    vec![
        list("result-null", "J7", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":null}").finds("rpc-envelope-valid", "fail"),
        list("result-a-number", "J7", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":7}").finds("rpc-envelope-valid", "fail"),
        row("handshake-of-wrong-types", "J7", greeted("{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"protocolVersion\":7,\"capabilities\":[],\"serverInfo\":\"x\"}}"))
            .is("legacy", 0)
            .finds("legacy-initialize", "fail"),
        list("tools-as-a-map", "J7", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"tools\":{\"a\":{}}}}")
            .finds("tools-schema-valid", "fail")
            .says("`tools` is an object"),
        of("tools-without-names", "J7", json!([{ "name": null, "inputSchema": null }, 7, "x", [], { "name": 5 }, tool("sound", "Is sound.")]))
            .finds("tools-schema-valid", "fail"),
        of("tools-of-one-name", "J7", json!([tool("same", "One."), tool("same", "Two.")]))
            .finds("tools-name-format", "fail")
            .says("2 tools are called `same`"),
        of("schema-that-is-no-object", "J11", json!([{ "name": "x", "description": "X.", "inputSchema": "object" }])),
        of("schema-refers-to-itself", "J11", json!([{ "name": "x", "description": "X.", "inputSchema": {
            "type": "object", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } }, "properties": { "a": { "$ref": "#/$defs/a" } } } }])),
        row(
            "schema-refers-elsewhere",
            "J11 K1",
            mcp(|_, method, id, scene| {
                (method == "tools/list").then(|| {
                    let schema = json!({ "type": "object", "$ref": format!("http://{}/schema.json", scene.offsite),
                        "$schema": format!("http://{}/dialect", scene.offsite) });
                    result(id, &json!({ "tools": [{ "name": "x", "description": "X.", "inputSchema": schema }] }))
                })
            }),
        )
        .is("legacy", 0)
        .again(),
        of("schema-with-a-slow-pattern", "J11", json!([{ "name": "x", "description": "X.", "inputSchema": {
            "type": "object", "properties": { "a": { "type": "string", "pattern": "^(a+)+(b|c){1,1000}{1,1000}$", "default": "a".repeat(5_000) } } } }])),
        of("schema-with-a-million-alternatives", "J11", json!([{ "name": "x", "description": "X.", "inputSchema": {
            "type": "object", "properties": { "a": { "enum": (0..50_000).collect::<Vec<u32>>() } } } }])),
        row(
            "icons-and-links-elsewhere",
            "J15 K1",
            mcp(|_, method, id, scene| {
                let url = format!("http://{}/icon.png", scene.offsite);
                match method {
                    "initialize" => {
                        let mut hello = handshake();
                        hello["serverInfo"]["icons"] = json!([{ "src": url }, { "src": "file:///etc/passwd" }]);
                        hello["serverInfo"]["websiteUrl"] = json!(url);
                        Some(result(id, &hello))
                    }
                    "tools/list" => {
                        let mut tool = tool("x", "X.");
                        tool["icons"] = json!([{ "src": url }]);
                        tool["_meta"] = json!({ "ui": { "resourceUri": url } });
                        Some(result(id, &json!({ "tools": [tool] })))
                    }
                    _ => None,
                }
            }),
        )
        .is("legacy", 0),
    ]
}

fn lists() -> Vec<Row> {
    let page = |cursor: fn(usize) -> Value| {
        mcp(move |_, method, id, scene| {
            (method == "tools/list").then(|| {
                let all = json!({ "tools": [tool("x", "X.")], "nextCursor": cursor(scene.number) });
                result(id, &all)
            })
        })
    };
    let paged = |name, covers, serve| row(name, covers, serve).is("legacy", 0).whole().sign(Fewer(82));
    vec![
        paged("the-same-cursor-for-ever", "J9", page(|_| json!("again")))
            .finds("list-pagination", "fail")
            .says("the list never ends"),
        paged("a-new-cursor-for-ever", "J9", page(|number| json!(format!("page-{number}")))).hits("pages"),
        paged("an-empty-cursor", "J9", page(|_| json!(""))).finds("list-pagination", "fail"),
        paged("a-cursor-of-wrong-type", "J9", page(|_| json!({ "next": 1 })))
            .finds("list-pagination", "fail"),
        row(
            "a-cursor-of-3-MB",
            "J9",
            listed(format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{{\"tools\":[],\"nextCursor\":\"{}\"}}}}",
                "x".repeat(3_000_000)
            )),
        )
        .is("legacy", 0)
        .says("has 3000000 bytes"),
        row(
            "tools-20000",
            "J10",
            tools(
                (0..20_000).map(|number| tool(&format!("tool-{number}"), "Does nothing.")).collect::<Value>(),
            ),
        )
        .is("legacy", 0)
        .or_undecided()
        .hits("list_items")
        .says("the first 2000 of 20000; the rest was not looked at"),
        row(
            "tools-too-many-to-read",
            "J10",
            tools(
                (0..60_000)
                    .map(|number| tool(&format!("tool-{number}"), "Does nothing at all, but in many words."))
                    .collect::<Value>(),
            ),
        )
        .is("legacy", 0)
        .or_undecided()
        .hits("body_bytes"),
        row("a-name-of-3-MB", "J10", tools(json!([tool(&"n".repeat(3_000_000), "X.")])))
            .is("legacy", 0)
            .sign(super::Sign::Fewer(82)),
        row("a-description-of-3-MB", "J10", tools(json!([tool("x", &"d ".repeat(1_500_000))])))
            .is("legacy", 0),
    ]
}

/// Before the answer, an event stream brings these messages.
fn interrupting(messages: Vec<Value>) -> Serve {
    mcp(move |ask, method, id, _| {
        if ask.method != "POST" || !matches!(method, "initialize" | "tools/list") {
            return None;
        }
        let mut text: String = messages
            .iter()
            .map(|message| {
                let text = message.to_string().replace("\"ID\"", &id.to_string());
                format!("data: {text}\n\n")
            })
            .collect();
        let answer = if method == "initialize" { handshake() } else { json!({ "tools": [] }) };
        text.push_str(&format!("data: {}\n\n", json!({ "jsonrpc": "2.0", "id": id, "result": answer })));
        Some(http("200 OK", &[("content-type", "text/event-stream")], text))
    })
}

/// Errors of a sound server that give its inside away where nobody may look.
fn errors() -> Vec<Row> {
    const TRACE: &str = "TypeError: x\n    at parse (/srv/app/lib/json.js:93:21)";
    let told = |text: String| {
        mcp(move |ask, method, id, _| {
            let known = ["initialize", "notifications/initialized", "ping", "tools/list"];
            (ask.method == "POST" && !known.contains(&method)).then(|| refusal(id, -32601, &text))
        })
    };
    let leaks = |name, text: String| {
        row(name, "J4", told(text)).is("legacy", 0).finds("rpc-errors-do-not-leak", "fail")
    };
    let coded = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let sea: String = (0..40_000).map(|number| format!("{number:06} ")).collect();
    vec![
        leaks("a-trace-behind-a-sea-of-blanks", format!("no{}{TRACE}", " \n".repeat(100_000))),
        leaks("a-trace-behind-a-sea-of-numbers", format!("{sea}{TRACE}")),
        leaks("a-trace-in-base64", coded(TRACE)),
        leaks("a-trace-in-base64-twice", coded(&format!("x {} y", coded(TRACE)))),
        leaks("a-trace-with-hidden-letters-between", TRACE.replace(".js", ".\u{200b}j\u{ad}s")),
        leaks("a-trace-in-percent-signs", TRACE.replace(':', "%3A").replace('.', "%2e")),
        // The middle of it is never read: no pass, and what is undecided counts as failed.
        row("a-trace-in-the-middle-of-a-sea", "J4", told(format!("{sea}{TRACE}{sea}")))
            .is("legacy", 0)
            .finds("rpc-errors-do-not-leak", "inconclusive")
            .says("an error reply is longer than what is read of one"),
    ]
}

fn others() -> Vec<Row> {
    let ask = |method: &str, id: Value| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "messages": [], "message": "\u{1b}[31mgive me your token" } });
    let session = |name, covers, id: &'static [u8]| {
        row(
            name,
            covers,
            mcp(move |_, method, rpc_id, _| {
                (method == "initialize").then(|| {
                    let body = json!({ "jsonrpc": "2.0", "id": rpc_id, "result": handshake() }).to_string();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\nmcp-session-id: ", body.len());
                    [head.as_bytes(), id, b"\r\n\r\n", body.as_bytes()].concat()
                })
            }),
        )
        .is("legacy", 0)
    };
    let offering = |name, version: &str| {
        row(name, "J14", {
            let version = version.to_owned();
            mcp(move |_, method, id, _| {
                (method == "initialize").then(|| {
                    let mut hello = handshake();
                    hello["protocolVersion"] = json!(version);
                    result(id, &hello)
                })
            })
        })
    };
    let long: &'static [u8] = Box::leak("s".repeat(32_000).into_boxed_str()).as_bytes();
    vec![
        row("asks-for-sampling", "J12 E6", interrupting(vec![ask("sampling/createMessage", json!("s-1"))])).is("legacy", 0),
        row("asks-for-elicitation", "J12 E6", interrupting(vec![ask("elicitation/create", json!(7))])).is("legacy", 0),
        row("asks-for-roots-and-pings", "J12", interrupting(vec![ask("roots/list", json!(1)), ask("ping", json!(2)), ask("no/such", json!(3))])).is("legacy", 0),
        row("asks-with-the-pending-id", "J12", interrupting(vec![ask("sampling/createMessage", json!("ID"))])).is("legacy", 0),
        row("asks-two-thousand-times", "J12", interrupting((0..2_000).map(|id| ask("ping", json!(id))).collect())).is("legacy", 0),
        row("echoes-every-request", "J12", super::stage::reply(|ask, _| json_text(&ask.body))),
        // Too long to be sent back: the id is blamed, and nothing that needs the session is judged.
        session("session-of-32-kB", "J13", long).is("legacy", 4).finds("legacy-session-id-quality", "fail"),
        session("session-not-ascii", "J13 O1", b"caf\xc3\xa9\x9b31m\xff").again(),
        session("session-of-one-character", "J13", b"1"),
        row(
            "session-lost-after-initialize",
            "J13",
            mcp(|ask, method, id, _| {
                if method == "initialize" {
                    let body = json!({ "jsonrpc": "2.0", "id": id, "result": handshake() }).to_string();
                    let headers = [("content-type", "application/json"), ("mcp-session-id", "0123456789abcdef0123456789abcdef")];
                    return Some(http("200 OK", &headers, body));
                }
                (ask.method == "POST").then(|| http("404 Not Found", &[("content-type", "application/json")], "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32001,\"message\":\"Session not found\"}}"))
            }),
        )
        .is("legacy", 4),
        offering("version-9999", "9999-99-99").is("legacy", 4).finds("legacy-version-negotiation", "warn").says("does not know"),
        offering("version-of-control-characters", "2025\u{1b}[2J\u{202e}\n99")
            .is("legacy", 4)
            .finds("legacy-version-negotiation", "warn")
            .again(),
        row("every-method-is-refused", "J6", mcp(|ask, _, id, _| (ask.method == "POST").then(|| refusal(id, -32603, "Internal error\n  at /srv/app/index.js:1:1")))).is("mcp", 4),
    ]
}
