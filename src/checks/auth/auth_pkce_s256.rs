//! The authorization server says that it supports PKCE with S256.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth::{auth_barrier, authorization_server};
use crate::facts::auth_documents::for_machines;
use crate::transcript::Failure;

pub(super) static CHECK: Check = Check {
    id: "auth-pkce-s256",
    title: "The authorization server advertises PKCE with S256",
    dimension: Dimension::D7,
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
            "Authorization, Security Considerations, Authorization Code Protection",
            "basic/authorization/security-considerations#authorization-code-protection"
        ),
        mcp!(
            "2025-11-25",
            "Authorization, Authorization Code Protection",
            "basic/authorization#authorization-code-protection"
        ),
        rfc!(7636, "4.2", "code challenge methods"),
    ],
    rationale: "PKCE keeps a stolen authorization code useless. Clients must refuse to go on where it is not \
                advertised, so an agent cannot log in at all.",
    remediation: "Add `\"code_challenge_methods_supported\": [\"S256\"]` to the authorization server's metadata, and \
                  nothing else to that list: `plain` protects against little.",
    causes: &[],
    how: How {
        sent: "The metadata of each authorization server that the protected-resource metadata name.",
        passes: "`code_challenge_methods_supported` has S256 and nothing weaker.",
        warns: "`plain` is allowed beside it.",
        fails: "The member is missing, or S256 is not in it.",
    },
    judge,
};

const MEMBER: &str = "code_challenge_methods_supported";

fn judge(facts: &Facts<'_>) -> Judgement {
    let barrier = auth_barrier(facts)?;
    let mut seen = Observations::new();
    let mut machines = false;
    for exchange in facts.of(ProbeId::Auth).filter(|exchange| exchange.step.starts_with("as ")) {
        let Some(metadata) = authorization_server(exchange) else { continue };
        if for_machines(&metadata) {
            machines = true;
            continue;
        }
        let methods = metadata.get(MEMBER).unwrap_or(&Value::Null);
        let evidence = Evidence::body(exchange, "/code_challenge_methods_supported", methods);
        let has = |name: &str| methods.as_array().is_some_and(|all| all.iter().any(|method| method == name));
        match (has("S256"), has("plain")) {
            (true, false) => seen.add(Status::Pass, evidence, "S256"),
            (true, true) => seen.add(Status::Warn, evidence, "`plain` is allowed beside S256"),
            (false, _) if methods.is_null() => {
                seen.add(Status::Fail, evidence, format!("`{MEMBER}` is missing, so clients must not go on"));
            }
            (false, _) => seen.add(Status::Fail, evidence, "S256 is not among the challenge methods"),
        }
    }
    if !seen.is_empty() {
        return seen.verdict("S256, and nothing weaker, is advertised", "");
    }
    if machines {
        return not_applicable("the authorization server serves machines only: no authorization code");
    }
    if let Some(reason) = barrier.not_oauth() {
        return not_applicable(reason);
    }
    let why = facts.of(ProbeId::Auth).filter(|exchange| exchange.step.starts_with("as ")).last().map_or_else(
        || "nothing leads to an authorization server".to_owned(),
        |exchange| match (exchange.status(), &exchange.failure) {
            (Some(status), _) => format!("no authorization-server metadata came (HTTP {status})"),
            (None, failure) => failure.as_ref().map_or_else(|| "no answer came".to_owned(), Failure::words),
        },
    );
    inconclusive(why)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Scan, get, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn gated() -> Scan {
        let body = json!({"jsonrpc":"2.0","id":"d-2","method":"server/discover"});
        let made = post(ProbeId::Auth, "discover", Era::Modern, body).status(401);
        Scan::gated().with(made.header("www-authenticate", "Bearer"))
    }

    fn server(step: &str, methods: Value) -> crate::checks::synthetic::Made {
        let mut document = json!({"issuer":"https://example.com","authorization_endpoint":"x"});
        if !methods.is_null() {
            document["code_challenge_methods_supported"] = methods;
        }
        get(ProbeId::Auth, step).json(document)
    }

    fn judge(methods: Value) -> Status {
        gated().with(server("as 1.1", methods)).judge(&CHECK).status
    }

    #[test]
    fn passes_with_s256_alone() {
        assert_eq!(judge(json!(["S256"])), Status::Pass);
        let second =
            gated().with(get(ProbeId::Auth, "as 1.1").status(404)).with(server("as 1.2", json!(["S256"])));
        assert_eq!(second.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_about_plain() {
        assert_eq!(judge(json!(["plain", "S256"])), Status::Warn);
    }

    #[test]
    fn fails_without_s256_at_any_of_the_issuers() {
        assert_eq!(judge(Value::Null), Status::Fail);
        assert_eq!(judge(json!(["plain"])), Status::Fail);
        assert_eq!(judge(json!([])), Status::Fail);
        assert_eq!(judge(json!("S256")), Status::Fail);
        let two = gated().with(server("as 1.1", json!(["S256"]))).with(server("as 2.1", Value::Null));
        assert_eq!(two.judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_without_the_metadata() {
        assert_eq!(gated().judge(&CHECK).status, Status::Inconclusive);
        for made in [
            get(ProbeId::Auth, "as 1.1").status(404),
            get(ProbeId::Auth, "as 1.1").body("text/html", "<p>"),
            get(ProbeId::Auth, "as 1.1").failed(Phase::Connect, FailureKind::Refused),
        ] {
            assert_eq!(gated().with(made).judge(&CHECK).status, Status::Inconclusive);
        }
    }

    #[test]
    fn not_applicable_to_machines_and_open_endpoints() {
        let document =
            json!({"issuer":"x","token_endpoint":"y","grant_types_supported":["client_credentials"]});
        let machines = gated().with(get(ProbeId::Auth, "as 1.1").json(document));
        assert_eq!(machines.judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
