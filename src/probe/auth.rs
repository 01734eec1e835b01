//! Authorization: what a client without a credential meets, and what it is told
//! about getting one. Registers no client, starts no login, sends no credential.

use super::bodies::{discover, initialize};
use super::conversation::Conversation;
use super::found::{Endpoint, Feed};
use crate::facts::barrier;
use crate::transcript::exchange::request_method;
use std::slice;
use std::time::Duration;

use serde_json::{Value, json};

use super::documents::{document_call, documents};
use super::mcp_client::{self, Channel, McpClient, of};
use super::upgrade::talk;
use super::{bad_input, browser, content_type};
use crate::facts::auth::{INVALID_TOKEN, SIBLING_SSE, TIMES, challenges, document};
use crate::facts::barrier::Barrier;
use crate::facts::classification::Kind;
use crate::facts::reply;
use crate::net::websocket::Upgrade;
use crate::net::{Call, Handle, Place, Until};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::sse::{self, Block};
use crate::protocol::well_known::PROTECTED_RESOURCE;
use crate::transcript::{Exchange, ProbeId, Transcript};

const PROBE: ProbeId = ProbeId::Auth;
/// How long a stream may take to open, milliseconds; a refusal comes at once.
const OPENING_MS: u64 = 3_000;

/// Some servers meet a wrong credential with 403 or 500: where it got us nothing, the same question is
/// asked without it. Gives whether a credential is asked for.
pub(super) async fn asked_for(conversation: &Conversation<'_>, place: &Place) -> bool {
    let refused = matches!(conversation.kind(), Kind::None | Kind::Blocked);
    if !refused || !conversation.transcript().exchanges.iter().any(Exchange::credentialed) {
        return false;
    }
    let mut call =
        discover(&conversation.client_info, "discover-bare", place, Revision::NEWEST_MODERN.as_str());
    call.credential = false;
    conversation.send(call).await;
    conversation.kind() == Kind::AuthGated
}

/// Step A: GET may be a feed that anyone can read, beside a gated POST.
pub(super) async fn stream(conversation: &Conversation<'_>, target: &mut Endpoint) {
    conversation.wire.doing("the endpoint asks for a credential; looking at its GET");
    let wait = conversation.silence_ms().unwrap_or(OPENING_MS);
    let mut call = Call::get_stream(ProbeId::Classify, "get", &target.place).until(Until::Watch(wait));
    call.credential = false;
    let Some(mut held) = conversation.hold(call).await else { return };
    held.wait(Duration::from_millis(wait), |head, lines| {
        head.is_some_and(|head| head.status != 200) || sse::blocks(lines).iter().any(Block::dispatched)
    })
    .await;
    held.wait(Duration::from_millis(50), |_, lines| !lines.is_empty()).await;
    conversation.wire.close(held).await;
    match conversation.kind() {
        Kind::EventStream => target.feed = Some(Feed::Plain),
        Kind::HttpSse => target.feed = Some(Feed::HttpSse),
        _ => {}
    }
}

/// Everything that can be asked of an endpoint that stays shut to us.
pub(super) async fn without_credential(conversation: &Conversation<'_>, target: &Endpoint) {
    conversation.wire.doing("asking the gate without a credential");
    let transcript = conversation.transcript();
    // The last one: after a redirect, or without a credential that was refused in an odd way.
    let asked = transcript
        .exchanges
        .iter()
        .rev()
        .find(|exchange| matches!(exchange.step.as_str(), "discover" | "discover-bare"));
    // A gated feed takes no POST at all.
    let posts = asked.is_none_or(|exchange| barrier::barrier(exchange) == Some(Barrier::Gated));
    if !posts {
        let feed = Endpoint { feed: Some(Feed::Plain), ..target.clone() };
        futures_util::future::join(
            get(conversation, &target.place, "get", None),
            browser::run(conversation, &[], &feed, None),
        )
        .await;
        return documents(conversation, target).await;
    }
    let proved_by = asked.map_or(0, |exchange| exchange.id);
    let speak = |era, revision: Revision| {
        McpClient::new(&conversation.client_info, era, &target.place, None, revision.as_str(), proved_by)
    };
    let clients = [speak(Era::Modern, Revision::NEWEST_MODERN), speak(Era::Legacy, Revision::NEWEST_LEGACY)];
    let rows = async {
        browser::run(conversation, slice::from_ref(&clients[0]), target, None).await;
        content_type::run(conversation, &clients, false).await;
        bad_input::gated(conversation, &clients[0]).await;
    };
    let own = async {
        base(conversation, &clients, false).await;
        // A credential of the operator's that was refused was such an attempt: servers count them.
        if !transcript.exchanges.iter().any(Exchange::credentialed) {
            invalid_token(conversation, &clients).await;
        }
        let doors = doors(conversation, &clients, target, false);
        futures_util::future::join(doors, documents(conversation, target)).await;
    };
    futures_util::future::join(rows, own).await;
    super::legacy::teardown(conversation).await;
}

/// The same beside an endpoint that serves us: is everything gated without the credential? Without one,
/// only where a challenge or metadata hint that some calls want it.
pub(super) async fn beside(conversation: &Conversation<'_>, all: &[McpClient], target: &Endpoint) {
    let clients = if all.iter().all(McpClient::streamable) { all } else { &[] };
    let transcript = conversation.transcript();
    let credential = transcript.exchanges.iter().any(Exchange::credentialed);
    if clients.is_empty() && (target.feed.is_none() || !credential) {
        // The stream may be open, and what is posted to its URI asked for a credential.
        let gated = |exchange: &Exchange| barrier::barrier(exchange) == Some(Barrier::Gated);
        if target.feed.is_some() && transcript.exchanges.iter().any(gated) {
            documents(conversation, target).await;
        }
        return;
    }
    if !credential && !hinted(conversation, &transcript, target).await {
        return;
    }
    conversation.wire.doing("asking again without the credential");
    if clients.is_empty() {
        get(conversation, &target.place, "get", None).await;
        messages(conversation, all).await;
        if challenged(&conversation.transcript()) {
            documents(conversation, target).await;
        }
        return;
    }
    // In quick the newest era stands for both: the scan has many more things to ask.
    let asked = mcp_client::newest(conversation, clients);
    base(conversation, asked, !conversation.standard()).await;
    crashes(conversation, asked).await;
    if challenged(&conversation.transcript()) {
        invalid_token(conversation, asked).await;
        let session = sessions(conversation, clients);
        let doors =
            futures_util::future::join(doors(conversation, asked, target, !conversation.standard()), session);
        futures_util::future::join(doors, documents(conversation, target)).await;
    }
}

/// Whether a 401 came without a credential, or, in standard, protected-resource metadata exist: then
/// discovery may be open and calls gated.
async fn hinted(conversation: &Conversation<'_>, transcript: &Transcript, target: &Endpoint) -> bool {
    if transcript.exchanges.iter().any(|exchange| exchange.status() == Some(401)) {
        return true;
    }
    if !conversation.standard() || target.feed.is_some() {
        return false;
    }
    let place = target.place.well_known(PROTECTED_RESOURCE, false);
    let Some(exchange) = conversation.send(document_call("prm-path", &place)).await else { return false };
    document(&exchange).is_some()
}

/// Whether a request of this probe was stopped for want of a credential.
fn challenged(transcript: &Transcript) -> bool {
    let mut own = transcript.exchanges.iter().filter(|exchange| exchange.probe == PROBE);
    own.any(|exchange| {
        barrier::barrier(exchange) == Some(Barrier::Gated) || (exchange.twin.is_some() && !served(exchange))
    })
}

fn served(exchange: &Exchange) -> bool {
    reply::read(exchange).served()
}

/// A call without the credential; a negative of the same call with it, where that was served.
fn bare(mut call: Call, transcript: &Transcript) -> Call {
    call.credential = false;
    let method = call.body.as_ref().and_then(|body| body.get("method")).and_then(Value::as_str);
    let same = transcript.exchanges.iter().find(|exchange| {
        exchange.credentialed()
            && exchange.era == call.era
            && exchange.session.as_deref() == call.session.as_ref().map(Handle::shown)
            && method.is_some()
            && request_method(exchange).as_deref() == method
            && served(exchange)
    });
    match same {
        Some(same) => call.negative(Some(same.id)),
        // Where the credential works, what is sent without it counts for no latency.
        None if transcript.exchanges.iter().any(|exchange| exchange.credentialed() && served(exchange)) => {
            call.negative(None)
        }
        None => call,
    }
}

/// BASE of each era, its list, and, where that is open, a call of a tool that does not exist. `thrifty`:
/// the list only where BASE is open.
async fn base(conversation: &Conversation<'_>, clients: &[McpClient], thrifty: bool) {
    let known = conversation.transcript();
    let known = &known;
    let eras = clients.iter().map(|client| async move {
        let first = match client.era {
            Era::Modern => client.call(PROBE, "discover", names::DISCOVER, Value::Null),
            Era::Legacy => initialize(
                &client.client_info,
                PROBE,
                "initialize",
                Some(&client.place),
                Revision::NEWEST_LEGACY.as_str(),
            ),
        };
        let open = conversation.send(bare(first, known)).await.is_some_and(|first| served(&first));
        if thrifty && !open {
            return false;
        }
        // In the session of its twin: nothing but the credential is taken away.
        let list = client.call(PROBE, "tools/list", "tools/list", json!({}));
        conversation.send(bare(list, known)).await.is_some_and(|listed| served(&listed))
    });
    let open = futures_util::future::join_all(eras).await;
    let opened = clients.iter().zip(open).find_map(|(client, open)| open.then_some(client));
    if let Some(client) = opened {
        let tool = conversation.invented.name();
        let params = json!({ "name": tool, "arguments": {} });
        let mut call = client.call(PROBE, "unknown-tool", "tools/call", params);
        if client.era == Era::Modern {
            call = call.header(names::NAME_HEADER, tool);
        }
        call.credential = false;
        conversation.send(call.negative(None)).await;
    }
}

/// A call that a Bearer challenge answered, once more with a token that nobody issued: once, for servers count
/// failed attempts. Where that crashes it: is it so every time?
async fn invalid_token(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let transcript = conversation.transcript();
    let bearer = |exchange: &&Exchange| {
        exchange.probe == PROBE
            && exchange.status() == Some(401)
            && challenges(exchange).iter().any(|challenge| challenge.scheme == "bearer")
    };
    let wrong = |exchange: &Exchange| {
        let client = of(clients, exchange.era?)?;
        let mut call = match exchange.step.as_str() {
            "discover" => client.call(PROBE, INVALID_TOKEN, names::DISCOVER, Value::Null),
            "initialize" => initialize(
                &client.client_info,
                PROBE,
                INVALID_TOKEN,
                Some(&client.place),
                Revision::NEWEST_LEGACY.as_str(),
            ),
            "tools/list" => client.call(PROBE, INVALID_TOKEN, "tools/list", json!({})),
            _ => return None,
        };
        call.credential = false;
        Some(call.header("authorization", conversation.invented.credential()).negative(Some(exchange.id)))
    };
    let refused = transcript.exchanges.iter().filter(bearer).find(|exchange| wrong(exchange).is_some());
    for call in (0..TIMES).filter_map(|_| wrong(refused?)) {
        let sent = conversation.send(call).await;
        if sent.is_none_or(|sent| sent.status().is_none_or(|status| status < 500)) {
            return;
        }
    }
}

/// Where the want of the credential met a 5xx: is it that every time? Each call has its twin with the credential,
/// in the same session and era.
async fn crashes(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let own = |exchange: &&Exchange| exchange.probe == PROBE && exchange.twin.is_some();
    let transcript = conversation.transcript();
    let failed = transcript
        .exchanges
        .iter()
        .filter(own)
        .find(|exchange| exchange.status().is_some_and(|status| status >= 500));
    let Some(era) = failed.and_then(|exchange| exchange.era) else { return };
    let Some(client) = of(clients, era) else { return };
    for number in 1..=TIMES {
        let with = client.base(PROBE, format!("served-{number}"));
        let Some(twin) = conversation.send(with).await else { return };
        let mut call = client.base(PROBE, format!("missing-{number}")).negative(Some(twin.id));
        call.credential = false;
        if conversation.send(call).await.is_none() {
            return;
        }
    }
}

/// Everything else that could be open while POST is shut. `thrifty`: without DELETE, which can show
/// little.
async fn doors(conversation: &Conversation<'_>, clients: &[McpClient], target: &Endpoint, thrifty: bool) {
    let listen = async {
        if let Some(client) = of(clients, Era::Modern) {
            let wanted = json!({ "notifications": { "toolsListChanged": true } });
            let call = client.call(PROBE, "listen", "subscriptions/listen", wanted);
            open(conversation, call.negative(None)).await;
        }
    };
    let delete = async {
        let mut call = Call::new("DELETE", PROBE, "delete", &target.place)
            .header(names::SESSION_HEADER, uuid::Uuid::new_v4().to_string());
        call.credential = false;
        if !thrifty {
            conversation.send(call).await;
        }
    };
    let socket = async {
        // Where the credential opens no socket, there is none to find open without it.
        let transcript = conversation.transcript();
        let mut known = transcript.exchanges.iter().filter(|exchange| exchange.step.starts_with("websocket"));
        if !known.any(|exchange| exchange.status().is_some_and(|status| !matches!(status, 101 | 401 | 403))) {
            websocket(conversation, &target.place.twin(true)).await;
        }
    };
    futures_util::future::join(
        futures_util::future::join(get(conversation, &target.place, "get", None), listen),
        futures_util::future::join(delete, socket),
    )
    .await;
    // Servers that keep the old transport host it there. In quick, with a credential, the budget is spent
    // on what the endpoint itself says.
    if let Some(sse) = target.place.instead("/mcp", "/sse").filter(|_| !thrifty) {
        get(conversation, &sse, SIBLING_SSE, None).await;
    }
}

/// The URI that HTTP+SSE announced: its token names a session, and is no credential.
async fn messages(conversation: &Conversation<'_>, clients: &[McpClient]) {
    if let Some(client) = clients.iter().find(|client| matches!(client.channel, Channel::HttpSse(_))) {
        let mut call = client.base(PROBE, "messages").negative(Some(client.proved_by));
        call.credential = false;
        conversation.ask(client, call).await;
    }
}

/// P-GET without the credential, in a session if one is given.
async fn get(conversation: &Conversation<'_>, place: &Place, step: &str, session: Option<&McpClient>) {
    let call = Call::get_stream(PROBE, step, place);
    let call = match session {
        Some(client) => client.dress(call),
        None => call,
    };
    open(conversation, call).await;
}

/// Waits for the head of a stream that ought not to open, and closes it.
async fn open(conversation: &Conversation<'_>, mut call: Call) {
    let wait = conversation.silence_ms().unwrap_or(OPENING_MS);
    call.credential = false;
    let Some(mut held) = conversation.hold(call.until(Until::Watch(wait))).await else { return };
    held.wait(Duration::from_millis(wait), |head, _| head.is_some()).await;
    // A reply that is no stream ends by itself; give it the moment it needs.
    held.wait(Duration::from_millis(30), |_, lines| !lines.is_empty()).await;
    conversation.wire.close(held).await;
}

/// A session that was opened with the credential, used without it. A spare one: nothing else uses it.
async fn sessions(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let Some(client) = of(clients, Era::Legacy) else { return };
    let spare = {
        let state = conversation.lock();
        let others = state.sessions.iter().filter(|session| Some(&session.id) != client.session.as_ref());
        others.last().cloned()
    };
    let Some(spare) = spare else { return };
    let version = spare.version.unwrap_or_else(|| client.version.clone());
    let inside = McpClient::new(
        &conversation.client_info,
        Era::Legacy,
        &client.place,
        Some(spare.id),
        &version,
        client.proved_by,
    );
    let mut list = inside.call(PROBE, "session tools/list", "tools/list", json!({})).negative(None);
    list.credential = false;
    conversation.send(list).await;
    if conversation.standard() {
        get(conversation, &client.place, "session get", Some(&inside)).await;
    }
}

/// P-WS without the credential; MCP is spoken where the upgrade is granted.
async fn websocket(conversation: &Conversation<'_>, place: &Place) {
    let mut call = conversation.upgrade_call(PROBE, "websocket", place, Some(&"mcp".into()));
    call.credential = false;
    if conversation.admit(&call).is_none() {
        return;
    }
    if let Upgrade::Open(mut socket) = conversation.wire.upgrade(call).await {
        talk(conversation, &mut socket, false).await;
        conversation.wire.close_socket(*socket).await;
    }
}
