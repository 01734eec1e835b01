//! A bearer token at the door, and the metadata that tell an agent where to get one.

use std::sync::atomic::Ordering;

use http::Method;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::Fault;
use super::endpoint::Server;
use super::http::{self as wire, Call, Outcome, Reply};
use super::{modern, oddity};

const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
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
    if token == Some((true, server.token.as_str())) {
        return None;
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
        let metadata = format!("http://{}{RESOURCE}", server.address);
        let error = if given.is_some() { "error=\"invalid_token\", " } else { "" };
        let announced = if has(Fault::AuthNoMetadata) || has(Fault::AuthMetadataHtml) {
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
        let challenge = format!("{scheme}{error}{announced}{comma} {again}scope=\"notes:read{quote}");
        wire::set(reply.headers_mut(), WWW_AUTHENTICATE, &challenge);
    }
    Some(reply.into())
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
        RESOURCE if !has(Fault::AuthNoMetadata) => {
            let query = has(Fault::AuthQueryToken);
            let methods = if query { json!(["header", "query"]) } else { json!(["header"]) };
            wire::json(
                StatusCode::OK,
                &json!({
                    "resource": format!("{origin}/mcp"),
                    "authorization_servers": [origin],
                    "bearer_methods_supported": methods,
                    "scopes_supported": ["notes:read"],
                    "resource_name": "Demo notes",
                }),
            )
        }
        AUTHORIZATION => wire::json(StatusCode::OK, &authorization(server, &origin)),
        _ => wire::refusal(StatusCode::NOT_FOUND, "there is nothing at this path"),
    }
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
    });
    if let Some(object) = document.as_object_mut() {
        if has(Fault::AuthNoPkce) {
            object.remove("code_challenge_methods_supported");
        }
        if has(Fault::AuthPlainPkce) {
            object.insert("code_challenge_methods_supported".to_owned(), json!(["S256", "plain"]));
        }
    }
    document
}
