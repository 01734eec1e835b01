//! Which conversation an exchange belongs to, and the steps each conversation has.
//!
//! `ProbeId` is plain data: checks name the probes they read, probes tag what they send.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A conversation with the target. The doc comment of each lists its steps; a step name is what
/// checks look up, so it is as much a contract as the probe. `N` counts from 1. Where a stream was
/// closed before its answer, `<step> resumed` is the GET that came back for it (twin = that POST).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeId {
    /// Finds out what speaks here. Plain. Steps: `discover`,
    /// `discover-list` (tools/list to confirm the modern era), `discover-retry`, `discover-bare`
    /// (without the credential, where it led nowhere), `initialize`,
    /// `initialize-retry`, `initialized`, `get` (P-GET without a session; on a legacy endpoint it is
    /// sent only where step 2 failed), `websocket`, `websocket-discover`-style traffic is inside the
    /// `websocket` frames, `redirect` (the 307/308 hop), `wait-N` (`--wait`),
    /// `own-origin` (P-DISC with the endpoint's own `Origin`, where the want of one was refused).
    Classify,
    /// The conversation over HTTP+SSE. Plain. Steps: `get` (opens a stream; held), `initialize`,
    /// `initialized`, `ping`: POSTs to the announced URI, answered on that stream
    /// ([`crate::transcript::Exchange::stream`]). The first three come again where a stream was lost.
    HttpSse,
    /// The conversation over a WebSocket. Plain. Steps: `upgrade`, then messages on that connection
    /// ([`crate::transcript::MESSAGE`]): `discover` (modern), or `initialize`, `initialized`, `ping`.
    /// They come again where a socket was lost. On a plain WebSocket only `subprotocol`: an upgrade that
    /// offers a name that nobody has.
    WebSocket,
    /// Looks beside the URL when nothing was found on it (step 5), and for Streamable HTTP beside
    /// HTTP+SSE and WebSocket endpoints. Plain. The step is the path and
    /// what was sent: `discover /mcp`, `initialize /mcp`, `get /sse`, `websocket /ws`, `agent-card` (of A2A; also where
    /// JSON-RPC answers and nothing is served), `catalog`, `card`, `metadata`, `draft /.well-known/mcp.json`.
    Siblings,
    /// BASE with three kinds of id, each on a fresh connection. Plain. Steps: `integer` (`7`),
    /// `string` (`"7"`), `unicode` (`"sc-é-😀"`).
    IdEcho,
    /// An era that initialize opened is used. Plain. Steps: `ping` (Streamable HTTP; the other transports have it in
    /// their own conversation), `tools/list`, `prompts/list`, `resources/list` (advertised ones, where the ping was
    /// refused or no list follows; until one is served), and where all were refused, on fresh connections, `again`
    /// (ping) and `without-version` (ping without `MCP-Protocol-Version`).
    EraUse,
    /// What is no request. Negative; twin = a BASE. Steps: `truncated`, `not-a-request`,
    /// `jsonrpc-1.0`.
    Malformed,
    /// Other bad input. Steps: `before`, `after` (plain BASE around it; `after` also once after
    /// each 5xx), negative: `empty`, `null`, `empty-array`, `deep-array`, `params-string`,
    /// `method-empty`, `id-null`, `meta-unknown` (this one is legal).
    BadInput,
    /// Content types that a web page can send without preflight. Negative; twin = BASE (or P-INIT
    /// on a dual or legacy endpoint). Steps: `text-plain`, `text-plain-origin`, `none`; and BASE with another
    /// way to write its media types: `charset`, `accept-order`, `accept-any`, `accept-json`.
    ContentType,
    /// Requests of the modern era with one thing wrong. Negative; twin = `discover`. Steps:
    /// `unsupported-version`, `header-newer` (header 2026-07-28, `_meta` 1900-01-01), `header-older`
    /// (modern-only endpoints), `meta-empty`, `meta-no-version`, `meta-no-capabilities`,
    /// `unknown-method`, `removed ping`, `removed logging/setLevel`, `removed resources/subscribe`,
    /// `removed resources/unsubscribe`.
    ModernRules,
    /// Other HTTP methods on a modern-only endpoint. Negative. Steps: `get`, `delete`.
    ModernMethods,
    /// The same call on fresh connections with nothing sent before. Plain. Steps: `fresh-N`, then
    /// `open` (BASE) and `reused` (the call after it on the same connection). Modern: an advertised list, or
    /// discover; legacy: BASE in one session.
    Connections,
    /// Version negotiation, which also yields the session ids to compare. Plain: `initialize
    /// 2025-11-25`, `initialize 2025-06-18`, `initialize 2025-03-26`; negative: `initialize
    /// 1999-01-01`.
    LegacyVersions,
    /// Sessions that are not there. Negative; twin = a ping or list in a live session. Steps:
    /// `unknown` (a random id), `deleted` (only if the DELETE was answered 2xx), plain: `live`;
    /// teardown: `delete`.
    LegacySessions,
    /// GET on the endpoint inside a legacy session. Plain. Steps: `get`, held open as the idle
    /// stream, where the profile watches one; `again N`, where its other end closed that.
    LegacyGet,
    /// Whether a dropped stream of the legacy era resumes. Plain: `initialize`, `initialized` (a session
    /// of its own, where sessions are issued; not in `quick`), `post-N` (a read-only request, read to its
    /// end; `quick` takes a stream of [`Self::Connections`]), `resume-N` (GET with the first id of the stream
    /// that is its twin), `cut` (negative: the same request, dropped
    /// after its first id) and `resume-cut`, sent where finished streams are not replayed, `initialize
    /// other`, `initialized other` (a second session, where version negotiation left none), `resume-other` (negative: the first id of a
    /// `post-N` with that session's headers; in `quick` those of a spare session).
    Resume,
    /// Whether a dropped plain feed resumes. Plain. Steps: `first` (read until two events with ids
    /// came), `again` (GET with the first of those ids).
    FeedResume,
    /// Whether a dropped stream can be opened again. Plain. Steps: `first`, `again N` (a second after the last one
    /// was dropped), `again N later K` (where that was refused). In the session of [`Self::Resume`].
    Reconnect,
    /// P-LISTEN with every advertised type. Plain. Steps: `resources` (resources/list, for a URI to
    /// subscribe to), `listen`, held open and watched like an idle stream, `again N` as above.
    Listen,
    /// Streams asked for with `Accept-Encoding: gzip, br`. Negative; twin = the same without. Steps:
    /// `listen`, `post`, `get` (a feed, HTTP+SSE, the GET of a legacy session), whichever of them streams; and
    /// plain, `initialize` and `initialized` of that session, and `ends` (a POST that streams, watched after its
    /// response).
    Delivery,
    /// A long-lived stream watched for keep-alives: HTTP+SSE or plain feed. Plain. Steps: `get`,
    /// `again N`.
    Idle,
    /// Origin, Host and CORS. Plain: `base`; negative, twin = `base`: `origin`, `origin-null`,
    /// `origin-suffix` (`https://<host>.<invented>.invalid`), `host-and-origin`, `host`,
    /// `preflight`; where such scripts may read replies, `initialize-origin` (legacy, where the reply to `origin` hides
    /// the session header) and `truncated-origin` (broken JSON; twin = that of [`Self::Malformed`]). HTTP+SSE and feeds: GETs; WebSocket: upgrades.
    Browser,
    /// What a client without a credential meets, and the documents that tell it how to get one. No step but
    /// `served-N` carries the operator's credential ([`super::Exchange::credentialed`]). Plain where the scan has
    /// none that works; otherwise negative, twin = the same request with it, where there is one. Steps:
    /// `discover`, `initialize`, `tools/list` (each era, without a session), `get` (P-GET), `delete`
    /// (P-DEL, invented id), `listen` (P-LISTEN), `websocket` (P-WS on the ws twin, then P-DISC and
    /// P-INIT), `session tools/list` and `session get` (in a session that was opened with the
    /// credential), `unknown-tool` (tools/call of an invented name, only where tools/list was served),
    /// `served-N` (plain, with the credential) and `missing-N` (the same without it: twin = that; both only where the
    /// want of it met a 5xx), `prm-challenge`, `prm-path`, `prm-root` (P-PRM; the first that answers ends it), `as I.N` (P-AS,
    /// form N of issuer I; `as 0.1`: the origin of the endpoint, where no issuer is named).
    Auth,
    /// What is offered. Plain. Steps: `tools/list`, `tools/list page N`, `prompts/list`,
    /// `resources/list`, `resources/templates/list`, `completion/complete` (negative: an invented
    /// reference).
    Catalogue,
    /// Five BASEs at once, and top-up BASEs if fewer than twenty plain ones were sent. Plain.
    /// Steps: `burst-N`, `top-up-N`.
    Load,
    /// A second handshake to read a certificate that does not verify. Plain. Step: `handshake`.
    Tls,
    /// Answers to what the server asked of us on a stream; on a WebSocket they are frames of the upgrade's
    /// exchange. Plain. Steps: `ping`, `declined`.
    Answers,
    /// Ends what we opened. Teardown. Step: `delete`.
    Teardown,
}

impl ProbeId {
    /// Every probe, in the order of the plan.
    pub const ALL: [Self; 28] = [
        Self::Classify,
        Self::HttpSse,
        Self::WebSocket,
        Self::Siblings,
        Self::Tls,
        Self::EraUse,
        Self::IdEcho,
        Self::Malformed,
        Self::BadInput,
        Self::ContentType,
        Self::ModernRules,
        Self::ModernMethods,
        Self::Connections,
        Self::LegacyVersions,
        Self::LegacySessions,
        Self::LegacyGet,
        Self::Resume,
        Self::FeedResume,
        Self::Reconnect,
        Self::Listen,
        Self::Delivery,
        Self::Idle,
        Self::Browser,
        Self::Auth,
        Self::Catalogue,
        Self::Load,
        Self::Answers,
        Self::Teardown,
    ];
}
