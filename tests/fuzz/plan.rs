//! The grammar of what may leave: the methods, paths and hosts of the plan (`scan --plan`), and nothing that an
//! endpoint wrote. The hostile endpoints, the fuzz target and the suite hold every request against it.

use serde_json::Value;

/// JSON-RPC methods that a scan sends.
const METHODS: [&str; 15] = [
    "",
    "server/discover",
    "initialize",
    "notifications/initialized",
    "ping",
    "tools/list",
    "tools/call",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "completion/complete",
    "subscriptions/listen",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
];
/// Bodies that are no message.
const BROKEN: [&str; 5] = ["", "null", "[]", r#"{"foo":1}"#, r#"{"jsonrpc":"2.0","id":1,"#];
/// Paths of ours on the origin that is scanned.
const PATHS: [&str; 14] = [
    "/",
    "/.well-known/agent-card.json",
    "/authorize",
    "/mcp",
    "/mcp/",
    "/api/mcp",
    "/v1/mcp",
    "/sse",
    "/mcp/sse",
    "/ws",
    "/mcp/ws",
    "/mcp/server-card",
    "/.well-known/mcp.json",
    "/.well-known/mcp-server-card",
];
/// Folders of well-known documents.
const WELL_KNOWN: [&str; 5] = [
    "/.well-known/ai-catalog.json",
    "/.well-known/mcp/",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];
/// Whether a name is one that a scan made up: twelve letters. No endpoint here has one like that.
fn invented(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// What is wrong with a request, whose head ends with an empty line. `here` is the endpoint's `host:port`,
/// `given` the beginning of a path that it announced itself.
pub(crate) fn violation(head: &str, body: &str, here: &str, given: Option<&str>) -> Option<String> {
    let mut lines = head.lines();
    let start = lines.next().unwrap_or_default();
    let mut words = start.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !["GET", "POST", "DELETE", "OPTIONS"].contains(&method) || words.next() != Some("HTTP/1.1") {
        return Some(format!("the request {start:?}"));
    }
    let path = target.split('?').next().unwrap_or_default();
    let ours = PATHS.contains(&path) || WELL_KNOWN.iter().any(|folder| path.starts_with(folder));
    if !ours && given.is_none_or(|given| !path.starts_with(given)) {
        return Some(format!("the path {target:?}"));
    }
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("host")
            && value != here
            && !value.strip_suffix(".invalid").is_some_and(invented)
        {
            return Some(format!("the host {value:?}"));
        }
    }
    if method != "POST" && !body.is_empty() { Some(format!("the body {body:?}")) } else { message(body) }
}

/// What is wrong with a body, or with a message on a socket.
pub(crate) fn message(body: &str) -> Option<String> {
    if BROKEN.contains(&body) || body.bytes().all(|byte| b"[]".contains(&byte)) {
        return None;
    }
    let Ok(Value::Object(message)) = serde_json::from_str(body) else {
        return Some(format!("the body {body:?}"));
    };
    let known = ["jsonrpc", "id", "method", "params", "result", "error"];
    if let Some(other) = message.keys().find(|key| !known.contains(&key.as_str())) {
        return Some(format!("the member {other:?}"));
    }
    match message.get("method").map(|method| method.as_str().unwrap_or("no string")) {
        None if message.contains_key("result") || message.contains_key("error") => None,
        None => Some(format!("no message: {body:?}")),
        Some("tools/call") => {
            let name = message.get("params").and_then(|params| params.get("name")).and_then(Value::as_str);
            (!name.is_some_and(invented)).then(|| format!("a call of {name:?}"))
        }
        Some(method) if method.strip_suffix("/unknown").is_some_and(invented) => None,
        Some(method) => (!METHODS.contains(&method)).then(|| format!("the method {method:?}")),
    }
}
