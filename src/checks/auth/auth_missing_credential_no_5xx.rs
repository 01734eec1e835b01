//! A missing credential is the client's fault, and is answered so.

use crate::checks::prelude::*;
use crate::facts::auth::{crashed, missing};
use crate::facts::refusal::intermediary;

pub(super) static CHECK: Check = Check {
    id: "auth-missing-credential-no-5xx",
    title: "A missing credential is no server error",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Unseen,
    ),
    reads: Reads::All,
    basis: &[
        mcp!("2026-07-28", "Authorization, Error Handling", "basic/authorization#error-handling"),
        rfc!(9110, "15.5.2", "401 Unauthorized"),
        rfc!(9110, "15.6.1", "500 Internal Server Error"),
    ],
    rationale: "A 5xx says: try again later. Clients do, for ever, and never ask for a login; and a gate that works by \
                crashing may open with the next change.",
    remediation: "Look whether there is an `Authorization` header before reading it, and answer its absence with 401 \
                  and `WWW-Authenticate: Bearer resource_metadata=\"...\"`. An error in the gate must refuse, not crash.",
    causes: &[],
    how: How {
        sent: "Where the scan has a credential, correct calls without it. Where one gets a 5xx, the cheapest call \
               three times more, each time with the credential first, in the same session and era.",
        passes: "Every one is refused with something else than a 5xx.",
        warns: "A 5xx came, but not three times.",
        fails: "A 5xx came three times, and each twin with the credential was served.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if !facts.header().credential() {
        return not_applicable("no credential was given, so there is no call to take it from");
    }
    let asked = missing(facts);
    let Some(first) = asked.first() else {
        return inconclusive(facts.why_not(ProbeId::Auth, None));
    };
    if asked.iter().any(|exchange| facts.reply(exchange).served()) {
        return not_applicable("the credential is not needed: calls without it are served");
    }
    let errors: Vec<&Exchange> = asked
        .iter()
        .copied()
        .filter(|exchange| exchange.status().is_some_and(|status| status >= 500))
        .collect();
    let Some(shown) = errors.first() else {
        answered_or_gate(first)?;
        let statuses: Vec<String> = asked.iter().filter_map(|one| Some(one.status()?.to_string())).collect();
        return pass(
            Evidence::status(first),
            format!("calls without the credential get {}", statuses.join(", ")),
        );
    };
    if let Some(name) = errors.iter().find_map(|exchange| intermediary(exchange)) {
        return inconclusive(format!("a 5xx came from {name}, perhaps a block"));
    }
    let status = shown.status().unwrap_or_default();
    let evidence = errors.iter().take(3).map(|one| Evidence::status(one)).collect();
    let (worst, message) = if crashed(facts) {
        (
            Status::Fail,
            format!(
                "{status} came every time the credential was missing, while each same call with it was served"
            ),
        )
    } else {
        (
            Status::Warn,
            format!("{status} came for want of the credential, {} of {} times", errors.len(), asked.len()),
        )
    };
    Ok(Verdict::of(worst, evidence, message))
}

/// A wall of any kind is an answer here; silence and limits are none.
fn answered_or_gate(exchange: &Exchange) -> Result<(), Undecided> {
    if matches!(exchange.status(), Some(status) if status != 429) {
        Ok(())
    } else {
        answered(exchange).map(|_| ())
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let body = |id: &str| json!({"jsonrpc":"2.0","id":id,"method":"server/discover"});
    let with = |step: &str| {
        post(ProbeId::Auth, step, Era::Modern, body(step))
            .sending("authorization", "~credential~")
            .result(json!({"resultType":"complete"}))
    };
    let bare = |step: &str| post(ProbeId::Auth, step, Era::Modern, body(step)).negative();
    let open = || Scan::empty().with(discover().sending("authorization", "~credential~")).credential();
    let asked = |answer: &dyn Fn(Made) -> Made| open().with(answer(bare("discover")));
    let thrice = |statuses: [u16; 3]| {
        let pairs = (1..).zip(statuses);
        pairs.fold(asked(&|made| made.status(500)), |scan, (n, status)| {
            scan.with(with(&format!("served-{n}"))).with(bare(&format!("missing-{n}")).status(status))
        })
    };
    hold(
        &CHECK,
        [
            pass("401", asked(&|made| made.status(401))).naming("401"),
            pass("403 and a redirect are for another row", asked(&|made| made.status(403))),
            warn("once", asked(&|made| made.status(500))).naming("1 of 1"),
            warn("sometimes", thrice([500, 401, 500])),
            fail("every time", thrice([500, 500, 500])).naming("every time"),
            fail("with other codes", thrice([500, 502, 503])),
            not_applicable("not needed", asked(&|made| made.result(json!({})))),
            not_applicable("none was given", Scan::modern()),
            undecided("limited", asked(&|made| made.status(429))),
            undecided("a firewall", asked(&|made| made.status(503).header("server", "cloudflare"))),
            undecided("nothing was sent", open()),
        ],
    );
}
