//! What a probe asks the wire to send.

use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::{Expectation, ProbeId};

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

/// One request, described in masked terms: placeholders are put back when it leaves.
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
    /// Placeholder of its session.
    pub session: Option<String>,
    /// HTTP+SSE: the GET exchange whose stream carries the reply.
    pub stream: Option<u32>,
    /// HTTP method.
    pub method: &'static str,
    /// Absolute URL on the scanned origin, masked.
    pub url: String,
    /// Headers in order, lower-case names, masked.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<String>,
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
    pub fn new(
        method: &'static str,
        probe: ProbeId,
        step: impl Into<String>,
        url: impl Into<String>,
    ) -> Self {
        Self {
            probe,
            step: step.into(),
            expectation: Expectation::Plain,
            twin: None,
            era: None,
            session: None,
            stream: None,
            method,
            url: url.into(),
            headers: vec![plain()],
            body: None,
            until: Until::Reply,
            reuse: Reuse::Auto,
            credential: true,
        }
    }

    /// A POST as CHECKS.md section 3 has it: `Content-Type: application/json` and both types accepted.
    #[must_use]
    pub fn post(
        probe: ProbeId,
        step: impl Into<String>,
        url: impl Into<String>,
        body: impl Into<String>,
    ) -> Self {
        Self {
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
                plain(),
            ],
            body: Some(body.into()),
            ..Self::new("POST", probe, step, url)
        }
    }

    /// A GET for an event stream: P-GET and P-SSE.
    #[must_use]
    pub fn get_stream(probe: ProbeId, step: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            headers: vec![
                ("accept".to_owned(), "text/event-stream".to_owned()),
                ("cache-control".to_owned(), "no-store".to_owned()),
                plain(),
            ],
            ..Self::new("GET", probe, step, url)
        }
    }

    /// Sets the era.
    #[must_use]
    pub fn era(mut self, era: Era) -> Self {
        self.era = Some(era);
        self
    }

    /// Adds a header, replacing one of the same name.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Removes a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self
    }

    /// Puts it into a session, by placeholder.
    #[must_use]
    pub fn in_session(self, session: Option<&str>) -> Self {
        match session {
            Some(session) => {
                let mut call = self.header(names::SESSION_HEADER, session);
                call.session = Some(session.to_owned());
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

/// Asks for no content coding: without that field any is acceptable (RFC 9110 section 12.5.3).
fn plain() -> (String, String) {
    ("accept-encoding".to_owned(), "identity".to_owned())
}
