//! What the server asks of us on event streams. It is answered, so that a server that waits for an answer
//! goes on: a ping as the protocol has it, everything else declined (HOSTILE.md J12, E6). Nothing of it
//! is ever carried out.

use tokio::sync::mpsc;
use url::Url;

use super::exchange::Call;
use crate::protocol::announced::announced;
use crate::protocol::revision::Era;
use crate::protocol::sse::{self, Line};
use crate::protocol::{jsonrpc, names};
use crate::transcript::{Exchange, ProbeId};

/// Questions that wait for their answer; more are dropped.
pub(super) const WAITING: usize = 20;

/// The answer to a request of the server's, and where it goes. All of it masked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where to post it.
    pub url: String,
    /// Placeholder of the session.
    pub session: Option<String>,
    /// The protocol version that the conversation names in its headers.
    pub version: Option<String>,
    /// Whether the operator's headers go along, as they did with the stream.
    pub credential: bool,
    /// The JSON-RPC response.
    pub body: String,
    /// Whether it was a ping.
    pub ping: bool,
}

/// Listens on one stream for requests.
#[derive(Clone, Debug)]
pub(super) struct Ear {
    questions: mpsc::Sender<Asked>,
    stream: String,
    /// Where answers go, once that is known: HTTP+SSE announces it.
    url: Option<String>,
    session: Option<String>,
    version: Option<String>,
    credential: bool,
}

impl Ear {
    /// For the stream that answers a call. The modern era has no requests of the server's (2026-07-28).
    pub(super) fn new(questions: &mpsc::Sender<Asked>, call: &Call, exchange: &Exchange) -> Option<Self> {
        if call.era == Some(Era::Modern) {
            return None;
        }
        let streamable = call.era == Some(Era::Legacy) && call.probe != ProbeId::HttpSse;
        let issued = exchange.header(names::SESSION_HEADER).map(str::to_owned);
        Some(Self {
            questions: questions.clone(),
            stream: call.url.clone(),
            url: streamable.then(|| call.url.clone()),
            session: call.session.clone().or(issued),
            version: exchange.request.header(names::VERSION_HEADER).map(str::to_owned),
            credential: call.credential,
        })
    }

    /// Looks at lines of whole events, each once.
    pub(super) fn hear(&mut self, lines: &[Line]) {
        let interesting = |line: &Line| line.text.contains("\"method\"") || line.text.contains("endpoint");
        if !lines.iter().any(interesting) {
            return;
        }
        for block in sse::blocks(lines).iter().filter(|block| block.dispatched()) {
            let data = block.data.as_deref().unwrap_or_default();
            if block.name() == "endpoint" {
                // Only the first announcement counts (HOSTILE.md S10).
                let base = Url::parse(&self.stream).ok();
                self.url = self.url.take().or_else(|| announced(&base?, data).same_origin());
            } else if let Some(url) = &self.url
                && let Some((body, ping)) =
                    jsonrpc::parse(data).ok().and_then(|asked| jsonrpc::decline(&asked))
            {
                // Full: a server that asks without end is not answered without end.
                let _ = self.questions.try_send(Asked {
                    url: url.clone(),
                    session: self.session.clone(),
                    version: self.version.clone(),
                    credential: self.credential,
                    body: body.to_string(),
                    ping,
                });
            }
        }
    }
}

impl super::wire::Wire<'_> {
    /// The next request of the server's, whenever it comes.
    pub async fn asked(&self) -> Option<Asked> {
        self.asked.lock().await.recv().await
    }
}
