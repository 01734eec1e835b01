//! Protected-resource metadata are those of the endpoint that was asked.

use url::Url;

use crate::checks::prelude::*;
use crate::facts::auth_documents::{resource, same};
use crate::protocol::well_known::as_scanned;
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "auth-prm-resource-match",
    title: "Protected-resource metadata name the endpoint as their resource",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(9728, "3.3", "Protected Resource Metadata Validation"),
        mcp!("2026-07-28", "Authorization, Canonical Server URI", "basic/authorization#canonical-server-uri"),
    ],
    rationale: "A client asks for a token for this resource. If the metadata are another one's, it must not use them: a \
                token for one server could be lured to another.",
    remediation: "Write the URL that agents connect to, character for character: `\"resource\": \
                  \"https://example.com/mcp\"`. Behind a proxy, build it from the public name and scheme, not from those \
                  of the inner connection.",
    causes: &[
        Cause { word: OTHER, remedy: None },
        Cause {
            word: SCHEME,
            remedy: Some(
                "Write the scheme that agents use. Behind a proxy that ends TLS, let the application trust \
                 `X-Forwarded-Proto` of that proxy, or configure its public URL.",
            ),
        },
        Cause { word: NEAR, remedy: None },
    ],
    how: How {
        sent: "Nothing more: `resource` of the protected-resource metadata and the URL of the endpoint. A query of that \
               URL is left out of account where the resource has none, and `localhost`, `127.0.0.1` and `[::1]` are one \
               host.",
        passes: "They are the same.",
        warns: "The resource is the same but for a slash at its end, or a parent of the endpoint's path on its origin: \
                clients take that, the standard does not.",
        fails: "Another host, port, scheme or path, or a fragment.",
    },
    judge,
};

const OTHER: &str = "other-resource";
const SCHEME: &str = "other-scheme";
const NEAR: &str = "near";

fn judge(facts: &Facts<'_>) -> Judgement {
    let metadata = resource(facts)?;
    let Some(identifier) = metadata.json.get("resource").and_then(serde_json::Value::as_str) else {
        return not_applicable("the metadata have no `resource` (see `auth-prm-valid`)");
    };
    let evidence = || Evidence::body(metadata.exchange, "/resource", &identifier.into());
    let Ok(named) = Url::parse(identifier) else {
        return not_applicable("`resource` is no URL (see `auth-prm-valid`)");
    };
    // After a redirect the endpoint has two URLs, and clients may have been given either.
    let scanned = [facts.header().url.as_str(), facts.class().endpoint.as_str()];
    if scanned.iter().any(|url| same(url, identifier) == Some(true)) {
        return pass(evidence(), "the resource is the endpoint");
    }
    if holds_placeholder(identifier) || scanned.iter().any(|url| holds_placeholder(before_query(url))) {
        return inconclusive("a part of one of the two URLs is masked, so they cannot be compared");
    }
    let all: Vec<Url> = scanned.iter().filter_map(|url| Url::parse(url).ok()).collect();
    let Some(best) = all.iter().map(|url| difference(url, &named)).min() else {
        return inconclusive("the scanned URL cannot be read");
    };
    let shown = || cut(identifier);
    let verdict =
        |status, word, message: String| Ok(Verdict::of(status, vec![evidence()], message).because(word));
    match best {
        Difference::Query => pass(evidence(), "the resource is the endpoint without its query"),
        Difference::Slash => verdict(
            Status::Warn,
            NEAR,
            format!("only a slash at the end parts `{}` from the endpoint", shown()),
        ),
        Difference::Parent => verdict(
            Status::Warn,
            NEAR,
            format!("`{}` is a parent of the endpoint, not the endpoint", shown()),
        ),
        Difference::Fragment => {
            verdict(Status::Fail, OTHER, format!("`{}` has a fragment, which no resource may have", shown()))
        }
        Difference::Scheme => verdict(
            Status::Fail,
            SCHEME,
            format!("the metadata are those of `{}`, of another scheme than the endpoint", shown()),
        ),
        Difference::Other => verdict(
            Status::Fail,
            OTHER,
            format!("the metadata are those of `{}`, not of the endpoint", shown()),
        ),
    }
}

/// In what a resource differs from the endpoint, the least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    Query,
    Slash,
    Parent,
    Fragment,
    Scheme,
    Other,
}

fn difference(endpoint: &Url, named: &Url) -> Difference {
    let named = as_scanned(endpoint, named.clone());
    if named.fragment().is_some() {
        return Difference::Fragment;
    }
    if named.origin() != endpoint.origin() {
        let scheme = named.host() == endpoint.host() && named.scheme() != endpoint.scheme();
        return if scheme { Difference::Scheme } else { Difference::Other };
    }
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let (here, there) = (bare(endpoint.path()), bare(named.path()));
    let query = named.query().is_none() || named.query() == endpoint.query();
    if !query {
        Difference::Other
    } else if named.path() == endpoint.path() {
        Difference::Query
    } else if here == there {
        Difference::Slash
    } else if here.strip_prefix(&there).is_some_and(|rest| rest.starts_with('/')) {
        Difference::Parent
    } else {
        Difference::Other
    }
}

fn before_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::challenged;
    use crate::checks::examples::*;
    let says = |resource: Value| {
        let json = json!({"resource":resource,"authorization_servers":["https://id.example.com"]});
        challenged().with(get(ProbeId::Auth, "prm-path").json(json))
    };
    let at = |url: &str, resource: &str| {
        let mut scan = says(json!(resource));
        url.clone_into(&mut scan.transcript.header.url);
        for exchange in &mut scan.transcript.exchanges {
            url.clone_into(&mut exchange.request.url);
        }
        scan
    };
    hold(
        &CHECK,
        [
            pass("the same", says(json!("http://127.0.0.1:8080/mcp"))).at("body /resource"),
            pass("another name of this machine", says(json!("http://localhost:8080/mcp"))),
            pass("in other letters", at("https://example.com/mcp", "HTTPS://Example.com:443/mcp")),
            pass("a query of the scan", at("https://example.com/mcp?tenant=7", "https://example.com/mcp"))
                .naming("without its query"),
            pass("a masked query", at("https://example.com/mcp?key=~query-key~", "https://example.com/mcp")),
            pass("with its query", at("https://example.com/mcp?a=1", "https://example.com/mcp?a=1")),
            warn("a slash", says(json!("http://127.0.0.1:8080/mcp/"))).naming("slash"),
            warn("its origin", says(json!("http://127.0.0.1:8080"))).naming("parent"),
            warn("a folder above", at("https://example.com/a/mcp", "https://example.com/a/"))
                .naming("parent"),
            fail("a name that begins alike", at("https://example.com/mcp2", "https://example.com/mcp")),
            fail("another port", says(json!("http://127.0.0.1:8081/mcp"))).naming("8081"),
            fail("another host", says(json!("https://example.com/mcp"))).naming("example.com"),
            fail("another path", says(json!("http://127.0.0.1:8080/other"))),
            fail("another query", at("https://example.com/mcp?a=1", "https://example.com/mcp?a=2")),
            fail("without TLS", at("https://example.com/mcp", "http://example.com/mcp")).naming("scheme"),
            fail("a fragment", says(json!("http://127.0.0.1:8080/mcp#x"))).naming("fragment"),
            undecided("masked", at("https://example.com/s/~query-x~/mcp", "https://example.com/s/abc/mcp"))
                .naming("masked"),
            undecided("masked there", says(json!("https://~header-x~/mcp"))),
            not_applicable("no resource", says(json!(null))).naming("auth-prm-valid"),
            not_applicable("no URL", says(json!("mcp"))),
            not_applicable("open", Scan::modern()),
        ],
    );
}
