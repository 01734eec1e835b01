//! The authorization server's metadata are its own.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{same, servers};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "auth-as-issuer-match",
    title: "The authorization server calls itself what it was found by",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(8414, "3.3", "Authorization Server Metadata Validation"),
        mcp!(
            "2026-07-28",
            "Authorization Server Discovery, Authorization Server Metadata Discovery",
            "basic/authorization/authorization-server-discovery#authorization-server-metadata-discovery"
        ),
    ],
    rationale: "The issuer ties tokens and login pages to one server. Where the document names another one than its URL \
                was built from, clients must discard it, or an attacker could put his own login in its place.",
    remediation: "Write the same text in both documents, character for character: `\"authorization_servers\": \
                  [\"https://login.example.com\"]` and `\"issuer\": \"https://login.example.com\"`.",
    causes: &[
        Cause { word: FOREIGN, remedy: None },
        Cause {
            word: SPELLING,
            remedy: Some(
                "Take the issuer of the authorization server's own document, slash included, into \
                 `authorization_servers`.",
            ),
        },
    ],
    how: How {
        sent: "Nothing more: each identifier in `authorization_servers`, and `issuer` of the metadata that were found by \
               it.",
        passes: "They are equal, character for character.",
        warns: "Only a slash at the end, the case of the host, a default port or the name of this machine differs. \
                Clients that follow the rule to the letter refuse that, too.",
        fails: "They differ in anything else.",
    },
    judge,
};

const FOREIGN: &str = "foreign-issuer";
const SPELLING: &str = "spelling";

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut missing = None;
    let mut nameless = false;
    for server in servers(facts)? {
        let Some(found) = &server.found else {
            missing = missing.or_else(|| server.unread(facts));
            continue;
        };
        let issuer = match found.json.get("issuer") {
            Some(Value::String(issuer)) => issuer,
            _ => {
                nameless = true;
                continue;
            }
        };
        let evidence = Evidence::body(found.exchange, "/issuer", &issuer.as_str().into());
        let (named, found) = (&server.issuer, issuer);
        let (shown_named, shown_found) = (cut(named), cut(found));
        if holds_placeholder(named) || holds_placeholder(found) {
            let why = "a part of the issuer is masked, so it cannot be compared";
            missing = missing.or(Some(Undecided::Inconclusive(why.to_owned())));
        } else if named == found {
            seen.add(Status::Pass, evidence, "equal");
        } else if same(named.trim_end_matches('/'), found.trim_end_matches('/')) == Some(true) {
            let message = format!("`{shown_named}` calls itself `{shown_found}`: only the spelling differs");
            seen.push(Verdict::of(Status::Warn, vec![evidence], message).because(SPELLING));
        } else {
            let message =
                format!("`{shown_named}` calls itself `{shown_found}`: clients must not use its metadata");
            seen.push(Verdict::of(Status::Fail, vec![evidence], message).because(FOREIGN));
        }
    }
    if seen.is_empty() && missing.is_none() {
        return not_applicable(if nameless {
            "the metadata have no `issuer` (see `auth-as-metadata`)"
        } else {
            "no authorization server has metadata (see `auth-as-metadata`)"
        });
    }
    seen.verdict_despite(missing, "each authorization server calls itself what it was found by")
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{authorization_server, challenged, named};
    use crate::checks::examples::*;
    let says = |named_as: &str, issuer: Value| {
        let mut json = authorization_server();
        json["issuer"] = issuer;
        named(&[named_as]).with(get(ProbeId::Auth, "as 1.1").json(json))
    };
    let at = |step: &str| get(ProbeId::Auth, step);
    const ID: &str = "https://id.example.com";
    hold(
        &CHECK,
        [
            pass("equal", says(ID, json!(ID))).at("body /issuer"),
            pass("with a path", says("https://id.example.com/t/1", json!("https://id.example.com/t/1"))),
            warn("a slash", says(ID, json!("https://id.example.com/"))).naming("spelling"),
            warn("a name of this machine", says("http://127.0.0.1:9000", json!("http://localhost:9000/"))),
            fail("a foreign one", says(ID, json!("https://evil.example.net"))).naming("evil.example.net"),
            fail("without TLS", says(ID, json!("http://id.example.com"))),
            fail("another tenant", says("https://id.example.com/a", json!("https://id.example.com/b"))),
            fail(
                "another port of this machine",
                says("http://127.0.0.1:9000", json!("http://localhost:9001")),
            ),
            fail("a template", says("https://id.example.com/1", json!("https://id.example.com/{tenantid}"))),
            fail("one of two", {
                named(&[ID, "https://other.example.com"])
                    .with(at("as 1.1").json(authorization_server()))
                    .with(at("as 2.1").json(authorization_server()))
            })
            .naming("other.example.com"),
            undecided("masked", says("https://~header-x~/a", json!(ID))).naming("masked"),
            undecided("not read", named(&[ID]).with(at("as 1.1").status(503))),
            undecided(
                "one of two not read",
                named(&[ID, "https://other.example.com"])
                    .with(at("as 1.1").json(authorization_server()))
                    .with(at("as 2.1").status(429)),
            ),
            not_applicable("no issuer", says(ID, json!(null))).naming("auth-as-metadata"),
            not_applicable("no metadata", named(&[ID]).with(at("as 1.1").status(404))),
            not_applicable(
                "2025-03-26, without protected-resource metadata",
                challenged().with(at("prm-path").status(404)).with(at("as 0.1").json(authorization_server())),
            ),
            not_applicable("open", Scan::modern()),
        ],
    );
}
