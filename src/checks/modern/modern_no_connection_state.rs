//! The modern era has no handshake: every request stands alone, on whatever connection it comes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::checks::prelude::*;
use crate::transcript::exchange::request_method;

pub(super) static CHECK: Check = Check {
    id: "modern-no-connection-state",
    title: "Any request works as the first one on a fresh connection",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Connections, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Basic, Statelessness", "basic#statelessness"),
        mcp!("2026-07-28", "Server, Tools, Capabilities", "server/tools#capabilities"),
    ],
    rationale: "Agents, proxies and load balancers open connections as they like. A server that remembers what came \
                before on a connection answers the same call differently, and fails where nobody can see why.",
    remediation: "Read version and capabilities from `_meta` of every request and keep nothing on the connection: \
                  `tools/list` as the first request of a fresh connection must be answered with the same tools as \
                  after `server/discover`.",
    causes: &[],
    how: How {
        sent: "An advertised list (else `server/discover`) as the first request on fresh connections, \
               four in `quick` and eight otherwise; then once more on one that is kept open.",
        passes: "Each time the same status and the same names.",
        warns: "",
        fails: "It is refused until something else was called, or the result depends on the connection.",
    },
    judge,
};

/// A list that differs within this time did not just happen to change.
const WITHIN_US: u64 = 10_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let round: Vec<&Exchange> =
        // `open` is another method: it only makes the connection of `reused` one that has been used.
        facts.of(ProbeId::Connections)
            .filter(|exchange| exchange.era == Some(Era::Modern) && exchange.step != "open")
            .collect();
    let fresh = round.iter().filter(|exchange| exchange.step.starts_with("fresh-")).count();
    if fresh < 2 {
        return inconclusive(match fresh {
            0 => facts.why_not(ProbeId::Connections, None),
            _ => "fewer than two fresh connections were tried".to_owned(),
        });
    }
    let mut missing = None;
    let mut served: Vec<(&Exchange, BTreeSet<String>)> = Vec::new();
    let mut refused: Vec<&Exchange> = Vec::new();
    for exchange in &round {
        let reply = facts.reply(exchange);
        match (answered(exchange), reply.result(), Outcome::of(exchange, reply)) {
            (Err(reason), ..) => missing = missing.or(Some(reason)),
            (Ok(_), Some(result), _) => served.push((exchange, offered(result))),
            (Ok(_), None, Some(Outcome::Error { .. } | Outcome::Bare { .. })) => refused.push(exchange),
            (Ok(_), None, _) => {
                missing = missing.or(Some(Undecided::Inconclusive("no complete answer came".to_owned())));
            }
        }
    }
    // What fails now and then, whatever the connection, is no state of one.
    let crashes = refused.iter().all(|exchange| exchange.status() >= Some(500));
    if let Some(exchange) = refused.first() {
        if crashes && !served.is_empty() {
            let (failed, of) = (refused.len(), refused.len().saturating_add(served.len()));
            return charged_to(
                "ops-error-rate",
                format!("{failed} of {of} calls failed with a server error"),
            );
        }
        return judge_refused(facts, exchange, refused.len(), &served);
    }
    if let Some(verdict) = judge_difference(&served) {
        return verdict;
    }
    match (missing, served.first()) {
        (None, Some((first, names))) => {
            let method = request_method(first).unwrap_or_default();
            let remark = if method == names::DISCOVER { " (no list is advertised)" } else { "" };
            let reused = if served.len() > fresh { " and on a reused one" } else { "" };
            let evidence = Evidence::status(first);
            pass(
                evidence,
                format!(
                    "{method}{remark} gives the same {} names on {fresh} fresh connections{reused}",
                    names.len()
                ),
            )
        }
        (Some(reason), _) => Err(reason),
        (None, None) => inconclusive("nothing was answered"),
    }
}

fn judge_refused(
    facts: &Facts<'_>,
    exchange: &Exchange,
    refused: usize,
    served: &[(&Exchange, BTreeSet<String>)],
) -> Judgement {
    let at = Evidence::status(exchange);
    let method = request_method(exchange).unwrap_or_default();
    let of = refused.saturating_add(served.len());
    if !served.is_empty() {
        let message = format!(
            "{method} is refused in {refused} of {of} calls on fresh connections and served in the others"
        );
        let mut verdict = fail(at, message)?;
        // Which connections are refused may be chance, as behind a load balancer.
        verdict.unstable = true;
        return Ok(verdict);
    }
    let elsewhere = facts
        .exchanges()
        .filter(|other| other.probe != ProbeId::Connections && other.era == Some(Era::Modern))
        .filter(|other| request_method(other).as_deref() == Some(method.as_str()))
        .find(|other| facts.reply(other).served());
    match elsewhere {
        Some(_) => fail(
            at,
            format!("{method} is refused as the first request of a connection, and served after another one"),
        ),
        None => inconclusive(format!("{method} is refused everywhere, so nothing follows for connections")),
    }
}

/// Two results that name different things, if there are two.
fn judge_difference(served: &[(&Exchange, BTreeSet<String>)]) -> Option<Judgement> {
    let (first, names) = served.first()?;
    let (other, others) = served.iter().find(|(_, others)| others != names)?;
    let started = served.iter().map(|(exchange, _)| exchange.started_us);
    let span_us = started.clone().max()?.saturating_sub(started.min()?);
    if span_us > WITHIN_US {
        return Some(inconclusive(
            "the list changed, but not within a few seconds: it may have been updated",
        ));
    }
    let only = names.symmetric_difference(others).next().map(|name| cut(name)).unwrap_or_default();
    let message = format!(
        "{} and {} differ: {} and {} names, `{only}` is in one of them only",
        first.step,
        other.step,
        names.len(),
        others.len()
    );
    let evidence = Evidence::new(other, "body /result", format!("{} names", others.len()));
    Some(fail(evidence, message).map(|mut verdict| {
        verdict.evidence.insert(0, Evidence::new(first, "body /result", format!("{} names", names.len())));
        verdict.unstable = true;
        verdict
    }))
}

/// What a result offers, by name: the order may change, the set may not.
fn offered(result: &Value) -> BTreeSet<String> {
    const LISTS: [(&str, &str); 5] = [
        ("tools", "name"),
        ("prompts", "name"),
        ("resources", "uri"),
        ("resourceTemplates", "uriTemplate"),
        ("supportedVersions", ""),
    ];
    let mut found = BTreeSet::new();
    for (list, name) in LISTS {
        for item in result.get(list).and_then(Value::as_array).into_iter().flatten() {
            let named = item.get(name).unwrap_or(item);
            found.insert(named.as_str().map_or_else(|| named.to_string(), str::to_owned));
        }
    }
    let capabilities = result.get("capabilities").and_then(Value::as_object);
    found.extend(capabilities.into_iter().flat_map(|all| all.keys().cloned()));
    found
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    const STEPS: [&str; 5] = ["fresh-1", "fresh-2", "fresh-3", "fresh-4", "reused"];
    let call = |probe, era, step: &str, method: &str| {
        post(probe, step, era, json!({"jsonrpc":"2.0","id":step,"method":method,"params":{}}))
    };
    let list = |probe, step: &str| call(probe, Era::Modern, step, "tools/list");
    let fresh = |step: &str| list(ProbeId::Connections, step);
    let tools = |names: &[&str]| {
        let tools: Vec<Value> = names.iter().map(|name| json!({"name":name})).collect();
        json!({"resultType":"complete","tools":tools})
    };
    let all = |answer: &dyn Fn(&str, Made) -> Made| {
        STEPS.iter().fold(Scan::dual(true), |scan, step| scan.with(answer(step, fresh(step))))
    };
    // All alike, but one.
    let but = |odd: &str, answer: &dyn Fn(Made) -> Made| {
        all(&|step, made| if step == odd { answer(made) } else { made.result(tools(&["a"])) })
    };
    let turned =
        |step: &str, made: Made| made.result(tools(if step == "reused" { &["b", "a"] } else { &["a", "b"] }));
    let no = |words: &'static str| move |_: &str, made: Made| made.error(400, -32600, words);
    let found =
        json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"logging":{}}});
    let discovered = ["fresh-1", "fresh-2"].iter().fold(Scan::modern(), |scan, step| {
        let made = call(ProbeId::Connections, Era::Modern, step, "server/discover");
        scan.with(made.result(found.clone()))
    });
    let legacy = STEPS.iter().fold(Scan::dual(true), |scan, step| {
        scan.with(call(ProbeId::Connections, Era::Legacy, step, "ping").result(json!({})))
    });
    let later = list(ProbeId::Catalogue, "tools/list").result(tools(&["a"]));
    let slow = all(&|step, made| {
        made.result(tools(if step == "reused" { &["b"] } else { &["a"] })).held_until(4_000_000)
    });
    let cut = |made: Made| made.status(200).failed(Phase::Body, FailureKind::Truncated);
    hold(
        &CHECK,
        [
            pass("the same set in another order", all(&turned)).naming("4 fresh connections and on a reused"),
            pass("by discover", discovered).naming("no list is advertised"),
            fail("a set differs", but("reused", &|made| made.result(tools(&["a", "b"]))))
                .unstable()
                .naming("`b`"),
            fail("some are refused", but("fresh-2", &|made| made.error(400, -32600, "no"))).naming("1 of 5"),
            not_applicable("a server error now and then", but("fresh-2", &|made| made.status(503)))
                .naming("1 of 5 calls failed"),
            fail("served after discover only", all(&no("discover first")).with(later)),
            undecided("refused everywhere", all(&|_, made| made.error(404, -32601, "Method not found"))),
            undecided("the list changed over a long time", slow),
            undecided("nothing was sent", Scan::modern()),
            undecided("one is not enough", Scan::modern().with(fresh("fresh-1").result(tools(&["a"])))),
            undecided("a fresh one was rate limited", but("fresh-1", &|made| made.status(429))),
            undecided("the reused one was rate limited", but("reused", &|made| made.status(429))),
            undecided("a reply was cut", but("fresh-3", &cut)),
            undecided("nobody is there", all(&|_, made| made.failed(Phase::Connect, FailureKind::Refused))),
            undecided("the legacy round says nothing", legacy),
        ],
    );
}
