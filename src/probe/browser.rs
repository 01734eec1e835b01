//! Origin, Host and CORS: BASE with one header changed.

use std::net::IpAddr;
use std::sync::Arc;

use url::Url;

use super::bodies::{discover, initialize};
use super::found::{Endpoint, Feed};
use super::invented::Invented;
use super::prober::Prober;
use super::socket::SocketFound;
use super::speaker::{Speaker, newest};
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
    Post(&'s Speaker),
    /// A GET for the event stream.
    Get(&'s Place),
    /// A WebSocket upgrade.
    Upgrade(&'s Place, Option<&'s HeaderText>),
}

pub(super) async fn run(
    prober: &Prober<'_>,
    speakers: &[Speaker],
    target: &Endpoint,
    socket: Option<&SocketFound>,
) {
    let place = &target.place;
    // The POST of the newest era, plus Origin and Host once each on the legacy side in standard (2.3).
    let mut asked: Vec<Base<'_>> =
        newest(prober, speakers).iter().filter(|speaker| speaker.streamable()).map(Base::Post).collect();
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
    let foreign = &prober.invented;
    prober.wire.doing("trying foreign Origin and Host headers");
    for (index, base) in asked.into_iter().enumerate() {
        let call = |step: &str| match base {
            Base::Post(speaker) => speaker.base(PROBE, step),
            Base::Get(place) => Call::get_stream(PROBE, step, place).until(Until::Head),
            Base::Upgrade(place, subprotocol) => prober.upgrade_call(PROBE, step, place, subprotocol),
        };
        let Some(twin) = send(prober, base, call("base")).await else { return };
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
                let speaker = if let Base::Post(speaker) = base { Some(speaker) } else { None };
                let mut preflight = preflight(place, speaker, foreign);
                preflight.credential = false;
                calls.push(preflight);
            }
        }
        let calls = calls.into_iter().map(|call| send(prober, base, call.negative(Some(twin.id))));
        let sent = futures_util::future::join_all(calls).await;
        if let (Base::Post(speaker), Some(Some(origin))) = (base, sent.first()) {
            handshake(prober, speaker, origin).await;
        }
    }
}

/// A handshake from another site, where its scripts may read replies and the one to `origin` hides the session
/// header: it may be shown where it is issued.
async fn handshake(prober: &Prober<'_>, speaker: &Speaker, origin: &Exchange) {
    let hidden = readable(origin) && !exposes(origin, names::SESSION_HEADER);
    if speaker.era != Era::Legacy || speaker.session.is_none() || !hidden {
        return;
    }
    let version = Revision::NEWEST_LEGACY.as_str();
    let call = initialize(&speaker.client, PROBE, "initialize-origin", Some(&speaker.place), version);
    prober.send(call.header("origin", prober.invented.origin()).negative(Some(speaker.proved_by))).await;
}

/// Whether it is the want of an `Origin` that is refused: the same question from a page of the endpoint itself.
pub(super) async fn own_origin(prober: &Prober<'_>, place: &Place) {
    let Ok(url) = Url::parse(place.shown()) else { return };
    let call = discover(&prober.client, "own-origin", place, Revision::NEWEST_MODERN.as_str());
    prober.send(call.header("origin", url.origin().ascii_serialization())).await;
}

async fn send(prober: &Prober<'_>, base: Base<'_>, call: Call) -> Option<Arc<Exchange>> {
    if matches!(base, Base::Upgrade(..)) { prober.knock(call).await } else { prober.send(call).await }
}

/// An origin that a careless prefix match lets pass; none for IP literals.
fn suffix_origin(url: &str, foreign: &Invented) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let host = parsed.host_str()?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    (!literal).then(|| format!("https://{host}.{}", foreign.host()))
}

/// P-PRE for the newest era; a feed's clients send GET.
fn preflight(place: &Place, speaker: Option<&Speaker>, foreign: &Invented) -> Call {
    let (method, wanted) = match speaker.map(|speaker| speaker.era) {
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
    call.era = speaker.map(|speaker| speaker.era);
    call
}
