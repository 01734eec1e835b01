//! Every `initialize` that was sent and what came back, over whichever transport names the endpoint.

use std::borrow::Cow;

use serde_json::Value;

use super::reply::{self, Reply};
use super::{Facts, Kind};
use crate::protocol::revision::Era;
use crate::protocol::{jsonrpc, names};
use crate::transcript::{Direction, Exchange, FrameKind};
use crate::verdict::Evidence;

/// One `initialize` and its reply.
#[derive(Clone, Debug)]
pub struct Handshake<'t> {
    /// Where it took place; for a WebSocket one message, or the classifying conversation as a whole.
    pub exchange: &'t Exchange,
    /// `params.protocolVersion` as sent; empty if there was none.
    pub offered: String,
    /// The reply, read as an answer to this request.
    pub reply: Cow<'t, Reply>,
}

impl Handshake<'_> {
    /// The InitializeResult, under whatever id it came: what a lenient reader takes for the reply.
    #[must_use]
    pub fn result(&self) -> Option<&Value> {
        self.reply.answer.as_ref().or(self.reply.lenient.as_ref()).and_then(jsonrpc::Answer::result)
    }

    /// The version the server answered with.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.result()?.get("protocolVersion")?.as_str()
    }

    /// Evidence for one member of the result; `null` where it is absent.
    #[must_use]
    pub fn evidence(&self, member: &str) -> Evidence {
        let value = self.result().and_then(|result| result.get(member)).unwrap_or(&Value::Null);
        let place = self
            .reply
            .answered_by
            .and_then(|index| self.reply.messages.get(index))
            .map_or("body", |message| message.pointer.as_str());
        Evidence::new(self.exchange, format!("{place} /result/{member}"), format!("{member}: {value}"))
    }
}

/// The handshakes in scope, in order.
///
/// On Streamable HTTP the POSTs to the endpoint; on HTTP+SSE those to the announced URI (an
/// `initialize` posted to the stream's URL went to the wrong place by design, and its refusal says
/// nothing about the endpoint); on MCP over WebSocket the messages on the sockets.
#[must_use]
pub fn read<'t>(facts: &Facts<'t>) -> Vec<Handshake<'t>> {
    let posted = |exchange: &&Exchange| !exchange.is_message() && exchange.stream.is_none();
    match facts.class().kind {
        Kind::HttpSse => facts
            .exchanges()
            .filter(|exchange| exchange.stream.is_some())
            .filter_map(|exchange| over_http(facts, exchange))
            .collect(),
        Kind::McpWebsocket => facts
            .exchanges()
            .flat_map(|exchange| {
                let message = exchange.is_message().then(|| over_http(facts, exchange)).flatten();
                message.map_or_else(|| over_websocket(exchange), |made| vec![made])
            })
            .collect(),
        _ if facts.class().streamable(Era::Legacy) => {
            facts.exchanges().filter(posted).filter_map(|exchange| over_http(facts, exchange)).collect()
        }
        _ => Vec::new(),
    }
}

fn over_http<'t>(facts: &Facts<'t>, exchange: &'t Exchange) -> Option<Handshake<'t>> {
    facts.method(exchange).filter(|method| *method == names::INITIALIZE)?;
    let request = jsonrpc::parse(exchange.request.body.as_deref()?).ok()?;
    let offered = offered(&request)?;
    Some(Handshake { exchange, offered, reply: Cow::Borrowed(facts.reply(exchange)) })
}

fn over_websocket(exchange: &Exchange) -> Vec<Handshake<'_>> {
    exchange
        .frames()
        .iter()
        .filter(|frame| frame.direction == Direction::Out && frame.kind == FrameKind::Text)
        .filter_map(|frame| {
            let request = jsonrpc::parse(&frame.text).ok()?;
            let reply = Cow::Owned(reply::read_for(exchange, request.get("id")));
            Some(Handshake { exchange, offered: offered(&request)?, reply })
        })
        .collect()
}

/// The version an `initialize` request offers; `None` for any other message.
fn offered(request: &Value) -> Option<String> {
    if request.get("method")?.as_str()? != names::INITIALIZE {
        return None;
    }
    let version = request.get("params").and_then(|params| params.get("protocolVersion"));
    Some(version.and_then(Value::as_str).unwrap_or_default().to_owned())
}
