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
mod modern;
mod plan;
mod prober;
mod reconnect;
mod resume;
mod siblings;
mod socket;
mod speaker;
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

use found::{Feed, FoundEndpoint};
use prober::Prober;
use speaker::{Channel, Speaker};

/// Runs every probe that applies. Everything is recorded on the wire.
pub(crate) async fn run(wire: &Wire<'_>, url: &str, profile: Profile, options: ScanOptions) {
    let prober = Prober::new(wire, profile, options);
    let place = wire.target(url);
    answers::during(&prober, Box::pin(converse(&prober, &place))).await;
}

async fn converse(prober: &Prober<'_>, place: &Place) {
    let mut found = Box::pin(classify::run(prober, place)).await;
    let gated = prober.kind() == Kind::AuthGated;
    {
        let mut state = prober.lock();
        state.classified = true;
        state.gated = gated;
    }
    if gated {
        return Box::pin(auth::without_credential(prober, &found.target)).await;
    }
    let mut speakers = found.speakers();
    if speakers.is_empty() {
        speakers.extend(other_transport(prober, &found).await);
    }
    era_use::run(prober, &mut speakers).await;
    let stream = found.stream.take();
    let streamable = if speakers.iter().all(Speaker::streamable) { speakers.as_slice() } else { &[] };
    // Boxed: together these conversations are larger than a thread's stack likes.
    let held = Box::pin(join3(
        legacy::watch(prober, &speakers, stream),
        join(listen::run(prober, &speakers), delivery::legacy_get(prober, streamable)),
        classify::aside(prober, &found),
    ));
    let streams = Box::pin(async {
        let own = resume::run(prober, &speakers).await;
        resume::feed(prober, &found.target).await;
        reconnect::run(prober, own.as_ref(), &found.target).await;
        delivery::run(prober, streamable, &found.target).await;
    });
    let rest = Box::pin(async {
        calls(prober, &speakers, &found).await;
        // What is left, if anything is.
        prober.wire.doing("taking dropped streams up again");
    });
    let beside = async {
        join(streams, rest).await;
        prober.wire.only_waiting();
    };
    join(held, beside).await;
    prober.wire.doing("ending what was opened");
    for speaker in &speakers {
        match &speaker.channel {
            Channel::Streamable => {}
            Channel::HttpSse(stream) => stream.end(prober).await,
            Channel::WebSocket(socket) => socket.end(prober).await,
        }
    }
    legacy::teardown(prober).await;
}

/// Everything that is asked and answered, while streams are held beside it.
async fn calls(prober: &Prober<'_>, speakers: &[Speaker], found: &FoundEndpoint) {
    // Sound requests first: a negative probe may hurt a fragile server.
    let plain = join3(
        catalogue::run(prober, speakers),
        connections::run(prober, speakers),
        legacy::versions(prober, speakers),
    );
    Box::pin(plain).await;
    load::burst(prober, speakers, &found.target).await;
    let sessions = async {
        legacy::sessions(prober, speakers).await;
        auth::beside(prober, speakers, &found.target).await;
    };
    let rules = join4(
        modern::run(prober, speakers, found.modern_only()),
        sessions,
        browser::run(prober, speakers, &found.target, found.socket.as_ref()),
        delivery::ends(prober, speakers),
    );
    Box::pin(rules).await;
    Box::pin(bad_input::run(prober, speakers)).await;
    content_type::run(prober, speakers, found.modern_only()).await;
    content_type::media_types(prober, speakers).await;
    // Last in quick: where the budget ends, resumptions tell less than the rest.
    join(load::top_up(prober, speakers, &found.target), resume::quick(prober, speakers)).await;
}

/// Speaks MCP over the transport that names the endpoint, where that is not Streamable HTTP, and looks
/// for Streamable HTTP beside it.
async fn other_transport(prober: &Prober<'_>, found: &FoundEndpoint) -> Option<Speaker> {
    match (&found.target.feed, &found.socket) {
        (Some(Feed::HttpSse), _) => {
            siblings::streamable(prober, &found.target.place).await;
            http_sse::open(prober, &found.target.place).await
        }
        (_, Some(socket)) => match socket.mcp {
            Some(era) => {
                siblings::streamable(prober, &found.target.place).await;
                websocket::open(prober, socket, era).await
            }
            None => {
                if socket.subprotocol_selected {
                    websocket::unknown_subprotocol(prober, &socket.place).await;
                }
                None
            }
        },
        _ => None,
    }
}
