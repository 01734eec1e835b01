//! Input that is no sound request, and the faults that meet it before it is read.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::Fault;
use super::http::{Outcome, Reply, empty, json, text};
use super::rpc::{self, RpcError};
use super::server::Server;
use crate::protocol::names;

/// What is odd about a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// No JSON.
    Broken,
    /// An object without `method`, `result` and `error`.
    NoRequest,
    /// `null`.
    Null,
    /// An array with nothing in it.
    EmptyArray,
    /// Any other array, however deep.
    Array,
    /// `params` is a string or the like.
    OddParams,
    /// `method` is empty.
    EmptyMethod,
}

/// Reads what is odd about a body, if anything is.
pub(super) fn of(body: &[u8]) -> Option<Oddity> {
    // Nesting beyond the parser's limit is an array all the same.
    let deep = body.trim_ascii_start().starts_with(b"[");
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Some(if deep { Oddity::Array } else { Oddity::Broken });
    };
    match &value {
        Value::Null => Some(Oddity::Null),
        Value::Array(items) if items.is_empty() => Some(Oddity::EmptyArray),
        Value::Array(_) => Some(Oddity::Array),
        Value::Object(object) => {
            if object.get("params").is_some_and(|params| !params.is_object()) {
                return Some(Oddity::OddParams);
            }
            match object.get("method") {
                Some(method) => (method.as_str() == Some("")).then_some(Oddity::EmptyMethod),
                None => (!object.contains_key("result") && !object.contains_key("error"))
                    .then_some(Oddity::NoRequest),
            }
        }
        _ => Some(Oddity::NoRequest),
    }
}

/// 500 as a framework gives it.
pub(super) fn server_error() -> Reply {
    text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// 200 with an error that is no JSON-RPC error: it has no code.
pub(super) fn no_code(id: Option<&Value>) -> Reply {
    json(StatusCode::OK, &serde_json::json!({ "jsonrpc": "2.0", "id": id, "error": "Session not found" }))
}

/// What a fault does to odd input; `None` if it is answered as it should be.
pub(super) async fn disturb(server: &Server, odd: Option<Oddity>) -> Option<Outcome> {
    let has = |fault| server.behaviour.has(fault);
    let odd = odd?;
    let arrays = matches!(odd, Oddity::Null | Oddity::EmptyArray | Oddity::Array);
    if has(Fault::BadInputServerErrors) && (arrays || odd == Oddity::OddParams) {
        return Some(server_error().into());
    }
    if has(Fault::BadInputHang) && arrays {
        return Some(Outcome::Hang);
    }
    match odd {
        Oddity::Broken => malformed(server),
        Oddity::NoRequest if has(Fault::MalformedAccepted) => Some(empty(StatusCode::ACCEPTED).into()),
        Oddity::OddParams if has(Fault::BadInputReset) => Some(Outcome::Drop),
        Oddity::EmptyMethod if has(Fault::BadInputOneServerError) => Some(server_error().into()),
        Oddity::Null if has(Fault::BadInputPoison) => {
            server.poisoned.store(true, Ordering::SeqCst);
            Some(server_error().into())
        }
        Oddity::EmptyArray if has(Fault::BadInputSlow) => {
            tokio::time::sleep(Duration::from_secs(7)).await;
            None
        }
        _ => None,
    }
}

fn malformed(server: &Server) -> Option<Outcome> {
    let has = |fault| server.behaviour.has(fault);
    let error = |status, code| {
        let error = RpcError::new(code, "Parse error");
        Some(rpc::refuse(server, status, None, &error).into())
    };
    if has(Fault::MalformedServerError) {
        Some(server_error().into())
    } else if has(Fault::MalformedHang) {
        Some(Outcome::Hang)
    } else if has(Fault::MalformedPlainText) {
        Some(text(StatusCode::BAD_REQUEST, "Bad Request").into())
    } else if has(Fault::MalformedUnsupported) {
        error(StatusCode::UNSUPPORTED_MEDIA_TYPE, names::PARSE_ERROR)
    } else if has(Fault::MalformedOk) {
        error(StatusCode::OK, names::PARSE_ERROR)
    } else if has(Fault::MalformedOtherCode) {
        error(StatusCode::BAD_REQUEST, names::INVALID_REQUEST)
    } else {
        None
    }
}
