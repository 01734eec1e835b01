//! A burst of five, and top-up requests for latency (CHECKS.md section L). Light load only.

use super::classify::{Endpoint, Feed};
use super::speaker::Speaker;
use super::{Prober, newest};
use crate::facts::summary::head_times;
use crate::net::{Call, Until};
use crate::transcript::{ProbeId, Transcript};

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
    let known: Transcript = crate::scan::partial(exchanges, skips);
    // What classification posted elsewhere measures nothing of this transport.
    let elsewhere = speaker.is_some_and(|speaker| !speaker.streamable());
    let measured = head_times(&known)
        .iter()
        .filter(|(exchange, _)| !(elsewhere && exchange.probe == ProbeId::Classify))
        .count();
    for number in 1..=WANTED.saturating_sub(measured) {
        let Some(call) = request(format!("top-up-{number}")) else { return };
        if send(call).await.is_none() {
            return;
        }
    }
}
