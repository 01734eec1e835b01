//! A session id is a key: whoever can guess one is in.

use crate::checks::prelude::*;
use crate::facts::handshake;
use crate::protocol::names;
use crate::transcript::TokenShape;

pub(super) static CHECK: Check = Check {
    id: "legacy-session-id-quality",
    title: "Session ids are visible ASCII, differ every time and cannot be guessed",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::LEGACY,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::LegacyVersions]),
    basis: &[
        mcp!("2025-11-25", "Transports, Session management", "basic/transports#session-management"),
        Basis {
            title: "MCP security best practices 2025-11-25, Session hijacking",
            url: "https://modelcontextprotocol.io/docs/2025-11-25/tutorials/security/security_best_practices#session-hijacking",
        },
        Basis {
            title: "MCP conformance suite, server-initialize",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "Whoever names a live session id speaks as that agent and reads what was meant for it. An id that \
                counts up, follows the clock or is short can be found by trying.",
    remediation: "Draw every id from a cryptographic source: in the TypeScript SDK `sessionIdGenerator: () => \
                  randomUUID()`; the Python SDK's session manager (`uuid4().hex`) and the Rust SDK's \
                  `LocalSessionManager` (UUID version 4) already do, so let no wrapper or proxy put its own id there.",
    causes: &[],
    how: How {
        sent: "The ids of three `initialize` calls: characters, length, common prefix, steps like a \
               counter, and the bits that are left after the prefix. The id itself is not kept.",
        passes: "Visible ASCII, different each time, and at least 64 bits that differ.",
        warns: "Short ids, little that differs, or more than 4,096 characters, which many servers refuse in a header.",
        fails: "Bad characters, the same id twice, a counter or a clock.",
    },
    judge,
};

/// Longer ids are trouble: each request carries one, and common servers and proxies take 8 KiB of headers in all.
const LONGEST: usize = 4_096;

/// What an id must hold at least, in bits: half of the 128 of a UUID, beyond guessing online.
const ENOUGH_BITS: f64 = 64.0;

fn judge(facts: &Facts<'_>) -> Judgement {
    let issued = facts.session_shapes();
    let Some((first, _)) = issued.first() else {
        return if handshake::read(facts).iter().any(|made| made.result().is_some()) {
            not_applicable("no session id is issued, and none is required")
        } else {
            inconclusive("initialize was not answered with a result")
        };
    };
    let mut seen = Observations::new();
    let at = |exchange: &Exchange| Evidence::header(exchange, names::SESSION_HEADER);
    for (exchange, shape) in &issued {
        if shape.bad_bytes > 0 {
            let message = format!("a session id has {} bytes that are no visible ASCII", shape.bad_bytes);
            seen.add(Status::Fail, at(exchange), message);
        }
        if shape.repeats {
            seen.add(
                Status::Fail,
                at(exchange),
                "a second initialize got a session id that was issued before",
            );
        }
    }
    let steps: Vec<Option<i64>> =
        issued.iter().skip(1).filter(|(_, shape)| !shape.repeats).map(|(_, shape)| counted(shape)).collect();
    if !steps.is_empty() && steps.iter().all(Option::is_some) {
        let steps: Vec<String> = steps.iter().flatten().map(ToString::to_string).collect();
        let message = format!("session ids count up or follow the clock (differences {})", steps.join(", "));
        seen.add(Status::Fail, at(first), message);
    }
    if let Some((exchange, shape)) = issued.iter().find(|(_, shape)| shape.length > LONGEST) {
        let message = format!(
            "a session id has {} characters: many servers and proxies refuse headers of 8 KiB",
            shape.length
        );
        seen.add(Status::Warn, at(exchange), message);
    }
    let weakest = issued.iter().min_by(|(_, a), (_, b)| bits(a).total_cmp(&bits(b)));
    let Some((exchange, shape)) = weakest else { return inconclusive("no session id was seen") };
    let estimate = describe(shape);
    if bits(shape) < ENOUGH_BITS {
        seen.add(Status::Warn, at(exchange), format!("session ids are guessable: {estimate}, less than 64"));
    } else if steps.is_empty() && seen.is_empty() {
        return inconclusive("only one session id was issued, so nothing can be compared");
    } else {
        seen.add(Status::Pass, at(exchange), "random");
    }
    seen.verdict(
        format!("{} session ids differ and look random: {estimate}", issued.len()),
        "none was issued",
    )
}

/// The difference to the id before, if it is that of a counter or a clock: small, or tiny beside what
/// so many digits could differ by. Random decimal numbers differ by more.
fn counted(shape: &TokenShape) -> Option<i64> {
    let [_, _, digits, _] = shape.classes;
    let range = 10_u64.checked_pow(u32::try_from(digits).ok()?).unwrap_or(u64::MAX);
    shape.step.filter(|step| *step != 0 && step.unsigned_abs() <= (range / 10_000).max(1_000))
}

/// What may differ from one id to the next, in bits: the characters outside the prefix and suffix
/// shared with earlier ids (only letters and digits: hyphens of a UUID carry nothing), times what one
/// of them can hold. An estimate from above, as from any shape.
fn bits(shape: &TokenShape) -> f64 {
    let [lower, upper, digits, _] = shape.classes;
    let letters = lower.saturating_add(upper);
    let shared = shape.common_prefix;
    let differing = differing(shape).saturating_mul(letters.saturating_add(digits));
    let characters = differing as f64 / shape.length.max(1) as f64;
    let alphabet = if shape.jwt_common.is_some() {
        64
    } else if letters == 0 {
        10
    } else if shape.hex {
        16
    } else {
        // A class that fits into the shared prefix, like the letters of `session-`, may be there only.
        let of = |count: usize, size: u32| if count > shared { size } else { 0 };
        (of(lower, 26) + of(upper, 26) + of(digits, 10)).max(10)
    };
    characters * f64::from(alphabet).log2()
}

/// Bytes outside the prefix and suffix shared with earlier ids.
fn differing(shape: &TokenShape) -> usize {
    shape.length.saturating_sub(shape.common_prefix).saturating_sub(shape.common_suffix)
}

fn describe(shape: &TokenShape) -> String {
    let differing = differing(shape);
    format!("{differing} of {} characters differ, about {:.0} bits", shape.length, bits(shape).floor())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, initialize, post};
    use crate::finding::Finding;
    use crate::transcript::{ProbeId, TokenKind, Vault};
    use crate::verdict::{Severity, Status};

    fn result() -> serde_json::Value {
        json!({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}})
    }

    /// The finding on an endpoint that issues these ids one after the other.
    fn judged(ids: &[&str]) -> Finding {
        scan(ids).judge(&CHECK)
    }

    fn scan(ids: &[&str]) -> Scan {
        let vault = Vault::default();
        ids.iter().enumerate().fold(Scan::empty(), |scan, (index, id)| {
            let made: Made = if index == 0 {
                initialize(ProbeId::Classify, "initialize")
            } else {
                initialize(ProbeId::LegacyVersions, "initialize 2025-06-18")
            };
            let shape = vault.learn(TokenKind::Session, id);
            let placeholder = shape.placeholder.clone();
            scan.with(made.result(result()).session_issued(&placeholder, shape))
        })
    }

    #[test]
    fn passes_with_random_ids_of_common_kinds() {
        let kinds: [&[&str]; 5] = [
            // UUID version 4, and without hyphens.
            &["5c16db8e-87f6-477f-949a-c24644b6689b", "375f653b-f363-48aa-97cd-324ceaa50b06"],
            &["c0ffa5a89b4949daa765263eda569b98", "fb17a5113ce24cb5b264e3625528fdf0"],
            // UUID version 7 of one millisecond, and ULID.
            &["019aa0c2-4f1b-7a31-8c55-2b1f0c9d7e64", "019aa0c2-4f1b-7d09-b3e1-90a7cc15f2d8"],
            &["01KAJ3M8Q2ZR7V9X4T6W1B5N0C", "01KAJ3M8Q2HD3F8G2K7P9S4Y6E"],
            // Eleven characters of base64url.
            &["mcp_dQw4w9WgXcQ7h", "mcp_oHg5SJYRHA0kZ"],
        ];
        for ids in kinds {
            let finding = judged(ids);
            assert_eq!(finding.status, Status::Pass, "{ids:?}: {}", finding.message);
            assert!(finding.message.contains("bits"), "{}", finding.message);
        }
    }

    #[test]
    fn passes_with_jwts_that_share_a_header() {
        let head = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
        let ids = [
            format!("{head}.eyJzaWQiOiJhYWFhIn0.Qm9vAz9xK2L4mN8pR7sT1uVwXyZ0aBcDeFgHiJkLmNo"),
            format!("{head}.eyJzaWQiOiJiYmJiIn0.Zk3Jw8Vq1Ys5Tb7Nd9Rf2Hg4Kl6Mp0XcEaUiOvSzQyW"),
        ];
        let finding = judged(&[&ids[0], &ids[1]]);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn passes_when_later_replies_echo_the_id() {
        let vault = Vault::default();
        let id = "c0ffa5a89b4949daa765263eda569b98";
        vault.learn(TokenKind::Session, id);
        let echoed = vault.learn(TokenKind::Session, id);
        let body = json!({"jsonrpc":"2.0","method":"notifications/initialized"});
        let era = crate::protocol::revision::Era::Legacy;
        let made = post(ProbeId::Classify, "initialized", era, body).status(202);
        let scan = scan(&[id, "fb17a5113ce24cb5b264e3625528fdf0"])
            .with(made.session_issued(&echoed.placeholder.clone(), echoed));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_of_short_ids_and_long_shared_parts() {
        let kinds: [&[&str]; 5] = [
            &["a7f3c91d", "04be52e8"],
            // Decimal numbers, random but few.
            &["8231907745", "1940226381", "5527318094"],
            // A MongoDB object id: time and process first, a counter last.
            &["691fb2c4e4b0a1d2c3f40a1c", "691fb2c4e4b0a1d2c3f40a1d"],
            &["session-cluster-a-eu-x7", "session-cluster-a-eu-q2"],
            // UUID version 1: only the clock's lowest digits move.
            &["5f2c1a10-c67b-11f0-8de9-0242ac120002", "5f2d77b6-c67b-11f0-8de9-0242ac120002"],
        ];
        for ids in kinds {
            let finding = judged(ids);
            assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::Medium), "{ids:?}");
            assert!(finding.message.contains("bits"), "{}", finding.message);
        }
        // A short id needs no comparison.
        assert_eq!(judged(&["a7f3c91d"]).status, Status::Warn);
    }

    #[test]
    fn warns_of_ids_that_fill_the_headers() {
        let long = |digit: &str| format!("{}{}", "0123456789abcdef".repeat(300), digit.repeat(100));
        let finding = judged(&[&long("7"), &long("e")]);
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
        assert!(finding.message.contains("4900 characters"), "{}", finding.message);
        assert_eq!(judged(&[&long("7")]).status, Status::Warn);
    }

    #[test]
    fn fails_on_counters_and_clocks() {
        let kinds: [&[&str]; 4] = [
            &["1", "2", "3"],
            // Answered in another order than issued.
            &["session-41", "session-43", "session-42"],
            &["1763683200123", "1763683200181", "1763683200302"],
            &["sess_1763683200123456789", "sess_1763683200181456789"],
        ];
        for ids in kinds {
            let finding = judged(ids);
            assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::High), "{ids:?}");
            assert!(finding.message.contains("count"), "{}", finding.message);
        }
    }

    #[test]
    fn fails_on_repeats_and_bad_bytes() {
        let id = "c0ffa5a89b4949daa765263eda569b98";
        assert_eq!(judged(&[id, id]).status, Status::Fail);
        assert_eq!(judged(&["c0ffa5a89b 949daa765263eda569b98"]).status, Status::Fail);
        assert_eq!(judged(&["sitzung-äöüäöüäöüäöüäöü"]).status, Status::Fail);
    }

    #[test]
    fn undecided_with_a_single_id() {
        assert_eq!(judged(&["c0ffa5a89b4949daa765263eda569b98"]).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_without_sessions_and_to_modern_endpoints() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::NotApplicable);
    }
}
