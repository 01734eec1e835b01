//! A burst of five, and top-up requests for latency. Light load only.

use std::sync::Arc;

use super::conversation::Conversation;
use super::found::{Endpoint, Feed};
use super::mcp_client::{McpClient, newest};
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
    conversation: &'s Conversation<'s>,
    client: Option<&'s McpClient>,
    place: &'s Place,
}

impl<'s> Light<'s> {
    /// Nothing to send where nothing is spoken, and on HTTP+SSE whose every GET opens a session.
    fn of(
        conversation: &'s Conversation<'s>,
        clients: &'s [McpClient],
        target: &'s Endpoint,
    ) -> Option<Self> {
        let client = newest(conversation, clients).first();
        let feed = target.feed == Some(Feed::Plain);
        (client.is_some() || feed).then_some(Self { conversation, client, place: &target.place })
    }

    /// Gives nothing where it was not sent.
    async fn send(&self, step: String) -> Option<Arc<Exchange>> {
        match self.client {
            Some(client) => {
                let answered = self.conversation.ask(client, client.base(PROBE, step)).await?;
                Some(answered.exchange)
            }
            None => {
                self.conversation.send(Call::get_stream(PROBE, step, self.place).until(Until::Head)).await
            }
        }
    }
}

/// Five at once. Early, before bad input may have hurt a fragile server and spent the budget.
pub(super) async fn burst(conversation: &Conversation<'_>, clients: &[McpClient], target: &Endpoint) {
    let Some(light) = Light::of(conversation, clients, target) else { return };
    conversation.wire.doing("sending a small burst");
    futures_util::future::join_all((1..=BURST).map(|number| light.send(format!("burst-{number}")))).await;
}

/// What latency still lacks, one by one.
pub(super) async fn top_up(conversation: &Conversation<'_>, clients: &[McpClient], target: &Endpoint) {
    let Some(light) = Light::of(conversation, clients, target) else { return };
    // What `Facts::calls` will count. The clients say what is spoken: while the stream that tells HTTP+SSE is
    // held, it is not in the transcript.
    let elsewhere = clients.iter().any(|client| !client.streamable());
    let spoken = |era| clients.iter().any(|client| client.era == era);
    let (exchanges, _) = conversation.wire.recorded();
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
