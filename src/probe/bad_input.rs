//! Ids, and input that is wrong on purpose.

use serde_json::{Value, json};

use super::prober::Prober;
use super::speaker::{Speaker, newest};
use crate::facts::browser::readable;
use crate::net::{Body, Call, Reuse};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, ProbeId};

/// Nesting of the deep probe: beyond every parser's default comfort, still a small body.
const DEPTH: usize = 200;

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker]) {
    for speaker in newest(prober, speakers) {
        prober.wire.doing(format!("sending ids and bad input to the {} era", speaker.era));
        ids(prober, speaker).await;
        let around = |step: &str| speaker.base(ProbeId::BadInput, step).reuse(Reuse::Fresh);
        let Some(before) = prober.ask(speaker, around("before")).await else { return };
        let before = before.exchange.id;
        malformed(prober, speaker, before).await;
        foreign(prober, speaker).await;
        forms(prober, speaker, before).await;
        prober.ask(speaker, around("after")).await;
    }
    if !prober.standard() {
        // The code that JSON-RPC gives to what is no request is often another in the older era.
        for speaker in speakers.iter().skip(1) {
            let Some(twin) = speaker.used_by else { continue };
            let call = bad(speaker, ProbeId::Malformed, NO_REQUEST, &r#"{"foo":1}"#.into(), twin);
            prober.ask(speaker, call).await;
        }
    }
}

const NO_REQUEST: &str = "not-a-request";

/// Behind authentication: what the barrier itself makes of bad input.
pub(super) async fn gated(prober: &Prober<'_>, speaker: &Speaker) {
    prober.wire.doing("sending bad input to the gate");
    let Some(before) = prober.send(speaker.base(ProbeId::BadInput, "before").reuse(Reuse::Fresh)).await
    else {
        return;
    };
    forms(prober, speaker, before.id).await;
    prober.send(speaker.base(ProbeId::BadInput, "after").reuse(Reuse::Fresh)).await;
}

async fn ids(prober: &Prober<'_>, speaker: &Speaker) {
    for (step, id) in [("integer", json!(7)), ("string", json!("7")), ("unicode", json!("sc-é-😀"))] {
        let call = speaker.base_with_id(ProbeId::IdEcho, step, &id).reuse(Reuse::Fresh);
        if prober.ask(speaker, call).await.is_none() {
            return;
        }
    }
}

async fn malformed(prober: &Prober<'_>, speaker: &Speaker, twin: u32) {
    let mut old = speaker.body(&speaker.id(), speaker.base, Value::Null);
    if let Some(version) = old.get_mut("jsonrpc") {
        *version = json!("1.0");
    }
    let bodies =
        [("truncated", TRUNCATED.into()), (NO_REQUEST, r#"{"foo":1}"#.into()), ("jsonrpc-1.0", old.into())];
    four_at_a_time(prober, speaker, twin, ProbeId::Malformed, bodies).await;
}

/// Broken JSON once more, from another site whose scripts may read replies: may they read this one, too?
async fn foreign(prober: &Prober<'_>, speaker: &Speaker) {
    if !prober.standard() || !speaker.streamable() {
        return;
    }
    let (exchanges, _) = prober.wire.recorded();
    let of = |probe: ProbeId, step: &str| {
        exchanges.iter().find(|it| it.probe == probe && it.step == step && it.era == Some(speaker.era))
    };
    let let_in = of(ProbeId::Browser, "origin").is_some_and(readable);
    let Some(twin) = of(ProbeId::Malformed, "truncated").filter(|_| let_in) else { return };
    let call = bad(speaker, ProbeId::Browser, "truncated-origin", &TRUNCATED.into(), twin.id);
    prober.send(call.header("origin", prober.invented.origin())).await;
}

const TRUNCATED: &str = r#"{"jsonrpc":"2.0","id":1,"#;

async fn forms(prober: &Prober<'_>, speaker: &Speaker, twin: u32) {
    let id = speaker.id();
    let base = |change: &dyn Fn(&mut Value)| {
        let mut body = speaker.body(&id, speaker.base, Value::Null);
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
        ("meta-unknown", unknown_meta(speaker)),
    ];
    four_at_a_time(prober, speaker, twin, ProbeId::BadInput, bodies).await;
}

fn set(body: &mut Value, member: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(member.to_owned(), value);
    }
}

/// BASE with a `_meta` key that nobody knows: legal, and to be ignored.
fn unknown_meta(speaker: &Speaker) -> Body {
    let mut body = speaker.body(&speaker.id(), speaker.base, json!({ "_meta": {} }));
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
    prober: &Prober<'_>,
    speaker: &Speaker,
    twin: u32,
    probe: ProbeId,
    bodies: [(&'static str, Body); N],
) {
    for group in bodies.chunks(speaker.abreast()) {
        let sent =
            group.iter().map(|(step, body)| prober.ask(speaker, bad(speaker, probe, step, body, twin)));
        for answered in futures_util::future::join_all(sent).await.into_iter().flatten() {
            if server_error(&answered.exchange) {
                let after = speaker.base(ProbeId::BadInput, "after").reuse(Reuse::Fresh);
                prober.ask(speaker, after).await;
            }
        }
    }
}

fn server_error(exchange: &Exchange) -> bool {
    exchange.status().is_some_and(|status| status >= 500)
}

fn bad(speaker: &Speaker, probe: ProbeId, step: &str, body: &Body, twin: u32) -> Call {
    let mut call =
        speaker.post(probe, step, speaker.base, body.clone()).reuse(Reuse::Fresh).negative(Some(twin));
    if speaker.era == Era::Modern && step == "method-empty" && speaker.streamable() {
        // Header and body agree; only the method is bad.
        call = call.header(names::METHOD_HEADER, "");
    }
    call
}
