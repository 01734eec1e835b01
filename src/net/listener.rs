//! Server-initiated requests on the event stream of a reply.

use tokio::sync::mpsc;

use super::exchange::Call;
use super::handles::{Handle, HandleKind};
use super::owed::{OwedResponse, answer};
use super::place::Place;
use super::shared::Shared;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::protocol::sse::{self, Line};
use crate::transcript::{Exchange, ProbeId};

/// Listens on one stream for requests.
#[derive(Clone, Debug)]
pub(super) struct RequestListener {
    answers: mpsc::Sender<OwedResponse>,
    stream: Place,
    /// Where answers go, once that is known: HTTP+SSE announces it.
    place: Option<Place>,
    session: Option<Handle>,
    version: Option<String>,
    credential: bool,
}

impl RequestListener {
    /// For the stream that answers a call. The modern era has no requests of the server's (2026-07-28).
    pub(super) fn new(shared: &Shared, call: &Call, exchange: &Exchange) -> Option<Self> {
        if call.era == Some(Era::Modern) {
            return None;
        }
        let stream = call.place.clone()?;
        let streamable = call.era == Some(Era::Legacy) && call.probe != ProbeId::HttpSse;
        let issued =
            || Some(shared.given.handle(HandleKind::Session, exchange.header(names::SESSION_HEADER)?));
        Some(Self {
            answers: shared.answers.clone(),
            place: streamable.then(|| stream.clone()),
            stream,
            session: call.session.clone().or_else(issued),
            version: exchange.request.header(names::VERSION_HEADER).map(str::to_owned),
            credential: call.credential,
        })
    }

    /// Looks at lines of whole events, each once: as they came, and as they are recorded.
    pub(super) fn hear(&mut self, shared: &Shared, said: &[Line], recorded: &[Line]) {
        let interesting = |line: &Line| line.text.contains("\"method\"") || line.text.contains("endpoint");
        if !said.iter().any(interesting) {
            return;
        }
        let recorded = sse::blocks(recorded);
        for (block, shown) in sse::blocks(said).iter().zip(&recorded).filter(|(block, _)| block.dispatched())
        {
            let data = block.data.as_deref().unwrap_or_default();
            let shown = shown.data.as_deref().unwrap_or_default();
            if block.name() == "endpoint" {
                // Only the first announcement counts.
                if self.place.is_none() {
                    let handle = Handle::new(HandleKind::Announced, shown, data);
                    self.place = shared.given(&self.stream, handle);
                }
            } else if let Some(place) = &self.place
                && let Some((body, ping)) = answer(data, shown)
            {
                // Full: a server that asks without end is not answered without end.
                let _ = self.answers.try_send(OwedResponse {
                    place: place.clone(),
                    session: self.session.clone(),
                    version: self.version.clone(),
                    credential: self.credential,
                    body,
                    ping,
                });
            }
        }
    }
}
