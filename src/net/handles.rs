//! What a server gave and we send again.
//!
//! A probe reads what was recorded, in which secrets and tokens are placeholders. The value itself stays here,
//! in a [`Handle`], which can stand at a few places of a request: a header, a slot of a message, a URL. Only
//! `net` reads it, when the request leaves, and encodes it for its place. Nothing is put into a text, and
//! no text is looked through for placeholders: the recorded form is the key to a whole value, or to none.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::protocol::jsonrpc;
use crate::transcript::tokens::holds_placeholder;

/// What a handle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HandleKind {
    /// `Mcp-Session-Id`.
    Session,
    /// `nextCursor` of a list.
    Cursor,
    /// The data of an `endpoint` event.
    Announced,
    /// The `Location` of a redirect.
    Location,
    /// The id of an event, for `Last-Event-ID`.
    EventId,
    /// The id of a request of the server's.
    RequestId,
    /// The URI of a resource.
    Resource,
    /// The URL of a document that a reply points to.
    Document,
    /// A WebSocket subprotocol that the server wants.
    Subprotocol,
}

impl HandleKind {
    /// Most bytes that are sent back. A header of 8 KiB is what servers take; cursors stand in bodies.
    const fn most(self) -> usize {
        if matches!(self, Self::Cursor) { 64 * 1024 } else { 8 * 1024 }
    }
}

/// A value that the server gave. Two are equal if they are the same value.
#[derive(Clone, PartialEq, Eq)]
pub struct Handle {
    kind: HandleKind,
    shown: Arc<str>,
    /// None where it is longer than we send, or was not kept.
    value: Option<Arc<str>>,
}

impl Handle {
    /// Of a value that is at hand.
    pub(super) fn new(kind: HandleKind, shown: &str, value: &str) -> Self {
        let value = (value.len() <= kind.most()).then(|| Arc::from(value));
        Self { kind, shown: Arc::from(shown), value }
    }

    /// What stands for it in the record.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// What it is.
    pub(super) const fn kind(&self) -> HandleKind {
        self.kind
    }

    /// Whether it can be sent.
    #[must_use]
    pub fn sendable(&self) -> bool {
        self.value.is_some()
    }

    /// The value, as the server gave it.
    pub(super) fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:?}, {:?})", self.kind, self.shown())
    }
}

/// Most bytes of values that are kept.
const MOST_KEPT: usize = 1024 * 1024;
/// Messages of a batch that are looked at.
const MOST_MESSAGES: usize = 100;

/// The values whose record differs from them.
#[derive(Default)]
pub(super) struct Given(Mutex<Values>);

#[derive(Default)]
struct Values {
    by_shown: BTreeMap<(HandleKind, String), Arc<str>>,
    bytes: usize,
}

impl Given {
    /// Keeps the value of what was recorded as `shown`.
    pub(super) fn keep(&self, kind: HandleKind, shown: &str, value: &str) {
        if shown == value || value.len() > kind.most() {
            return;
        }
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = values.bytes.saturating_add(shown.len()).saturating_add(value.len());
        if bytes <= MOST_KEPT {
            values.bytes = bytes;
            values.by_shown.insert((kind, shown.to_owned()), Arc::from(value));
        }
    }

    /// Keeps what may be sent again of a message, whose record differs from it.
    pub(super) fn keep_message(&self, raw: &str, shown: &str) {
        if !raw.contains("\"nextCursor\"") && !raw.contains("\"uri\"") {
            return;
        }
        let (Ok(raw), Ok(shown)) = (jsonrpc::parse(raw), jsonrpc::parse(shown)) else { return };
        let one = |raw: &Value, shown: &Value| {
            for (kind, pointer) in
                [(HandleKind::Cursor, "/result/nextCursor"), (HandleKind::Resource, FIRST_RESOURCE)]
            {
                let text = |message: &Value| message.pointer(pointer)?.as_str().map(str::to_owned);
                if let (Some(raw), Some(shown)) = (text(raw), text(shown)) {
                    self.keep(kind, &shown, &raw);
                }
            }
        };
        match (&raw, &shown) {
            (Value::Array(raw), Value::Array(shown)) => {
                raw.iter().zip(shown).take(MOST_MESSAGES).for_each(|(raw, shown)| one(raw, shown));
            }
            _ => one(&raw, &shown),
        }
    }

    /// The handle of what was recorded as `shown`. A record without a placeholder is the value itself.
    pub(super) fn handle(&self, kind: HandleKind, shown: &str) -> Handle {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = values.by_shown.get(&(kind, shown.to_owned())).cloned();
        let value = match kept {
            Some(value) => Some(value),
            None if holds_placeholder(shown) => None,
            None => Some(Arc::from(shown)),
        };
        Handle { kind, shown: Arc::from(shown), value: value.filter(|value| value.len() <= kind.most()) }
    }
}

/// Where the first resource of a list is named: one is subscribed to.
const FIRST_RESOURCE: &str = "/result/resources/0/uri";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_the_key_to_a_whole_value_or_to_none() {
        let given = Given::default();
        given.keep(HandleKind::Session, "~session-1~", "secret");
        let value = |kind, shown: &str| given.handle(kind, shown).value().map(str::to_owned);
        assert_eq!(value(HandleKind::Session, "~session-1~").as_deref(), Some("secret"));
        assert_eq!(value(HandleKind::Cursor, "~session-1~"), None, "of another kind");
        assert_eq!(value(HandleKind::Session, "x~session-1~"), None, "a part");
        assert_eq!(value(HandleKind::Cursor, "page-2").as_deref(), Some("page-2"));
        assert_eq!(
            format!("{:?}", given.handle(HandleKind::Session, "~session-1~")),
            "Handle(Session, \"~session-1~\")"
        );
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        let given = Given::default();
        for (kind, most) in [(HandleKind::EventId, 8 * 1024), (HandleKind::Cursor, 64 * 1024)] {
            assert!(given.handle(kind, &"x".repeat(most)).sendable());
            assert!(!given.handle(kind, &"x".repeat(most + 1)).sendable());
            assert!(!Handle::new(kind, "~x~", &"x".repeat(most + 1)).sendable());
        }
        for number in 0..1_000 {
            given.keep(HandleKind::EventId, &format!("~session-1~{number}"), &"x".repeat(8 * 1024));
        }
        assert!(given.0.lock().unwrap().bytes <= MOST_KEPT);
        assert!(!given.handle(HandleKind::EventId, "~session-1~999").sendable());
    }

    #[test]
    fn cursors_are_found_in_messages_and_batches() {
        let given = Given::default();
        let page = |cursor: &str| format!(r#"{{"id":1,"result":{{"nextCursor":"{cursor}"}}}}"#);
        given.keep_message(&page("raw"), &page("~session-1~"));
        given.keep_message(&format!("[{}]", page("~cookie-1~")), &format!("[{}]", page("~!cookie-1~")));
        assert_eq!(given.handle(HandleKind::Cursor, "~session-1~").value(), Some("raw"));
        assert_eq!(given.handle(HandleKind::Cursor, "~!cookie-1~").value(), Some("~cookie-1~"));
    }
}
