//! An agent that nobody has heard of can get a client id.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{for_machines, newest, read};

pub(super) static CHECK: Check = Check {
    id: "auth-registration-path",
    title: "An unknown agent can get a client id",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        mcp!("2026-07-28", "Authorization, Client Registration", "basic/authorization/client-registration"),
        Basis {
            title: "RFC 7591, OAuth 2.0 Dynamic Client Registration Protocol",
            url: "https://www.rfc-editor.org/rfc/rfc7591",
        },
    ],
    rationale: "An agent meets a server for the first time and has no client id there. Without a way to get one by \
                itself, somebody must register it by hand before it can sign in.",
    remediation: "Accept Client ID Metadata Documents and say so: `\"client_id_metadata_document_supported\": true`. For \
                  older clients keep a `registration_endpoint` beside it.",
    causes: &[],
    how: How {
        sent: "Nothing more: the authorization server's metadata. No client is registered.",
        passes: "Client ID Metadata Documents are supported; or there is a registration endpoint, unless the endpoint is \
                 known to speak 2026-07-28.",
        warns: "A registration endpoint alone at an endpoint that speaks 2026-07-28, which deprecates it; or neither, \
                which is fine only where clients are registered by hand.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let servers = read(facts)?;
    let modern = newest(facts) == Some(Revision::V2026_07_28);
    let mut seen = Observations::new();
    for document in servers.found.iter().filter(|document| !for_machines(&document.json)) {
        let member = |name: &str| document.json.get(name).unwrap_or(&Value::Null);
        let at = |name: &str| Evidence::body(document.exchange, &format!("/{name}"), member(name));
        if *member(CIMD) == true {
            seen.add(Status::Pass, at(CIMD), "by a document of its own");
        } else if member(ENDPOINT).is_string() && modern {
            let message = "unknown agents can only register (RFC 7591), which 2026-07-28 deprecates";
            seen.add(Status::Warn, at(ENDPOINT), message);
        } else if member(ENDPOINT).is_string() {
            seen.add(Status::Pass, at(ENDPOINT), "by registration");
        } else {
            let message = "an unknown agent gets no client id: no Client ID Metadata Documents, no registration endpoint \
                           (fine where every client is registered by hand)";
            seen.add(Status::Warn, at(CIMD), message);
        }
    }
    if seen.is_empty() && servers.missing.is_none() {
        return not_applicable("the authorization server serves machines only");
    }
    seen.distinct().verdict_despite(servers.missing, "an unknown agent can get a client id")
}

const CIMD: &str = "client_id_metadata_document_supported";
const ENDPOINT: &str = "registration_endpoint";

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{authorization_server, modern, named, only, resource, server_with};
    use crate::checks::examples::*;
    let on = |scan: Scan, name: &str, value: Value| {
        let mut json = authorization_server();
        json[name] = value;
        scan.with(resource(&["https://id.example.com"])).with(get(ProbeId::Auth, "as 1.1").json(json))
    };
    let register = || json!("https://id.example.com/register");
    hold(
        &CHECK,
        [
            pass("by a document", server_with(CIMD, json!(true)))
                .at("body /client_id_metadata_document_supported"),
            pass("by a document, 2026-07-28", on(modern(), CIMD, json!(true))),
            pass("by registration, revision unknown", server_with(ENDPOINT, register())),
            pass("by registration, 2025-11-25", on(only("2025-11-25", "Bearer"), ENDPOINT, register())),
            warn("by registration, 2026-07-28", on(modern(), ENDPOINT, register())).naming("deprecates"),
            warn("neither", server_with(CIMD, json!(false))).naming("registered by hand"),
            warn("a word in place of true", server_with(CIMD, json!("true"))),
            undecided(
                "not read",
                named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").status(403)),
            ),
            not_applicable("machines", server_with("grant_types_supported", json!(["client_credentials"]))),
            not_applicable(
                "none",
                named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").status(404)),
            )
            .naming("auth-as-metadata"),
            not_applicable("open", Scan::modern()),
        ],
    );
}
