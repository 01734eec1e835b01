//! Authorization-server metadata are found, and hold what a client needs to sign in.

use serde_json::Value;
use url::Url;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{Server, for_machines, newest, servers};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "auth-as-metadata",
    title: "The authorization server's metadata are found and complete",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        mcp!(
            "2026-07-28",
            "Authorization Server Discovery, Authorization Server Metadata Discovery",
            "basic/authorization/authorization-server-discovery#authorization-server-metadata-discovery"
        ),
        mcp!(
            "2025-06-18",
            "Authorization, Authorization Server Location (RFC 8414 alone)",
            "basic/authorization#authorization-server-location"
        ),
        rfc!(8414, "2", "Authorization Server Metadata"),
    ],
    rationale: "An agent learns from this document where to send the user and where to fetch a token. If it is not at a \
                place that clients look at, or lacks an endpoint, nobody can sign in.",
    remediation: "Serve the document at `/.well-known/oauth-authorization-server` of the issuer (its path behind that), \
                  with `issuer`, `authorization_endpoint`, `token_endpoint` and `response_types_supported`, or let \
                  `authorization_servers` name an issuer that has one.",
    causes: &[],
    how: How {
        sent: "For each of the first three authorization servers that the protected-resource metadata name: the place of \
               RFC 8414, then those of OpenID Connect Discovery, one GET each until a document is there.",
        passes: "Each has a document with `issuer`, `token_endpoint`, `response_types_supported` and, unless it serves \
                 machines only, `authorization_endpoint`.",
        warns: "One of several servers has none, or lacks a member; or an endpoint that speaks 2025-06-18 at most names a \
                server with OpenID Connect Discovery alone, which that revision does not know.",
        fails: "No server has a document that is complete. A refusal, a 5xx, a redirect or a login page in place of the \
                document decides nothing.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let servers = servers(facts)?;
    let mut verdicts = Vec::new();
    let mut missing = None;
    let old = newest(facts) == Some(Revision::V2025_06_18);
    for server in &servers {
        if let Some(why) = server.unread(facts) {
            missing = missing.or(Some(why));
            continue;
        }
        verdicts.push(of(server, old));
    }
    // Clients may choose among several: one that works, or may work, is enough for those that choose it.
    if missing.is_some() || verdicts.iter().any(|verdict| verdict.status != Status::Fail) {
        for verdict in verdicts.iter_mut().filter(|verdict| verdict.status == Status::Fail) {
            verdict.status = Status::Warn;
        }
    }
    let mut seen = Observations::new();
    verdicts.into_iter().for_each(|verdict| seen.push(verdict));
    seen.verdict_despite(missing, "the metadata are found and complete")
}

fn of(server: &Server<'_>, old: bool) -> Verdict {
    let issuer = cut(&server.issuer);
    let Some(found) = &server.found else {
        let evidence = server.tried.last().map(|exchange| Evidence::status(exchange));
        let message = format!("no place of `{issuer}` has authorization-server metadata");
        return Verdict::of(Status::Fail, evidence.into_iter().collect(), message);
    };
    let lacking = faults(&found.json);
    if !lacking.is_empty() {
        let message = format!("the metadata of `{issuer}` are not complete: {}", lacking.join(", "));
        return Verdict::of(Status::Fail, vec![Evidence::text(found.exchange)], message);
    }
    let openid = !found.exchange.step.ends_with(".1");
    if old && openid {
        let message =
            format!("`{issuer}` has OpenID Connect Discovery alone, which 2025-06-18 does not know");
        return Verdict::of(Status::Warn, vec![Evidence::status(found.exchange)], message);
    }
    Verdict::of(Status::Pass, vec![Evidence::status(found.exchange)], "complete".to_owned())
}

/// What a client needs and does not find, in words of ours.
fn faults(metadata: &Value) -> Vec<String> {
    let grants: Vec<&Value> =
        metadata.get("grant_types_supported").and_then(Value::as_array).into_iter().flatten().collect();
    // Left out, the grants are authorization_code and implicit: both begin at that endpoint.
    let authorizes = !for_machines(metadata) || grants.iter().any(|grant| *grant == "implicit");
    let issues = grants.is_empty() || grants.iter().any(|grant| *grant != "implicit");
    let mut faults = Vec::new();
    for (name, wanted) in
        [("issuer", true), ("authorization_endpoint", authorizes), ("token_endpoint", issues)]
    {
        match metadata.get(name) {
            None | Some(Value::Null) if wanted => faults.push(format!("`{name}` is missing")),
            None | Some(Value::Null) => {}
            Some(value) if value.as_str().is_some_and(is_url) => {}
            Some(_) => faults.push(format!("`{name}` is no URL")),
        }
    }
    match metadata.get("response_types_supported") {
        Some(Value::Array(_)) => {}
        None | Some(Value::Null) => faults.push("`response_types_supported` is missing".to_owned()),
        Some(_) => faults.push("`response_types_supported` is no array".to_owned()),
    }
    faults
}

fn is_url(text: &str) -> bool {
    holds_placeholder(text) || Url::parse(text).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{authorization_server, named, only};
    use crate::checks::examples::*;
    let one = || named(&["https://id.example.com"]);
    let with = |json: Value| one().with(get(ProbeId::Auth, "as 1.1").json(json));
    let without = |name: &str| {
        let mut json = authorization_server();
        json.as_object_mut().unwrap().remove(name);
        json
    };
    let at = |step: &str| get(ProbeId::Auth, step);
    let two = || named(&["https://id.example.com", "https://other.example.com"]);
    let machines = json!({"issuer":"https://id.example.com","token_endpoint":"https://id.example.com/token",
        "grant_types_supported":["client_credentials"],"response_types_supported":[]});
    hold(
        &CHECK,
        [
            pass("complete", with(authorization_server())).at("status"),
            pass("the second place", one().with(at("as 1.1").status(404)).with(at("as 1.2").json(authorization_server()))),
            pass("for machines", with(machines)),
            pass("two", two().with(at("as 1.1").json(authorization_server())).with(at("as 2.1").json(authorization_server()))),
            warn(
                "one of two is not there",
                two().with(at("as 1.1").json(authorization_server())).with(at("as 2.1").status(404)),
            )
            .naming("other.example.com"),
            warn(
                "OpenID Connect alone, for 2025-06-18",
                only("2025-06-18", "Bearer")
                    .with(at("prm-path").json(json!({"resource":"https://example.com/mcp","authorization_servers":["https://id.example.com"]})))
                    .with(at("as 1.1").status(404))
                    .with(at("as 1.2").json(authorization_server())),
            ),
            fail("nowhere", one().with(at("as 1.1").status(404)).with(at("as 1.2").status(404))).naming("no place"),
            fail("a page", one().with(at("as 1.1").body("text/html", "<div id=app></div>"))),
            fail("without issuer", with(without("issuer"))).naming("`issuer` is missing"),
            fail("without a token endpoint", with(without("token_endpoint"))),
            fail("without an authorization endpoint", with(without("authorization_endpoint"))),
            fail("without response types", with(without("response_types_supported")))
                .naming("`response_types_supported` is missing"),
            fail("a path", {
                let mut json = authorization_server();
                json["token_endpoint"] = json!("/token");
                with(json)
            })
            .naming("`token_endpoint` is no URL"),
            undecided("a wall", one().with(at("as 1.1").status(403))).naming("403"),
            undecided("a server error", one().with(at("as 1.1").status(404)).with(at("as 1.2").status(502))),
            undecided("a login", one().with(at("as 1.1").status(302).header("location", "/login"))),
            undecided("not reached", one().with(at("as 1.1").failed(Phase::Connect, FailureKind::Cancelled))),
            undecided("not asked", one()),
            undecided("one of two is not there, the other not read", two().with(at("as 1.1").status(404)).with(at("as 2.1").status(503))),
            not_applicable("none named", named(&[])).naming("auth-prm-valid"),
            not_applicable("open", Scan::modern()),
        ],
    );
}
