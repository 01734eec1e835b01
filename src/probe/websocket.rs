//! The conversation over MCP on a WebSocket. Classification has its own socket; here every message is an
//! exchange of its own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bodies::initialize;
use super::prober::{Answered, Prober};
use super::socket::{Open, SocketFound, SocketSession, connect, message};
use super::speaker::{Channel, Speaker, negotiated};
use crate::facts::catalogue::capabilities_in;
use crate::facts::steps::{self, Initialize};
use crate::net::{HeaderText, Place};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::WebSocket;

/// Opens a socket and begins in the era that answered before; `None` where that did not succeed.
pub(super) async fn open(prober: &Prober<'_>, found: &SocketFound, era: Era) -> Option<Speaker> {
    prober.wire.doing("speaking MCP over a WebSocket");
    let open = connect(prober, &found.place, found.subprotocol.as_ref()).await?;
    let begun = begin(prober, &open, &found.place, era).await;
    let Some((version, answered)) = begun else {
        open.close(prober).await;
        return None;
    };
    let mut speaker = Speaker::new(&prober.client, era, &found.place, None, &version, answered.exchange.id);
    speaker.capabilities = Some(capabilities_in(&answered.reply).unwrap_or_default());
    speaker.channel = Channel::WebSocket(Arc::new(SocketSession::of(open, found, era, version)));
    Some(speaker)
}

/// `server/discover`, or the handshake. Gives the version spoken and what proved it.
async fn begin(prober: &Prober<'_>, open: &Open, place: &Place, era: Era) -> Option<(String, Answered)> {
    if era == Era::Modern {
        let ours = Revision::NEWEST_MODERN.as_str();
        let asking = Speaker::new(&prober.client, era, place, None, ours, 0);
        let body = asking.body(&json!("d-1"), names::DISCOVER, Value::Null);
        let answered = open.ask(prober, message("discover", era, body), None).await?;
        return answered.reply.served().then(|| (ours.to_owned(), answered));
    }
    let newest = Revision::NEWEST_LEGACY.as_str();
    let call = initialize(&prober.client, PROBE, names::INITIALIZE, None, newest);
    let answered = open.ask(prober, call, None).await?;
    let Initialize::Legacy { version, .. } = steps::initialize_read(&answered.exchange, &answered.reply)
    else {
        return None;
    };
    let version = negotiated(prober, version, true)?;
    let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
    open.ask(prober, message("initialized", era, body), None).await;
    Some((version, answered))
}

/// Whether the server selects a subprotocol that nobody has.
pub(super) async fn unknown_subprotocol(prober: &Prober<'_>, place: &Place) {
    let nobody = HeaderText::Ours(prober.invented.subprotocol());
    let call = prober.upgrade_call(PROBE, "subprotocol", place, Some(&nobody));
    prober.knock(call).await;
}
