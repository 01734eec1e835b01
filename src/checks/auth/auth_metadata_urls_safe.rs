//! The URLs of authorization metadata lead over TLS, and to where clients can go.

use serde_json::Value;
use url::Url;

use crate::checks::prelude::*;
use crate::facts::auth::metadata_url;
use crate::facts::auth_documents::{Document, read, resource, servers, strings};
use crate::protocol::address::{Exposure, NOT_CONTACTED, host_exposure, may_point_to};
use crate::transcript::FailureKind;
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "auth-metadata-urls-safe",
    title: "Authorization metadata lead over https to hosts that clients can reach",
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
            "Authorization, Security Considerations, Communication Security (https)",
            "basic/authorization/security-considerations#communication-security"
        ),
        Basis {
            title: "MCP 2026-07-28, Security Best Practices, Server-Side Request Forgery (SSRF)",
            url: "https://modelcontextprotocol.io/docs/2026-07-28/tutorials/security/security_best_practices#server-side-request-forgery-ssrf",
        },
        rfc!(9728, "7.7", "Server-Side Request Forgery (SSRF)"),
    ],
    rationale: "Over plain http everybody on the path reads codes and tokens, or puts his own login page there. An \
                address inside a network makes each client ask its own neighbours, which is how requests are forged.",
    remediation: "Publish https URLs of public hosts: `\"token_endpoint\": \"https://login.example.com/token\"`. Behind a \
                  proxy, configure the public base URL instead of the inner address.",
    causes: &[],
    how: How {
        sent: "Nothing more: the metadata URL of the challenge, `authorization_servers` and `jwks_uri` of the \
               protected-resource metadata, and the issuer and endpoints of each authorization server. Names are resolved \
               where a document was fetched; addresses that are not public are never contacted.",
        passes: "Each is https and of a host that is no less public than the endpoint. On this machine http is allowed to \
                 an endpoint of this machine.",
        warns: "A name that leads to an address which is not public from where the scan stands, or plain http inside a \
                private network.",
        fails: "Plain http to anywhere else, another scheme, or an address or local name that is less public than the \
                endpoint.",
    },
    judge,
};

/// Members of authorization-server metadata that clients contact.
const ENDPOINTS: [&str; 10] = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
];

fn judge(facts: &Facts<'_>) -> Judgement {
    let metadata = resource(facts)?;
    let mut missing = None;
    let found = match read(facts) {
        Ok(read) => {
            missing = read.missing;
            read.found
        }
        Err(why @ Undecided::Inconclusive(_)) => {
            missing = Some(why);
            Vec::new()
        }
        // What is not there leads nowhere.
        Err(_) => Vec::new(),
    };
    let Some(exposure) = facts.exposure() else {
        return inconclusive("nothing was connected to, so nothing is known of who reaches the endpoint");
    };
    let endpoint = Url::parse(&facts.header().url).ok();
    let from = From { exposure, endpoint: endpoint.as_ref() };
    let mut seen = Observations::new();
    if let Some((exchange, url)) =
        facts.exchanges().find_map(|exchange| Some((exchange, metadata_url([exchange])?)))
    {
        let evidence = Evidence::header(exchange, "www-authenticate");
        push(&mut seen, &from, "resource_metadata", &url, evidence);
    }
    for issuer in strings(&metadata.json, "authorization_servers").into_iter().take(MOST) {
        let evidence = member(&metadata, "authorization_servers");
        push(&mut seen, &from, "authorization_servers", issuer, evidence);
    }
    one(&mut seen, &from, &metadata, "jwks_uri");
    for document in &found {
        for name in ENDPOINTS {
            one(&mut seen, &from, document, name);
        }
    }
    for exchange in facts.of(ProbeId::Auth).filter(|exchange| hidden(exchange)) {
        let host = Url::parse(&exchange.request.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        // A literal is judged by what it is.
        let Some(host) = host.filter(|host| host_exposure(host).is_none()) else { continue };
        let message = format!("`{}` leads to an address that is not public from here", cut(&host));
        seen.add(Status::Warn, Evidence::failure(exchange), message);
    }
    // A server whose document was not fetched for its address is a fault, and no gap.
    let refused = facts.of(ProbeId::Auth).any(hidden);
    let worse = seen.count(Status::Fail).saturating_add(seen.count(Status::Warn)) > 0;
    if refused && worse {
        missing = None;
    }
    if seen.is_empty() && missing.is_none() {
        return not_applicable(if servers(facts).is_ok() {
            "the metadata hold no URL that can be judged"
        } else {
            "the metadata name no authorization server (see `auth-prm-valid`)"
        });
    }
    seen.distinct().verdict_despite(missing, "every URL leads over https to a host that clients can reach")
}

/// Most authorization servers whose names are judged.
const MOST: usize = 20;

fn member(document: &Document<'_>, name: &str) -> Evidence {
    let value = document.json.get(name).unwrap_or(&Value::Null);
    Evidence::body(document.exchange, &format!("/{name}"), value)
}

fn one(seen: &mut Observations, from: &From<'_>, document: &Document<'_>, name: &str) {
    if let Some(url) = document.json.get(name).and_then(Value::as_str) {
        push(seen, from, name, url, member(document, name));
    }
}

/// Whether a document was not fetched because its name leads to an address that is not for everybody.
fn hidden(exchange: &Exchange) -> bool {
    exchange.failure.as_ref().is_some_and(|failure| {
        failure.kind == FailureKind::Cancelled && failure.detail.ends_with(NOT_CONTACTED)
    })
}

/// From where a URL is followed.
struct From<'u> {
    exposure: Exposure,
    endpoint: Option<&'u Url>,
}

fn push(seen: &mut Observations, from: &From<'_>, name: &str, text: &str, evidence: Evidence) {
    // What is no URL is a fault of the document itself.
    let Ok(url) = Url::parse(text) else { return };
    let Some(host) = url.host_str() else { return };
    if holds_placeholder(host) {
        return;
    }
    let literal = host_exposure(host);
    let local = literal == Some(Exposure::Loopback);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let barred = match address {
        Some(address) => !may_point_to(from.exposure, address),
        None => local && from.exposure != Exposure::Loopback,
    };
    let shown = cut(text);
    if barred {
        let message = format!("`{name}` leads to `{shown}`, which is less public than the endpoint");
        return seen.add(Status::Fail, evidence, message);
    }
    match url.scheme() {
        "https" => seen.add(Status::Pass, evidence, "https"),
        // Nothing leaves this machine.
        "http" if local => seen.add(Status::Pass, evidence, "on this machine"),
        // The endpoint itself has no TLS, which another check is charged with.
        "http" if from.endpoint.is_some_and(|own| own.scheme() == "http" && own.host() == url.host()) => {
            seen.add(
                Status::Info,
                evidence,
                format!("`{name}` is plain http, as the endpoint (see `tls-required`)"),
            );
        }
        "http" if literal == Some(Exposure::Private) => {
            seen.add(
                Status::Warn,
                evidence,
                format!("`{name}` is plain http inside a private network: `{shown}`"),
            );
        }
        "http" => seen.add(Status::Fail, evidence, format!("`{name}` is plain http: `{shown}`")),
        _ => seen.add(Status::Fail, evidence, format!("`{name}` is not https: `{shown}`")),
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{authorization_server, challenged, named, resource, server_with};
    use crate::checks::examples::*;
    use crate::transcript::Failure;
    let at = |url: &str, address: &str, scan: Scan| {
        let mut scan = scan;
        url.clone_into(&mut scan.transcript.header.url);
        for exchange in &mut scan.transcript.exchanges {
            if let Some(connect) = exchange.connect.as_mut() {
                connect.address = Some(address.to_owned());
            }
        }
        scan
    };
    let public = |scan: Scan| at("https://mcp.example.com/mcp", "93.184.215.14:443", scan);
    let private = |scan: Scan| at("https://mcp.corp.example/mcp", "10.0.0.4:443", scan);
    let endpoint = |url: &str| server_with("token_endpoint", json!(url));
    let issuer = |url: &str, step: Made| challenged().with(resource(&[url])).with(step);
    let asked = || get(ProbeId::Auth, "as 1.1");
    let hidden = |url: &str| {
        let mut made = asked().failed(Phase::Connect, FailureKind::Cancelled).made;
        url.clone_into(&mut made.request.url);
        made.failure = Some(Failure {
            phase: Phase::Connect,
            kind: FailureKind::Cancelled,
            detail: format!("10.0.0.9 {NOT_CONTACTED}"),
        });
        Made { made }
    };
    hold(
        &CHECK,
        [
            pass("https", public(endpoint("https://id.example.com/token"))),
            pass("on this machine", endpoint("http://localhost:9000/token")),
            pass("a private network's own", private(endpoint("https://10.0.0.9/token"))),
            pass("no metadata to read", public(issuer("https://id.example.com", asked().status(404)))),
            warn("http in a private network", private(endpoint("http://10.0.0.9/token"))).naming("private network"),
            warn(
                "a name that leads inside",
                public(issuer("https://id.example.com", hidden("https://id.example.com/.well-known/x"))),
            )
            .naming("id.example.com"),
            fail("http", public(endpoint("http://id.example.com/token"))).naming("token_endpoint"),
            fail("http elsewhere, from this machine", endpoint("http://id.example.com/token")),
            fail("another scheme", public(endpoint("ftp://id.example.com/token"))).naming("not https"),
            fail("an address inside", public(endpoint("https://192.168.0.7/token"))).naming("less public"),
            fail("this machine, from elsewhere", public(endpoint("https://localhost/token"))),
            fail("cloud metadata", endpoint("https://169.254.169.254/token")).naming("169.254.169.254"),
            fail(
                "an issuer inside",
                public(issuer("https://10.0.0.9", hidden("https://10.0.0.9/.well-known/x"))),
            )
            .naming("authorization_servers"),
            fail("an issuer over http", public(issuer("http://id.example.com", asked().failed(Phase::Connect, FailureKind::Cancelled)))),
            fail(
                "a jwks_uri over http",
                public(challenged().with(get(ProbeId::Auth, "prm-path").json(
                    json!({"resource":"https://mcp.example.com/mcp","authorization_servers":["https://id.example.com"],"jwks_uri":"http://mcp.example.com/keys"}),
                )).with(asked().json(authorization_server()))),
            )
            .naming("jwks_uri"),
            undecided("not read", public(issuer("https://id.example.com", asked().status(503)))),
            undecided("the resource not read", challenged().with(get(ProbeId::Auth, "prm-path").status(503))),
            not_applicable("none named", named(&[])),
            not_applicable("no resource", challenged().with(get(ProbeId::Auth, "prm-path").status(404))),
            not_applicable("open", Scan::modern()),
        ],
    );
}
