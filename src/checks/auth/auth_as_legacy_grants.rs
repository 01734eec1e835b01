//! The authorization server does not offer grants that were given up.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{read, strings};

pub(super) static CHECK: Check = Check {
    id: "auth-as-legacy-grants",
    title: "The authorization server offers neither implicit nor password grants",
    dimension: Dimension::D7,
    severity: Severity::Low,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(9700, "2.1.2", "Implicit Grant (SHOULD NOT)"),
        rfc!(9700, "2.4", "Resource Owner Password Credentials Grant (MUST NOT)"),
    ],
    rationale: "The implicit grant puts the token into a URL, and the password grant shows the user's password to the \
                agent. Both are given up, and a list that offers them invites clients to use them.",
    remediation: "Take `implicit` and `password` out of `grant_types_supported` and `token` out of \
                  `response_types_supported`, or give agents an authorization server of their own.",
    causes: &[],
    how: How {
        sent: "Nothing more: `grant_types_supported` and `response_types_supported` of the authorization server's metadata.",
        passes: "Neither is listed. A list that is left out lists nothing.",
        warns: "One of them is: servers for many kinds of clients list them for others.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let servers = read(facts)?;
    let mut seen = Observations::new();
    for document in &servers.found {
        let at = |name: &str| {
            let value = document.json.get(name).unwrap_or(&Value::Null);
            Evidence::body(document.exchange, &format!("/{name}"), value)
        };
        let grants = strings(&document.json, GRANTS);
        for given_up in ["implicit", "password"].into_iter().filter(|name| grants.contains(name)) {
            seen.add(Status::Warn, at(GRANTS), format!("the grant `{given_up}` is offered"));
        }
        let token = |kind: &&str| kind.split(' ').any(|part| part == "token");
        if strings(&document.json, TYPES).iter().any(token) {
            let message = "a response type has `token`, which the implicit grant is";
            seen.add(Status::Warn, at(TYPES), message);
        }
        seen.add(Status::Pass, at(GRANTS), "read");
    }
    seen.distinct().verdict_despite(servers.missing, "neither implicit nor password grants are offered")
}

const GRANTS: &str = "grant_types_supported";
const TYPES: &str = "response_types_supported";

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{named, server_with};
    use crate::checks::examples::*;
    hold(
        &CHECK,
        [
            pass("left out", server_with(GRANTS, json!(null))),
            pass(
                "others",
                server_with(GRANTS, json!(["authorization_code", "refresh_token", "client_credentials"])),
            ),
            pass("an ID token is none", server_with(TYPES, json!(["code", "code id_token"]))),
            warn("implicit", server_with(GRANTS, json!(["authorization_code", "implicit"])))
                .naming("`implicit`"),
            warn("password", server_with(GRANTS, json!(["authorization_code", "password"])))
                .naming("`password`"),
            warn("token", server_with(TYPES, json!(["code", "id_token token"]))).naming("`token`"),
            undecided(
                "not read",
                named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").status(503)),
            ),
            not_applicable(
                "none",
                named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").status(404)),
            ),
            not_applicable("open", Scan::modern()),
        ],
    );
}
