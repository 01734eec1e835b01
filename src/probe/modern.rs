//! Requests of the modern era with one thing wrong.

use serde_json::{Value, json};

use super::bodies::meta;
use super::conversation::Conversation;
use super::mcp_client::{McpClient, of};
use crate::net::Call;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

/// A well-formed date that no revision has: gateways check the pattern first.
const NO_VERSION: &str = "1900-01-01";
/// Methods that 2026-07-28 removed.
const REMOVED: [&str; 4] = ["ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient], modern_only: bool) {
    let Some(client) = of(clients, Era::Modern) else { return };
    conversation.wire.doing("checking the rules of the modern era");
    let mut calls = vec![
        versions("unsupported-version", client, NO_VERSION, NO_VERSION),
        versions("header-newer", client, &client.version, NO_VERSION),
        meta_without(
            client,
            "meta-empty",
            &[names::META_VERSION, names::META_CAPABILITIES, names::META_CLIENT_INFO],
        ),
        meta_without(client, "meta-no-version", &[names::META_VERSION]),
        meta_without(client, "meta-no-capabilities", &[names::META_CAPABILITIES]),
        unknown("unknown-method", client, &conversation.invented.method(), Value::Null),
    ];
    if modern_only {
        // A dual endpoint may route a 2025 header to its legacy side.
        calls.push(versions("header-older", client, "2025-11-25", &client.version));
    }
    for method in REMOVED {
        let params = match method {
            "logging/setLevel" => json!({ "level": "error" }),
            "ping" => Value::Null,
            _ => json!({ "uri": conversation.invented.resource() }),
        };
        // A server may want Mcp-Name before it looks at the method: it names what the body names.
        let name = params.get("uri").and_then(Value::as_str).map(str::to_owned);
        let mut call = unknown(&format!("removed {method}"), client, method, params);
        if let Some(name) = name {
            call = call.header(names::NAME_HEADER, name);
        }
        calls.push(call);
    }
    let deletion = async {
        if modern_only {
            // An invented session id: there is nothing it could end.
            let call = Call::new("DELETE", ProbeId::ModernMethods, "delete", &client.place)
                .era(Era::Modern)
                .header(names::SESSION_HEADER, uuid::Uuid::new_v4().to_string())
                .header(names::VERSION_HEADER, client.version.as_str())
                .negative(Some(client.proved_by));
            conversation.send(call).await;
        }
    };
    let sent = futures_util::future::join_all(calls.into_iter().map(|call| conversation.send(call)));
    futures_util::future::join(sent, deletion).await;
}

/// BASE with one version in the header and one in `_meta`.
fn versions(step: &str, client: &McpClient, header: &str, body: &str) -> Call {
    let message = json!({
        "jsonrpc": "2.0",
        "id": client.id(),
        "method": client.base,
        "params": { "_meta": meta(&client.client_info, body) },
    });
    client
        .post(ProbeId::ModernRules, step, client.base, message)
        .header(names::VERSION_HEADER, header)
        .negative(Some(client.proved_by))
}

/// BASE without some members of `_meta`; without all of them, `params` is `{}`.
fn meta_without(client: &McpClient, step: &str, missing: &[&str]) -> Call {
    let mut meta = meta(&client.client_info, &client.version);
    if let Some(meta) = meta.as_object_mut() {
        meta.retain(|key, _| !missing.contains(&key.as_str()));
    }
    let params = if missing.len() > 1 { json!({}) } else { json!({ "_meta": meta }) };
    let message = json!({ "jsonrpc": "2.0", "id": client.id(), "method": client.base, "params": params });
    client.post(ProbeId::ModernRules, step, client.base, message).negative(Some(client.proved_by))
}

fn unknown(step: &str, client: &McpClient, method: &str, params: Value) -> Call {
    client.call(ProbeId::ModernRules, step, method, params).negative(Some(client.proved_by))
}
