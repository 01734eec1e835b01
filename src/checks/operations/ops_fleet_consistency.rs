//! Whatever stands behind the address tells one story.

use std::collections::BTreeSet;

use crate::checks::prelude::*;
use crate::facts::quote::quoted;
use crate::facts::replicas::{self, Repeated, Told};

pub(super) static CHECK: Check = Check {
    id: "ops-fleet-consistency",
    title: "All instances behind the address tell the same story",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(&[Transport::StreamableHttp], Gated::Hidden),
    reads: Reads::Every(Expectation::Plain),
    basis: &[Basis {
        title: "MCP 2026-07-28, Versioning: clients keep the era of an origin, so it is a property of the server",
        url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning",
    }],
    rationale: "Clients ask once which era, versions and capabilities a server has, and keep the answer. Where the \
                next connection leads to an instance with another one, calls fail that were right.",
    remediation: "Run one version behind one address: finish the rolling update, or send new clients to the new \
                  instances by another path or host. If an update was under way, scan again after it.",
    causes: &[],
    how: How {
        sent: "Nothing of its own: every `server/discover`, `initialize` and other call outside of a session that \
               the scan repeats.",
        passes: "Each is answered alike: served everywhere, with the same versions and capabilities.",
        warns: "The servers' own version differs.",
        fails: "The same request is served once and refused another time, or versions or capabilities differ.",
    },
    judge,
};

/// Fewer answers say too little.
const LEAST: usize = 3;

fn judge(facts: &Facts<'_>) -> Judgement {
    let groups = facts.repeated();
    let mut seen = Observations::new();
    for group in groups.iter().filter(|group| group.differs()) {
        seen.push(refused(group));
    }
    let mut told: Vec<(&Exchange, Told)> = Vec::new();
    for group in &groups {
        let answers: Vec<_> =
            group.served.iter().filter_map(|exchange| Some((*exchange, replicas::told(exchange)?))).collect();
        for (exchange, other) in &answers {
            if let Some((first, one)) = answers.first() {
                compare(&mut seen, (first, one), (exchange, other));
            }
        }
        told.extend(answers);
    }
    // Versions are compared over all that was told, whatever version was asked for.
    for (exchange, other) in &told {
        if let Some((first, one)) = told.first().filter(|(_, one)| one.version != other.version) {
            seen.push(versions((first, one), (exchange, other)));
        }
    }
    if !seen.is_empty() {
        return seen.verdict("", "");
    }
    let connections: BTreeSet<u32> = told.iter().map(|(exchange, _)| exchange.connection).collect();
    match told.first() {
        Some((exchange, _)) if told.len() >= LEAST && connections.len() >= 2 => pass(
            Evidence::status(exchange),
            format!(
                "{} handshakes and discoveries on {} connections tell the same, and no request was served once and \
                 refused another time",
                told.len(),
                connections.len()
            ),
        ),
        _ => inconclusive(format!(
            "only {} handshakes and discoveries were served, on {} connections",
            told.len(),
            connections.len()
        )),
    }
}

fn refused(group: &Repeated<'_>) -> Verdict {
    let shown = group.served.first().into_iter().chain(group.refused.first());
    let evidence = shown.map(|exchange| Evidence::status(exchange)).collect();
    let quote = group.refused.first().map_or_else(String::new, |exchange| quoted(exchange));
    let message = format!(
        "the same `{}` was served {} times and refused {} times{quote}",
        group.method,
        group.served.len(),
        group.refused.len()
    );
    let mut verdict = Verdict::of(Status::Fail, evidence, message);
    verdict.unstable = true;
    verdict
}

fn compare(seen: &mut Observations, one: (&Exchange, &Told), other: (&Exchange, &Told)) {
    let message = if one.1.versions != other.1.versions {
        format!("one answer has the versions {}, another {}", one.1.versions, other.1.versions)
    } else if one.1.capabilities != other.1.capabilities {
        "one answer has other capabilities than another".to_owned()
    } else {
        return;
    };
    seen.push(unsteady(Status::Fail, (one.0, other.0), message));
}

fn versions(one: (&Exchange, &Told), other: (&Exchange, &Told)) -> Verdict {
    let name = |told: &Told| told.version.as_deref().map_or_else(|| "none".to_owned(), cut);
    let message = format!("one server calls its version {}, another {}", name(one.1), name(other.1));
    unsteady(Status::Warn, (one.0, other.0), message)
}

/// The next connection may lead elsewhere.
fn unsteady(status: Status, shown: (&Exchange, &Exchange), message: String) -> Verdict {
    let evidence = vec![Evidence::status(shown.0), Evidence::status(shown.1)];
    let mut verdict = Verdict::of(status, evidence, message);
    verdict.unstable = true;
    verdict
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::checks::synthetic::{Made, Scan, initialize};
    use crate::finding::Finding;

    fn shake(connection: u32) -> Made {
        initialize(ProbeId::LegacyVersions, "initialize 2025-11-25").on(connection)
    }

    fn told(connection: u32, capabilities: &Value, version: &str) -> Made {
        shake(connection).result(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "serverInfo": { "name": "s", "version": version },
        }))
    }

    fn judged(made: impl IntoIterator<Item = Made>) -> Finding {
        made.into_iter().fold(Scan::legacy(false), Scan::with).judge(&CHECK)
    }

    fn same(connection: u32) -> Made {
        told(connection, &json!({"tools": {}}), "1")
    }

    #[test]
    fn passes_where_all_tell_the_same() {
        assert_eq!(judged([same(5), same(6), same(7)]).status, Status::Pass);
        // What lies between us and the endpoint is no difference.
        for status in [401, 429, 502] {
            assert_eq!(judged([same(5), same(6), same(7), shake(8).status(status)]).status, Status::Pass);
        }
    }

    #[test]
    fn fails_where_one_tells_or_serves_something_else() {
        let other = judged([same(5), same(6), told(7, &json!({"tools": {}, "prompts": {}}), "1")]);
        assert_eq!(other.status, Status::Fail);
        assert!(other.message.contains("other capabilities"), "{}", other.message);
        assert_eq!(judged([same(5), same(6), told(7, &json!({"tools": {}}), "2")]).status, Status::Warn);
        let gone = judged([same(5), same(6), shake(7).error(404, -32601, "no initialize here")]);
        assert_eq!(gone.status, Status::Fail);
        assert!(gone.message.contains("no initialize here"), "{}", gone.message);
    }

    #[test]
    fn undecided_where_nothing_was_repeated() {
        assert_eq!(judged([]).status, Status::Inconclusive);
    }
}
