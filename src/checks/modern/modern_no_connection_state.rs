//! The modern era has no handshake: every request stands alone, on whatever connection it comes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::Outcome;
use crate::protocol::names;
use crate::transcript::exchange::request_method;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "modern-no-connection-state",
    title: "Any request works as the first one on a fresh connection",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Connections, ProbeId::Catalogue]),
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Basic, Statelessness",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic#statelessness",
        },
        Basis {
            title: "MCP 2026-07-28, Server, Tools, Capabilities",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/server/tools#capabilities",
        },
    ],
    rationale: "Agents, proxies and load balancers open connections as they like. A server that remembers what came \
                before on a connection answers the same call differently, and fails where nobody can see why.",
    remediation: "Read version and capabilities from `_meta` of every request and keep nothing on the connection: \
                  `tools/list` as the first request of a fresh connection must be answered with the same tools as \
                  after `server/discover`.",
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
    if let Some(exchange) = refused.first() {
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
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    const STEPS: [&str; 5] = ["fresh-1", "fresh-2", "fresh-3", "fresh-4", "reused"];

    fn list(probe: ProbeId, step: &str) -> Made {
        let body = json!({"jsonrpc":"2.0","id":step,"method":"tools/list","params":{}});
        post(probe, step, Era::Modern, body)
    }

    fn tools(names: &[&str]) -> Value {
        let tools: Vec<Value> = names.iter().map(|name| json!({"name":name})).collect();
        json!({"resultType":"complete","tools":tools})
    }

    fn scan(answer: impl Fn(&str, Made) -> Made) -> Scan {
        STEPS
            .iter()
            .fold(Scan::dual(true), |scan, step| scan.with(answer(step, list(ProbeId::Connections, step))))
    }

    #[test]
    fn passes_when_all_connections_give_the_same_set() {
        let finding =
            scan(|step, made| made.result(tools(if step == "reused" { &["b", "a"] } else { &["a", "b"] })))
                .judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.message.contains("4 fresh connections and on a reused"), "{}", finding.message);
    }

    #[test]
    fn passes_by_discover_and_says_so() {
        let result =
            json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"logging":{}}});
        let mut made = Scan::modern();
        for step in ["fresh-1", "fresh-2"] {
            let body = json!({"jsonrpc":"2.0","id":step,"method":"server/discover","params":{}});
            made = made.with(post(ProbeId::Connections, step, Era::Modern, body).result(result.clone()));
        }
        let finding = made.judge(&CHECK);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("no list is advertised"), "{}", finding.message);
    }

    #[test]
    fn fails_when_a_set_differs() {
        let finding =
            scan(|step, made| made.result(tools(if step == "reused" { &["a", "b"] } else { &["a"] })))
                .judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.unstable && finding.message.contains("`b`"), "{}", finding.message);
    }

    #[test]
    fn fails_when_some_connections_are_refused() {
        let finding = scan(|step, made| {
            if step == "fresh-2" {
                made.error(400, -32600, "not initialized")
            } else {
                made.result(tools(&["a"]))
            }
        })
        .judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("1 of 5"), "{}", finding.message);
    }

    #[test]
    fn fails_when_only_a_call_after_discover_is_served() {
        let refused = |_: &str, made: Made| made.error(400, -32600, "discover first");
        let later = list(ProbeId::Catalogue, "tools/list").result(tools(&["a"]));
        assert_eq!(scan(refused).with(later).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_when_the_call_is_refused_everywhere() {
        let refused = scan(|_, made| made.error(404, -32601, "Method not found"));
        assert_eq!(refused.judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_the_list_changed_over_a_long_time() {
        let slow = scan(|step, made| {
            let made = made.result(tools(if step == "reused" { &["b"] } else { &["a"] }));
            made.held_until(4_000_000)
        });
        assert_eq!(slow.judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_nothing_or_not_enough_was_seen() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        let one = Scan::modern().with(list(ProbeId::Connections, "fresh-1").result(tools(&["a"])));
        assert_eq!(one.judge(&CHECK).status, Status::Inconclusive);
        for lost in ["fresh-1", "reused"] {
            let scan =
                scan(|step, made| if step == lost { made.status(429) } else { made.result(tools(&["a"])) });
            assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
        }
        let cut = scan(|step, made| {
            let made = if step == "fresh-3" { made.status(200) } else { made.result(tools(&["a"])) };
            if step == "fresh-3" { made.failed(Phase::Body, FailureKind::Truncated) } else { made }
        });
        assert_eq!(cut.judge(&CHECK).status, Status::Inconclusive);
        let dead = scan(|_, made| made.failed(Phase::Connect, FailureKind::Refused));
        assert_eq!(dead.judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_by_the_legacy_round_of_a_dual_endpoint() {
        let mut made = Scan::dual(true);
        for step in STEPS {
            let body = json!({"jsonrpc":"2.0","id":2,"method":"ping"});
            made = made.with(post(ProbeId::Connections, step, Era::Legacy, body).result(json!({})));
        }
        assert_eq!(made.judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_legacy_endpoints() {
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::NotApplicable);
    }
}
