//! A bearer token at the door, and the metadata that tell an agent where to get one.

use std::sync::atomic::Ordering;

use http::Method;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::Fault;
use super::http::{self as wire, Call, Outcome, Reply};
use super::server::Server;
use super::{modern, oddity};

const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
const ROOT: &str = "/.well-known/oauth-protected-resource";
const KEYS: &str = "/.well-known/jwks.json";
const AUTHORIZATION: &str = "/.well-known/oauth-authorization-server";
const LOGIN: &str = "<!doctype html><title>Log in</title><form method=post><input name=user>\
                     <input name=secret type=\"password\"></form>";

/// Refuses a call without the token (RFC 6750 section 3, RFC 9728 section 5.1).
pub(super) fn check(server: &std::sync::Arc<Server>, call: &Call) -> Option<Outcome> {
    let has = |fault| server.behaviour.has(fault);
    let given = call.header("authorization");
    let token = given
        .and_then(|value| value.split_once(' '))
        .map(|(scheme, token)| (scheme.eq_ignore_ascii_case("bearer"), token.trim()));
    if token == Some((true, server.token.as_str())) || (token.is_some() && has(Fault::AuthAnyToken)) {
        return None;
    }
    if token.is_some() && has(Fault::AuthTokenForbidden) {
        return Some(wire::refusal(StatusCode::FORBIDDEN, "this token is not welcome").into());
    }
    if token.is_some() && has(Fault::AuthTokenCrash) {
        return Some(oddity::server_error().into());
    }
    if has(Fault::AuthGetOpen) && call.method == Method::GET {
        return Some(modern::idle_stream(server));
    }
    if has(Fault::AuthListOpen) && call.method == Method::POST && open(call) {
        return None;
    }
    let second = server.turned_away.fetch_add(1, Ordering::SeqCst) % 2 == 1;
    if has(Fault::AuthCrash) || (has(Fault::AuthCrashSometimes) && !second) {
        return Some(oddity::server_error().into());
    }
    if has(Fault::AuthForbidden) {
        return Some(wire::refusal(StatusCode::FORBIDDEN, "a token is needed").into());
    }
    if has(Fault::AuthLoginRedirect) {
        let mut reply = wire::empty(StatusCode::FOUND);
        reply.headers_mut().insert(LOCATION, HeaderValue::from_static("/login"));
        return Some(reply.into());
    }
    let mut reply = wire::refusal(StatusCode::UNAUTHORIZED, "a token is needed");
    if !has(Fault::AuthNoChallenge) {
        let named = if has(Fault::AuthNamedElsewhere) { "/metadata" } else { RESOURCE };
        let metadata = format!("http://{}{named}", server.address);
        let error = if given.is_some() { "error=\"invalid_token\", " } else { "" };
        let announced = if has(Fault::AuthNoMetadata) || has(Fault::AuthMetadataHtml) || old(server) {
            "realm=\"notes\"".to_owned()
        } else if has(Fault::AuthBareUrl) {
            format!("resource_metadata={metadata}")
        } else {
            format!("resource_metadata=\"{metadata}\"")
        };
        let scheme = if has(Fault::AuthNoScheme) { "" } else { "Bearer " };
        let comma = if has(Fault::AuthNoComma) { "" } else { "," };
        let quote = if has(Fault::AuthOpenQuote) { "" } else { "\"" };
        let again = if has(Fault::AuthScopeTwice) { "scope=\"notes:write\", " } else { "" };
        let scope = if has(Fault::AuthEveryScope) { "notes:*" } else { "notes:read" };
        let challenge = format!("{scheme}{error}{announced}{comma} {again}scope=\"{scope}{quote}");
        wire::set(reply.headers_mut(), WWW_AUTHENTICATE, &challenge);
    }
    Some(reply.into())
}

/// Whether nothing newer than 2025-03-26 is spoken.
pub(super) fn old(server: &Server) -> bool {
    server.behaviour.has(Fault::AuthOldNowhere) || server.behaviour.has(Fault::AuthOldDefaults)
}

/// Methods that [`Fault::AuthListOpen`] leaves open.
fn open(call: &Call) -> bool {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let method = body.get("method").and_then(Value::as_str).unwrap_or_default();
    matches!(method, "server/discover" | "initialize" | "notifications/initialized" | "ping")
        || method.ends_with("/list")
}

/// Protected-resource metadata (RFC 9728) and authorization-server metadata (RFC 8414).
pub(super) fn metadata(server: &Server, path: &str) -> Reply {
    let has = |fault| server.behaviour.has(fault);
    let origin = format!("http://{}", server.address);
    if path == "/login" {
        return wire::page(StatusCode::OK, LOGIN);
    }
    if has(Fault::AuthMetadataHtml) && path.starts_with("/.well-known/") {
        return wire::page(StatusCode::OK, "<!doctype html><title>Notes</title><div id=app></div>");
    }
    match path {
        RESOURCE | ROOT if !has(Fault::AuthNoMetadata) && !old(server) => {
            let more = path == ROOT && has(Fault::AuthTwoDocuments);
            let document = resource(
                server,
                &origin,
                if more { &["notes:read", "notes:write"] } else { &["notes:read"] },
            );
            let media = if has(Fault::AuthMetadataText) { "text/plain" } else { "application/json" };
            wire::reply(StatusCode::OK, Some(media), document.to_string())
        }
        AUTHORIZATION if !has(Fault::AuthNoServerMetadata) && !old(server) => {
            wire::json(StatusCode::OK, &authorization(server, &origin))
        }
        KEYS => wire::json(StatusCode::OK, &keys(server)),
        "/authorize" if has(Fault::AuthOldDefaults) => {
            wire::refusal(StatusCode::BAD_REQUEST, "response_type is missing")
        }
        _ => wire::refusal(StatusCode::NOT_FOUND, "there is nothing at this path"),
    }
}

fn resource(server: &Server, origin: &str, scopes: &[&str]) -> Value {
    let has = |fault| server.behaviour.has(fault);
    let name = match () {
        () if has(Fault::AuthOtherResource) => "http://127.0.0.1:1/mcp".to_owned(),
        () if has(Fault::AuthParentResource) => origin.to_owned(),
        () => format!("{origin}/mcp"),
    };
    let query = has(Fault::AuthQueryToken);
    let methods = if query { json!(["header", "query"]) } else { json!(["header"]) };
    let servers = if has(Fault::AuthNoServers) { json!([]) } else { json!([origin]) };
    json!({
        "resource": name,
        "authorization_servers": servers,
        "bearer_methods_supported": methods,
        "scopes_supported": scopes,
        "resource_name": "Demo notes",
    })
}

/// The example key of RFC 7517 appendix A.1 and A.2: nothing is signed with it.
fn keys(server: &Server) -> Value {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::AuthNoKeys) {
        return json!({ "keys": [] });
    }
    let private = has(Fault::AuthPrivateKey).then_some("870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE");
    let mut key = json!({
        "kty": "EC",
        "crv": "P-256",
        "kid": "demo",
        "use": "sig",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    if let (Some(private), Some(members)) = (private, key.as_object_mut()) {
        members.insert("d".to_owned(), json!(private));
    }
    json!({ "keys": [key] })
}

fn authorization(server: &Server, origin: &str) -> Value {
    let has = |fault| server.behaviour.has(fault);
    let mut document = json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "client_id_metadata_document_supported": true,
        "authorization_response_iss_parameter_supported": true,
        "scopes_supported": ["notes:read"],
        "token_endpoint_auth_methods_supported": ["none"],
        "jwks_uri": format!("{origin}{KEYS}"),
    });
    if let Some(object) = document.as_object_mut() {
        for (fault, name, value) in [
            (Fault::AuthNoResponseTypes, "response_types_supported", Value::Null),
            (Fault::AuthForeignIssuer, "issuer", json!("https://login.example.com")),
            (Fault::AuthIssuerSlash, "issuer", json!(format!("{origin}/"))),
            (Fault::AuthPlainEndpoint, "revocation_endpoint", json!("http://login.example.com/revoke")),
            (
                Fault::AuthUnsigned,
                "token_endpoint_auth_signing_alg_values_supported",
                json!(["ES256", "none"]),
            ),
            (Fault::AuthNoIss, "authorization_response_iss_parameter_supported", Value::Null),
            (Fault::AuthPasswordGrant, "grant_types_supported", json!(["authorization_code", "password"])),
            (Fault::AuthByHand, "client_id_metadata_document_supported", Value::Null),
            (Fault::AuthSecretsOnly, "token_endpoint_auth_methods_supported", json!(["client_secret_post"])),
        ] {
            if has(fault) {
                object.insert(name.to_owned(), value);
            }
        }
        object.retain(|_, value| !value.is_null());
        if has(Fault::AuthNoPkce) {
            object.remove("code_challenge_methods_supported");
        }
        if has(Fault::AuthPlainPkce) {
            object.insert("code_challenge_methods_supported".to_owned(), json!(["S256", "plain"]));
        }
    }
    document
}
