//! Whether a reply says anything about the request, or only about what lies between.

use super::quote::Refusal;
use super::{barrier, coding};
use crate::transcript::Exchange;
use crate::verdict::{Undecided, inconclusive};

/// The exchange, if an answer came that says something about the request.
///
/// # Errors
/// Inconclusive on a transport failure before the head, 401, 403 and 429, and where a coding that nobody asked
/// for hides the body.
pub fn answered(exchange: &Exchange) -> Result<&Exchange, Undecided> {
    if let Some(mark) = barrier::firewall(exchange) {
        return inconclusive(format!("a firewall or bot challenge answered ({mark}), not the endpoint"));
    }
    let quote = || Refusal::of(exchange).map_or_else(String::new, |refusal| refusal.words());
    match (&exchange.head, &exchange.failure) {
        (None, Some(failure)) => inconclusive(failure.words()),
        // A message on a WebSocket has no head: its answer is what comes.
        (None, None) if exchange.is_message() && exchange.texts().next().is_some() => Ok(exchange),
        (None, None) => inconclusive("no answer came"),
        (Some(head), _) => match head.status {
            401 => inconclusive(format!("behind authentication ({})", quote())),
            403 | 421 => inconclusive(format!("refused ({})", quote())),
            429 => inconclusive(format!("rate limited ({})", quote())),
            // A status says what it says; whether a request was served stands in the body.
            200..=299 if exchange.request.method == "POST" => {
                coding::unread(exchange).map_or(Ok(exchange), inconclusive)
            }
            _ => Ok(exchange),
        },
    }
}
