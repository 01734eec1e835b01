//! What a request carries: one message that a probe means, or bytes of ours that are none.

use serde_json::Value;

use super::handles::Handle;
use crate::transcript::SentHandle;

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
    /// One message. Only the serialiser makes bytes of it.
    Message(Message),
    /// Bytes of this program that are no message: broken on purpose.
    Raw(&'static str),
}

/// One JSON text that we mean, with slots at which handles stand.
#[derive(Clone, Debug)]
pub struct Message {
    /// As it is recorded: what was recorded of each handle stands in its slot.
    value: Value,
    slots: Vec<(&'static str, Handle)>,
}

impl Message {
    /// A message of ours.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { value, slots: Vec::new() }
    }

    /// Puts a handle where `pointer` (RFC 6901) leads: there is a value of ours that it replaces.
    #[must_use]
    pub fn with(mut self, pointer: &'static str, handle: Handle) -> Self {
        if let Some(slot) = self.value.pointer_mut(pointer) {
            *slot = Value::from(handle.shown());
            self.slots.push((pointer, handle));
        }
        self
    }

    /// A member, as it is recorded.
    #[must_use]
    pub fn get(&self, member: &str) -> Option<&Value> {
        self.value.get(member)
    }

    /// The text as it is recorded.
    #[must_use]
    pub fn shown(&self) -> String {
        self.value.to_string()
    }

    /// Whether every handle can be sent.
    #[must_use]
    pub fn sendable(&self) -> bool {
        self.slots.iter().all(|(_, handle)| handle.sendable())
    }

    /// The text as it is sent; `None` where it cannot be.
    pub(super) fn text(&self) -> Option<String> {
        if self.slots.is_empty() {
            return Some(self.shown());
        }
        let mut value = self.value.clone();
        for (pointer, handle) in &self.slots {
            *value.pointer_mut(pointer)? = Value::from(handle.value()?);
        }
        Some(value.to_string())
    }

    /// What of it is recorded as sent back.
    pub(super) fn handles(&self) -> impl Iterator<Item = SentHandle> {
        self.slots.iter().map(|(pointer, handle)| SentHandle {
            place: format!("body {pointer}"),
            placeholder: handle.shown().to_owned(),
        })
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self::Message(Message::new(value))
    }
}

impl From<Message> for Body {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Raw(text)
    }
}

impl Body {
    /// The text as it is recorded.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Message(message) => message.shown(),
            Self::Raw(text) => (*text).to_owned(),
        }
    }

    /// A member of the message, as it is recorded.
    #[must_use]
    pub fn get(&self, member: &str) -> Option<&Value> {
        match self {
            Self::Message(message) => message.get(member),
            Self::Raw(_) => None,
        }
    }

    /// Whether it can be sent.
    #[must_use]
    pub fn sendable(&self) -> bool {
        match self {
            Self::Message(message) => message.sendable(),
            Self::Raw(_) => true,
        }
    }

    /// The text as it is sent; `None` where it cannot be.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Message(message) => message.text(),
            Self::Raw(text) => Some((*text).to_owned()),
        }
    }

    /// What of it is recorded as sent back.
    pub(super) fn handles(&self) -> Vec<SentHandle> {
        match self {
            Self::Message(message) => message.handles().collect(),
            Self::Raw(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::handles::HandleKind;
    use super::*;

    proptest! {
        /// Whatever a server gives, the message is ours, with one string in each slot.
        #[test]
        fn a_handle_fills_its_slot_and_nothing_else(
            value in prop_oneof![
                any::<String>(),
                "~(session|cookie|uri-token)-[0-9]~|\",\"method\":\"tools/call\",\"x\":\"|[\"\\\\\r\n{}~]{0,9}",
            ],
        ) {
            let message = Message::new(json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list",
                "params": { "cursor": null } }));
            let message = message.with("/params/cursor", Handle::new(HandleKind::Cursor, "~cursor~", &value));
            let sent: Value = serde_json::from_str(&message.text().unwrap()).unwrap();
            prop_assert_eq!(sent, json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list",
                "params": { "cursor": value } }));
            prop_assert!(message.shown().contains("~cursor~"));
        }
    }
}
