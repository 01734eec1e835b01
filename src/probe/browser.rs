//! Origin, Host and CORS: BASE with one header changed.

use std::net::IpAddr;
use std::sync::Arc;

use url::Url;

use super::bodies::{discover, initialize};
use super::conversation::Conversation;
use super::found::{Endpoint, Feed};
use super::invented::Invented;
use super::mcp_client::{McpClient, newest};
use super::socket::SocketFound;
use crate::facts::browser::{exposes, readable};
use crate::net::{Call, HeaderText, Place, Until};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::{Exchange, ProbeId};

const PROBE: ProbeId = ProbeId::Browser;

/// What BASE is here.
#[derive(Clone, Copy)]
enum Base<'s> {
    /// The cheapest POST.
    Post(&'s McpClient),
    /// A GET for the event stream.
    Get(&'s Place),
    /// A WebSocket upgrade.
    Upgrade(&'s Place, Option<&'s HeaderText>),
}

pub(super) async fn run(
    conversation: &Conversation<'_>,
    clients: &[McpClient],
    target: &Endpoint,
    socket: Option<&SocketFound>,
) {
    let place = &target.place;
    // The POST of the newest era, plus Origin and Host once each on the legacy side in standard (2.3).
    let mut asked: Vec<Base<'_>> =
        newest(conversation, clients).iter().filter(|client| client.streamable()).map(Base::Post).collect();
    if asked.is_empty() {
        asked.extend(match (target.feed, socket) {
            (Some(Feed::HttpSse), _) => Some(Base::Get(place)),
            (_, Some(socket)) => Some(Base::Upgrade(&socket.place, socket.subprotocol.as_ref())),
            (Some(Feed::Plain), None) => Some(Base::Get(place)),
            (None, None) => None,
        });
    }
    if asked.is_empty() {
        return;
    }
    let foreign = &conversation.invented;
    conversation.wire.doing("trying foreign Origin and Host headers");
    for (index, base) in asked.into_iter().enumerate() {
        let call = |step: &str| match base {
            Base::Post(client) => client.base(PROBE, step),
            Base::Get(place) => Call::get_stream(PROBE, step, place).until(Until::Head),
            Base::Upgrade(place, subprotocol) => conversation.upgrade_call(PROBE, step, place, subprotocol),
        };
        let Some(twin) = send(conversation, base, call("base")).await else { return };
        let mut calls = vec![
            call("origin").header("origin", foreign.origin()),
            call("host-and-origin")
                .header("host", foreign.host())
                .header("origin", format!("http://{}", foreign.host())),
            call("host").header("host", foreign.host()),
        ];
        if index == 0 {
            calls.push(call("origin-null").header("origin", "null"));
            if let Some(suffix) = suffix_origin(place.shown(), foreign) {
                calls.push(call("origin-suffix").header("origin", suffix));
            }
            // WebSockets know no CORS.
            if !matches!(base, Base::Upgrade(..)) {
                let client = if let Base::Post(client) = base { Some(client) } else { None };
                let mut preflight = preflight(place, client, foreign);
                preflight.credential = false;
                calls.push(preflight);
            }
        }
        let calls = calls.into_iter().map(|call| send(conversation, base, call.negative(Some(twin.id))));
        let sent = futures_util::future::join_all(calls).await;
        if let (Base::Post(client), Some(Some(origin))) = (base, sent.first()) {
            handshake(conversation, client, origin).await;
        }
    }
}

/// A handshake from another site, where its scripts may read replies and the one to `origin` hides the session
/// header: it may be shown where it is issued.
async fn handshake(conversation: &Conversation<'_>, client: &McpClient, origin: &Exchange) {
    let hidden = readable(origin) && !exposes(origin, names::SESSION_HEADER);
    if client.era != Era::Legacy || client.session.is_none() || !hidden {
        return;
    }
    let version = Revision::NEWEST_LEGACY.as_str();
    let call = initialize(&client.client_info, PROBE, "initialize-origin", Some(&client.place), version);
    conversation
        .send(call.header("origin", conversation.invented.origin()).negative(Some(client.proved_by)))
        .await;
}

/// Whether it is the want of an `Origin` that is refused: the same question from a page of the endpoint itself.
pub(super) async fn own_origin(conversation: &Conversation<'_>, place: &Place) {
    let Ok(url) = Url::parse(place.shown()) else { return };
    let call = discover(&conversation.client_info, "own-origin", place, Revision::NEWEST_MODERN.as_str());
    conversation.send(call.header("origin", url.origin().ascii_serialization())).await;
}

async fn send(conversation: &Conversation<'_>, base: Base<'_>, call: Call) -> Option<Arc<Exchange>> {
    if matches!(base, Base::Upgrade(..)) {
        conversation.knock(call).await
    } else {
        conversation.send(call).await
    }
}

/// An origin that a careless prefix match lets pass; none for IP literals.
fn suffix_origin(url: &str, foreign: &Invented) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let host = parsed.host_str()?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    (!literal).then(|| format!("https://{host}.{}", foreign.host()))
}

/// P-PRE for the newest era; a feed's clients send GET.
fn preflight(place: &Place, client: Option<&McpClient>, foreign: &Invented) -> Call {
    let (method, wanted) = match client.map(|client| client.era) {
        Some(Era::Modern) => ("POST", "authorization,content-type,mcp-method,mcp-name,mcp-protocol-version"),
        Some(Era::Legacy) => {
            ("POST", "authorization,content-type,last-event-id,mcp-protocol-version,mcp-session-id")
        }
        None => ("GET", "authorization,cache-control,last-event-id"),
    };
    let mut call = Call::new("OPTIONS", PROBE, "preflight", place)
        .header("origin", foreign.origin())
        .header("access-control-request-method", method)
        .header("access-control-request-headers", wanted);
    call.era = client.map(|client| client.era);
    call
}
