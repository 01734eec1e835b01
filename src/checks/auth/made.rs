//! Hand-made records of endpoints that lead to an authorization server.

use serde_json::{Value, json};

use crate::checks::synthetic::{Made, Scan, discover, get, initialize, post};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

/// An endpoint that answers 401 with a Bearer challenge, and was asked without a credential.
pub(super) fn challenged() -> Scan {
    let body = json!({"jsonrpc":"2.0","id":"d-2","method":names::DISCOVER});
    let made = post(ProbeId::Auth, "discover", Era::Modern, body).status(401);
    Scan::gated().with(made.header("www-authenticate", "Bearer scope=\"notes:read\""))
}

/// The same, whose protected-resource metadata name these authorization servers.
pub(super) fn named(servers: &[&str]) -> Scan {
    challenged().with(resource(servers))
}

/// Protected-resource metadata that name these authorization servers.
pub(super) fn resource(servers: &[&str]) -> Made {
    let json = json!({"resource":"http://127.0.0.1:8080/mcp","authorization_servers":servers});
    get(ProbeId::Auth, "prm-path").json(json)
}

/// Complete metadata of `https://id.example.com`.
pub(super) fn authorization_server() -> Value {
    json!({
        "issuer": "https://id.example.com",
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    })
}

/// The same endpoint, whose one authorization server has these metadata with a member changed; null takes it away.
pub(super) fn server_with(name: &str, value: Value) -> Scan {
    let mut metadata = authorization_server();
    if let Some(members) = metadata.as_object_mut() {
        members.insert(name.to_owned(), value);
        members.retain(|_, value| !value.is_null());
    }
    named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").json(metadata))
}

/// Served with the credential in one legacy revision alone, and challenged without it.
pub(super) fn only(version: &str, challenge: &str) -> Scan {
    let refused = initialize(ProbeId::Auth, "initialize").negative().twin(3);
    Scan::empty()
        .with(discover().status(400).json(json!({})))
        .with(initialize(ProbeId::Classify, "initialize").sending("authorization", "~credential~").result(
            json!({"protocolVersion":version,"capabilities":{},"serverInfo":{"name":"s","version":"1"}}),
        ))
        .credential()
        .with(refused.status(401).header("www-authenticate", challenge))
}

/// Served with the credential in the modern era alone, and challenged without it.
pub(super) fn modern() -> Scan {
    let body = json!({"jsonrpc":"2.0","id":"d-2","method":names::DISCOVER});
    let refused = post(ProbeId::Auth, "discover", Era::Modern, body).negative().twin(2);
    Scan::empty()
        .with(discover().sending("authorization", "~credential~"))
        .credential()
        .with(refused.status(401).header("www-authenticate", "Bearer scope=\"notes:read\""))
}
