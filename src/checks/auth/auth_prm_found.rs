//! Protected-resource metadata tell a client where to get a token.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::auth::{
    auth_barrier, authorization_server, challenges, crashed, document, in_play, metadata_url,
    resource_metadata,
};
use crate::facts::auth_documents::unclear;

pub(super) static CHECK: Check = Check {
    id: "auth-prm-found",
    title: "Protected-resource metadata are found where clients look",
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
            "Authorization Server Discovery, Protected Resource Metadata Discovery Requirements",
            "basic/authorization/authorization-server-discovery#protected-resource-metadata-discovery-requirements"
        ),
        mcp!(
            "2025-06-18",
            "Authorization, Authorization Server Location (header mandatory)",
            "basic/authorization#authorization-server-location"
        ),
        Basis {
            title: "RFC 9728, sections 3.1 and 5.1",
            url: "https://www.rfc-editor.org/rfc/rfc9728#section-3.1",
        },
    ],
    rationale: "An agent that was never told where the authorization server is can only find it through these \
                metadata. Without them somebody must configure each client by hand.",
    remediation: "Serve the document at `/.well-known/oauth-protected-resource<path of the endpoint>` as \
                  application/json, for example `{\"resource\": \"https://example.com/mcp\", \
                  \"authorization_servers\": [\"https://login.example.com\"]}`; name its URL in the challenge as \
                  `resource_metadata`.",
    causes: &[],
    how: How {
        sent: "The metadata URL of the challenge; else `/.well-known/oauth-protected-resource` with the \
               path of the endpoint; else without it. Never with a credential.",
        passes: "A JSON document is at one of them.",
        warns: "It is only at a well-known URL although the endpoint speaks 2025-06-18 at most, which \
                wants it named in the challenge.",
        fails: "None has it, or not the URL that the challenge names: clients look nowhere else then. A page that is \
                no JSON does not count. A refusal (401, 403, 429), a 5xx, a redirect or a firewall decides nothing, and \
                neither does their absence where nothing says OAuth, or where the origin has authorization-server \
                metadata as 2025-03-26 wants it and no newer revision was seen.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let barrier = auth_barrier(facts)?;
    if facts.class().kind == Kind::EventStream {
        return not_applicable("only for MCP endpoints");
    }
    let newest = facts.class().revisions.iter().max();
    if newest.is_some_and(|newest| *newest < Revision::V2025_06_18) {
        return not_applicable("the revisions spoken here know no such metadata");
    }
    let named = metadata_url(facts.exchanges());
    if let Some((exchange, document)) = resource_metadata(facts.exchanges()) {
        let resource = document.get("resource").unwrap_or(&serde_json::Value::Null);
        let evidence = Evidence::body(exchange, "/resource", resource);
        if exchange.step == "prm-challenge" {
            return pass(evidence, "the challenge names the metadata, and they are there");
        }
        let place = if exchange.step == "prm-path" { "with the endpoint's path" } else { "of the origin" };
        // 2025-06-18 alone demanded the header form.
        if newest == Some(&Revision::V2025_06_18) && named.is_none() {
            let message =
                format!("found at the well-known URL {place}, but the challenge does not name them");
            return warn(evidence, message);
        }
        if let (Some(_), Some(tried)) = (&named, facts.steps(ProbeId::Auth, "prm-challenge").next()) {
            if let Some(why) = unclear(tried) {
                return inconclusive(format!("the URL that the challenge names could not be read: {why}"));
            }
            let message = format!(
                "the challenge names `{}`, where there are none; clients do not look at the well-known URL {place} then",
                cut(&tried.request.url)
            );
            return fail(Evidence::status(tried), message);
        }
        return pass(evidence, format!("found at the well-known URL {place}"));
    }
    if let Some(reason) = barrier.not_oauth() {
        return not_applicable(reason);
    }
    // A header of their own choice that works is a strategy of their own.
    let own = |name: &String| name != "authorization" && name != "cookie";
    let challenged = barrier.walls.iter().any(|(exchange, _)| !challenges(exchange).is_empty());
    if !challenged && facts.class().kind != Kind::AuthGated && facts.header().operator_headers.iter().any(own)
    {
        return not_applicable("the gate asks for another header, not for OAuth");
    }
    if !challenged && crashed(facts) {
        return charged_to(
            "auth-missing-credential-no-5xx",
            "the want of a credential meets a server error, which says nothing of OAuth",
        );
    }
    let tried: Vec<&Exchange> =
        facts.of(ProbeId::Auth).filter(|exchange| exchange.step.starts_with("prm-")).collect();
    if let Some(why) = tried.iter().find_map(|exchange| unclear(exchange)) {
        return inconclusive(format!("the metadata could not be read: {why}"));
    }
    if !tried.is_empty() && !in_play(facts.exchanges()) {
        let why = "nothing says OAuth: a bare challenge may ask for a static key";
        return if newest.is_some() { not_applicable(why) } else { inconclusive(why) };
    }
    let root = facts.steps(ProbeId::Auth, "as 0.1").find(|root| authorization_server(root).is_some());
    if newest.is_none() && named.is_none() && root.is_some() {
        return not_applicable(
            "the origin has authorization-server metadata, as 2025-03-26 wants it, and no newer revision was seen",
        );
    }
    match tried.last() {
        None => inconclusive(facts.why_not(ProbeId::Auth, Some("prm-path"))),
        Some(last) => {
            let page = if tried.iter().any(|exchange| exchange.ok() && document(exchange).is_none()) {
                " (a page that is no JSON does not count)"
            } else {
                ""
            };
            fail(
                Evidence::status(last),
                format!("no metadata at the challenge's URL or at the well-known ones{page}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, get, initialize, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    const SCOPED: &str = "Bearer scope=\"notes:read\"";
    const NAMED: &str = "Bearer resource_metadata=\"https://example.com/prm\"";

    fn gated(challenge: &str) -> Scan {
        let body = json!({"jsonrpc":"2.0","id":"d-2","method":"server/discover"});
        let made = post(ProbeId::Auth, "discover", Era::Modern, body).status(401);
        Scan::gated().with(if challenge.is_empty() {
            made
        } else {
            made.header("www-authenticate", challenge)
        })
    }

    fn sound() -> Value {
        json!({"resource":"https://example.com/mcp","authorization_servers":["https://example.com"]})
    }

    fn at(step: &str) -> Made {
        get(ProbeId::Auth, step)
    }

    #[test]
    fn passes_by_header_or_well_known_url() {
        let header = gated(NAMED).with(at("prm-challenge").json(sound()));
        assert_eq!(header.judge(&CHECK).status, Status::Pass);
        let path = gated("Bearer").with(at("prm-path").json(sound()));
        assert_eq!(path.judge(&CHECK).status, Status::Pass);
        let root = gated("").with(at("prm-path").status(404)).with(at("prm-root").json(sound()));
        assert_eq!(root.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_when_the_challenge_names_a_url_without_them() {
        let at_named = |made: Made| gated(NAMED).with(made).with(at("prm-path").json(sound())).judge(&CHECK);
        let finding = at_named(at("prm-challenge").status(404));
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("the challenge names"), "{}", finding.message);
        for status in [401, 403, 429, 503] {
            assert_eq!(at_named(at("prm-challenge").status(status)).status, Status::Inconclusive);
        }
    }

    #[test]
    fn fails_when_there_is_none_or_only_a_page() {
        let none = gated(SCOPED).with(at("prm-path").status(404)).with(at("prm-root").status(404));
        assert_eq!(none.judge(&CHECK).status, Status::Fail);
        let page = || "<!doctype html><div id=app></div>";
        let page = gated(SCOPED)
            .with(at("prm-path").body("text/html", page()))
            .with(at("prm-root").body("text/html", page()));
        let finding = page.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("no JSON"), "{}", finding.message);
        let empty = gated(SCOPED).with(at("prm-path").json(json!({"detail":"nothing"})));
        assert_eq!(empty.judge(&CHECK).status, Status::Fail);
    }

    /// Served with the credential, and the only revision it speaks is `version`.
    fn only(version: &str, challenge: &str) -> Scan {
        let refused = || initialize(ProbeId::Auth, "initialize").negative().twin(3);
        Scan::empty()
            .with(discover().status(400).json(json!({})))
            .with(initialize(ProbeId::Classify, "initialize").sending("authorization", "~credential~").result(
                json!({"protocolVersion":version,"capabilities":{},"serverInfo":{"name":"s","version":"1"}}),
            ))
            .credential()
            .with(refused().status(401).header("www-authenticate", challenge))
    }

    #[test]
    fn warns_when_2025_06_18_is_not_told_by_the_header() {
        let scan = only("2025-06-18", "Bearer").with(at("prm-path").json(sound()));
        assert_eq!(scan.judge(&CHECK).status, Status::Warn);
        let newer = only("2025-11-25", "Bearer").with(at("prm-path").json(sound()));
        assert_eq!(newer.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn undecided_when_it_could_not_be_read() {
        for made in [
            at("prm-path").status(302).header("location", "/elsewhere"),
            at("prm-path").status(503),
            at("prm-path").failed(Phase::Connect, FailureKind::Cancelled),
        ] {
            assert_eq!(gated("Bearer").with(made).judge(&CHECK).status, Status::Inconclusive);
        }
        assert_eq!(gated("Bearer").judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_charged_to_static_keys_and_to_2025_03_26() {
        for challenge in ["", "Bearer", "Bearer realm=\"x\""] {
            let unknown = gated(challenge).with(at("prm-path").status(404));
            assert_eq!(unknown.judge(&CHECK).status, Status::Inconclusive, "{challenge}");
        }
        let known = only("2025-11-25", "Bearer").with(at("prm-path").status(404));
        assert_eq!(known.judge(&CHECK).status, Status::NotApplicable);
        let server = json!({"issuer":"https://example.com","token_endpoint":"https://example.com/token"});
        let root = |scan: Scan| scan.with(at("prm-path").status(404)).with(at("as 0.1").json(server.clone()));
        assert_eq!(root(gated("Bearer")).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(root(only("2025-11-25", "Bearer")).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn not_applicable_to_other_schemes_and_older_revisions() {
        for challenge in ["Basic realm=x", "ApiKey"] {
            let scan = gated(challenge).with(at("prm-path").status(404));
            assert_eq!(scan.judge(&CHECK).status, Status::NotApplicable);
        }
        let old = only("2025-03-26", "Bearer").with(at("prm-path").status(404));
        assert_eq!(old.judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
