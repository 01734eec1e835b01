//! What is sent. Probes send and record; they never judge. Where they need an earlier answer they
//! ask the same readers as the checks (`facts`), on the recorded, masked exchange.

mod answers;
mod auth;
mod bad_input;
mod bodies;
mod browser;
mod catalogue;
mod classify;
mod connections;
mod content_type;
mod conversation;
mod delivery;
mod documents;
mod era_use;
mod found;
mod http_sse;
mod invented;
mod ledger;
mod legacy;
mod listen;
mod load;
mod mcp_client;
mod modern;
mod plan;
mod reconnect;
mod resume;
mod siblings;
mod socket;
mod state;
mod stream;
mod upgrade;
mod websocket;

use futures_util::future::{join, join3, join4};

use crate::facts::classification::Kind;
use crate::net::{Place, Wire};
use crate::observe::ScanOptions;
use crate::transcript::Profile;

pub use plan::{Planned, plan};

use conversation::Conversation;
use found::{Feed, FoundEndpoint};
use mcp_client::{Channel, McpClient};

/// Runs every probe that applies. Everything is recorded on the wire.
pub(crate) async fn run(wire: &Wire<'_>, url: &str, profile: Profile, options: ScanOptions) {
    let conversation = Conversation::new(wire, profile, options);
    let place = wire.target(url);
    answers::during(&conversation, Box::pin(converse(&conversation, &place))).await;
}

async fn converse(conversation: &Conversation<'_>, place: &Place) {
    let mut found = Box::pin(classify::run(conversation, place)).await;
    let gated = conversation.kind() == Kind::AuthGated;
    {
        let mut state = conversation.lock();
        state.classified = true;
        state.gated = gated;
    }
    if gated {
        return Box::pin(auth::without_credential(conversation, &found.target)).await;
    }
    let mut clients = found.clients();
    if clients.is_empty() {
        clients.extend(other_transport(conversation, &found).await);
    }
    era_use::run(conversation, &mut clients).await;
    let stream = found.stream.take();
    let streamable = if clients.iter().all(McpClient::streamable) { clients.as_slice() } else { &[] };
    // Boxed: together these conversations are larger than a thread's stack likes.
    let held = Box::pin(join3(
        legacy::watch(conversation, &clients, stream),
        join(listen::run(conversation, &clients), delivery::legacy_get(conversation, streamable)),
        classify::aside(conversation, &found),
    ));
    let streams = Box::pin(async {
        let own = resume::run(conversation, &clients).await;
        resume::feed(conversation, &found.target).await;
        reconnect::run(conversation, own.as_ref(), &found.target).await;
        delivery::run(conversation, streamable, &found.target).await;
    });
    let rest = Box::pin(calls(conversation, &clients, &found));
    join3(held, streams, rest).await;
    for client in &clients {
        match &client.channel {
            Channel::Streamable => {}
            Channel::HttpSse(stream) => stream.end(conversation).await,
            Channel::WebSocket(socket) => socket.end(conversation).await,
        }
    }
    legacy::teardown(conversation).await;
}

/// Everything that is asked and answered, while streams are held beside it.
async fn calls(conversation: &Conversation<'_>, clients: &[McpClient], found: &FoundEndpoint) {
    // Sound requests first: a negative probe may hurt a fragile server.
    let plain = join3(
        catalogue::run(conversation, clients),
        connections::run(conversation, clients),
        legacy::versions(conversation, clients),
    );
    Box::pin(plain).await;
    load::burst(conversation, clients, &found.target).await;
    let sessions = async {
        legacy::sessions(conversation, clients).await;
        auth::beside(conversation, clients, &found.target).await;
    };
    let rules = join4(
        modern::run(conversation, clients, found.modern_only()),
        sessions,
        browser::run(conversation, clients, &found.target, found.socket.as_ref()),
        delivery::ends(conversation, clients),
    );
    Box::pin(rules).await;
    Box::pin(bad_input::run(conversation, clients)).await;
    content_type::run(conversation, clients, found.modern_only()).await;
    content_type::media_types(conversation, clients).await;
    // Last in quick: where the budget ends, resumptions tell less than the rest.
    join(load::top_up(conversation, clients, &found.target), resume::quick(conversation, clients)).await;
}

/// Speaks MCP over the transport that names the endpoint, where that is not Streamable HTTP, and looks
/// for Streamable HTTP beside it.
async fn other_transport(conversation: &Conversation<'_>, found: &FoundEndpoint) -> Option<McpClient> {
    match (&found.target.feed, &found.socket) {
        (Some(Feed::HttpSse), _) => {
            siblings::streamable(conversation, &found.target.place).await;
            http_sse::open(conversation, &found.target.place).await
        }
        (_, Some(socket)) => match socket.mcp {
            Some(era) => {
                siblings::streamable(conversation, &found.target.place).await;
                websocket::open(conversation, socket, era).await
            }
            None => {
                if socket.subprotocol_selected {
                    websocket::unknown_subprotocol(conversation, &socket.place).await;
                }
                None
            }
        },
        _ => None,
    }
}
