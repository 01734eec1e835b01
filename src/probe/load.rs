//! A burst of five, and top-up requests for latency. Light load only.

use std::sync::Arc;

use super::found::{Endpoint, Feed};
use super::prober::Prober;
use super::speaker::{Speaker, newest};
use crate::facts::summary::{is_call, unserved};
use crate::net::{Call, Place, Until};
use crate::transcript::{Exchange, ProbeId};

const PROBE: ProbeId = ProbeId::Load;
/// Requests of the burst.
const BURST: usize = 5;
/// Plain exchanges that latency wants, the first apart.
const WANTED: usize = 21;

/// What is sent over and over: BASE of the newest era, or the head of a feed.
struct Light<'s> {
    prober: &'s Prober<'s>,
    speaker: Option<&'s Speaker>,
    place: &'s Place,
}

impl<'s> Light<'s> {
    /// Nothing to send where nothing is spoken, and on HTTP+SSE whose every GET opens a session.
    fn of(prober: &'s Prober<'s>, speakers: &'s [Speaker], target: &'s Endpoint) -> Option<Self> {
        let speaker = newest(prober, speakers).first();
        let feed = target.feed == Some(Feed::Plain);
        (speaker.is_some() || feed).then_some(Self { prober, speaker, place: &target.place })
    }

    /// Gives nothing where it was not sent.
    async fn send(&self, step: String) -> Option<Arc<Exchange>> {
        match self.speaker {
            Some(speaker) => {
                let answered = self.prober.ask(speaker, speaker.base(PROBE, step)).await?;
                Some(answered.exchange)
            }
            None => self.prober.send(Call::get_stream(PROBE, step, self.place).until(Until::Head)).await,
        }
    }
}

/// Five at once. Early, before bad input may have hurt a fragile server and spent the budget.
pub(super) async fn burst(prober: &Prober<'_>, speakers: &[Speaker], target: &Endpoint) {
    let Some(light) = Light::of(prober, speakers, target) else { return };
    prober.wire.doing("sending a small burst");
    futures_util::future::join_all((1..=BURST).map(|number| light.send(format!("burst-{number}")))).await;
}

/// What latency still lacks, one by one.
pub(super) async fn top_up(prober: &Prober<'_>, speakers: &[Speaker], target: &Endpoint) {
    let Some(light) = Light::of(prober, speakers, target) else { return };
    // What `Facts::calls` will count. The speakers say what is spoken: while the stream that tells HTTP+SSE is
    // held, it is not in the transcript.
    let elsewhere = speakers.iter().any(|speaker| !speaker.streamable());
    let spoken = |era| speakers.iter().any(|speaker| speaker.era == era);
    let (exchanges, _) = prober.wire.recorded();
    let counts = |exchange: &&Exchange| is_call(exchange, spoken, elsewhere) && timed(exchange);
    let mut known = exchanges.iter().filter(counts).count();
    // An unreliable endpoint is not asked for ever.
    for number in 1..=WANTED {
        if known >= WANTED {
            return;
        }
        let Some(exchange) = light.send(format!("top-up-{number}")).await else { return };
        known = known.saturating_add(usize::from(timed(&exchange)));
    }
}

/// Whether its time says something about latency: a notification on a WebSocket is answered by nothing.
fn timed(exchange: &Exchange) -> bool {
    exchange.head_us().is_some() && !unserved(exchange)
}
