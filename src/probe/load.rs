//! A burst of five, and top-up requests for latency (CHECKS.md section L). Light load only.

use super::classify::{Endpoint, Feed};
use super::speaker::Speaker;
use super::{Prober, newest};
use crate::facts::{Facts, Readings, Scope};
use crate::net::{Call, Until};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::Load;
/// Requests of the burst.
const BURST: usize = 5;
/// Plain exchanges that latency wants, the first apart.
const WANTED: usize = 21;

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker], target: &Endpoint) {
    let speaker = newest(prober, speakers).first();
    // Every GET on HTTP+SSE opens a session: not for load.
    if speaker.is_none() && target.feed == Some(Feed::HttpSse) {
        return;
    }
    let request = |step: String| match (speaker, target.feed) {
        (Some(speaker), _) => Some(speaker.base(PROBE, step)),
        (None, Some(_)) => Some(Call::get_stream(PROBE, step, &target.url).until(Until::Head)),
        (None, None) => None,
    };
    if request(String::new()).is_none() {
        return;
    }
    prober.wire.doing("sending a small burst");
    let send = async |call: Call| match speaker {
        Some(speaker) => prober.ask(speaker, call).await.map(|answered| answered.exchange),
        None => prober.send(call).await,
    };
    let burst = (1..=BURST).filter_map(|number| request(format!("burst-{number}"))).map(&send);
    futures_util::future::join_all(burst).await;
    let (exchanges, skips) = prober.wire.recorded();
    let known = crate::scan::partial(exchanges, skips);
    let readings = Readings::new(&known);
    let counted = Facts::scoped(&readings, Scope::All).calls().count();
    for number in 1..=WANTED.saturating_sub(counted) {
        let Some(call) = request(format!("top-up-{number}")) else { return };
        if send(call).await.is_none() {
            return;
        }
    }
}
