//! What every MCP endpoint here offers: three read-only tools, a prompt, two resources, completions.

use serde_json::{Map, Value, json};

use super::rpc::RpcError;
use super::server::Server;
use super::{Fault, catalogue_schemas, catalogue_texts};
use crate::protocol::names;
use crate::protocol::revision::Era;

/// Answers a method that both eras have. `connection` is its number, for the fault that depends on it.
pub(super) fn call(
    server: &Server,
    era: Era,
    connection: u64,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Value, RpcError> {
    let has = |fault| server.behaviour.has(fault);
    let endless = method == "tools/list" && has(Fault::CursorRepeats);
    if method.ends_with("/list") && params.contains_key("cursor") && !endless {
        return Err(RpcError::invalid_params("unknown cursor: every list here is one page"));
    }
    match method {
        "tools/list" => {
            let mut tools = tools(server);
            if has(Fault::ListByConnection) && server.order(connection) % 2 == 1 {
                tools.pop();
            }
            if has(Fault::NothingOffered) {
                tools.clear();
            }
            let cursor = [
                (Fault::CursorRepeats, json!("again")),
                (Fault::CursorRefused, json!("next")),
                (Fault::CursorNumber, json!(2)),
                (Fault::CursorNull, Value::Null),
                (Fault::CursorNullModern, Value::Null),
            ];
            Ok(if let Some((_, cursor)) = cursor.into_iter().find(|(fault, _)| has(*fault)) {
                json!({ "tools": tools, "nextCursor": cursor })
            } else if has(Fault::ToolsAsMap) {
                let named = |tool: Value| Some((tool.get("name")?.as_str()?.to_owned(), tool));
                json!({ "tools": tools.into_iter().filter_map(named).collect::<Map<_, _>>() })
            } else {
                json!({ "tools": tools })
            })
        }
        "tools/call" => call_tool(params),
        "prompts/list" if !has(Fault::CapUnanswered) && !has(Fault::NothingOffered) => {
            let described = if has(Fault::PromptUndescribed) {
                ""
            } else {
                "Asks for a summary of one note in a few sentences."
            };
            let prompt = json!({
                "name": "summarise_note",
                "title": "Summarise a note",
                "description": described,
                "arguments": [{ "name": "id", "description": "Id of the note, such as n-1.", "required": true }],
            });
            Ok(json!({ "prompts": vec![prompt; if has(Fault::PromptTwice) { 2 } else { 1 }] }))
        }
        "prompts/get" => get_prompt(params),
        "prompts/list" if has(Fault::NothingOffered) => Ok(json!({ "prompts": [] })),
        "resources/list" if has(Fault::NothingOffered) => Ok(json!({ "resources": [] })),
        "resources/templates/list" if has(Fault::NothingOffered) => Ok(json!({ "resourceTemplates": [] })),
        "resources/list" if has(Fault::CapListError) => {
            Err(RpcError::new(-32000, "the list of resources is not available"))
        }
        "resources/list" => {
            Ok(json!({ "resources": NOTES.map(|(id, title, _)| resource(server, id, title)) }))
        }
        "resources/templates/list" if !has(Fault::CapNoTemplates) => Ok(json!({ "resourceTemplates": [{
            "uriTemplate": match (has(Fault::TemplateBroken), has(Fault::TemplateFixed)) {
                (true, _) => "notes:///{id",
                (_, true) => "notes:///all",
                _ => "notes:///{id}",
            },
            "name": "note",
            "title": "A note by id",
            "description": "The text of the note with this id.",
            "mimeType": "text/plain",
        }] })),
        "resources/read" => read_resource(era, params),
        "completion/complete" if !has(Fault::CapCompletionUnanswered) => {
            let code = |code| match () {
                () if has(Fault::ErrorReservedCode) => -32050,
                () if has(Fault::ErrorOldCode) => -32000,
                () => code,
            };
            complete(params).map_err(|error| RpcError {
                bare: has(Fault::ErrorAsText),
                code: code(error.code),
                ..error
            })
        }
        _ => Err(RpcError::unknown_method(method)),
    }
}

/// Whether 2026-07-28 wants cache hints on the result (Caching page).
pub(super) fn cacheable(method: &str) -> bool {
    method == names::DISCOVER || method == "resources/read" || method.ends_with("/list")
}

/// One transparent pixel.
const ICON: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

const NOTES: [(&str, &str, &str); 2] = [
    ("n-1", "Tides", "High water comes about fifty minutes later each day."),
    ("n-2", "Bread", "Let the dough rest for eight hours in a cool place."),
];

fn tools(server: &Server) -> Vec<Value> {
    let mut tools = vec![
        json!({
            "name": "search_notes",
            "title": "Search notes",
            "description": "Finds notes whose title or text contains the given words, best match first.",
            "inputSchema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {
                    "query": { "type": "string", "minLength": 1, "description": "Words to look for." },
                    "limit": {
                        "type": "integer", "minimum": 1, "maximum": 50, "default": 10,
                        "description": "The most notes to return.",
                    },
                    "order": {
                        "type": "string", "enum": ["relevance", "title"],
                        "description": "How to sort what was found.",
                    },
                },
                "required": ["query"],
                "additionalProperties": false,
            },
            "outputSchema": {
                "type": "object",
                "properties": { "ids": { "type": "array", "items": { "type": "string" } } },
                "required": ["ids"],
            },
            "annotations": { "readOnlyHint": true, "openWorldHint": false },
        }),
        json!({
            "name": "read_note",
            "title": "Read a note",
            "icons": [{ "src": ICON, "mimeType": "image/png" }],
            "description": "Returns the full text of one note by its id.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "id": { "type": "string", "description": "Id of the note, as search_notes returned it." },
                },
                "required": ["id"],
                "additionalProperties": false,
            },
            "annotations": { "readOnlyHint": true, "openWorldHint": false },
        }),
        json!({
            "name": "count_notes",
            "title": "Count notes",
            "description": "Returns how many notes there are.",
            "inputSchema": { "type": "object", "properties": {}, "additionalProperties": false },
            "annotations": { "readOnlyHint": true, "openWorldHint": false },
        }),
    ];
    let without = [
        (Fault::ToolsUndescribed, "description"),
        (Fault::ToolsUntitled, "title"),
        (Fault::ToolsNoHints, "annotations"),
    ];
    for (_, member) in without.into_iter().filter(|(fault, _)| server.behaviour.has(*fault)) {
        tools.iter_mut().filter_map(Value::as_object_mut).for_each(|tool| drop(tool.remove(member)));
    }
    if server.behaviour.has(Fault::ToolsAlike) {
        tools.iter_mut().for_each(|tool| tool["description"] = "Works on the collection of notes.".into());
    }
    if let Some(first) = tools.first_mut().and_then(Value::as_object_mut) {
        spoil(server, first);
    }
    tools
}

/// Faults of the first tool.
fn spoil(server: &Server, tool: &mut Map<String, Value>) {
    let has = |fault| server.behaviour.has(fault);
    let mut set = |key: &str, value: Value| drop(tool.insert(key.to_owned(), value));
    if has(Fault::SchemaNull) {
        set("inputSchema", Value::Null);
    }
    if has(Fault::SchemaNotObject) {
        set("inputSchema", json!({ "type": "string" }));
    }
    if has(Fault::SchemaBroken) {
        set("inputSchema", json!({ "type": "object", "properties": { "query": { "type": 42 } } }));
    }
    if has(Fault::SchemaDraft07) {
        let tuple = json!({ "type": "array", "items": [{ "type": "string" }, { "type": "integer" }],
            "description": "Words to look for, and how many notes to return." });
        set("inputSchema", json!({ "type": "object", "properties": { "query": tuple } }));
    }
    if has(Fault::OutputSchemaBroken) {
        set("outputSchema", json!({ "type": "object", "required": "ids" }));
    }
    if has(Fault::ToolNameTwice) {
        set("name", "read_note".into());
    }
    if has(Fault::ToolNameSlash) {
        set("name", "search/notes".into());
    }
    if has(Fault::MetaKeyUnderscore) {
        set("_meta", json!({ "_notes": true }));
    }
    if has(Fault::ToolNulls) {
        set("outputSchema", Value::Null);
        set("icons", Value::Null);
    }
    if has(Fault::ToolNeedsTask) {
        set("execution", json!({ "taskSupport": "required" }));
    }
    if has(Fault::ToolHintNull) {
        set("annotations", json!({ "readOnlyHint": true, "openWorldHint": null }));
    }
    if has(Fault::ToolTitleNumber) {
        set("title", 1.into());
    }
    if has(Fault::ToolHintText) {
        set("annotations", json!({ "readOnlyHint": "true" }));
    }
    if has(Fault::ToolDescriptionParts) {
        set("description", json!(["Finds notes whose title or text contains the given words."]));
    }
    if has(Fault::ToolDescribedByName) {
        set("description", "search_notes".into());
    }
    if has(Fault::SchemaMissing) {
        tool.remove("inputSchema");
    }
    if has(Fault::ToolNameless) {
        tool.remove("name");
    }
    if has(Fault::ToolUndescribed) {
        tool.remove("description");
    }
    catalogue_texts::spoil(&server.behaviour, tool);
    let schema = tool.get_mut("inputSchema").and_then(Value::as_object_mut);
    if let Some(schema) = schema {
        catalogue_schemas::spoil(&server.behaviour, schema);
        if has(Fault::SchemaUnknownDialect) {
            schema.insert("$schema".to_owned(), "https://schemas.example/our-own-dialect".into());
        }
        if has(Fault::ParametersUndescribed)
            && let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut)
        {
            for property in properties.values_mut().filter_map(Value::as_object_mut) {
                property.remove("description");
            }
        }
    }
}

fn text<'a>(params: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    params.get(name).and_then(Value::as_str)
}

fn call_tool(params: &Map<String, Value>) -> Result<Value, RpcError> {
    let name = text(params, "name").ok_or_else(|| RpcError::invalid_params("`name` is missing"))?;
    let none = Map::new();
    let arguments = params.get("arguments").and_then(Value::as_object).unwrap_or(&none);
    let said = |words: &str| json!({ "content": [{ "type": "text", "text": words }] });
    let failed = |words: &str| json!({ "content": [{ "type": "text", "text": words }], "isError": true });
    match name {
        "count_notes" => Ok(said(&NOTES.len().to_string())),
        "read_note" => Ok(match text(arguments, "id") {
            Some(id) => NOTES
                .iter()
                .find(|(known, _, _)| *known == id)
                .map_or_else(|| failed("there is no note with this id"), |(_, _, body)| said(body)),
            None => failed("`id` must be a string such as n-1"),
        }),
        "search_notes" => Ok(match text(arguments, "query") {
            Some(query) => {
                let query = query.to_lowercase();
                let ids: Vec<&str> = NOTES
                    .iter()
                    .filter(|(_, title, body)| format!("{title} {body}").to_lowercase().contains(&query))
                    .map(|(id, _, _)| *id)
                    .collect();
                let found = json!({ "ids": ids });
                json!({
                    "content": [{ "type": "text", "text": found.to_string() }],
                    "structuredContent": found,
                })
            }
            None => failed("`query` must be a string"),
        }),
        _ => Err(RpcError::invalid_params("unknown tool")),
    }
}

fn get_prompt(params: &Map<String, Value>) -> Result<Value, RpcError> {
    if text(params, "name") != Some("summarise_note") {
        return Err(RpcError::invalid_params("unknown prompt"));
    }
    let id = params.get("arguments").and_then(|arguments| arguments.get("id")).and_then(Value::as_str);
    let (_, title, body) = NOTES
        .iter()
        .find(|(known, _, _)| Some(*known) == id)
        .ok_or_else(|| RpcError::invalid_params("`id` must name a note"))?;
    let words = format!("Summarise the note \"{title}\" in a few sentences:\n\n{body}");
    let message = json!({ "role": "user", "content": { "type": "text", "text": words } });
    Ok(json!({ "description": "Asks for a summary of one note.", "messages": [message] }))
}

fn resource(server: &Server, id: &str, title: &str) -> Value {
    let has = |fault| server.behaviour.has(fault);
    let mut resource = json!({
        "uri": if has(Fault::ResourceRelative) { format!("/notes/{id}") } else { format!("notes:///{id}") },
        "name": id,
        "title": title,
        "description": format!("The note \"{title}\" as plain text."),
        "mimeType": if has(Fault::ResourceTypeUnknown) { "text" } else { "text/plain" },
    });
    if let Some(members) = resource.as_object_mut() {
        members.retain(|name, _| !(has(Fault::ResourceUnnamed) && name == "name"));
        if has(Fault::ResourceSizeText) {
            members.insert("size".to_owned(), "5 kB".into());
        }
    }
    resource
}

fn read_resource(era: Era, params: &Map<String, Value>) -> Result<Value, RpcError> {
    let uri = text(params, "uri").ok_or_else(|| RpcError::invalid_params("`uri` is missing"))?;
    let id = uri.strip_prefix("notes:///").unwrap_or_default();
    match NOTES.iter().find(|(known, _, _)| *known == id) {
        Some((_, _, body)) => {
            Ok(json!({ "contents": [{ "uri": uri, "mimeType": "text/plain", "text": body }] }))
        }
        // -32002 up to 2025-11-25, -32602 from 2026-07-28; each with the URI as data.
        None => {
            let code = if era == Era::Modern { names::INVALID_PARAMS } else { -32002 };
            Err(RpcError::new(code, "resource not found").with_data(json!({ "uri": uri })))
        }
    }
}

fn complete(params: &Map<String, Value>) -> Result<Value, RpcError> {
    let reference = params.get("ref");
    let member = |name: &str| reference.and_then(|found| found.get(name)).and_then(Value::as_str);
    let known = member("name") == Some("summarise_note") || member("uri") == Some("notes:///{id}");
    if !known {
        return Err(RpcError::invalid_params("`ref` names nothing that can be completed"));
    }
    let typed = params.get("argument").and_then(|argument| argument.get("value")).and_then(Value::as_str);
    let typed = typed.unwrap_or_default();
    let values: Vec<&str> = NOTES.iter().map(|(id, _, _)| *id).filter(|id| id.starts_with(typed)).collect();
    Ok(json!({ "completion": { "values": values, "total": values.len(), "hasMore": false } }))
}
