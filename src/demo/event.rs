//! One event of a stream.

/// One event to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    /// Its name; `None` is the default type.
    pub(super) name: Option<&'static str>,
    pub(super) id: Option<String>,
    /// Milliseconds.
    pub(super) retry: Option<u64>,
    pub(super) data: String,
}

impl Event {
    /// A JSON-RPC message as an event.
    pub(super) fn message(data: String) -> Self {
        Self { name: Some("message"), data, ..Self::default() }
    }
}
