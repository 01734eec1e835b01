//! Protocols of agents that are not MCP, told by what a reply shows. They are named and not denied: what speaks
//! one of them is an endpoint, only not one that this program judges as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::barrier;
use crate::protocol::jsonrpc;
use crate::protocol::sse;
use crate::transcript::Exchange;

/// A protocol of agents beside MCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Agent2Agent: JSON-RPC, event streams, an agent card.
    A2a,
    /// Agent–User Interaction: a POST answered by typed events.
    AgUi,
    /// The streams of the Vercel AI SDK.
    AiSdk,
    /// Streams in the form of the OpenAI API.
    OpenaiStream,
    /// GraphQL over server-sent events.
    GraphqlSse,
}

impl Protocol {
    /// What it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::A2a => "an A2A agent (not MCP)",
            Self::AgUi => "an AG-UI agent (not MCP)",
            Self::AiSdk => "a stream of the AI SDK (not MCP)",
            Self::OpenaiStream => "an OpenAI-style stream (not MCP)",
            Self::GraphqlSse => "GraphQL over SSE (not MCP)",
        }
    }
}

/// A protocol, and what told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// The protocol.
    pub protocol: Protocol,
    /// What shows it, in words of ours.
    pub what: &'static str,
}

const fn sign(protocol: Protocol, what: &'static str) -> Option<Sign> {
    Some(Sign { protocol, what })
}

/// How many events are looked at.
const EVENTS: usize = 20;
/// Largest body that is looked at, bytes.
const BODY: usize = 64 * 1024;

/// Reads whether a reply shows one of the protocols.
#[must_use]
pub fn read(exchange: &Exchange) -> Option<Sign> {
    by_head(exchange).or_else(|| match exchange.lines() {
        Some(lines) => {
            let blocks = sse::blocks(lines);
            let dispatched = blocks.iter().filter(|block| block.dispatched()).take(EVENTS);
            dispatched.filter_map(|block| by_event(block.name(), block.data.as_deref()?)).next()
        }
        None => by_body(exchange),
    })
}

fn by_head(exchange: &Exchange) -> Option<Sign> {
    let has = |name: &str| exchange.header(name).is_some();
    if has("x-vercel-ai-ui-message-stream") || has("x-vercel-ai-data-stream") {
        return sign(Protocol::AiSdk, "a header of the AI SDK names the stream");
    }
    match barrier::essence(exchange).as_deref() {
        Some("application/a2a+json") => sign(Protocol::A2a, "the media type is that of A2A"),
        Some("application/vnd.ag-ui.event+proto") => sign(Protocol::AgUi, "the media type is that of AG-UI"),
        Some("application/graphql-response+json") => {
            sign(Protocol::GraphqlSse, "the media type is that of GraphQL over HTTP")
        }
        _ if has("a2a-version") => sign(Protocol::A2a, "a header names the version of A2A"),
        _ => None,
    }
}

fn by_event(name: &str, data: &str) -> Option<Sign> {
    let data = jsonrpc::parse(data).ok()?;
    let has = |member: &str| data.get(member).is_some();
    let text = |member: &str| data.get(member).and_then(Value::as_str).unwrap_or_default();
    if name == "next" {
        let payload = data.get("payload").unwrap_or(&data);
        if payload.get("data").is_some() || payload.get("errors").is_some() {
            return sign(Protocol::GraphqlSse, "an event `next` holds the result of a GraphQL operation");
        }
    }
    if ag_ui(text("type")) {
        return sign(Protocol::AgUi, "the events have types of AG-UI");
    }
    if ["chat.completion.chunk", "chat.completion", "text_completion"].contains(&text("object"))
        || (text("type").starts_with("response.") && (has("response") || has("sequence_number")))
    {
        return sign(Protocol::OpenaiStream, "the events are chunks of a completion");
    }
    if ai_sdk(&data, text("type")) {
        return sign(Protocol::AiSdk, "the events are parts of an AI SDK message");
    }
    let result = if has("jsonrpc") { data.get("result").unwrap_or(&Value::Null) } else { &data };
    if a2a_event(result) {
        return sign(Protocol::A2a, "the events tell of an A2A task");
    }
    None
}

/// The types of AG-UI events are words in capitals; these groups are its own.
fn ag_ui(of: &str) -> bool {
    let groups = [
        ("RUN_", &["STARTED", "FINISHED", "ERROR"][..]),
        ("TEXT_MESSAGE_", &["START", "CONTENT", "END", "CHUNK"]),
        ("TOOL_CALL_", &["START", "ARGS", "END", "RESULT", "CHUNK"]),
        ("STATE_", &["SNAPSHOT", "DELTA"]),
        ("MESSAGES_", &["SNAPSHOT"]),
        ("STEP_", &["STARTED", "FINISHED"]),
    ];
    groups.iter().any(|(group, kinds)| of.strip_prefix(group).is_some_and(|kind| kinds.contains(&kind)))
}

fn ai_sdk(data: &Value, of: &str) -> bool {
    let has = |member: &str| data.get(member).is_some();
    match of {
        "start" => has("messageId"),
        "text-start" | "text-end" | "reasoning-start" | "reasoning-end" => has("id"),
        "text-delta" | "reasoning-delta" => has("id") && has("delta"),
        "tool-input-start" | "tool-input-delta" | "tool-input-available" | "tool-output-available" => {
            has("toolCallId")
        }
        "start-step" | "finish-step" => true,
        _ => false,
    }
}

fn a2a_event(result: &Value) -> bool {
    let kinds = ["task", "status-update", "artifact-update"];
    let kind = result.get("kind").and_then(Value::as_str).unwrap_or_default();
    let update = |member: &str| result.get(member).is_some_and(|update| update.get("taskId").is_some());
    let task = result.get("task").is_some_and(|task| task.get("contextId").is_some());
    kinds.contains(&kind) || update("statusUpdate") || update("artifactUpdate") || task
}

fn by_body(exchange: &Exchange) -> Option<Sign> {
    let text = exchange.text().filter(|text| text.len() <= BODY)?;
    let value = jsonrpc::parse(text).ok()?;
    if agent_card(&value) {
        return sign(Protocol::A2a, "its agent card");
    }
    if let Some(error) = value.get("error") {
        // Its errors name their domain (A2A 1.0, section 9.5); the words alone would say too little.
        if error.get("data").is_some_and(|data| data.to_string().contains("a2a-protocol.org")) {
            return sign(Protocol::A2a, "an error of the domain a2a-protocol.org");
        }
        let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind.ends_with("_error") && error.get("param").is_some() && error.get("message").is_some() {
            return sign(Protocol::OpenaiStream, "an error in the form of the OpenAI API");
        }
    }
    // What a run needs is missing from our request, and the refusal lists it.
    if matches!(exchange.status(), Some(400 | 422)) {
        let names = |one: &str, other: &str| text.contains(one) || text.contains(other);
        if names("\"threadId\"", "thread_id") && names("\"runId\"", "run_id") {
            return sign(Protocol::AgUi, "the refusal asks for threadId and runId");
        }
    }
    graphql(&value).then_some(())?;
    sign(Protocol::GraphqlSse, "errors in the form of GraphQL")
}

/// `{"errors": [{"message": …}]}` that speaks of a query or says where in one.
fn graphql(value: &Value) -> bool {
    let Some(first) = value.get("errors").and_then(Value::as_array).and_then(|errors| errors.first()) else {
        return false;
    };
    let said = first.get("message").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let of_query = ["query", "graphql", "operation"].iter().any(|word| said.contains(word));
    value.get("jsonrpc").is_none() && !said.is_empty() && (of_query || first.get("locations").is_some())
}

/// Whether a document is an agent card of A2A: a name, skills, and where or in which version it is spoken.
#[must_use]
pub fn agent_card(card: &Value) -> bool {
    let has = |member: &str| card.get(member).is_some();
    card.get("name").is_some_and(Value::is_string)
        && card.get("skills").is_some_and(Value::is_array)
        && has("capabilities")
        && (has("protocolVersion") || has("supportedInterfaces") || has("url"))
}

/// The URLs at which an agent card says that its agent is spoken to.
#[must_use]
pub fn interfaces(card: &Value) -> Vec<&str> {
    let listed = ["supportedInterfaces", "additionalInterfaces"]
        .iter()
        .filter_map(|member| card.get(*member)?.as_array())
        .flatten()
        .take(EVENTS);
    let urls = std::iter::once(card).chain(listed).filter_map(|part| part.get("url")?.as_str());
    urls.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{discover, get};
    use crate::transcript::ProbeId;

    fn events(text: &str) -> Option<Protocol> {
        read(&get(ProbeId::Classify, "get").stream(text, 1_000).made).map(|sign| sign.protocol)
    }

    fn body(status: u16, value: Value) -> Option<Protocol> {
        read(&discover().json(value).status(status).made).map(|sign| sign.protocol)
    }

    #[test]
    fn streams_are_told_by_their_events() {
        let of = |value: Value| events(&format!("data: {value}\n\n"));
        assert_eq!(of(json!({"type": "RUN_STARTED", "threadId": "t", "runId": "r"})), Some(Protocol::AgUi));
        assert_eq!(of(json!({"type": "TEXT_MESSAGE_CHUNK", "delta": "x"})), Some(Protocol::AgUi));
        assert_eq!(of(json!({"type": "start", "messageId": "m"})), Some(Protocol::AiSdk));
        assert_eq!(of(json!({"type": "text-delta", "id": "1", "delta": "x"})), Some(Protocol::AiSdk));
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "choices": []});
        assert_eq!(of(chunk), Some(Protocol::OpenaiStream));
        let created = json!({"type": "response.created", "response": {}});
        assert_eq!(of(created), Some(Protocol::OpenaiStream));
        let task = json!({"jsonrpc": "2.0", "id": 1, "result": {"kind": "status-update", "taskId": "t"}});
        assert_eq!(of(task), Some(Protocol::A2a));
        assert_eq!(events("event: next\ndata: {\"data\":{\"n\":1}}\n\n"), Some(Protocol::GraphqlSse));
        for plain in [
            json!({"type": "start"}),
            json!({"type": "RUN_AWAY"}),
            json!({"kind": "message", "n": 1}),
            json!({"choices": [{"delta": {"content": "x"}}]}),
            json!({"jsonrpc": "2.0", "method": "notifications/message"}),
        ] {
            assert_eq!(of(plain.clone()), None, "{plain}");
        }
        assert_eq!(events("event: next\ndata: 1\n\n"), None);
    }

    #[test]
    fn refusals_and_documents_are_told_by_their_form() {
        let missing = json!({"detail": [{"loc": ["body", "threadId"]}, {"loc": ["body", "runId"]}]});
        assert_eq!(body(422, missing.clone()), Some(Protocol::AgUi));
        assert_eq!(body(200, missing), None);
        let openai = json!({"error": {"message": "no", "type": "invalid_request_error", "param": null}});
        assert_eq!(body(400, openai), Some(Protocol::OpenaiStream));
        assert_eq!(body(400, json!({"error": {"message": "no", "type": "x_error"}})), None);
        let graphql = json!({"errors": [{"message": "Must provide query string."}]});
        assert_eq!(body(400, graphql), Some(Protocol::GraphqlSse));
        assert_eq!(body(400, json!({"errors": [{"message": "name is required"}]})), None);
        let card = json!({"name": "a", "skills": [], "capabilities": {}, "url": "http://127.0.0.1/a2a"});
        assert_eq!(interfaces(&card), ["http://127.0.0.1/a2a"]);
        assert_eq!(body(200, card), Some(Protocol::A2a));
        assert_eq!(body(200, json!({"name": "a", "skills": []})), None);
        let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no",
            "data": [{"domain": "a2a-protocol.org"}]}});
        assert_eq!(body(200, error), Some(Protocol::A2a));
        let plain = json!({"jsonrpc": "2.0", "id": "d-1", "error": {"code": -32601, "message": "no"}});
        assert_eq!(body(200, plain), None);
    }

    #[test]
    fn heads_are_enough_where_they_name_the_protocol() {
        let of = |made: crate::checks::synthetic::Made| read(&made.made).map(|sign| sign.protocol);
        let ui = discover().header("x-vercel-ai-ui-message-stream", "v1");
        assert_eq!(of(ui), Some(Protocol::AiSdk));
        assert_eq!(
            of(discover().body("application/graphql-response+json", "{}")),
            Some(Protocol::GraphqlSse)
        );
        assert_eq!(of(discover().body("application/json", "{}")), None);
    }
}
