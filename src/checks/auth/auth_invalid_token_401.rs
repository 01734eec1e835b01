//! A token that nobody issued is refused.

use crate::checks::prelude::*;
use crate::facts::auth::{INVALID_TOKEN, TIMES, Wall, auth_barrier, challenges, in_play, wall};
use crate::facts::{barrier, quote, refusal};

pub(super) static CHECK: Check = Check {
    id: "auth-invalid-token-401",
    title: "A token that nobody issued is refused with 401",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        mcp!("2026-07-28", "Authorization, Token Handling", "basic/authorization#token-handling"),
        rfc!(6750, "3.1", "Error Codes (invalid_token, 401)"),
        rfc!(6750, "3", "The WWW-Authenticate Response Header Field (error SHOULD be there)"),
    ],
    rationale: "A gate that looks for a token and not at it lets everybody in. A client whose token has run out learns \
                from 401 and `invalid_token` that it must get a new one; any other answer looks like a ban or a fault.",
    remediation: "Check signature or introspection, issuer, audience and expiry of every token, and answer what does not \
                  hold with 401 and `WWW-Authenticate: Bearer error=\"invalid_token\", resource_metadata=\"…\"`.",
    causes: &[],
    how: How {
        sent: "Where a call without a token meets 401 and a Bearer challenge, the same call once more with \
               `Authorization: Bearer NAME.invalid.token`, the name invented for the scan. Only once, for servers count failed attempts; twice more where \
               it makes the server fail. Not where a credential that was given for the scan was refused.",
        passes: "401 with `error=\"invalid_token\"`; without it where nothing says OAuth.",
        warns: "401 without the error code, or another refusal: 400, 403, or one 5xx.",
        fails: "The call is served; or a 5xx, three times of three.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let barrier = auth_barrier(facts)?;
    let bearer = |exchange: &Exchange| {
        exchange.status() == Some(401) && challenges(exchange).iter().any(|one| one.scheme == "bearer")
    };
    let Some(sent) = facts.steps(ProbeId::Auth, INVALID_TOKEN).next() else {
        if facts.class().credential_refused {
            return inconclusive(
                "not sent: the scan's own credential was refused, and servers count such attempts",
            );
        }
        return if barrier.walls.iter().any(|(exchange, _)| bearer(exchange)) {
            inconclusive(facts.why_not(ProbeId::Auth, Some(INVALID_TOKEN)))
        } else {
            not_applicable("no call is refused with 401 and a Bearer challenge")
        };
    };
    // Without any token the same call was refused: only the token can have made a difference.
    let same = |exchange: &Exchange| exchange.era == sent.era && facts.method(exchange) == facts.method(sent);
    let refused = barrier.walls.iter().any(|(exchange, wall)| *wall == Wall::Challenged && same(exchange));
    if !refused {
        return inconclusive("the same call without a token was not refused, so nothing follows");
    }
    if facts.reply(sent).served() {
        return fail(Evidence::status(sent), "a call with a token that nobody issued is served");
    }
    if let Some(mark) = barrier::firewall(sent).or_else(|| refusal::intermediary(sent)) {
        return inconclusive(format!("a firewall or bot challenge answered ({mark}), not the endpoint"));
    }
    let Some(status) = sent.status() else {
        return inconclusive(answered(sent).err().map_or_else(|| "no answer came".to_owned(), reason));
    };
    let attempts: Vec<&Exchange> = facts.steps(ProbeId::Auth, INVALID_TOKEN).collect();
    let crashed = |exchange: &&Exchange| exchange.status().is_some_and(|status| status >= 500);
    let times = attempts.iter().copied().take_while(crashed).count();
    let oauth = in_play(facts.of(ProbeId::Auth));
    let quoted = quote::quoted(sent);
    let short = |message: String| {
        warn(Evidence::status(sent), message).map(|verdict| verdict.with_severity(Severity::Medium))
    };
    match status {
        401 => {
            let found = challenges(sent);
            let code = found.iter().find_map(|one| one.parameter("error"));
            let evidence = Evidence::header(sent, "www-authenticate");
            match code {
                Some("invalid_token") => {
                    pass(evidence, "a token that nobody issued gets 401 and `invalid_token`")
                }
                _ if !oauth => pass(evidence, "a token that nobody issued gets 401"),
                code => {
                    let what =
                        code.map_or_else(|| "no error code".to_owned(), |code| format!("`{}`", cut(code)));
                    let message = format!(
                        "a token that nobody issued gets 401 with {what} in place of `invalid_token`"
                    );
                    warn(evidence, message).map(|verdict| verdict.with_severity(Severity::Low))
                }
            }
        }
        429 => inconclusive("rate limited (429)"),
        500..=599 if times >= TIMES => {
            let message =
                format!("a token that nobody issued makes the server fail, {times} of {times} times{quoted}");
            fail(Evidence::status(sent), message).map(|verdict| verdict.with_severity(Severity::Medium))
        }
        500..=599 => short(format!("a token that nobody issued makes the server fail{quoted}")),
        _ if !oauth => {
            not_applicable("nothing says OAuth, and a static key may be refused as the server likes")
        }
        400..=499 => short(format!("a token that nobody issued is refused{quoted} instead of with 401")),
        _ if wall(facts, sent).gated() => {
            short(format!("a token that nobody issued is refused{quoted} instead of with 401"))
        }
        _ => inconclusive(format!("the call with the wrong token was neither served nor refused{quoted}")),
    }
}

fn reason(undecided: Undecided) -> String {
    match undecided {
        Undecided::NotApplicable(reason)
        | Undecided::Inconclusive(reason)
        | Undecided::Charged { reason, .. } => reason,
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{challenged, modern};
    use crate::checks::examples::*;
    let sent = || {
        let body = json!({"jsonrpc":"2.0","id":"d-3","method":names::DISCOVER});
        post(ProbeId::Auth, INVALID_TOKEN, Era::Modern, body)
            .negative()
            .sending("authorization", "Bearer abcdefghijkl.invalid.token")
    };
    let coded = |made: Made| made.status(401).header("www-authenticate", "Bearer error=\"invalid_token\"");
    let with = |made: Made| challenged().with(made);
    // A bare `Bearer` may want a static key.
    let key = |made: Made| {
        let body = json!({"jsonrpc":"2.0","id":"d-2","method":names::DISCOVER});
        let bare = post(ProbeId::Auth, "discover", Era::Modern, body).status(401);
        Scan::gated().with(bare.header("www-authenticate", "Bearer realm=\"x\"")).with(made)
    };
    hold(
        &CHECK,
        [
            pass("as RFC 6750 has it", with(coded(sent()))).naming("invalid_token"),
            pass("with a credential", modern().with(coded(sent()))),
            pass("a static key", key(sent().status(401).header("www-authenticate", "Bearer realm=\"x\""))),
            warn("no error code", with(sent().status(401).header("www-authenticate", "Bearer")))
                .naming("no error code"),
            warn(
                "another code",
                with(sent().status(401).header("www-authenticate", "Bearer error=\"expired\"")),
            ),
            warn("403", with(sent().status(403).json(json!({"error":"forbidden"})))).naming("403"),
            warn("400", with(sent().status(400))),
            warn("a server error", with(sent().status(500).body("text/plain", "boom"))).naming("boom"),
            fail("a server error each time", {
                let crash = || sent().status(500).body("text/plain", "boom");
                with(crash()).with(crash()).with(crash())
            })
            .severity(Severity::Medium)
            .naming("3 of 3"),
            fail("served", with(sent().result(json!({"resultType":"complete"}))))
                .severity(Severity::Critical),
            fail("served as well as with a credential", modern().with(sent().result(json!({})))),
            undecided("rate limited", with(sent().status(429))),
            undecided("a firewall", with(sent().status(403).header("cf-mitigated", "challenge"))),
            undecided("a gateway", with(sent().status(503).header("server", "cloudflare"))),
            undecided("no answer", with(sent().failed(Phase::Head, FailureKind::Reset))),
            undecided("an error of another kind", with(sent().error(200, -32601, "no such method"))),
            undecided("not sent", challenged()),
            undecided("the same call was open", {
                let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
                challenged().with(post(ProbeId::Auth, INVALID_TOKEN, Era::Modern, body).result(json!({})))
            }),
            not_applicable("a static key refused as it likes", key(sent().status(403))),
            not_applicable("another scheme", {
                let body = json!({"jsonrpc":"2.0","id":"d-2","method":names::DISCOVER});
                let bare = post(ProbeId::Auth, "discover", Era::Modern, body).status(401);
                Scan::gated().with(bare.header("www-authenticate", "ApiKey"))
            }),
            not_applicable("open", Scan::modern()),
        ],
    );
}
