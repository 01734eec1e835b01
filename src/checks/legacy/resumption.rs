//! What both checks of resumption need to see first.

use crate::checks::prelude::*;
use crate::facts::resume::{Series, posts};

/// The first stream of the series.
///
/// # Errors
/// Not applicable where answers are plain JSON; inconclusive where nothing was answered.
pub(super) fn stream<'t>(
    facts: &Facts<'t>,
    exchanges: &[&'t Exchange],
    series: &Series<'t>,
) -> Result<&'t Exchange, Undecided> {
    if let Some(stream) = series.streams.first() {
        return Ok(stream);
    }
    let posts: Vec<&Exchange> = exchanges.iter().copied().filter(|exchange| posts(exchange)).collect();
    if posts.iter().any(|exchange| facts.reply(exchange).answer.is_some()) {
        return not_applicable("answers are plain JSON, as a server may: no stream can drop");
    }
    match posts.first() {
        Some(exchange) => {
            answered(exchange)?;
            inconclusive("the request that was to be answered by a stream was not answered")
        }
        None => inconclusive(facts.why_not(ProbeId::Resume, Some("post-1"))),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::protocol::names;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;

    /// A ping in the first session.
    pub(in super::super) fn session(step: &str, id: u32) -> Made {
        let body = json!({"jsonrpc":"2.0","id":id,"method":"ping"});
        post(ProbeId::Resume, step, Era::Legacy, body).in_session("~session-1~")
    }

    /// `post-N`, answered by a stream.
    pub(in super::super) fn posted(number: u32, text: &str) -> Made {
        session(&format!("post-{number}"), number).stream(text, 0)
    }

    /// `resume-N`, answered by a stream.
    pub(in super::super) fn resumed(number: u32, id: &str, text: &str) -> Made {
        let mut made = get(ProbeId::Resume, &format!("resume-{number}"))
            .in_session("~session-1~")
            .sending(names::LAST_EVENT_ID, id)
            .stream(text, 0);
        made.made.era = Some(Era::Legacy);
        made
    }

    /// A legacy endpoint with sessions and these exchanges; each resumption is given its stream as twin.
    pub(in super::super) fn scan(exchanges: &[Made]) -> Scan {
        exchanges.iter().fold(Scan::legacy(true), |scan, made| add(scan, Made { made: made.made.clone() }))
    }

    /// Adds an exchange; a resumption gets the stream of its number as twin.
    pub(in super::super) fn add(scan: Scan, mut made: Made) -> Scan {
        let step = match made.made.step.strip_prefix("resume-") {
            Some("other") => "post-1".to_owned(),
            Some("cut") => "cut".to_owned(),
            Some(number) => format!("post-{number}"),
            None => String::new(),
        };
        let stream = scan.transcript.exchanges.iter().find(|exchange| exchange.step == step);
        made.made.twin = stream.map(|stream| stream.id).or(made.made.twin);
        scan.with(made)
    }
}
