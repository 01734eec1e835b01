//! What a built-in server says of itself: name, instructions, capabilities.

use serde_json::{Value, json};

use super::Fault;
use super::server::Server;

/// The server's name and version.
pub(super) fn server_info(server: &Server) -> Value {
    let empty = server.behaviour.has(Fault::InitializeEmptyName);
    let template = server.behaviour.has(Fault::ServerNameTemplate);
    json!({
        "name": if empty { "" } else if template { "my-mcp-server" } else { "agentgauge-demo" },
        "title": "Demo notes",
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// What it is for, in a sentence for models.
pub(super) fn instructions(server: &Server) -> Value {
    if server.behaviour.has(Fault::InstructionsNull) {
        return Value::Null;
    }
    if server.behaviour.has(Fault::InstructionsOutdated) {
        return "A small collection of notes. Call `find_notes`, then `read_note`.".into();
    }
    "A small read-only collection of notes. Search first, then read a note by its id.".into()
}

/// What it says it can do. `streams`: whether a stream exists that could carry change notifications.
pub(super) fn capabilities(server: &Server, streams: bool) -> Value {
    let tools = if streams { json!({ "listChanged": true }) } else { json!({}) };
    let mut all = json!({ "tools": tools, "prompts": {}, "resources": {}, "completions": {} });
    if let Some(object) = all.as_object_mut()
        && server.behaviour.has(Fault::CapUnadvertised)
    {
        object.remove("resources");
    }
    if server.behaviour.has(Fault::NothingOffered) {
        all = json!({ "tools": {}, "prompts": {}, "resources": {} });
    }
    for (fault, name, value) in [
        (Fault::CapIsTrue, "prompts", json!(true)),
        (Fault::CapFlagText, "tools", json!({ "listChanged": "true" })),
        (Fault::CapOfClients, "sampling", json!({})),
    ] {
        if let Some(members) = all.as_object_mut().filter(|_| server.behaviour.has(fault)) {
            members.insert(name.to_owned(), value);
        }
    }
    all
}
