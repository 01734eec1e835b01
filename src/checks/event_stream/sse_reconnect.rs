//! Networks drop streams; clients come back.

use crate::checks::prelude::*;
use crate::facts::quote::quoted;
use crate::facts::streams::stays;

pub(super) static CHECK: Check = Check {
    id: "sse-reconnect",
    title: "A dropped stream can be opened again",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[ProbeId::Reconnect, ProbeId::LegacyGet]),
    basis: &[
        Basis {
            title: "WHATWG HTML, Server-sent events, Processing model (clients reconnect)",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model",
        },
        mcp!(
            "2025-11-25",
            "Transports, Listening for Messages from the Server",
            "basic/transports#listening-for-messages-from-the-server",
        ),
    ],
    rationale: "A server that takes the old stream of a session for alive shuts its own client out after every drop of \
                the network: it hears nothing more from the server, and many clients give up.",
    remediation: "Free the place of a stream as soon as its connection closes (`req.on('close', …)`), and let a new GET \
                  of the same session take the place of the old one in place of answering 409.",
    causes: &[],
    how: How {
        sent: "In `standard`, a GET stream is dropped, and opened again after 1 s, up to three times while another is \
               watched; where that is refused, again until 10 s have passed. On a legacy endpoint with sessions all that is in one \
               session.",
        passes: "It opens each time, and stays open.",
        warns: "It is refused at first, and opens within 10 s; or it is refused with Retry-After.",
        fails: "10 s after the drop it is still refused, or ends at once.",
    },
    judge,
};

/// A refusal that lasts so long is one for good, microseconds. Timers of ours may be early by a moment.
const FOR_GOOD_US: u64 = 9_900_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let class = facts.class();
    let streamable = class.transports == [Transport::StreamableHttp];
    if streamable && !class.eras.contains(&Era::Legacy) {
        return not_applicable("the modern era has no stream of GET; a client that lost one subscribes anew");
    }
    if let Some(status) = facts.steps(ProbeId::LegacyGet, "get").find_map(Exchange::status)
        && status == 405
    {
        return not_applicable("GET opens no stream here (405)");
    }
    let first = facts.step(ProbeId::Reconnect, "first", None)?;
    answered(first)?;
    match first.status().unwrap_or_default() {
        200 => {}
        405 => return not_applicable("GET opens no stream here (405)"),
        status => return inconclusive(format!("the stream to be dropped could not be opened ({status})")),
    }
    if !stays(first) {
        return inconclusive("the first stream did not stay open, so nothing follows from a second one");
    }
    let again: Vec<&Exchange> =
        facts.of(ProbeId::Reconnect).filter(|exchange| exchange.step.starts_with("again ")).collect();
    let Some(last) = again.last() else {
        return inconclusive(facts.why_not(ProbeId::Reconnect, Some("again 1")));
    };
    let opened = again.iter().filter(|exchange| stays(exchange)).count();
    let Some(refused) = again.iter().find(|exchange| !stays(exchange)) else {
        let message = format!("a stream was dropped and opened again, {opened} of {opened} times");
        return pass(Evidence::status(last), message);
    };
    for exchange in again.iter().filter(|exchange| !stays(exchange)) {
        answered(exchange)?;
    }
    let dropped_us = facts
        .of(ProbeId::Reconnect)
        .filter(|exchange| exchange.started_us < refused.started_us)
        .map(|exchange| exchange.ended_us)
        .max()
        .unwrap_or(first.ended_us);
    let after = |exchange: &Exchange| exchange.started_us.saturating_sub(dropped_us);
    let how = how(refused);
    let at = Evidence::status(refused);
    if stays(last) {
        let message =
            format!("a dropped stream {how}, and opens {} after the drop", milliseconds(after(last)));
        return warn(at, message);
    }
    if after(last) < FOR_GOOD_US {
        return inconclusive(format!("a dropped stream {how}; it was not tried for 10 s"));
    }
    let message = format!("a dropped stream {how}, and still {} after the drop", milliseconds(after(last)));
    if refused.header("retry-after").is_some() {
        return warn(at, message);
    }
    fail(at, message)
}

/// What became of an opening, as the rest of a sentence.
fn how(exchange: &Exchange) -> String {
    match exchange.status() {
        Some(200) => "ends at once when it is opened again".to_owned(),
        Some(_) => format!("is refused when it is opened again{}", quoted(exchange)),
        None => "is not answered when it is opened again".to_owned(),
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let open = |step: &str| get(ProbeId::Reconnect, step).stream(": hi\n\n", 0).held_until(400_000);
    let after = |mut made: Made, us: u64| {
        made.made.started_us += us;
        made.made.ended_us += us;
        made
    };
    let of = |made: Made| Scan::legacy(true).with(open("first")).with(after(made, 1_000_000));
    let refused =
        |step: &str| get(ProbeId::Reconnect, step).status(409).body("text/plain", "only one stream");
    let ends = |step: &str| get(ProbeId::Reconnect, step).stream(": hi\n\n", 0);
    let for_good = |made: &dyn Fn(&str) -> Made| {
        of(made("again 1"))
            .with(after(made("again 1 later 1"), 4_000_000))
            .with(after(made("again 1 later 2"), 5_000_000))
    };
    let late = |made: Made| made.header("retry-after", "30");
    let gate = |step: &str| get(ProbeId::Reconnect, step).status(401);
    hold(
        &CHECK,
        [
            pass("three times", of(open("again 1")).with(open("again 2")).with(open("again 3")))
                .naming("3 of 3"),
            warn("a little later", of(refused("again 1")).with(after(open("again 1 later 1"), 2_000_000)))
                .naming("only one stream"),
            fail("refused", for_good(&refused)).naming("only one stream"),
            fail("ends at once", for_good(&ends)).naming("ends at once"),
            warn("asks to wait", for_good(&|step| late(refused(step)))),
            undecided("not tried long enough", of(refused("again 1"))),
            undecided("a gate", for_good(&gate)),
            undecided(
                "the first ended by itself",
                Scan::legacy(true).with(ends("first")).with(ends("again 1")),
            ),
            undecided("another stream is in the way", Scan::legacy(true).with(refused("first"))),
            undecided("not tried again", Scan::legacy(true).with(open("first"))),
            undecided("not sent", Scan::legacy(true)),
            not_applicable("the modern era", Scan::modern()),
            not_applicable("405 in quick", {
                Scan::legacy(true).with(get(ProbeId::LegacyGet, "get").status(405)).profile(Profile::Quick)
            }),
            not_applicable("405", Scan::legacy(true).with(get(ProbeId::Reconnect, "first").status(405))),
        ],
    );
}
