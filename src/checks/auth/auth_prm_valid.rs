//! Protected-resource metadata say for what they are, and who issues tokens for it.

use serde_json::Value;
use url::Url;

use crate::checks::prelude::*;
use crate::facts::auth_documents::resource;
use crate::facts::barrier;
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "auth-prm-valid",
    title: "Protected-resource metadata hold what clients need",
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
            "Authorization Server Discovery, Authorization Server Location",
            "basic/authorization/authorization-server-discovery#authorization-server-location"
        ),
        rfc!(9728, "2", "Protected Resource Metadata (resource)"),
        rfc!(9728, "3.2", "Protected Resource Metadata Response (application/json)"),
    ],
    rationale: "A client takes from this document where to sign in and for what. Without a list of authorization \
                servers, which MCP makes mandatory, it has nowhere to go.",
    remediation: "Serve the document as application/json with both members: `{\"resource\": \
                  \"https://example.com/mcp\", \"authorization_servers\": [\"https://login.example.com\"]}`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the protected-resource metadata that were found.",
        passes: "`resource` is a URL, and `authorization_servers` holds one or more of them.",
        warns: "They are all there, under another media type than application/json.",
        fails: "One of the two members is missing, empty, or no URL.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let metadata = resource(facts)?;
    let mut seen = Observations::new();
    let member = |name: &str| metadata.json.get(name).unwrap_or(&Value::Null);
    let at = |name: &str| Evidence::body(metadata.exchange, &format!("/{name}"), member(name));
    let identifier = member("resource");
    match identifier.as_str() {
        _ if identifier.is_null() => seen.add(Status::Fail, at("resource"), "`resource` is missing"),
        None => seen.add(Status::Fail, at("resource"), "`resource` is no string"),
        Some(text) if !is_url(text) => {
            seen.add(Status::Fail, at("resource"), format!("`resource` is no URL: `{}`", cut(text)));
        }
        Some(_) => seen.add(Status::Pass, at("resource"), "a URL"),
    }
    let named = member(SERVERS);
    match named.as_array() {
        _ if named.is_null() => {
            seen.add(Status::Fail, at(SERVERS), "`authorization_servers` is missing, and MCP demands it");
        }
        None => seen.add(Status::Fail, at(SERVERS), "`authorization_servers` is no array"),
        Some(list) if list.is_empty() => {
            seen.add(Status::Fail, at(SERVERS), "`authorization_servers` is empty");
        }
        Some(list) => {
            let odd = list.iter().find(|one| !one.as_str().is_some_and(is_url));
            match odd {
                Some(odd) => {
                    let text = cut(&odd.to_string());
                    let message = format!("`authorization_servers` holds what is no URL: {text}");
                    seen.add(Status::Fail, at(SERVERS), message);
                }
                None => seen.add(Status::Pass, at(SERVERS), "URLs"),
            }
        }
    }
    let essence = barrier::essence(metadata.exchange);
    if essence.as_deref() != Some("application/json") {
        let shown =
            essence.map_or_else(|| "without a media type".to_owned(), |is| format!("as `{}`", cut(&is)));
        let evidence = Evidence::header(metadata.exchange, "content-type");
        seen.add(Status::Warn, evidence, format!("they come {shown} instead of application/json"));
    }
    seen.verdict("they name the resource and its authorization servers", "nothing was read")
}

const SERVERS: &str = "authorization_servers";

/// Whether a text is a URL with a host, as far as what is masked in it lets that be said.
fn is_url(text: &str) -> bool {
    holds_placeholder(text)
        || Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::challenged;
    use crate::checks::examples::*;
    let with = |made: Made| challenged().with(made);
    let says = |json: Value| with(get(ProbeId::Auth, "prm-path").json(json));
    let sound =
        || json!({"resource":"https://example.com/mcp","authorization_servers":["https://id.example.com"]});
    let at = |step: &str| get(ProbeId::Auth, step);
    hold(
        &CHECK,
        [
            pass("both members", says(sound())).at("body /resource"),
            pass(
                "with a charset",
                with(at("prm-challenge").body("application/json; charset=utf-8", &sound().to_string())),
            ),
            pass(
                "masked in part",
                says(json!({"resource":"~uri-token-1~","authorization_servers":["https://~header-x~/a"]})),
            ),
            warn("as text", with(at("prm-root").body("text/plain", &sound().to_string()))).naming("text/plain"),
            fail("no list", says(json!({"resource":"https://example.com/mcp"}))).naming("MCP demands it"),
            fail(
                "an empty list",
                says(json!({"resource":"https://example.com/mcp","authorization_servers":[]})),
            )
            .naming("empty"),
            fail(
                "a bare name",
                says(json!({"resource":"https://example.com/mcp","authorization_servers":["id.example.com"]})),
            )
            .naming("no URL"),
            fail(
                "one text",
                says(json!({"resource":"https://example.com/mcp","authorization_servers":"https://id.example.com"})),
            )
            .naming("no array"),
            fail("no resource", says(json!({"authorization_servers":["https://id.example.com"]})))
                .naming("`resource` is missing"),
            fail("a number", says(json!({"resource":7,"authorization_servers":["https://id.example.com"]}))),
            not_applicable("none at all", with(at("prm-path").status(404))).naming("auth-prm-found"),
            not_applicable("a page", with(at("prm-path").body("text/html", "<div id=app></div>"))),
            undecided("a wall", with(at("prm-path").status(403))).naming("403"),
            undecided("a server error", with(at("prm-path").status(503))),
            undecided("a login", with(at("prm-path").body("text/html", "<input type=password>"))),
            undecided("not asked", challenged()),
            not_applicable("open", Scan::modern()),
        ],
    );
}
