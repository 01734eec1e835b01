//! What a handshake opens can be used.

use crate::checks::prelude::*;
use crate::facts::era_use::{self, Use};
use crate::facts::quote::quoted;

pub(super) static CHECK: Check = Check {
    id: "sh-era-usable",
    title: "An era that is opened can be used",
    dimension: Dimension::D2,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Unseen,
    ),
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        mcp!("2025-11-25", "Lifecycle, Version Negotiation", "basic/lifecycle#version-negotiation"),
        mcp!("2025-11-25", "Lifecycle, Operation", "basic/lifecycle#operation"),
        mcp!("2026-07-28", "Versioning", "basic/versioning"),
    ],
    rationale: "A client that got an answer to its handshake goes on in that era. Where every request after it is \
                refused, the connection looks sound and nothing works.",
    remediation: "Serve ordinary requests in every era whose handshake is answered, or refuse `initialize` with \
                  -32022 and the versions that are served, so that clients choose another era. In the Rust SDK leave \
                  `with_stateless_protocol_metadata_required` off where legacy clients are welcome.",
    causes: &[Cause { word: "only-era", remedy: None }, Cause { word: "other-era-serves", remedy: None }],
    how: How {
        sent: "After `initialize` a `ping`, and an advertised list where no catalogue of that era is read; where all \
               is refused, the `ping` again on a fresh connection, and without `MCP-Protocol-Version`. Every other \
               correct request of the era counts, too.",
        passes: "At least one ordinary request of each era is served.",
        warns: "Only `ping` is served although lists are advertised, or requests are served only without the version \
                header.",
        fails: "The handshake succeeds, and every ordinary request is refused, on two connections.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let judged: Vec<(Era, Judgement)> =
        facts.class().eras.iter().map(|era| (*era, judge_era(facts, *era))).collect();
    let serves = |era: Era| {
        judged.iter().any(|(other, found)| {
            *other != era && found.as_ref().is_ok_and(|found| found.status != Status::Fail)
        })
    };
    let mut seen = Observations::new();
    let (mut missing, mut inapplicable) = (None, None);
    let mut sound = Vec::new();
    for (era, found) in &judged {
        match found {
            Ok(verdict) => {
                let mut verdict = verdict.clone();
                if verdict.status == Status::Fail {
                    verdict = verdict.because(if serves(*era) { "other-era-serves" } else { "only-era" });
                }
                verdict.message = format!("{era} era: {}", verdict.message);
                sound.push(verdict.message.clone());
                seen.push(verdict);
            }
            Err(reason @ Undecided::Inconclusive(_)) => missing = missing.or(Some(reason.clone())),
            Err(reason) => inapplicable = inapplicable.or(Some(reason.clone())),
        }
    }
    match (missing, inapplicable) {
        (Some(reason), _) if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 => Err(reason),
        (_, Some(reason)) if seen.is_empty() => Err(reason),
        _ => seen.verdict(sound.join("; "), "no era was opened"),
    }
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let Use { served, refused, bare, unclear, list_refused, list_served, .. } = &era_use::read(facts, era);
    let method = |exchange: &Exchange| facts.method(exchange).unwrap_or_default().to_owned();
    if let Some(first) = served.first() {
        return match refused.iter().find(|exchange| method(exchange).ends_with("/list")) {
            Some(list) if *list_refused && !list_served && served.iter().all(|one| method(one) == "ping") => {
                warn(
                    Evidence::status(list),
                    format!("only `ping` is served; no advertised list is{}", quoted(list)),
                )
            }
            _ => pass(Evidence::status(first), format!("`{}` is served", method(first))),
        };
    }
    if let Some(reason) = unclear {
        return Err(reason.clone());
    }
    let Some(first) = refused.first() else {
        return inconclusive(match era {
            Era::Legacy => facts.why_not(ProbeId::EraUse, Some("ping")),
            Era::Modern => facts.why_not(ProbeId::Catalogue, None),
        });
    };
    if !list_refused {
        return match era {
            Era::Legacy => {
                charged_to("legacy-ping", "no list is advertised, so only `ping` had to be served")
            }
            Era::Modern => not_applicable("no list is advertised, so nothing else had to be served"),
        };
    }
    if let Some(bare) = bare {
        let message = format!(
            "requests are served only without `MCP-Protocol-Version`, which clients must send{}",
            quoted(first)
        );
        return Ok(Verdict::of(Status::Warn, vec![Evidence::status(first), Evidence::status(bare)], message));
    }
    if !era_use::read(facts, era).hollow() {
        return inconclusive("requests were refused, but on one connection only");
    }
    let handshake = if era == Era::Legacy { names::INITIALIZE } else { names::DISCOVER };
    let message = format!(
        "`{handshake}` succeeds, and each of the {} requests that followed was refused{}",
        refused.len(),
        quoted(first)
    );
    Ok(Verdict::of(Status::Fail, refused.iter().take(3).map(|one| Evidence::status(one)).collect(), message))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    fn ask(era: Era, probe: ProbeId, step: &str, method: &str) -> Made {
        post(probe, step, era, json!({"jsonrpc":"2.0","id":5,"method":method}))
    }
    let ping = |step: &str| ask(Era::Legacy, ProbeId::EraUse, step, "ping");
    let list = |era| ask(era, ProbeId::Catalogue, "tools/list", "tools/list");
    let refused = |made: Made| made.error(400, -32600, "expect initialize request");
    let tools = |era| list(era).result(json!({"tools":[]}));
    let hollow = |scan: Scan| {
        scan.with(refused(ping("ping"))).with(refused(list(Era::Legacy))).with(refused(ping("again").on(9)))
    };
    hold(
        &CHECK,
        [
            pass("a ping is served", Scan::legacy(true).with(ping("ping").result(json!({})))),
            pass(
                "a list is served, and no ping",
                Scan::legacy(true).with(refused(ping("ping"))).with(tools(Era::Legacy)),
            ),
            pass("a list is served", Scan::modern().with(tools(Era::Modern))),
            pass(
                "both eras serve",
                Scan::dual(true).with(tools(Era::Modern)).with(ping("ping").result(json!({}))),
            )
            .naming("legacy era: `ping`"),
            pass(
                "a result under another id was carried out",
                Scan::legacy(true).with(ping("ping").json(json!({"jsonrpc":"2.0","id":"5","result":{}}))),
            ),
            warn(
                "ping alone",
                Scan::legacy(true).with(ping("ping").result(json!({}))).with(refused(list(Era::Legacy))),
            )
            .naming("only `ping`"),
            warn(
                "the version header is what is refused",
                hollow(Scan::legacy(true)).with(ping(era_use::WITHOUT_VERSION).result(json!({}))),
            )
            .naming("only without"),
            fail("nothing after initialize", hollow(Scan::legacy(true))).naming("each of the 3 requests"),
            fail("the other era serves", hollow(Scan::dual(false).with(tools(Era::Modern))))
                .naming("legacy era"),
            fail(
                "nothing after discover",
                Scan::modern().with(list(Era::Modern).error(404, -32601, "no")).with(
                    ask(Era::Modern, ProbeId::Connections, "fresh-1", "tools/list")
                        .on(7)
                        .error(404, -32601, "no"),
                ),
            ),
            not_applicable(
                "a ping that nobody had to miss is the business of its own row",
                Scan::legacy(false).with(refused(ping("ping"))).with(refused(ping("again").on(9))),
            ),
            undecided("a gate", Scan::legacy(true).with(ping("ping").status(401))),
            undecided("a server error", Scan::legacy(true).with(ping("ping").status(500))),
            undecided(
                "one connection",
                Scan::legacy(true).with(refused(ping("ping"))).with(refused(list(Era::Legacy))),
            ),
            undecided("one of the eras was not used", Scan::dual(true).with(tools(Era::Modern))),
            undecided("nothing was sent", Scan::legacy(true)),
        ],
    );
}
