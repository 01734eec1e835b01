//! Whether an era that was opened can be used: what became of the ordinary requests in it.

use std::collections::BTreeSet;

use super::catalogue::capabilities_in;
use super::{Facts, Outcome, answered};
use crate::protocol::jsonrpc::Answer;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::protocol::transport::Transport;
use crate::transcript::Exchange;
use crate::verdict::Undecided;

/// The step that leaves the version header out.
pub const WITHOUT_VERSION: &str = "without-version";

/// Lists, and the capability that announces each.
const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resources"),
];

/// The ordinary requests of one era: everything but handshakes, discovery and what is wrong on purpose.
#[derive(Clone, Debug, Default)]
pub struct Use<'t> {
    /// Those that were carried out.
    pub served: Vec<&'t Exchange>,
    /// Those that the endpoint refused.
    pub refused: Vec<&'t Exchange>,
    /// Those that were served once the version header was left out.
    pub bare: Option<&'t Exchange>,
    /// Why the first of those that say nothing does not: a barrier, a limit, a server error, no answer.
    pub unclear: Option<Undecided>,
    /// Whether an advertised list was refused.
    pub list_refused: bool,
    /// Whether a list was served.
    pub list_served: bool,
    /// Whether they could have been refused by one connection alone.
    one_connection: bool,
}

impl Use<'_> {
    /// Whether nothing can be used: an advertised list and everything else was refused, on two connections where
    /// each request may have its own.
    #[must_use]
    pub fn hollow(&self) -> bool {
        self.served.is_empty() && self.unclear.is_none() && self.list_refused && !self.one_connection
    }
}

/// Reads the requests of an era in scope, which ought to be every plain one.
#[must_use]
pub fn read<'t>(facts: &Facts<'t>, era: Era) -> Use<'t> {
    let advertised: BTreeSet<String> = facts
        .exchanges()
        .filter(|exchange| exchange.era == Some(era))
        .filter(|exchange| matches!(facts.method(exchange), Some(names::INITIALIZE | names::DISCOVER)))
        .filter_map(|exchange| capabilities_in(facts.reply(exchange)))
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, _)| name)
        .collect();
    let mut found = Use::default();
    for exchange in facts.calls().filter(|exchange| exchange.era == Some(era) && facts.asks(exchange)) {
        let method = facts.method(exchange).unwrap_or_default();
        if matches!(method, "" | names::INITIALIZE | names::DISCOVER) {
            continue;
        }
        let list = LISTS.iter().find(|(name, _)| *name == method);
        let reply = facts.reply(exchange);
        let executed = reply.answer.as_ref().or(reply.lenient.as_ref()).and_then(Answer::result).is_some();
        if exchange.step == WITHOUT_VERSION {
            found.bare = found.bare.or(executed.then_some(exchange));
        } else if executed {
            found.served.push(exchange);
            found.list_served |= list.is_some();
        } else {
            match refusal(facts, exchange) {
                Ok(()) => {
                    found.refused.push(exchange);
                    found.list_refused |=
                        list.is_some_and(|(_, capability)| advertised.contains(*capability));
                }
                Err(reason) => found.unclear = found.unclear.take().or(Some(reason)),
            }
        }
    }
    let connections: BTreeSet<u32> = found.refused.iter().map(|exchange| exchange.connection).collect();
    let streamable = facts.class().transports.first() == Some(&Transport::StreamableHttp);
    found.one_connection = streamable && connections.len() < 2;
    found
}

/// Whether the endpoint itself refused it, in a way that says something.
fn refusal(facts: &Facts<'_>, exchange: &Exchange) -> Result<(), Undecided> {
    answered(exchange)?;
    match Outcome::of(exchange, facts.reply(exchange)) {
        Some(Outcome::Error { status, .. } | Outcome::Bare { status }) if status < 500 => Ok(()),
        Some(outcome) => Err(Undecided::Inconclusive(format!("answered with {}", outcome.words()))),
        None => Err(Undecided::Inconclusive("no complete answer came".to_owned())),
    }
}
