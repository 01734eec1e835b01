//! What browsers and rebinding are kept from: Host, Origin, Content-Type, CORS.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderValue,
    LOCATION, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode};
use url::{Host, Url};

use super::http::{Call, Reply, empty, method_not_allowed, refusal};
use super::server::Server;
use super::{Base, Fault, headers as oddly};
use crate::protocol::headers::media_type;

/// Every header that a client of any era sends.
const ALLOWED_HEADERS: &str =
    "authorization, content-type, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id";

/// Refuses what must not come from a browser or under a foreign name, and answers OPTIONS.
pub(super) fn check(server: &Server, call: &Call) -> Option<Reply> {
    let host = call.header("host").unwrap_or_default();
    let behaviour = &server.behaviour;
    if behaviour.has(Fault::HostMisdirected) {
        return Some(refusal(StatusCode::MISDIRECTED_REQUEST, "Invalid Host header"));
    }
    if behaviour.has(Fault::HostForbidden) {
        return Some(refusal(StatusCode::FORBIDDEN, "Host not allowed"));
    }
    let any_host = behaviour.has(Fault::HostIgnored) || behaviour.has(Fault::RebindingServed);
    if !any_host && !host.parse::<Authority>().is_ok_and(|authority| loopback(authority.host())) {
        return Some(refusal(StatusCode::FORBIDDEN, "this Host is not served here"));
    }
    if behaviour.has(Fault::OriginDemanded) && call.method == Method::POST && call.header("origin").is_none()
    {
        return Some(refusal(StatusCode::FORBIDDEN, "an Origin header is required"));
    }
    let origin = call.headers.get("origin").map(|value| value.to_str().unwrap_or_default());
    let welcome = origin.is_none_or(|origin| welcome(server, origin, host));
    if call.method == Method::OPTIONS {
        return Some(options(server, origin, welcome));
    }
    // A WebSocket has its own door, and its own fault.
    let socket = call.upgrade.is_some() && behaviour.has(Fault::SocketOriginIgnored);
    let refused = behaviour.has(Fault::CorsThenRefused) && origin.is_some_and(|origin| !local(origin));
    if (welcome && !refused) || behaviour.has(Fault::OriginIgnored) || socket {
        return None;
    }
    // A web page's post is let through only as such: see `content_type`.
    if behaviour.has(Fault::BrowserPostServed) && call.method == Method::POST && !is_json(call) {
        return None;
    }
    let status =
        if behaviour.has(Fault::OriginBadRequest) { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
    Some(refusal(status, "this Origin is not welcome here"))
}

fn welcome(server: &Server, origin: &str, host: &str) -> bool {
    let behaviour = &server.behaviour;
    if behaviour.any_origin || (origin == "null" && behaviour.has(Fault::OriginNullAllowed)) {
        return true;
    }
    let same_host = origin.split_once("://").is_some_and(|(_, authority)| authority == host);
    (same_host && behaviour.has(Fault::RebindingServed)) || local(origin)
}

/// Whether an origin is a page of this machine.
fn local(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    })
}

fn loopback(host: &str) -> bool {
    // The dot of the root does not make it another name.
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn methods(base: Base) -> &'static str {
    match base {
        Base::Modern | Base::LegacyJson => "POST",
        Base::Feed => "GET",
        _ => "GET, POST, DELETE",
    }
}

fn options(server: &Server, origin: Option<&str>, welcome: bool) -> Reply {
    let behaviour = &server.behaviour;
    if behaviour.has(Fault::PreflightNotAllowed) {
        return method_not_allowed("POST");
    }
    if behaviour.has(Fault::PreflightUnauthorized) {
        return empty(StatusCode::UNAUTHORIZED);
    }
    if behaviour.has(Fault::PreflightRedirect) {
        let mut reply = empty(StatusCode::MOVED_PERMANENTLY);
        reply.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
        return reply;
    }
    let mut reply = empty(StatusCode::NO_CONTENT);
    let headers = reply.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(methods(behaviour.base)));
    match origin {
        None => return reply,
        Some(_) if !welcome => return refusal(StatusCode::FORBIDDEN, "this Origin is not welcome here"),
        Some(_) => {}
    }
    let few = behaviour.has(Fault::PreflightFewHeaders);
    let allowed = if few { "content-type" } else { ALLOWED_HEADERS };
    let age = if behaviour.has(Fault::PreflightLongMaxAge) { "604800" } else { "600" };
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods(behaviour.base)));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(age));
    reply
}

/// Adds the CORS headers that belong on every reply, errors included.
pub(super) fn cors(server: &Server, origin: Option<&str>, preflight: bool, headers: &mut HeaderMap) {
    let Some(origin) = origin else { return };
    let behaviour = &server.behaviour;
    let only_preflight = behaviour.has(Fault::CorsPreflightOnly) || behaviour.has(Fault::CorsThenRefused);
    if only_preflight && !preflight {
        return;
    }
    let null = origin == "null" && behaviour.has(Fault::CorsNullCredentials);
    let echoed = null
        || behaviour.has(Fault::CorsReflectsCredentials)
        || behaviour.has(Fault::CorsReflects)
        || (local(origin) && !behaviour.any_origin);
    let credentials = null
        || behaviour.has(Fault::CorsReflectsCredentials)
        || behaviour.has(Fault::CorsWildcardCredentials);
    if echoed {
        super::http::set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(VARY, HeaderValue::from_static("Origin"));
    } else if behaviour.any_origin || behaviour.has(Fault::CorsWildcardCredentials) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        return;
    }
    if credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    oddly::unusable_cors(behaviour, headers);
    if behaviour.has(Fault::CorsSessionHidden) {
        return;
    }
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("mcp-session-id, mcp-protocol-version, www-authenticate"),
    );
}

/// Refuses a POST whose type a web page could send without asking (Fetch, CORS-safelisted types).
pub(super) fn content_type(server: &Server, call: &Call) -> Option<Reply> {
    let behaviour = &server.behaviour;
    if behaviour.has(Fault::CharsetRefused)
        && call.header("content-type").is_some_and(|text| text.contains(';'))
    {
        return Some(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json"));
    }
    let open = behaviour.has(Fault::ContentTypeIgnored) || behaviour.has(Fault::BrowserPostServed);
    if open || is_json(call) {
        return None;
    }
    Some(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json"))
}

fn is_json(call: &Call) -> bool {
    call.header("content-type").and_then(media_type).is_some_and(|media| media.essence == "application/json")
}
