//! What stands between us and any answer, for whatever request: a wall that wants a credential, a refusal, a
//! firewall, a limit, a redirect, or nothing at all.

pub use super::media::{essence, html};
use super::reply;
use crate::protocol::jsonrpc::{self, Answer};
use crate::transcript::{Content, Exchange, Failure};
use serde_json::Value;

/// What stands between us and any answer, for whatever request.
#[derive(Clone, Debug, PartialEq)]
pub enum Barrier {
    /// Nothing came back.
    Failed(Failure),
    /// 401, 403 with a challenge, a login page, or a refusal that asks for a credential.
    Gated,
    /// 403 without a challenge, or a refusal of the name by which it was reached: a rule for Host or Origin, a
    /// firewall, or a framework's answer to a missing credential.
    Blocked,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError(u16),
    /// 3xx with a location.
    Redirect {
        /// Status.
        status: u16,
        /// `Location`, as sent.
        location: String,
    },
}

/// Reads what is common to every reply.
#[must_use]
pub fn barrier(exchange: &Exchange) -> Option<Barrier> {
    let Some(head) = &exchange.head else {
        return exchange.failure.clone().map(Barrier::Failed);
    };
    if firewall(exchange).is_some() {
        return Some(Barrier::Blocked);
    }
    match head.status {
        401 => Some(Barrier::Gated),
        // A proxy wants a credential for itself (RFC 9110 section 15.5.8); ours are for the endpoint.
        407 => Some(Barrier::Blocked),
        // The name by which it was reached is not on its list (RFC 9110 section 15.5.20).
        421 => Some(Barrier::Blocked),
        400 if name_refused(exchange) => Some(Barrier::Blocked),
        403 if head.header("www-authenticate").is_some() => Some(Barrier::Gated),
        _ if asks_for_credential(exchange) => Some(Barrier::Gated),
        403 if is_reply(exchange) => None,
        403 => Some(Barrier::Blocked),
        429 => Some(Barrier::RateLimited),
        302 | 303 if login_page(exchange) => Some(Barrier::Gated),
        301 | 302 | 303 | 307 | 308 => Some(Barrier::Redirect {
            status: head.status,
            location: head.header("location").unwrap_or_default().to_owned(),
        }),
        200 if login_page(exchange) => Some(Barrier::Gated),
        500..=599 if !is_reply(exchange) => Some(Barrier::ServerError(head.status)),
        _ => None,
    }
}

/// Whether the name by which an endpoint was reached, or the origin of the request, is what it refuses.
#[must_use]
pub fn name_refused(exchange: &Exchange) -> bool {
    let words = [
        "host header",
        "invalid host",
        "unknown host",
        "disallowed host",
        "disallowedhost",
        "untrusted host",
        "host not allowed",
        "host is not allowed",
        "allowed_hosts",
        "allowed hosts",
        "origin header",
        "invalid origin",
        "forbidden origin",
        "origin not allowed",
        "origin is not allowed",
    ];
    let said = || {
        let text = exchange.text().filter(|text| text.len() <= CHALLENGE_BYTES)?.to_ascii_lowercase();
        Some(words.iter().any(|word| text.contains(word)))
    };
    match exchange.status() {
        Some(421) => true,
        Some(400 | 403) => said().unwrap_or(false),
        _ => false,
    }
}

/// Whether a refusal speaks of the `Origin` that the request did not have.
#[must_use]
pub fn wants_origin(exchange: &Exchange) -> bool {
    let short = exchange.text().filter(|text| text.len() <= CHALLENGE_BYTES);
    matches!(exchange.status(), Some(400 | 403))
        && exchange.request.header("origin").is_none()
        && short.is_some_and(|text| text.to_ascii_lowercase().contains("origin"))
}

/// Whether a JSON-RPC error came under our own id: whoever sends one reads JSON-RPC, whatever it says. What is
/// refused before the message was read, by a barrier or a limit, is no such answer.
#[must_use]
pub fn spoke(exchange: &Exchange) -> bool {
    let outside = matches!(exchange.status(), None | Some(401 | 403 | 406 | 407 | 421 | 429));
    !outside && matches!(reply::read(exchange).answer, Some(Answer::Error(_))) && firewall(exchange).is_none()
}

/// Whether the words of a refusal speak of a credential.
#[must_use]
pub fn wants_credential(exchange: &Exchange) -> bool {
    let words = ["key", "token", "sign in", "log in", "login", "auth", "credential", "expired", "permission"];
    let said = super::quote::Refusal::of(exchange).map(|refusal| refusal.text.to_ascii_lowercase());
    said.is_some_and(|said| words.iter().any(|word| said.contains(word)))
}

/// Whether a reply to a POST is an event stream that brought events with data, and no JSON-RPC.
#[must_use]
pub fn feeds(exchange: &Exchange) -> bool {
    let message = |json: &Value| jsonrpc::is_request(json) || jsonrpc::is_reply(json);
    exchange.lines().is_some() && {
        let read = reply::read(exchange);
        let mut all = read.messages.iter();
        !read.messages.is_empty() && !all.any(|one| one.json.as_ref().is_ok_and(message))
    }
}

fn is_reply(exchange: &Exchange) -> bool {
    // A 403 whose JSON-RPC error has a code of ours is an answer; a guard's -32000 is a refusal.
    matches!(reply::read(exchange).error_code(), Some(code) if code != -32000)
}

/// Whether a reply sends people to a login form: a redirect to one, or an HTML page with a password
/// field.
#[must_use]
pub fn login_page(exchange: &Exchange) -> bool {
    let location = exchange.header("location").unwrap_or_default().to_ascii_lowercase();
    let to_login = ["login", "signin", "sign-in", "sso", "/auth", "oauth2/"];
    if matches!(exchange.status(), Some(302 | 303)) {
        return to_login.iter().any(|mark| location.contains(mark));
    }
    html(exchange)
        && exchange.text().is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            text.contains("type=\"password\"")
                || text.contains("type='password'")
                || text.contains("type=password")
        })
}

/// The mark by which a firewall or bot challenge shows itself: what answers then is not
/// the endpoint, whatever the status.
#[must_use]
pub fn firewall(exchange: &Exchange) -> Option<&'static str> {
    // Only what is sent with a refusal or challenge: other marks of the same firewalls are on every answer.
    const HEADERS: [&str; 4] = ["cf-mitigated", "x-amzn-waf-action", "x-sucuri-block", "x-vercel-mitigated"];
    const BODIES: [(&str, &str); 6] = [
        ("/cdn-cgi/challenge-platform/", "a Cloudflare challenge page"),
        ("_incapsula_resource", "an Imperva challenge page"),
        ("captcha-delivery.com", "a DataDome challenge page"),
        ("awswafcookiedomainlist", "an AWS WAF challenge page"),
        ("px-captcha", "a HUMAN challenge page"),
        ("/.well-known/vercel/security/", "a Vercel challenge page"),
    ];
    let named = HEADERS.into_iter().find(|name| exchange.header(name).is_some());
    if named.is_some() || !html(exchange) {
        return named;
    }
    let text = exchange.text()?.get(..CHALLENGE_BYTES).or(exchange.text())?.to_ascii_lowercase();
    BODIES.into_iter().find(|(mark, _)| text.contains(mark)).map(|(_, what)| what)
}

/// How much of a page is searched for marks, where that is a whole number of characters.
const CHALLENGE_BYTES: usize = 64 * 1024;

pub(super) fn speaks_of_websocket(exchange: &Exchange) -> bool {
    exchange.text().is_some_and(|text| {
        let text = text.to_ascii_lowercase();
        text.contains("websocket") || text.contains("upgrade") || text.contains("subprotocol")
    })
}

/// Whether a reply that is no 401 says in so many words that a credential is wanted: a refusal as JSON
/// or plain text, or a JSON-RPC error. Refusals of a Host, an Origin or a firewall speak of other things.
#[must_use]
pub fn asks_for_credential(exchange: &Exchange) -> bool {
    let Some(status @ (200 | 400 | 403 | 404)) = exchange.status() else { return false };
    let Content::Text { text, .. } = &exchange.content else { return false };
    if html(exchange) || text.len() > 4_096 {
        return false;
    }
    let message = jsonrpc::parse(text).ok();
    let error = message.as_ref().and_then(|message| message.get("error"));
    // Below 403 only an error that is one by its form; there the words alone are enough.
    if status != 403 && error.is_none() {
        return false;
    }
    let said = match error {
        Some(Value::String(code)) => {
            let more = message.as_ref().and_then(|message| message.get("error_description"));
            format!("{code} {}", more.and_then(Value::as_str).unwrap_or_default())
        }
        Some(error) => error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
        None => text.clone(),
    }
    .to_ascii_lowercase()
    // A reflected credential is no word about one.
    .replace("~credential~", "");
    let about_else = ["host", "origin", "session", "csrf", "captcha", "firewall", "blocked"];
    let about_this = [
        "unauthorized",
        "unauthorised",
        "unauthenticated",
        "not authenticated",
        "authentication",
        "authorization",
        "bearer",
        "access token",
        "a token",
        "missing token",
        "missing_token",
        "invalid token",
        "invalid_token",
        "token required",
        "api key",
        "api_key",
        "apikey",
        "credential",
        "log in",
    ];
    about_this.iter().any(|words| said.contains(words))
        && !about_else.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::initialize;
    use crate::transcript::ProbeId;

    #[test]
    fn only_words_about_credentials_make_a_refusal_a_gate() {
        let asks = |status: u16, text: &str| {
            let made = initialize(ProbeId::Auth, "initialize").status(status).body("application/json", text);
            asks_for_credential(&made.made)
        };
        assert!(asks(403, "{\"error\":\"a token is needed\"}"));
        assert!(asks(403, "Missing Authorization header"));
        assert!(asks(
            200,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,\"message\":\"Unauthorized\"}}"
        ));
        assert!(asks(400, "{\"error\":\"invalid_token\"}"));
        assert!(!asks(403, "Forbidden"));
        assert!(!asks(403, "{\"error\":\"Invalid Host header\"}"));
        assert!(!asks(403, "Unauthorized origin"));
        assert!(!asks(400, "{\"error\":{\"code\":-32000,\"message\":\"No valid session ID\"}}"));
        assert!(!asks(200, "{\"result\":\"see the authentication guide\"}"));
        assert!(!asks(404, "authentication is described elsewhere"));
    }
}
