//! Requests of the modern era with one thing wrong.

use serde_json::{Value, json};

use super::bodies::meta;
use super::prober::Prober;
use super::speaker::{Speaker, of};
use crate::net::Call;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

/// A well-formed date that no revision has: gateways check the pattern first.
const NO_VERSION: &str = "1900-01-01";
/// Methods that 2026-07-28 removed.
const REMOVED: [&str; 4] = ["ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker], modern_only: bool) {
    let Some(speaker) = of(speakers, Era::Modern) else { return };
    prober.wire.doing("checking the rules of the modern era");
    let mut calls = vec![
        versions("unsupported-version", speaker, NO_VERSION, NO_VERSION),
        versions("header-newer", speaker, &speaker.version, NO_VERSION),
        meta_without(
            speaker,
            "meta-empty",
            &[names::META_VERSION, names::META_CAPABILITIES, names::META_CLIENT_INFO],
        ),
        meta_without(speaker, "meta-no-version", &[names::META_VERSION]),
        meta_without(speaker, "meta-no-capabilities", &[names::META_CAPABILITIES]),
        unknown("unknown-method", speaker, &prober.invented.method(), Value::Null),
    ];
    if modern_only {
        // A dual endpoint may route a 2025 header to its legacy side.
        calls.push(versions("header-older", speaker, "2025-11-25", &speaker.version));
    }
    for method in REMOVED {
        let params = match method {
            "logging/setLevel" => json!({ "level": "error" }),
            "ping" => Value::Null,
            _ => json!({ "uri": prober.invented.resource() }),
        };
        // A server may want Mcp-Name before it looks at the method: it names what the body names.
        let name = params.get("uri").and_then(Value::as_str).map(str::to_owned);
        let mut call = unknown(&format!("removed {method}"), speaker, method, params);
        if let Some(name) = name {
            call = call.header(names::NAME_HEADER, name);
        }
        calls.push(call);
    }
    let deletion = async {
        if modern_only {
            // An invented session id: there is nothing it could end.
            let call = Call::new("DELETE", ProbeId::ModernMethods, "delete", &speaker.place)
                .era(Era::Modern)
                .header(names::SESSION_HEADER, uuid::Uuid::new_v4().to_string())
                .header(names::VERSION_HEADER, speaker.version.as_str())
                .negative(Some(speaker.proved_by));
            prober.send(call).await;
        }
    };
    let sent = futures_util::future::join_all(calls.into_iter().map(|call| prober.send(call)));
    futures_util::future::join(sent, deletion).await;
}

/// BASE with one version in the header and one in `_meta`.
fn versions(step: &str, speaker: &Speaker, header: &str, body: &str) -> Call {
    let message = json!({
        "jsonrpc": "2.0",
        "id": speaker.id(),
        "method": speaker.base,
        "params": { "_meta": meta(&speaker.client, body) },
    });
    speaker
        .post(ProbeId::ModernRules, step, speaker.base, message)
        .header(names::VERSION_HEADER, header)
        .negative(Some(speaker.proved_by))
}

/// BASE without some members of `_meta`; without all of them, `params` is `{}`.
fn meta_without(speaker: &Speaker, step: &str, missing: &[&str]) -> Call {
    let mut meta = meta(&speaker.client, &speaker.version);
    if let Some(meta) = meta.as_object_mut() {
        meta.retain(|key, _| !missing.contains(&key.as_str()));
    }
    let params = if missing.len() > 1 { json!({}) } else { json!({ "_meta": meta }) };
    let message = json!({ "jsonrpc": "2.0", "id": speaker.id(), "method": speaker.base, "params": params });
    speaker.post(ProbeId::ModernRules, step, speaker.base, message).negative(Some(speaker.proved_by))
}

fn unknown(step: &str, speaker: &Speaker, method: &str, params: Value) -> Call {
    speaker.call(ProbeId::ModernRules, step, method, params).negative(Some(speaker.proved_by))
}
