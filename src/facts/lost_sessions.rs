//! Requests in a session that was issued, and that were refused as if it were not known.

use crate::facts::{Facts, quote};
use crate::transcript::{Exchange, Expectation};

/// Every correct POST in a session that was refused with 400 or 404 in words that speak of a session. Whether
/// the session was known elsewhere is for the reader to ask.
pub fn read<'t>(facts: &Facts<'t>) -> Vec<&'t Exchange> {
    facts.exchanges().filter(|exchange| is_lost(exchange)).collect()
}

/// Whether this one is among them.
pub fn is_lost(exchange: &Exchange) -> bool {
    exchange.session.is_some()
        && exchange.expectation == Expectation::Plain
        && exchange.request.method == "POST"
        && quote::Refusal::of(exchange).is_some_and(|refusal| {
            matches!(refusal.status, 400 | 404) && refusal.text.to_ascii_lowercase().contains("session")
        })
}

/// Whether this one is lost, and not for what it asks: another method met that, too, or the same method did not.
pub fn at_times(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let same = |other: &Exchange| facts.method(other) == facts.method(exchange);
    is_lost(exchange)
        && (read(facts).into_iter().any(|other| !same(other))
            || facts.exchanges().any(|other| other.session.is_some() && same(other) && other.ok()))
}
