//! The authorization server takes clients that hold no secret.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{for_machines, read, strings};

pub(super) static CHECK: Check = Check {
    id: "auth-public-client",
    title: "The authorization server takes clients that hold no secret",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(8414, "2", "Authorization Server Metadata (default of token_endpoint_auth_methods_supported)"),
        mcp!("2026-07-28", "Authorization, Client Registration", "basic/authorization/client-registration"),
    ],
    rationale: "An agent on a user's machine cannot keep a secret. If the token endpoint demands one, it reaches the login \
                page and fails at the last step.",
    remediation: "Say that public clients with PKCE are welcome: `\"token_endpoint_auth_methods_supported\": [\"none\"]`. \
                  Left out, the list means `client_secret_basic`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the authorization server's metadata.",
        passes: "The response type `code` is there, and the token endpoint takes `none`, or `private_key_jwt` together with \
                 Client ID Metadata Documents.",
        warns: "It takes confidential clients only (also by leaving the list out), which is fine where they are registered \
                by hand, or no authorization code. With a registration endpoint, which may issue secrets, the first is \
                only noted.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let servers = read(facts)?;
    let mut seen = Observations::new();
    for document in servers.found.iter().filter(|document| !for_machines(&document.json)) {
        let json = &document.json;
        let at = |name: &str| {
            Evidence::body(document.exchange, &format!("/{name}"), json.get(name).unwrap_or(&Value::Null))
        };
        let types = strings(json, "response_types_supported");
        if json.get("response_types_supported").is_some_and(Value::is_array) && !types.contains(&"code") {
            let message = "the response type `code` is not among those supported";
            seen.add(Status::Warn, at("response_types_supported"), message);
            continue;
        }
        let methods = strings(json, METHODS);
        let documents = json.get("client_id_metadata_document_supported") == Some(&Value::Bool(true));
        let registers = json.get("registration_endpoint").is_some_and(Value::is_string);
        if methods.contains(&"none") || (methods.contains(&"private_key_jwt") && documents) {
            seen.add(Status::Pass, at(METHODS), "takes clients without a secret");
        } else {
            let status = if registers { Status::Info } else { Status::Warn };
            let message = if json.get(METHODS).is_none() {
                "the token endpoint names no way to authenticate clients, which means a secret (client_secret_basic)"
            } else {
                "the token endpoint takes confidential clients only"
            };
            let rest = if registers {
                "registration may issue the secret"
            } else {
                "fine where every client is registered by hand"
            };
            seen.add(status, at(METHODS), format!("{message} ({rest})"));
        }
        let grants = json.get("grant_types_supported").is_some_and(Value::is_array);
        if grants && !strings(json, "grant_types_supported").contains(&"refresh_token") {
            let message = "no refresh tokens are offered: agents must send their user to sign in again";
            seen.add(Status::Info, at("grant_types_supported"), message);
        }
    }
    if seen.is_empty() && servers.missing.is_none() {
        return not_applicable("the authorization server serves machines only");
    }
    seen.distinct().verdict_despite(servers.missing, "clients without a secret are taken")
}

const METHODS: &str = "token_endpoint_auth_methods_supported";

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{authorization_server, named, server_with};
    use crate::checks::examples::*;
    let both = |methods: Value, name: &str, value: Value| {
        let mut json = authorization_server();
        json[METHODS] = methods;
        json[name] = value;
        named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").json(json))
    };
    let noted =
        both(json!(["client_secret_post"]), "registration_endpoint", json!("https://id.example.com/r"));
    assert_eq!(noted.judge(&CHECK).status, Status::Info);
    hold(
        &CHECK,
        [
            pass("none", server_with(METHODS, json!(["client_secret_basic", "none"]))),
            pass(
                "a key of a document",
                both(json!(["private_key_jwt"]), "client_id_metadata_document_supported", json!(true)),
            ),
            pass(
                "without refresh tokens",
                both(json!(["none"]), "grant_types_supported", json!(["authorization_code"])),
            ),
            warn("left out", server_with(METHODS, json!(null))).naming("client_secret_basic"),
            warn("confidential", server_with(METHODS, json!(["client_secret_post"]))).naming("confidential"),
            warn("a key without a document", server_with(METHODS, json!(["private_key_jwt"]))),
            warn("no code", server_with("response_types_supported", json!(["token"]))).naming("`code`"),
            undecided(
                "not read",
                named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").status(503)),
            ),
            not_applicable("machines", server_with("grant_types_supported", json!(["client_credentials"]))),
            not_applicable("open", Scan::modern()),
        ],
    );
}
