//! Documents about the same resource tell the same.

use std::collections::BTreeSet;

use crate::checks::prelude::*;
use crate::facts::auth::resource_variants;
use crate::facts::auth_documents::{resource, same, strings};
use crate::transcript::Profile;

pub(super) static CHECK: Check = Check {
    id: "auth-prm-variants-agree",
    title: "Protected-resource metadata are the same wherever they are found",
    dimension: Dimension::D7,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(9728, "3.1", "Protected Resource Metadata Request"),
        mcp!(
            "2026-07-28",
            "Authorization Server Discovery, Protected Resource Metadata Discovery Requirements",
            "basic/authorization/authorization-server-discovery#protected-resource-metadata-discovery-requirements"
        ),
    ],
    rationale: "Clients look at different places. Where two documents about one resource differ, some clients sign in \
                elsewhere than others, and a leftover of an old set-up decides which.",
    remediation: "Serve one document from one source at every place, and none where it is not kept up to date: let \
                  `/.well-known/oauth-protected-resource` answer 404 if only the form with the path is maintained.",
    causes: &[],
    how: How {
        sent: "The URL of the challenge, the well-known form with the endpoint's path and the one without: after the first \
               document one place more is looked at.",
        passes: "Those that name this endpoint as their resource agree in `authorization_servers`, `scopes_supported` and \
                 `bearer_methods_supported`, whatever the order.",
        warns: "They differ in one of these.",
        fails: "",
    },
    judge,
};

const MEMBERS: [&str; 3] = ["authorization_servers", "scopes_supported", "bearer_methods_supported"];

fn judge(facts: &Facts<'_>) -> Judgement {
    let first = resource(facts)?;
    if facts.profile() == Profile::Quick {
        return inconclusive("one place alone is looked at in quick");
    }
    let ours = |value: &serde_json::Value| {
        let named = value.get("resource").and_then(serde_json::Value::as_str);
        let scanned = [facts.header().url.as_str(), facts.class().endpoint.as_str()];
        named.is_some_and(|named| scanned.iter().any(|url| same(url, named) == Some(true)))
    };
    let variants: Vec<_> =
        resource_variants(facts.exchanges()).into_iter().filter(|(_, json)| ours(json)).collect();
    let [(one, json), rest @ ..] = variants.as_slice() else {
        return not_applicable(
            "no document names this endpoint as its resource (see `auth-prm-resource-match`)",
        );
    };
    if rest.is_empty() {
        return not_applicable("one document alone is about this endpoint");
    }
    let mut seen = Observations::new();
    for (other, theirs) in rest {
        for name in MEMBERS {
            let set = |json| strings(json, name).into_iter().collect::<BTreeSet<&str>>();
            let (left, right) = (set(json), set(theirs));
            if left == right {
                seen.add(Status::Pass, Evidence::text(other), "the same");
                continue;
            }
            let list = |set: &BTreeSet<&str>| {
                let names: Vec<&str> = set.iter().copied().take(5).collect();
                if names.is_empty() { "none".to_owned() } else { cut(&names.join(", ")) }
            };
            let message = format!(
                "`{name}` differs: {} at `{}`, {} at `{}`",
                list(&left),
                cut(&one.request.url),
                list(&right),
                cut(&other.request.url)
            );
            let evidence = vec![Evidence::text(first.exchange), Evidence::text(other)];
            seen.push(Verdict::of(Status::Warn, evidence, message));
        }
    }
    seen.verdict("the documents about this endpoint agree", "nothing was compared")
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{challenged, named, resource};
    use crate::checks::examples::*;
    let also = |json: Value| {
        named(&["https://a.example.com", "https://b.example.com"])
            .with(get(ProbeId::Auth, "prm-root").json(json))
    };
    let here = "http://127.0.0.1:8080/mcp";
    hold(
        &CHECK,
        [
            pass(
                "in another order",
                also(json!({"resource":here,"authorization_servers":["https://b.example.com","https://a.example.com"],"x":1})),
            ),
            warn("other servers", also(json!({"resource":here,"authorization_servers":["https://c.example.com"]})))
                .naming("c.example.com"),
            warn(
                "scopes on one side",
                also(json!({"resource":"http://localhost:8080/mcp","authorization_servers":["https://a.example.com","https://b.example.com"],"scopes_supported":["x"]})),
            )
            .naming("`scopes_supported`"),
            undecided("not read", challenged().with(get(ProbeId::Auth, "prm-path").status(503))),
            undecided("quick", named(&["https://a.example.com"]).profile(Profile::Quick)),
            not_applicable(
                "of another resource of the origin",
                also(json!({"resource":"http://127.0.0.1:8080/other","authorization_servers":["https://c.example.com"]})),
            ),
            not_applicable("one", named(&["https://a.example.com"]).with(get(ProbeId::Auth, "prm-root").status(404))),
            not_applicable("none", challenged().with(get(ProbeId::Auth, "prm-path").status(404))),
            not_applicable("open", Scan::modern()),
        ],
    );
    assert!(resource_variants(&[resource(&[]).made]).len() == 1);
}
