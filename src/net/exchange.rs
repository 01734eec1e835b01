//! What a probe asks the wire to send.

use super::handles::Handle;
use super::message::Body;
use super::place::Place;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::{Expectation, ProbeId, SentHandle};

/// When reading stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// At the end of the reply; of an event stream, once the answer to our id came (or, without an
    /// id, the first event).
    Reply,
    /// After the head: the body is not wanted.
    Head,
    /// Held open until told otherwise, or this many milliseconds. No header limit of its own.
    Watch(u64),
}

/// Which connection carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// A pooled one over TLS or to other machines; a fresh one to this machine, where it costs nothing
    /// and a kept one costs 40 ms with some servers (lab README, "Speed").
    Auto,
    /// A fresh one with nothing sent before.
    Fresh,
    /// A fresh one that is kept afterwards.
    FreshKept,
    /// The connection with this number, if it is still there; otherwise a fresh one.
    Kept(u32),
}

/// What a POST accepts: both types, as MCP has it.
pub const ACCEPT: &str = "application/json, text/event-stream";

/// The value of a header.
#[derive(Clone, Debug)]
pub enum HeaderText {
    /// Ours.
    Ours(String),
    /// One that the server gave.
    Given(Handle),
}

impl From<&'static str> for HeaderText {
    fn from(text: &'static str) -> Self {
        Self::Ours(text.to_owned())
    }
}

impl HeaderText {
    /// What is recorded of it.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self {
            Self::Ours(text) => text,
            Self::Given(handle) => handle.shown(),
        }
    }

    /// What is sent; `None` where it cannot be.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Ours(text) => Some(text),
            Self::Given(handle) => handle.value(),
        }
    }
}

/// One request, made of parts that are ours and handles of what the server gave.
#[derive(Clone, Debug)]
pub struct Call {
    /// The conversation.
    pub probe: ProbeId,
    /// Its part in it.
    pub step: String,
    /// Plain, negative or teardown.
    pub expectation: Expectation,
    /// For a negative: the exchange of which it changes one thing.
    pub twin: Option<u32>,
    /// Era of the request.
    pub era: Option<Era>,
    /// Its session.
    pub session: Option<Handle>,
    /// HTTP+SSE: the GET exchange whose stream carries the reply.
    pub stream: Option<u32>,
    /// HTTP method.
    pub method: &'static str,
    /// Where it goes; nowhere of its own if it is a message on an open socket.
    pub place: Option<Place>,
    /// Headers in order, lower-case names.
    pub headers: Vec<(String, HeaderText)>,
    /// Body.
    pub body: Option<Body>,
    /// When reading stops.
    pub until: Until,
    /// Which connection.
    pub reuse: Reuse,
    /// Whether the operator's own headers go along (they always may: it is their origin).
    pub credential: bool,
}

impl Call {
    /// A request without body.
    #[must_use]
    pub fn new(method: &'static str, probe: ProbeId, step: impl Into<String>, place: &Place) -> Self {
        // Without that field any content coding is acceptable (RFC 9110 section 12.5.3).
        Self { method, place: Some(place.clone()), ..Self::message(probe, step) }
            .header("accept-encoding", "identity")
    }

    /// A message on an open socket, whose body is still to come.
    fn message(probe: ProbeId, step: impl Into<String>) -> Self {
        Self {
            probe,
            step: step.into(),
            expectation: Expectation::Plain,
            twin: None,
            era: None,
            session: None,
            stream: None,
            method: "POST",
            place: None,
            headers: Vec::new(),
            body: None,
            until: Until::Reply,
            reuse: Reuse::Auto,
            credential: true,
        }
    }

    /// A POST: `Content-Type: application/json` and both types accepted.
    #[must_use]
    pub fn post(probe: ProbeId, step: impl Into<String>, place: &Place, body: impl Into<Body>) -> Self {
        let mut call = Self::new("POST", probe, step, place)
            .header("content-type", "application/json")
            .header("accept", ACCEPT);
        call.body = Some(body.into());
        call
    }

    /// A GET of a document on another origin, which does not go over this wire.
    #[must_use]
    pub fn elsewhere(probe: ProbeId, step: impl Into<String>) -> Self {
        Self { method: "GET", credential: false, ..Self::message(probe, step) }
    }

    /// A message on an open socket.
    #[must_use]
    pub fn tell(probe: ProbeId, step: impl Into<String>, body: impl Into<Body>) -> Self {
        Self { body: Some(body.into()), ..Self::message(probe, step) }
    }

    /// A GET for an event stream: P-GET and P-SSE.
    #[must_use]
    pub fn get_stream(probe: ProbeId, step: impl Into<String>, place: &Place) -> Self {
        Self::new("GET", probe, step, place)
            .header("accept", "text/event-stream")
            .header("cache-control", "no-store")
    }

    /// Sets the era.
    #[must_use]
    pub fn era(mut self, era: Era) -> Self {
        self.era = Some(era);
        self
    }

    /// Adds a header of ours, replacing one of the same name.
    #[must_use]
    pub fn header(self, name: &str, value: impl Into<String>) -> Self {
        self.with(name, HeaderText::Ours(value.into()))
    }

    /// Adds a header whose value the server gave, replacing one of the same name.
    #[must_use]
    pub fn given(self, name: &str, value: Handle) -> Self {
        self.with(name, HeaderText::Given(value))
    }

    /// Adds a header, replacing one of the same name.
    pub(super) fn with(mut self, name: &str, value: HeaderText) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_owned(), value));
        self
    }

    /// Removes a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self
    }

    /// Whether everything that the server gave can be sent.
    #[must_use]
    pub fn sendable(&self) -> bool {
        self.place.as_ref().is_none_or(Place::sendable)
            && self.headers.iter().all(|(_, value)| value.text().is_some())
            && self.body.as_ref().is_none_or(Body::sendable)
    }

    /// What of it is recorded as sent back.
    pub(super) fn handles(&self) -> Vec<SentHandle> {
        let sent =
            |place: String, handle: &Handle| SentHandle { place, placeholder: handle.shown().to_owned() };
        let place = self.place.as_ref().and_then(Place::handle).map(|handle| sent("url".to_owned(), handle));
        let headers = self.headers.iter().filter_map(|(name, value)| match value {
            HeaderText::Given(handle) => Some(sent(format!("header {name}"), handle)),
            HeaderText::Ours(_) => None,
        });
        let body = self.body.as_ref().map(Body::handles).unwrap_or_default();
        place.into_iter().chain(headers).chain(body).collect()
    }

    /// Puts it into a session.
    #[must_use]
    pub fn in_session(self, session: Option<&Handle>) -> Self {
        match session {
            Some(session) => {
                let mut call = self.given(names::SESSION_HEADER, session.clone());
                call.session = Some(session.clone());
                call
            }
            None => self,
        }
    }

    /// Makes it a negative with this twin.
    #[must_use]
    pub fn negative(mut self, twin: Option<u32>) -> Self {
        self.expectation = Expectation::Negative;
        self.twin = twin;
        self
    }

    /// Sets when reading stops.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.until = until;
        self
    }

    /// Sets which connection carries it.
    #[must_use]
    pub fn reuse(mut self, reuse: Reuse) -> Self {
        self.reuse = reuse;
        self
    }
}
