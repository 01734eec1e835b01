//! No metadata offer unsigned tokens.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{Document, read, resource, strings};

pub(super) static CHECK: Check = Check {
    id: "auth-alg-none",
    title: "No metadata offer unsigned tokens",
    dimension: Dimension::D7,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(9728, "2", "Protected Resource Metadata (resource_signing_alg_values_supported)"),
        rfc!(8414, "2", "Authorization Server Metadata (the value `none` MUST NOT be used)"),
        Basis {
            title: "OpenID Connect Discovery 1.0, section 3 (none for ID tokens, under a condition)",
            url: "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata",
        },
    ],
    rationale: "A token with the algorithm `none` has no signature: whoever writes one is whom he says. A list that offers \
                it tells attackers where to try.",
    remediation: "Take `none` out of the list of signing algorithms, for example \
                  `\"token_endpoint_auth_signing_alg_values_supported\": [\"ES256\"]`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `resource_signing_alg_values_supported` of the protected-resource metadata, and \
               `token_endpoint_auth_signing_alg_values_supported` of the authorization server's with its like for \
               introspection and revocation.",
        passes: "None of them has `none`. In `id_token_signing_alg_values_supported` it is only noted, and in \
                 `token_endpoint_auth_methods_supported` it means something else.",
        warns: "",
        fails: "One of them has it.",
    },
    judge,
};

const OF_SERVERS: [&str; 3] = [
    "token_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
];

fn judge(facts: &Facts<'_>) -> Judgement {
    let metadata = resource(facts)?;
    let (found, missing) = match read(facts) {
        Ok(read) => (read.found, read.missing),
        Err(why @ Undecided::Inconclusive(_)) => (Vec::new(), Some(why)),
        Err(_) => (Vec::new(), None),
    };
    let mut seen = Observations::new();
    look(&mut seen, &metadata, "resource_signing_alg_values_supported", Status::Fail);
    for document in &found {
        for name in OF_SERVERS {
            look(&mut seen, document, name, Status::Fail);
        }
        look(&mut seen, document, "id_token_signing_alg_values_supported", Status::Info);
    }
    seen.distinct().verdict_despite(missing, "no metadata offer unsigned tokens")
}

fn look(seen: &mut Observations, document: &Document<'_>, name: &str, status: Status) {
    let value = document.json.get(name).unwrap_or(&Value::Null);
    let evidence = Evidence::body(document.exchange, &format!("/{name}"), value);
    if strings(&document.json, name).contains(&"none") {
        seen.add(status, evidence, format!("`{name}` has `none`"));
    } else {
        seen.add(Status::Pass, evidence, "without");
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{challenged, named, server_with};
    use crate::checks::examples::*;
    let [first, second, _] = OF_SERVERS;
    hold(
        &CHECK,
        [
            pass("left out", server_with("x", json!(1))),
            pass("signed", server_with(first, json!(["ES256", "RS256"]))),
            pass("another spelling is another name", server_with(first, json!(["NONE"]))),
            pass(
                "public clients",
                server_with("token_endpoint_auth_methods_supported", json!(["none"])),
            ),
            pass("ID tokens", server_with("id_token_signing_alg_values_supported", json!(["none", "RS256"])))
                .naming("note"),
            fail("clients", server_with(first, json!(["ES256", "none"]))).naming(first),
            fail("introspection", server_with(second, json!(["none"]))),
            fail(
                "the resource",
                challenged().with(get(ProbeId::Auth, "prm-path").json(
                    json!({"resource":"http://127.0.0.1:8080/mcp","resource_signing_alg_values_supported":["none"]}),
                )),
            ),
            undecided("not read", named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").status(503))),
            not_applicable("no metadata", challenged().with(get(ProbeId::Auth, "prm-path").status(404))),
            not_applicable("open", Scan::modern()),
        ],
    );
}
