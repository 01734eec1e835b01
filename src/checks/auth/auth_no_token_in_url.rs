//! Tokens do not travel in URLs.

use serde_json::Value;
use url::Url;

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::auth::{auth_barrier, resource_metadata};
use crate::facts::steps::{self, Get};

pub(super) static CHECK: Check = Check {
    id: "auth-no-token-in-url",
    title: "Tokens are not carried in URLs",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream, Transport::Websocket],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        mcp!(
            "2026-07-28",
            "Authorization, Token Requirements (not in the query string)",
            "basic/authorization#token-requirements"
        ),
        rfc!(6750, "5.3", "Don't pass bearer tokens in page URLs"),
        Basis {
            title: "OAuth 2.1, section 5.1, Bearer Token Requests",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-v2-1-13",
        },
    ],
    rationale: "URLs end up in access logs, proxies, browser histories and error reports, and a token in one goes \
                with it. Whoever reads the log then acts as the agent.",
    remediation: "Take the token from `Authorization: Bearer …` alone, ignore `?access_token=`, and list only \
                  `\"bearer_methods_supported\": [\"header\"]` in the metadata.",
    causes: &[],
    how: How {
        sent: "Nothing more: the scanned URL, the URI that HTTP+SSE announces, and \
               `bearer_methods_supported`.",
        passes: "None of them carries or allows a token.",
        warns: "The scanned URL has a parameter that looks like a key.",
        fails: "The announced URI has one, or the metadata allow tokens in the query.",
    },
    judge,
};

/// Parameter names that mean a bearer token or key, whatever the endpoint.
const KEYS: [&str; 12] = [
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "auth_token",
    "authorization",
    "jwt",
    "key",
    "secret",
    "token",
    "x-api-key",
];
/// Those that cannot be a session id of the HTTP+SSE transport, whose design is to carry one.
const NEVER_SESSIONS: [&str; 7] =
    ["access_token", "api-key", "api_key", "apikey", "authorization", "jwt", "x-api-key"];

fn judge(facts: &Facts<'_>) -> Judgement {
    let url = facts.header().url.as_str();
    let announced = facts.of(ProbeId::Classify).find_map(|exchange| match steps::get(exchange) {
        Get::HttpSse { endpoint, .. } => named(&endpoint, &NEVER_SESSIONS).map(|name| (exchange, name)),
        _ => None,
    });
    let query = Url::parse(url).is_ok_and(|url| url.query().is_some());
    let gated = facts.class().kind == Kind::AuthGated || auth_barrier(facts).is_ok();
    if !gated && !facts.header().credential() && !query && announced.is_none() {
        return not_applicable("no credential is asked for, and none was given");
    }
    let Some(first) = facts.of(ProbeId::Classify).chain(facts.of(ProbeId::Auth)).next() else {
        return inconclusive("nothing was sent");
    };
    let mut seen = Observations::new();
    if let Some((exchange, name)) = announced {
        let evidence = Evidence::new(exchange, "event endpoint", format!("the announced URI has {name}"));
        seen.add(Status::Fail, evidence, format!("the announced URI carries `{name}`"));
    }
    if let Some((exchange, document)) = resource_metadata(facts.exchanges()) {
        let methods = document.get("bearer_methods_supported").unwrap_or(&Value::Null);
        let evidence = Evidence::body(exchange, "/bearer_methods_supported", methods);
        if methods.as_array().is_some_and(|all| all.iter().any(|method| method == "query")) {
            let words = "the metadata allow tokens in the query (bearer_methods_supported)";
            seen.add(Status::Fail, evidence, words);
        } else {
            seen.add(Status::Pass, evidence, "not in the query");
        }
    }
    if let Some(name) = named(url, &KEYS) {
        let evidence = Evidence::new(first, "request url", url);
        seen.add(Status::Warn, evidence, format!("the scanned URL carries `{name}`, which looks like a key"));
    }
    seen.add(Status::Pass, Evidence::new(first, "request url", url), "the URL carries no key");
    seen.verdict("no token is carried in a URL", "nothing was sent")
}

/// The first query parameter with one of these names and a value.
fn named(url: &str, names: &[&str]) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, value)| !value.is_empty() && names.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get};
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn metadata(methods: &[&str]) -> Made {
        get(ProbeId::Auth, "prm-path").json(json!({"resource":"x","bearer_methods_supported":methods}))
    }

    #[test]
    fn passes_behind_a_gate_and_with_a_credential_in_a_header() {
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::Pass);
        assert_eq!(Scan::gated().with(metadata(&["header"])).judge(&CHECK).status, Status::Pass);
        assert_eq!(Scan::modern().credential().judge(&CHECK).status, Status::Pass);
        let mut scan = Scan::modern();
        scan.transcript.header.url = "http://127.0.0.1:8080/mcp?tenant=7".to_owned();
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
        // A session in the query is that transport's design.
        assert_eq!(Scan::http_sse().credential().judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_about_a_key_in_the_scanned_url() {
        let mut scan = Scan::modern();
        scan.transcript.header.url = "http://127.0.0.1:8080/mcp?api_key=~query-api_key~".to_owned();
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.contains("`api_key`"), "{}", finding.message);
    }

    #[test]
    fn fails_when_the_endpoint_itself_puts_tokens_into_urls() {
        let query = Scan::gated().with(metadata(&["header", "query"]));
        assert_eq!(query.judge(&CHECK).status, Status::Fail);
        let announced =
            Scan::feed("event: endpoint\ndata: /messages?session=1&access_token=~uri-token-1~\n\n");
        assert_eq!(announced.judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn not_applicable_to_open_endpoints() {
        for scan in [Scan::modern(), Scan::http_sse(), Scan::feed("data: 1\n\n")] {
            assert_eq!(scan.judge(&CHECK).status, Status::NotApplicable);
        }
    }

    #[test]
    fn undecided_when_nothing_answered() {
        let finding = Scan::empty().judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive);
    }
}
