//! A client learns which scopes to ask for, and not for more than it needs.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth::challenges;
use crate::facts::auth_documents::{bound, newest, resource, strings};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "auth-scope-guidance",
    title: "The scopes that a client asks for are named, and few",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Should,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        mcp!(
            "2026-07-28",
            "Authorization, Scope Selection Strategy",
            "basic/authorization#scope-selection-strategy"
        ),
        mcp!("2026-07-28", "Authorization, Refresh Tokens", "basic/authorization#refresh-tokens"),
        Basis {
            title: "MCP 2026-07-28, Security Best Practices, Scope Minimization",
            url: "https://modelcontextprotocol.io/docs/2026-07-28/tutorials/security/security_best_practices#scope-minimization",
        },
    ],
    rationale: "A client asks for the scopes of the challenge, or else for all of `scopes_supported`. Without either it \
                guesses; with everything in the list each agent holds the keys to everything.",
    remediation: "Name what the call needs in the challenge, `WWW-Authenticate: Bearer scope=\"notes:read\", …`, keep \
                  `scopes_supported` to what an agent needs to begin, and leave out `offline_access`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `scope` of the challenges and `scopes_supported` of the protected-resource metadata.",
        passes: "Scopes are named, and those that a client asks for are few.",
        warns: "None is named, at an endpoint known to speak 2025-11-25 or later. Or a client would ask for more than 20, \
                or for one that is or ends in `*`, `all`, `admin`, `root`, `superuser`, `full` or `full_access`. Or \
                `offline_access` is listed at one that speaks 2026-07-28.",
        fails: "",
    },
    judge,
};

/// What a scope is, or ends in behind `:`, `/` or `.`, that means everything.
const BROAD: [&str; 7] = ["*", "all", "admin", "root", "superuser", "full", "full_access"];
/// Most scopes that a client is asked to ask for.
const MOST: usize = 20;

fn judge(facts: &Facts<'_>) -> Judgement {
    let gate = bound(facts)?;
    let newest = newest(facts);
    if newest.is_some_and(|newest| newest < Revision::V2025_11_25) {
        return not_applicable("the revisions spoken here say nothing about scopes");
    }
    if let Some(reason) = gate.not_oauth() {
        return not_applicable(reason);
    }
    let asked = facts.exchanges().filter(|exchange| exchange.status() == Some(401)).find_map(|exchange| {
        let scope = challenges(exchange).iter().find_map(|one| one.parameter("scope").map(str::to_owned))?;
        Some((exchange, scope))
    });
    let metadata = resource(facts);
    let listed: Vec<&str> =
        metadata.as_ref().map(|metadata| strings(&metadata.json, LISTED)).unwrap_or_default();
    let mut seen = Observations::new();
    let in_metadata = |status: Status, seen: &mut Observations, message: String| {
        if let Ok(metadata) = &metadata {
            let value = metadata.json.get(LISTED).unwrap_or(&Value::Null);
            seen.add(status, Evidence::body(metadata.exchange, &format!("/{LISTED}"), value), message);
        }
    };
    match &asked {
        Some((exchange, scope)) => {
            let scopes: Vec<&str> = scope.split_ascii_whitespace().take(LOOKED_AT).collect();
            let evidence = Evidence::header(exchange, "www-authenticate");
            let (status, message) = too_many(&scopes, "the challenge")
                .map_or((Status::Pass, "named".to_owned()), |message| (Status::Warn, message));
            seen.add(status, evidence, message);
        }
        None if !listed.is_empty() => {
            let (status, message) = too_many(&listed, "`scopes_supported`")
                .map_or((Status::Pass, "named".to_owned()), |message| (Status::Warn, message));
            in_metadata(status, &mut seen, message);
        }
        None => {
            if let Err(why) = &metadata {
                return Err(why.clone());
            }
            let message = "no scope is named, in the challenge or in `scopes_supported`: clients must guess";
            // Before 2025-11-25 nothing asked for it.
            let status = if newest.is_some() { Status::Warn } else { Status::Info };
            in_metadata(status, &mut seen, message.to_owned());
        }
    }
    let modern = newest == Some(Revision::V2026_07_28);
    let status = if modern { Status::Warn } else { Status::Info };
    if listed.contains(&OFFLINE) {
        in_metadata(status, &mut seen, format!("`{OFFLINE}` is in `{LISTED}`: it is no scope of a resource"));
    }
    if let Some((exchange, scope)) = &asked
        && scope.split_ascii_whitespace().any(|scope| scope == OFFLINE)
    {
        let message = format!("`{OFFLINE}` is in the challenge: it is no scope of a resource");
        seen.add(status, Evidence::header(exchange, "www-authenticate"), message);
    }
    let missing = match metadata {
        Err(why @ Undecided::Inconclusive(_)) if asked.is_none() => Some(why),
        _ => None,
    };
    seen.verdict_despite(missing, "the scopes to ask for are named, and few")
}

const LISTED: &str = "scopes_supported";
const OFFLINE: &str = "offline_access";
/// Scopes of a challenge that are looked at.
const LOOKED_AT: usize = 1_000;

/// What is wrong with the scopes that a client would ask for.
fn too_many(scopes: &[&str], place: &str) -> Option<String> {
    let broad = |scope: &&str| {
        let lower = scope.to_ascii_lowercase();
        let end = lower.rsplit([':', '/', '.']).next().unwrap_or_default();
        !holds_placeholder(scope) && BROAD.contains(&end)
    };
    if let Some(scope) = scopes.iter().find(|scope| broad(scope)) {
        return Some(format!("{place} asks for `{}`, which sounds like everything", cut(scope)));
    }
    (scopes.len() > MOST).then(|| format!("{place} asks for {} scopes at once", scopes.len()))
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{challenged, modern, only};
    use crate::checks::examples::*;
    let listed = |scan: Scan, scopes: Value| {
        let json = json!({"resource":"http://127.0.0.1:8080/mcp","authorization_servers":["https://id.example.com"],LISTED:scopes});
        scan.with(get(ProbeId::Auth, "prm-path").json(json))
    };
    let says = |challenge: &str| only("2025-11-25", challenge);
    let many: Vec<String> = (0..21).map(|number| format!("s{number}:read")).collect();
    assert_eq!(listed(unknown(), json!(null)).judge(&CHECK).status, Status::Info);
    hold(
        &CHECK,
        [
            pass("in the challenge", challenged()),
            pass("in the list", listed(says("Bearer"), json!(["notes:read"]))),
            pass(
                "a long list beside a short challenge",
                listed(says("Bearer scope=\"notes:read\""), json!(many.clone())),
            ),
            pass("a word within another", listed(says("Bearer"), json!(["administrators:read", "small"]))),
            pass("offline_access, revision unknown", listed(challenged(), json!(["offline_access"])))
                .naming("note"),
            warn("nowhere", listed(says("Bearer"), json!(null))).naming("guess"),
            warn("everything", says("Bearer scope=\"notes:*\"")).naming("notes:*"),
            warn("admin", listed(says("Bearer"), json!(["notes:admin"]))).naming("notes:admin"),
            warn("many", listed(says("Bearer"), json!(many))).naming("21 scopes"),
            warn("offline_access", listed(modern(), json!(["notes:read", "offline_access"])))
                .naming("offline_access"),
            undecided("not read", says("Bearer").with(get(ProbeId::Auth, "prm-path").status(503))),
            not_applicable("an older revision", listed(only("2025-06-18", "Bearer"), json!(null))),
            not_applicable("no metadata", says("Bearer").with(get(ProbeId::Auth, "prm-path").status(404))),
            not_applicable("open", Scan::modern()),
        ],
    );
    fn unknown() -> Scan {
        let body = json!({"jsonrpc":"2.0","id":"d-2","method":"server/discover"});
        let made = post(ProbeId::Auth, "discover", Era::Modern, body).status(401);
        Scan::gated().with(made.header("www-authenticate", "Bearer"))
    }
}
