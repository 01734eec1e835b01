//! What both eras begin with: `server/discover`, the handshake, and the version that it gives.

use serde_json::{Value, json};

use crate::net::{Call, Place};
use crate::protocol::client_info::ClientInfo;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

/// The `_meta` of a modern request.
pub(super) fn meta(client_info: &ClientInfo, version: &str) -> Value {
    json!({
        names::META_VERSION: version,
        names::META_CLIENT_INFO: client_info.info(),
        names::META_CAPABILITIES: {},
    })
}

/// The body of P-INIT(v).
pub(super) fn handshake(client_info: &ClientInfo, version: &str) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": names::INITIALIZE,
        "params": {
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": client_info.info(),
        },
    })
}

/// P-INIT(v); without a place it is a message on an open socket.
pub(super) fn initialize(
    client_info: &ClientInfo,
    probe: ProbeId,
    step: impl Into<String>,
    place: Option<&Place>,
    version: &str,
) -> Call {
    let body = handshake(client_info, version);
    match place {
        Some(place) => Call::post(probe, step, place, body),
        None => Call::tell(probe, step, body),
    }
    .era(Era::Legacy)
}

/// A version that a server named, if it is a date: what is sent again is made of its numbers.
pub(super) fn dated(version: &str) -> Option<String> {
    let parts: Vec<&str> = version.split('-').collect();
    let number = |text: &str, length: usize| {
        let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u32>().ok()).flatten()
    };
    let [year, month, day] = parts.as_slice() else { return None };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// P-DISC.
pub(super) fn discovery(client_info: &ClientInfo, version: &str) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": "d-1",
        "method": names::DISCOVER,
        "params": { "_meta": meta(client_info, version) },
    })
}

pub(super) fn discover(client_info: &ClientInfo, step: &str, place: &Place, version: &str) -> Call {
    Call::post(ProbeId::Classify, step, place, discovery(client_info, version))
        .era(Era::Modern)
        .header(names::VERSION_HEADER, version)
        .header(names::METHOD_HEADER, names::DISCOVER)
}
