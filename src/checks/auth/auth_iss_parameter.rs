//! The authorization server says that its answers name it.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{for_machines, newest, read};

pub(super) static CHECK: Check = Check {
    id: "auth-iss-parameter",
    title: "The authorization server names itself in its answers",
    dimension: Dimension::D7,
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
            "Authorization, Authorization Response Validation",
            "basic/authorization#authorization-response-validation"
        ),
        rfc!(9207, "3", "Authorization Server Metadata (authorization_response_iss_parameter_supported)"),
    ],
    rationale: "An agent talks to many authorization servers. With `iss` in the answer it sees which one sent a code, and \
                cannot be tricked into handing it to another.",
    remediation: "Add `iss` to authorization responses and say so in the metadata: \
                  `\"authorization_response_iss_parameter_supported\": true`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the authorization server's metadata, where the endpoint is known to speak 2026-07-28. Whether \
               `iss` is really sent cannot be seen without a login.",
        passes: "`authorization_response_iss_parameter_supported` is true.",
        warns: "It is left out or false.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let servers = read(facts)?;
    if newest(facts) != Some(Revision::V2026_07_28) {
        return not_applicable("the endpoint is not known to speak 2026-07-28");
    }
    let mut seen = Observations::new();
    for document in servers.found.iter().filter(|document| !for_machines(&document.json)) {
        let value = document.json.get(MEMBER).unwrap_or(&Value::Null);
        let evidence = Evidence::body(document.exchange, &format!("/{MEMBER}"), value);
        if *value == true {
            seen.add(Status::Pass, evidence, "true");
        } else {
            seen.add(Status::Warn, evidence, format!("`{MEMBER}` is not true"));
        }
    }
    if seen.is_empty() && servers.missing.is_none() {
        return not_applicable(
            "the authorization server serves machines only: nothing is sent through a browser",
        );
    }
    seen.distinct().verdict_despite(servers.missing, "authorization responses name their issuer")
}

const MEMBER: &str = "authorization_response_iss_parameter_supported";

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{authorization_server, modern, only, resource, server_with};
    use crate::checks::examples::*;
    let on = |scan: Scan, value: Value| {
        let mut json = authorization_server();
        json[MEMBER] = value;
        scan.with(resource(&["https://id.example.com"])).with(get(ProbeId::Auth, "as 1.1").json(json))
    };
    hold(
        &CHECK,
        [
            pass("true", on(modern(), json!(true))),
            warn("false", on(modern(), json!(false))),
            warn("left out", on(modern(), json!(null))),
            undecided(
                "not read",
                modern()
                    .with(resource(&["https://id.example.com"]))
                    .with(get(ProbeId::Auth, "as 1.1").status(503)),
            ),
            not_applicable("an older revision", on(only("2025-11-25", "Bearer"), json!(null))),
            not_applicable("revision unknown", server_with(MEMBER, json!(null))),
            not_applicable("open", Scan::modern()),
        ],
    );
}
