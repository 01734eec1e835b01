//! The legacy era is used once it is open: a ping, and a list where the ping is refused or no list follows. What is
//! served here is BASE from then on.

use serde_json::Value;

use super::prober::{Answered, Prober};
use super::speaker::{Channel, Speaker};
use crate::facts::barrier::{self, Barrier};
use crate::facts::catalogue::capabilities;
use crate::net::{Call, Reuse};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::EraUse;
/// Lists, and the capability that announces each.
const LISTS: [(&str, &str); 3] =
    [("tools/list", "tools"), ("prompts/list", "prompts"), ("resources/list", "resources")];

/// Uses the legacy era of each transport, and chooses its BASE. The modern one needs none of this: discover served,
/// or the list that proved it.
pub(super) async fn run(prober: &Prober<'_>, speakers: &mut [Speaker]) {
    let newest = speakers.first().map(|speaker| speaker.era);
    for speaker in speakers.iter_mut().filter(|speaker| speaker.era == Era::Legacy) {
        prober.wire.doing("using the era that initialize opened");
        // The catalogue of this era is read anyway, but for the older one in quick.
        let listed = prober.standard() || newest == Some(speaker.era);
        try_it(prober, speaker, listed).await;
    }
}

async fn try_it(prober: &Prober<'_>, speaker: &mut Speaker, listed: bool) -> Option<()> {
    let ping = prober.ask(speaker, speaker.base(of_ping(speaker), "ping")).await?;
    if executed(&ping) {
        speaker.used_by = Some(ping.exchange.id);
    }
    if walled(&ping) || (executed(&ping) && listed) {
        return None;
    }
    for method in lists(prober, speaker) {
        let answered = prober.ask(speaker, speaker.call(PROBE, method, method, Value::Null)).await?;
        if walled(&answered) {
            return None;
        }
        if executed(&answered) {
            if !executed(&ping) {
                speaker.base = method;
                speaker.used_by = Some(answered.exchange.id);
            }
            return None;
        }
    }
    if executed(&ping) || !speaker.streamable() {
        return None;
    }
    // Refused throughout: was it the connection, or the version header?
    prober.ask(speaker, speaker.base(PROBE, "again").reuse(Reuse::Fresh)).await?;
    let mut bare: Call = speaker.base(PROBE, "without-version").reuse(Reuse::Fresh);
    let before = bare.headers.len();
    bare.headers.retain(|(name, _)| name != names::VERSION_HEADER);
    if bare.headers.len() < before {
        prober.ask(speaker, bare).await?;
    }
    None
}

/// The ping of the other transports is part of their conversation.
fn of_ping(speaker: &Speaker) -> ProbeId {
    match speaker.channel {
        Channel::Streamable => PROBE,
        Channel::HttpSse(_) => ProbeId::HttpSse,
        Channel::WebSocket(_) => ProbeId::WebSocket,
    }
}

/// Whether it was carried out, under whatever id the result came.
fn executed(answered: &Answered) -> bool {
    let reply = &answered.reply;
    reply.answer.as_ref().or(reply.lenient.as_ref()).is_some_and(|answer| answer.result().is_some())
}

/// Whether something else than the endpoint refuses: it is not asked again and again.
fn walled(answered: &Answered) -> bool {
    matches!(barrier::barrier(&answered.exchange), Some(Barrier::Gated | Barrier::RateLimited))
}

/// The lists that are advertised; where none is known, that of the tools.
fn lists(prober: &Prober<'_>, speaker: &Speaker) -> Vec<&'static str> {
    let advertised = speaker.capabilities.clone().unwrap_or_else(|| {
        let (exchanges, _) = prober.wire.recorded();
        let of_era = exchanges.iter().filter(|exchange| exchange.era == Some(speaker.era));
        of_era.filter_map(capabilities).last().unwrap_or_default()
    });
    let known = LISTS.into_iter().filter(|(_, capability)| advertised.contains_key(*capability));
    let lists: Vec<&str> = known.map(|(method, _)| method).collect();
    if lists.is_empty() { vec!["tools/list"] } else { lists }
}
