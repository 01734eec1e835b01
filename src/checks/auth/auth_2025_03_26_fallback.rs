//! Before protected-resource metadata, the origin of the endpoint was its authorization server.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::auth::{DEFAULT_AUTHORIZE, auth_barrier, authorization_server, in_play, resource_metadata};
use crate::facts::auth_documents::{newest, unclear};

pub(super) static CHECK: Check = Check {
    id: "auth-2025-03-26-fallback",
    title: "Clients of 2025-03-26 find the authorization server at the origin",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        mcp!(
            "2025-03-26",
            "Authorization, Server Metadata Discovery",
            "basic/authorization#server-metadata-discovery"
        ),
        mcp!(
            "2025-03-26",
            "Authorization, Fallbacks for Servers without Metadata Discovery",
            "basic/authorization#fallbacks-for-servers-without-metadata-discovery"
        ),
    ],
    rationale: "Clients of that revision know no protected-resource metadata. They look at the root of the endpoint's \
                origin, then take default paths there, and find nowhere else to sign in.",
    remediation: "Serve authorization-server metadata at `/.well-known/oauth-authorization-server` of the endpoint's \
                  origin, or better: publish protected-resource metadata and speak a newer revision.",
    causes: &[],
    how: How {
        sent: "`/.well-known/oauth-authorization-server` at the root of the origin; without a document there, the head of \
               `/authorize`. Judged only where 2025-03-26 is the newest revision and a challenge says OAuth.",
        passes: "The metadata are there.",
        warns: "Only the default path exists.",
        fails: "Neither is there.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let barrier = auth_barrier(facts)?;
    if facts.class().kind == Kind::EventStream || newest(facts) != Some(Revision::V2025_03_26) {
        return not_applicable("2025-03-26 is not the newest revision spoken here");
    }
    if resource_metadata(facts.exchanges()).is_some() {
        return not_applicable("there are protected-resource metadata, which newer clients use");
    }
    let Some(root) = facts.steps(ProbeId::Auth, "as 0.1").next() else {
        return inconclusive(facts.why_not(ProbeId::Auth, Some("as 0.1")));
    };
    if authorization_server(root).is_some() {
        return pass(Evidence::status(root), "authorization-server metadata are at the root of the origin");
    }
    if let Some(reason) = barrier.not_oauth() {
        return not_applicable(reason);
    }
    if !in_play(facts.exchanges()) {
        return not_applicable("nothing says OAuth: a bare challenge may ask for a static key");
    }
    if let Some(why) = unclear(root) {
        return inconclusive(format!("the metadata could not be read: {why}"));
    }
    let Some(authorize) = facts.steps(ProbeId::Auth, DEFAULT_AUTHORIZE).next() else {
        return inconclusive(facts.why_not(ProbeId::Auth, Some(DEFAULT_AUTHORIZE)));
    };
    match authorize.status() {
        Some(404 | 410) => fail(
            Evidence::status(authorize),
            "neither authorization-server metadata nor `/authorize` is at the origin",
        ),
        // A redirect, a form or a complaint about missing parameters.
        Some(200..=399 | 400 | 401 | 405 | 422) => {
            warn(Evidence::status(authorize), "no metadata: clients can only guess the default paths")
        }
        _ => inconclusive("nothing follows from the answer at `/authorize`"),
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{authorization_server, challenged, only, resource};
    use crate::checks::examples::*;
    let old = || {
        only("2025-03-26", "Bearer error=\"invalid_token\"").with(get(ProbeId::Auth, "prm-path").status(404))
    };
    let root = |made: Made| old().with(made);
    let absent = || get(ProbeId::Auth, "as 0.1").status(404);
    let default = |status: u16| root(absent()).with(get(ProbeId::Auth, DEFAULT_AUTHORIZE).status(status));
    hold(
        &CHECK,
        [
            pass("metadata", root(get(ProbeId::Auth, "as 0.1").json(authorization_server()))),
            warn("the default path complains", default(400)).naming("default paths"),
            warn("the default path redirects", default(302)),
            fail("neither", default(404)).naming("neither"),
            undecided("a server error", default(503)),
            undecided("not asked", root(absent())),
            undecided("metadata not read", root(get(ProbeId::Auth, "as 0.1").status(403))),
            undecided("metadata not asked for", old()),
            not_applicable("a static key", {
                only("2025-03-26", "Bearer")
                    .with(absent())
                    .with(get(ProbeId::Auth, DEFAULT_AUTHORIZE).status(404))
            }),
            not_applicable("another scheme", only("2025-03-26", "ApiKey").with(absent())),
            not_applicable(
                "newer metadata",
                only("2025-03-26", "Bearer").with(resource(&["https://id.example.com"])),
            ),
            not_applicable("a newer revision", only("2025-06-18", "Bearer").with(absent())),
            not_applicable("revision unknown", challenged().with(absent())),
            not_applicable("open", Scan::modern()),
        ],
    );
}
