//! Reading and writing JSON-RPC.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Fault;
use super::http::{Reply, json as json_reply};
use super::server::Server;
use crate::protocol::names;

/// An error to be answered.
#[derive(Clone, Debug)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<Value>,
    /// Whether it is sent as its message alone, which is no error object.
    pub(super) bare: bool,
}

impl RpcError {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None, bare: false }
    }

    pub(super) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    pub(super) fn invalid_request(message: &str) -> Self {
        Self::new(names::INVALID_REQUEST, message)
    }

    pub(super) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(names::INVALID_PARAMS, message)
    }

    pub(super) fn unknown_method(method: &str) -> Self {
        Self::new(names::METHOD_NOT_FOUND, format!("Method not found: {}", crate::verdict::cut(method)))
    }
}

/// One message from a client.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Request {
        id: Value,
        method: String,
        params: Map<String, Value>,
    },
    Notification {
        params: Map<String, Value>,
    },
    /// A reply to a request of ours. We send none.
    Response,
}

/// Why a message is none, with its id if that could be read.
pub(super) type Unreadable = Box<(Option<Value>, RpcError)>;

/// Parses one JSON text. `serde_json` bounds its depth.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, RpcError> {
    serde_json::from_slice(bytes).map_err(|_| RpcError::new(names::PARSE_ERROR, "Parse error"))
}

impl Message {
    /// Reads a message. An error comes with the id, if that could be read.
    pub(super) fn read(server: &Server, value: &Value) -> Result<Self, Unreadable> {
        let refuse =
            |id: Option<&Value>, words: &str| Err(Box::new((id.cloned(), RpcError::invalid_request(words))));
        let Some(object) = value.as_object() else {
            return refuse(None, "a message is one JSON object");
        };
        let id = object.get("id").filter(|id| id.is_string() || id.is_i64() || id.is_u64());
        let version = object.get("jsonrpc").and_then(Value::as_str);
        let old = version == Some("1.0") && server.behaviour.has(Fault::OldJsonrpcServed);
        if version != Some("2.0") && !old {
            return refuse(id, "`jsonrpc` must be \"2.0\"");
        }
        let Some(method) = object.get("method") else {
            let reply = object.contains_key("result") || object.contains_key("error");
            return if reply && id.is_some() {
                Ok(Self::Response)
            } else {
                refuse(id, "`method` is missing")
            };
        };
        let Some(method) = method.as_str().filter(|method| !method.is_empty()) else {
            return refuse(id, "`method` must be a name");
        };
        let params = match object.get("params") {
            None => Map::new(),
            Some(Value::Object(params)) => params.clone(),
            Some(_) => return refuse(id, "`params` must be an object"),
        };
        let method = method.to_owned();
        match (id, object.contains_key("id")) {
            (Some(id), _) => Ok(Self::Request { id: id.clone(), method, params }),
            (None, true) => refuse(None, "`id` must be a string or an integer"),
            (None, false) => Ok(Self::Notification { params }),
        }
    }

    pub(super) fn params(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Request { params, .. } | Self::Notification { params } => Some(params),
            Self::Response => None,
        }
    }
}

/// The reply that carries a result.
pub(super) fn result(server: &Server, id: &Value, method: &str, result: &Value) -> Value {
    let other = method == "tools/list" && server.behaviour.has(Fault::ListOtherId);
    let id = if other { json!(4_711) } else { echo(server, id) };
    if method != "tools/list" {
        return json!({ "jsonrpc": "2.0", "id": id, "result": result });
    }
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::JsonrpcMissing) {
        json!({ "id": id, "result": result })
    } else if has(Fault::JsonrpcOld) {
        json!({ "jsonrpc": "1.0", "id": id, "result": result })
    } else if has(Fault::ResultAndError) {
        let error = json!({ "code": 0, "message": "no error" });
        json!({ "jsonrpc": "2.0", "id": id, "result": result, "error": error })
    } else if has(Fault::NoResultNoError) {
        json!({ "jsonrpc": "2.0", "id": id, "tools": result.get("tools") })
    } else if has(Fault::ResultNotObject) {
        json!({ "jsonrpc": "2.0", "id": id, "result": result.get("tools") })
    } else {
        json!({ "jsonrpc": "2.0", "id": id, "result": result })
    }
}

/// The reply that carries an error; without a readable id it is `null` (JSON-RPC 2.0, section 5).
pub(super) fn error(server: &Server, id: Option<&Value>, error: &RpcError) -> Value {
    let mut body = json!({ "code": error.code, "message": error.message });
    if let (Some(object), Some(data)) = (body.as_object_mut(), &error.data) {
        object.insert("data".to_owned(), data.clone());
    }
    leak(server, &mut body);
    if error.bare {
        body = error.message.as_str().into();
    }
    json!({ "jsonrpc": "2.0", "id": id.map_or(Value::Null, |id| echo(server, id)), "error": body })
}

/// An error as the whole of an HTTP reply.
pub(super) fn refuse(server: &Server, status: StatusCode, id: Option<&Value>, refused: &RpcError) -> Reply {
    json_reply(status, &error(server, id, refused))
}

fn leak(server: &Server, body: &mut Value) {
    let Some(object) = body.as_object_mut() else { return };
    let message = object.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    if server.behaviour.has(Fault::ErrorStackTrace) {
        let stack = format!(
            "Error: {message}\n    at Router.dispatch (/srv/notes/src/server/router.js:118:19)\n    \
             at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"
        );
        object.insert("data".to_owned(), json!({ "stack": stack }));
    }
    if server.behaviour.has(Fault::ErrorTraceData) {
        let frame = json!({
            "className": "org.example.notes.Router",
            "methodName": "dispatch",
            "fileName": "Router.java",
            "lineNumber": 118,
        });
        object.insert("data".to_owned(), json!({ "exception": { "stackTrace": [frame] } }));
    }
    if server.behaviour.has(Fault::ErrorSecret) {
        let words = format!("{message} (while using postgres://notes:hunter2-7Qm4@10.20.30.40:5432/notes)");
        object.insert("message".to_owned(), words.into());
    }
    if server.behaviour.has(Fault::ErrorPath) {
        let words = format!("{message} (see /srv/notes/config/routes.yaml)");
        object.insert("message".to_owned(), words.into());
    }
}

fn echo(server: &Server, id: &Value) -> Value {
    let has = |fault| server.behaviour.has(fault);
    match id {
        Value::String(text) if has(Fault::IdNumericString) => {
            text.parse::<u64>().map_or_else(|_| id.clone(), Value::from)
        }
        Value::String(text) if has(Fault::IdNotUnicode) => {
            text.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect::<String>().into()
        }
        Value::Number(number) if has(Fault::IdIntegerAsString) => number.to_string().into(),
        _ => id.clone(),
    }
}
