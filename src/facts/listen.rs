//! What the modern era lets a client subscribe to, and what comes first on such a stream.

use serde_json::{Map, Value};

use super::reply;
use crate::protocol::names;
use crate::protocol::sse::Line;
use crate::transcript::{Content, Exchange};

/// Whether a capability has a flag set.
fn flag(capabilities: &Map<String, Value>, capability: &str, flag: &str) -> bool {
    capabilities.get(capability).and_then(|one| one.get(flag)).is_some_and(|value| value == true)
}

/// Whether anything can be subscribed to: a list that changes, or resources.
#[must_use]
pub fn subscribes(capabilities: &Map<String, Value>) -> bool {
    capabilities.keys().any(|name| flag(capabilities, name, "listChanged")) || resources(capabilities)
}

/// Whether single resources can be subscribed to.
#[must_use]
pub fn resources(capabilities: &Map<String, Value>) -> bool {
    flag(capabilities, "resources", "subscribe")
}

/// The filter of P-LISTEN: every list that is advertised to change, and `uri` where resources can be
/// subscribed to (2026-07-28, subscriptions, "Opening a Stream"). Empty if nothing can be asked for.
#[must_use]
pub fn filter(capabilities: &Map<String, Value>, uri: Option<&str>) -> Map<String, Value> {
    let mut filter = Map::new();
    for (capability, member) in [
        ("tools", "toolsListChanged"),
        ("prompts", "promptsListChanged"),
        ("resources", "resourcesListChanged"),
    ] {
        if flag(capabilities, capability, "listChanged") {
            filter.insert(member.to_owned(), true.into());
        }
    }
    if let Some(uri) = uri.filter(|_| resources(capabilities)) {
        filter.insert("resourceSubscriptions".to_owned(), vec![uri].into());
    }
    filter
}

/// The first message on a listen stream: anything that is neither comment nor empty event.
#[derive(Clone, Debug, PartialEq)]
pub struct First {
    /// When it was complete, microseconds since the scan began.
    pub at_us: u64,
    /// Where it stands.
    pub pointer: String,
    /// What it is; `None` if it is no JSON.
    pub message: Option<Value>,
}

impl First {
    /// Whether it acknowledges the subscription.
    #[must_use]
    pub fn acknowledges(&self) -> bool {
        let method = self.message.as_ref().and_then(|message| message.get("method")).and_then(Value::as_str);
        method == Some(names::ACKNOWLEDGED)
    }

    /// The error code, if it is an error.
    #[must_use]
    pub fn error_code(&self) -> Option<i64> {
        self.message.as_ref()?.get("error")?.get("code")?.as_i64()
    }
}

/// Reads the first message of a reply.
#[must_use]
pub fn first(exchange: &Exchange) -> Option<First> {
    let read = reply::read(exchange);
    let message = read.messages.into_iter().next()?;
    Some(First { at_us: message.at_us, pointer: message.pointer, message: message.json.ok() })
}

/// Whether lines that are still coming hold a message.
#[must_use]
pub fn begun(lines: &[Line]) -> bool {
    crate::protocol::sse::blocks(lines)
        .iter()
        .any(|block| block.dispatched() && block.data.as_deref() != Some(""))
}

/// Whether the reply is an event stream, open or not.
#[must_use]
pub fn streams(exchange: &Exchange) -> bool {
    exchange.status() == Some(200)
        && (matches!(exchange.content, Content::Lines { .. }) || exchange.declares_event_stream())
}
