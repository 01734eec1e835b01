//! A burst of five, and top-up requests for latency (CHECKS.md section L). Light load only.

use super::classify::{Endpoint, Feed};
use super::speaker::Speaker;
use super::{Prober, newest};
use crate::facts::{Facts, Readings, Scope};
use crate::net::{Call, Until};
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
    url: &'s str,
}

impl<'s> Light<'s> {
    /// Nothing to send where nothing is spoken, and on HTTP+SSE whose every GET opens a session.
    fn of(prober: &'s Prober<'s>, speakers: &'s [Speaker], target: &'s Endpoint) -> Option<Self> {
        let speaker = newest(prober, speakers).first();
        let feed = target.feed == Some(Feed::Plain);
        (speaker.is_some() || feed).then_some(Self { prober, speaker, url: &target.url })
    }

    /// Whether it was sent.
    async fn send(&self, step: String) -> bool {
        match self.speaker {
            Some(speaker) => self.prober.ask(speaker, speaker.base(PROBE, step)).await.is_some(),
            None => {
                let call = Call::get_stream(PROBE, step, self.url).until(Until::Head);
                self.prober.send(call).await.is_some()
            }
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
    let (exchanges, skips) = prober.wire.recorded();
    let known = crate::scan::partial(exchanges, skips);
    let readings = Readings::new(&known);
    // A notification on a WebSocket is answered by nothing, and has no time.
    let timed = |exchange: &&Exchange| exchange.head_us().is_some();
    let counted = Facts::scoped(&readings, Scope::All).calls().filter(timed).count();
    for number in 1..=WANTED.saturating_sub(counted) {
        if !light.send(format!("top-up-{number}")).await {
            return;
        }
    }
}
