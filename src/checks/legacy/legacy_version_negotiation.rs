//! Which version is spoken: the server may choose, but only among versions that exist.

use crate::checks::prelude::*;
use crate::facts::handshake::{self, Handshake};
use crate::facts::{Outcome, barrier, steps};
use crate::protocol::jsonrpc::Answer;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "legacy-version-negotiation",
    title: "An unsupported version is answered with a supported one, not echoed or refused",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies {
        transports: &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        ..Applies::LEGACY
    },
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::LegacyVersions]),
    basis: &[mcp!("2025-11-25", "Lifecycle, Version negotiation", "basic/lifecycle#version-negotiation")],
    rationale: "Client and server must agree on one revision before they exchange anything. A server that echoes any \
                version claims what it cannot speak, and one that merely refuses leaves the agent nothing to try.",
    remediation: "Compare `params.protocolVersion` with the versions you support: echo it if it is one of them, else \
                  answer with your newest. `1999-01-01` is answered with `\"protocolVersion\": \"2025-11-25\"`.",
    causes: &[],
    how: How {
        sent: "`initialize` with `2025-11-25`, `2025-06-18`, `2025-03-26` and `1999-01-01`.",
        passes: "Known versions are echoed or replaced by a known one; the odd one is replaced.",
        warns: "The odd one is refused, but the supported versions are listed; nothing newer than \
                2025-03-26 is offered; or a version comes that this tool does not know: then it leaves, as \
                clients do, and asks for nothing more in this era.",
        fails: "The odd one is echoed, or refused without a version to go on with.",
    },
    judge,
};

/// What no server can support: offered by the negative step.
const ODD: &str = "initialize 1999-01-01";
/// A server whose newest version is this one or an older one lacks what agents now rely on.
const DATED: Revision = Revision::V2025_03_26;

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut newest: Option<(Revision, Evidence)> = None;
    let mut spoken: Vec<Revision> = Vec::new();
    let mut missing = Some(unseen(facts));
    let mut versionless = None;
    // A status alone may be the answer to a path: it speaks of versions where another one was served.
    let served = handshake::read(facts).iter().any(|made| made.result().is_some());
    for made in handshake::read(facts) {
        if made.exchange.step == ODD {
            if facts.twin_served(made.exchange).is_ok() {
                missing = observe_odd(&made, &mut seen).err();
            }
            continue;
        }
        // What stands between us and an answer says nothing about versions.
        if barrier::barrier(made.exchange).is_some() {
            continue;
        }
        if made.result().is_some() && made.version().is_none() {
            versionless = Some(made);
            continue;
        }
        if made.exchange.probe != ProbeId::LegacyVersions && made.version().is_some_and(unknown) {
            // The scan left then, so that no other version could be offered.
            missing = None;
        }
        let Some(revision) = observe_known(&made, served, &mut seen) else { continue };
        spoken.push(revision);
        if newest.as_ref().is_none_or(|(best, _)| *best < revision) {
            newest = Some((revision, made.evidence("protocolVersion")));
        }
    }
    if let Some((best, at)) = newest.filter(|(best, _)| *best <= DATED) {
        seen.add(Status::Warn, at, format!("the newest version it negotiates is {best}"));
    }
    spoken.sort();
    spoken.dedup();
    // One defect: a handshake that never names a version negotiates none.
    if let Some(made) = versionless.filter(|_| spoken.is_empty()) {
        return charged_to(
            "legacy-initialize",
            format!("the result of {} names no version, so none is negotiated", made.exchange.step),
        );
    }
    let spoken: Vec<&str> = spoken.iter().rev().map(|revision| revision.as_str()).collect();
    let sound = format!("negotiates {}; an unsupported version is answered with another", spoken.join(", "));
    seen.verdict_despite(missing, sound)
}

/// Why the reply to the unsupported version says nothing.
fn unseen(facts: &Facts<'_>) -> Undecided {
    facts.negative(ProbeId::LegacyVersions, ODD, Some(Era::Legacy)).err().unwrap_or_else(|| {
        Undecided::Inconclusive("the reply to the unsupported version could not be read".to_owned())
    })
}

/// A published version was offered: echoed, or replaced by one that exists.
fn observe_known(made: &Handshake<'_>, served: bool, seen: &mut Observations) -> Option<Revision> {
    let offered = &made.offered;
    if let Some(version) = made.version() {
        let known = Revision::parse(version).filter(|revision| revision.era() == Era::Legacy);
        let at = made.evidence("protocolVersion");
        if known.is_some() {
            seen.add(Status::Pass, at, "known");
        } else {
            seen.add(Status::Warn, at, replaced(offered, version));
        }
        return known;
    }
    // `legacy-initialize` speaks of a result without a version.
    let spoke = made.reply.answer.is_some() || made.reply.lenient.is_some();
    if made.result().is_none() && decided(made) && (served || spoke) {
        let at = Evidence::status(made.exchange);
        if lists_another(made) {
            seen.add(Status::Warn, at, format!("{offered} is refused with a list of versions"));
        } else {
            seen.add(Status::Fail, at, format!("{offered} is refused, and no version is offered instead"));
        }
    }
    None
}

/// Whether this is no revision that we know.
fn unknown(version: &str) -> bool {
    Revision::parse(version).is_none()
}

/// What to say of an answer with a version that no handshake has.
fn replaced(offered: &str, version: &str) -> String {
    let why = if unknown(version) {
        "a version that this tool does not know: clients that do not, disconnect"
    } else {
        "which has no handshake"
    };
    format!("{offered} is answered with `{}`, {why}", cut(version))
}

/// A version that nobody has was offered.
fn observe_odd(made: &Handshake<'_>, seen: &mut Observations) -> Result<(), Undecided> {
    answered(made.exchange)?;
    let offered = &made.offered;
    match (made.version(), Outcome::of(made.exchange, &made.reply)) {
        (Some(version), _) if version == offered => seen.add(
            Status::Fail,
            made.evidence("protocolVersion"),
            format!("{offered} is echoed, a version that does not exist"),
        ),
        (Some(version), _) if Revision::parse(version).is_some_and(|known| known.era() == Era::Legacy) => {
            seen.add(Status::Pass, made.evidence("protocolVersion"), "replaced");
        }
        (Some(version), _) => {
            seen.add(Status::Warn, made.evidence("protocolVersion"), replaced(offered, version));
        }
        (None, Some(Outcome::Served)) => seen.add(
            Status::Fail,
            made.evidence("protocolVersion"),
            format!("{offered} is answered with a result that names no version"),
        ),
        (None, None | Some(Outcome::Nothing { .. })) => return inconclusive("no complete answer came"),
        (None, Some(_)) if lists_another(made) => seen.add(
            Status::Warn,
            Evidence::status(made.exchange),
            format!("{offered} is refused with a list of versions, instead of answered with one of them"),
        ),
        (None, Some(refusal)) => seen.add(
            Status::Fail,
            Evidence::status(made.exchange),
            format!("{offered} is refused with {} that lists no version", refusal.words()),
        ),
    }
    Ok(())
}

/// Whether what came is an answer. Where answers come on a stream or a socket, silence is none.
fn decided(made: &Handshake<'_>) -> bool {
    let elsewhere = made.exchange.stream.is_some() || made.exchange.is_message();
    match Outcome::of(made.exchange, &made.reply) {
        None => false,
        Some(Outcome::Nothing { .. }) => !elsewhere,
        Some(_) => true,
    }
}

/// Whether an error names a published version other than the one that was offered (which a message
/// such as "unsupported version X" repeats).
fn lists_another(made: &Handshake<'_>) -> bool {
    match made.reply.answer.as_ref().or(made.reply.lenient.as_ref()) {
        Some(Answer::Error(error)) => {
            steps::versions_in(error).iter().any(|revision| revision.as_str() != made.offered)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, initialize, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Direction, FailureKind, FrameKind, Phase, ProbeId, SkipReason};
    use crate::verdict::Status;

    fn offer(version: &str) -> Made {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":version}});
        post(ProbeId::LegacyVersions, &format!("initialize {version}"), Era::Legacy, body)
    }

    fn result(version: &str) -> Value {
        json!({"protocolVersion":version,"capabilities":{},"serverInfo":{"name":"s","version":"1"}})
    }

    fn odd() -> Made {
        offer("1999-01-01").negative()
    }

    /// Known versions echoed by a dual endpoint, the odd one answered by `answer`.
    fn judged(answer: impl Fn(Made) -> Made) -> Finding {
        Scan::dual(true)
            .with(offer("2025-06-18").result(result("2025-06-18")))
            .with(offer("2025-03-26").result(result("2025-03-26")))
            .with(answer(odd()))
            .judge(&CHECK)
    }

    /// An endpoint that answers everything with one version.
    fn only(version: &str) -> Status {
        Scan::empty()
            .with(initialize(ProbeId::Classify, "initialize").result(result(version)))
            .with(odd().result(result(version)))
            .judge(&CHECK)
            .status
    }

    #[test]
    fn passes_when_the_odd_one_is_replaced() {
        let finding = judged(|made| made.result(result("2025-11-25")));
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("2025-11-25, 2025-06-18, 2025-03-26"), "{}", finding.message);
        assert_eq!(only("2025-06-18"), Status::Pass);
    }

    #[test]
    fn passes_over_a_hiccup_that_the_retry_made_good() {
        let scan = Scan::empty()
            .with(initialize(ProbeId::Classify, "initialize").status(503).body("text/plain", "busy"))
            .with(initialize(ProbeId::Classify, "initialize-retry").result(result("2025-11-25")))
            .with(odd().result(result("2025-11-25")));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_when_the_odd_one_is_refused_with_a_list() {
        let data = json!({"supported":["2025-11-25"],"requested":"1999-01-01"});
        let error = json!({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no","data":data}});
        assert_eq!(judged(|made| made.status(400).json(error.clone())).status, Status::Warn);
        assert_eq!(judged(|made| made.error(200, -32602, "use 2025-11-25")).status, Status::Warn);
    }

    #[test]
    fn warns_when_only_dated_versions_are_spoken() {
        assert_eq!(only("2025-03-26"), Status::Warn);
        assert_eq!(only("2024-11-05"), Status::Warn);
    }

    #[test]
    fn warns_of_versions_without_a_handshake() {
        assert_eq!(judged(|made| made.result(result("2026-07-28"))).status, Status::Warn);
        assert_eq!(judged(|made| made.result(result("draft"))).status, Status::Warn);
    }

    #[test]
    fn warns_of_a_version_that_ended_the_conversation() {
        let finding = Scan::empty()
            .with(initialize(ProbeId::Classify, "initialize").result(result("2099-01-01")))
            .skip(ProbeId::LegacyVersions, None, SkipReason::UnknownVersion)
            .judge(&CHECK);
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
        assert!(finding.message.contains("does not know"), "{}", finding.message);
    }

    #[test]
    fn warns_when_a_known_one_is_refused_with_a_list() {
        let scan = |message: &str| {
            Scan::legacy(false)
                .with(offer("2025-03-26").error(400, -32602, message))
                .with(odd().result(result("2025-11-25")))
                .judge(&CHECK)
                .status
        };
        assert_eq!(scan("supported: 2025-11-25, 2025-06-18"), Status::Warn);
        // Repeating what was asked for is no list.
        assert_eq!(scan("unsupported version 2025-03-26"), Status::Fail);
    }

    #[test]
    fn fails_when_anything_is_echoed_or_barely_refused() {
        assert_eq!(judged(|made| made.result(result("1999-01-01"))).status, Status::Fail);
        assert_eq!(
            judged(|made| made.error(400, -32602, "unsupported version 1999-01-01")).status,
            Status::Fail
        );
        assert_eq!(judged(|made| made.status(400).body("text/plain", "Bad Request")).status, Status::Fail);
        assert_eq!(judged(|made| made.status(500)).status, Status::Fail);
        assert_eq!(judged(|made| made.result(json!({"capabilities":{}}))).status, Status::Fail);
    }

    #[test]
    fn undecided_when_the_odd_one_was_not_offered_or_not_answered() {
        let scan = Scan::legacy(true).skip(ProbeId::LegacyVersions, None, SkipReason::Budget);
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive);
        assert!(finding.message.contains("budget"), "{}", finding.message);
        assert_eq!(judged(|made| made.failed(Phase::Head, FailureKind::Reset)).status, Status::Inconclusive);
        assert_eq!(judged(|made| made.status(429)).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_over_transports_that_are_not_probed_for_it() {
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::Inconclusive);
        let asked =
            json!({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}});
        let reply = json!({"jsonrpc":"2.0","id":1,"result":result("2025-11-25")});
        let frames = [
            (Direction::Out, FrameKind::Text, &*asked.to_string()),
            (Direction::In, FrameKind::Text, &*reply.to_string()),
        ];
        let socket = Scan::empty().with(get(ProbeId::Classify, "websocket").frames(&frames));
        assert_eq!(socket.judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_modern_endpoints() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
