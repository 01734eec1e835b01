//! Ids, and input that is wrong on purpose.

use serde_json::{Value, json};

use super::conversation::Conversation;
use super::mcp_client::{McpClient, newest};
use crate::facts::browser::readable;
use crate::net::{Body, Call, Reuse};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, ProbeId};

/// Nesting of the deep probe: beyond every parser's default comfort, still a small body.
const DEPTH: usize = 200;

pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient]) {
    for client in newest(conversation, clients) {
        conversation.wire.doing(format!("sending ids and bad input to the {} era", client.era));
        ids(conversation, client).await;
        let around = |step: &str| client.base(ProbeId::BadInput, step).reuse(Reuse::Fresh);
        let Some(before) = conversation.ask(client, around("before")).await else { return };
        let before = before.exchange.id;
        malformed(conversation, client, before).await;
        foreign(conversation, client).await;
        forms(conversation, client, before).await;
        conversation.ask(client, around("after")).await;
    }
    if !conversation.standard() {
        // The code that JSON-RPC gives to what is no request is often another in the older era.
        for client in clients.iter().skip(1) {
            let Some(twin) = client.used_by else { continue };
            let call = bad(client, ProbeId::Malformed, NO_REQUEST, &r#"{"foo":1}"#.into(), twin);
            conversation.ask(client, call).await;
        }
    }
}

const NO_REQUEST: &str = "not-a-request";

/// Behind authentication: what the barrier itself makes of bad input.
pub(super) async fn gated(conversation: &Conversation<'_>, client: &McpClient) {
    conversation.wire.doing("sending bad input to the gate");
    let Some(before) = conversation.send(client.base(ProbeId::BadInput, "before").reuse(Reuse::Fresh)).await
    else {
        return;
    };
    forms(conversation, client, before.id).await;
    conversation.send(client.base(ProbeId::BadInput, "after").reuse(Reuse::Fresh)).await;
}

async fn ids(conversation: &Conversation<'_>, client: &McpClient) {
    for (step, id) in [("integer", json!(7)), ("string", json!("7")), ("unicode", json!("sc-é-😀"))] {
        let call = client.base_with_id(ProbeId::IdEcho, step, &id).reuse(Reuse::Fresh);
        if conversation.ask(client, call).await.is_none() {
            return;
        }
    }
}

async fn malformed(conversation: &Conversation<'_>, client: &McpClient, twin: u32) {
    let mut old = client.body(&client.id(), client.base, Value::Null);
    if let Some(version) = old.get_mut("jsonrpc") {
        *version = json!("1.0");
    }
    let bodies =
        [("truncated", TRUNCATED.into()), (NO_REQUEST, r#"{"foo":1}"#.into()), ("jsonrpc-1.0", old.into())];
    four_at_a_time(conversation, client, twin, ProbeId::Malformed, bodies).await;
}

/// Broken JSON once more, from another site whose scripts may read replies: may they read this one, too?
async fn foreign(conversation: &Conversation<'_>, client: &McpClient) {
    if !conversation.standard() || !client.streamable() {
        return;
    }
    let (exchanges, _) = conversation.wire.recorded();
    let of = |probe: ProbeId, step: &str| {
        exchanges.iter().find(|it| it.probe == probe && it.step == step && it.era == Some(client.era))
    };
    let let_in = of(ProbeId::Browser, "origin").is_some_and(readable);
    let Some(twin) = of(ProbeId::Malformed, "truncated").filter(|_| let_in) else { return };
    let call = bad(client, ProbeId::Browser, "truncated-origin", &TRUNCATED.into(), twin.id);
    conversation.send(call.header("origin", conversation.invented.origin())).await;
}

const TRUNCATED: &str = r#"{"jsonrpc":"2.0","id":1,"#;

async fn forms(conversation: &Conversation<'_>, client: &McpClient, twin: u32) {
    let id = client.id();
    let base = |change: &dyn Fn(&mut Value)| {
        let mut body = client.body(&id, client.base, Value::Null);
        change(&mut body);
        Body::from(body)
    };
    let bodies = [
        ("empty", "".into()),
        ("null", "null".into()),
        ("empty-array", "[]".into()),
        ("deep-array", (1..DEPTH).fold(json!([]), |inner, _| json!([inner])).into()),
        ("params-string", base(&|body| set(body, "params", json!("scanner")))),
        ("method-empty", base(&|body| set(body, "method", json!("")))),
        ("id-null", base(&|body| set(body, "id", Value::Null))),
        ("meta-unknown", unknown_meta(client)),
    ];
    four_at_a_time(conversation, client, twin, ProbeId::BadInput, bodies).await;
}

fn set(body: &mut Value, member: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(member.to_owned(), value);
    }
}

/// BASE with a `_meta` key that nobody knows: legal, and to be ignored.
fn unknown_meta(client: &McpClient) -> Body {
    let mut body = client.body(&client.id(), client.base, json!({ "_meta": {} }));
    let meta = body.pointer_mut("/params/_meta").and_then(Value::as_object_mut);
    if let Some(meta) = meta {
        meta.insert("invalid.scanner/unknown".to_owned(), json!(true));
    }
    body.into()
}

/// Sends bad bodies, four at a time, on fresh connections; where they share a channel that one of them
/// may end, one after the other. A 5xx is followed by one BASE, and only that
/// counts for the health of the endpoint.
async fn four_at_a_time<const N: usize>(
    conversation: &Conversation<'_>,
    client: &McpClient,
    twin: u32,
    probe: ProbeId,
    bodies: [(&'static str, Body); N],
) {
    for group in bodies.chunks(client.abreast()) {
        let sent =
            group.iter().map(|(step, body)| conversation.ask(client, bad(client, probe, step, body, twin)));
        for answered in futures_util::future::join_all(sent).await.into_iter().flatten() {
            if server_error(&answered.exchange) {
                let after = client.base(ProbeId::BadInput, "after").reuse(Reuse::Fresh);
                conversation.ask(client, after).await;
            }
        }
    }
}

fn server_error(exchange: &Exchange) -> bool {
    exchange.status().is_some_and(|status| status >= 500)
}

fn bad(client: &McpClient, probe: ProbeId, step: &str, body: &Body, twin: u32) -> Call {
    let mut call =
        client.post(probe, step, client.base, body.clone()).reuse(Reuse::Fresh).negative(Some(twin));
    if client.era == Era::Modern && step == "method-empty" && client.streamable() {
        // Header and body agree; only the method is bad.
        call = call.header(names::METHOD_HEADER, "");
    }
    call
}
