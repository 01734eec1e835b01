//! What can be broken, one thing each.
//!
//! Where a fault acts is written where it is asked for (`has(Fault::…)`). Faults that say "the list" act
//! on replies to `tools/list` alone, so that classification and twins still work. *Slow* ones need the
//! time that the entry names.

use super::{Base, Behaviour};
use crate::verdict::Status;

/// What a fault is for.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its kebab-case name.
    pub name: &'static str,
    /// The check that must notice it.
    pub check: &'static str,
    /// What that check must say in the `standard` profile: `fail` or `warn`.
    pub expected: Status,
    /// The endpoints it can be tried on, each with the same outcome.
    pub bases: &'static [Base],
    /// What it breaks.
    pub doc: &'static str,
}

use Base::{Dual, Feed, Gated, HttpSse, Legacy, LegacyJson, Modern, WebSocketMcp};

const POSTS: &[Base] = &[Modern, Legacy, LegacyJson, Dual];
const HTTP_MCP: &[Base] = &[Modern, Legacy, LegacyJson, Dual, HttpSse];
const ALL_MCP: &[Base] = &[Modern, Legacy, LegacyJson, Dual, HttpSse, WebSocketMcp];
const BROWSER: &[Base] = &[Modern, Legacy, LegacyJson, Dual, HttpSse];
const WEB: &[Base] = &[Modern, Legacy, LegacyJson, Dual, HttpSse, Feed];
const STREAMING: &[Base] = &[Modern, Legacy, Dual];
const BOTH: &[Base] = &[Dual];
const MODERN: &[Base] = &[Modern, Dual];
const MODERN_ONLY: &[Base] = &[Modern];
const LEGACY: &[Base] = &[Legacy, LegacyJson, Dual];
const HOLLOW: &[Base] = &[Dual];
const ONLY_HOLLOW: &[Base] = &[Legacy, LegacyJson, HttpSse];
const LEGACY_ONLY: &[Base] = &[Legacy, LegacyJson];
const LEGACY_JSON: &[Base] = &[LegacyJson];
const INITIALIZE: &[Base] = &[Legacy, LegacyJson, Dual, HttpSse];
const SESSIONS: &[Base] = &[Legacy, Dual];
const HELD: &[Base] = &[Legacy, Dual, HttpSse, Feed];
const FORMAT: &[Base] = &[Legacy, Dual, HttpSse, Feed];
const LEGACY_STREAMS: &[Base] = &[Legacy];
const IDS: &[Base] = &[Legacy, Feed];
const SSE: &[Base] = &[HttpSse];
const FEED: &[Base] = &[Feed];
const STREAM_URLS: &[Base] = &[HttpSse, Feed];
const SOCKET: &[Base] = &[WebSocketMcp];
const GATED: &[Base] = &[Gated];

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal: $check:literal $status:ident on $bases:ident;)+) => {
        /// One thing that an endpoint does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Fault {
            /// Every fault, in the order of the catalogue of checks.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// What it is for.
            #[must_use]
            pub const fn spec(self) -> Spec {
                match self {
                    $(Self::$variant => Spec {
                        name: $name,
                        check: $check,
                        expected: Status::$status,
                        bases: $bases,
                        doc: concat!($($doc),+),
                    },)+
                }
            }
        }
    };
}

faults! {
    /// Replies to the list lack `jsonrpc`.
    JsonrpcMissing "jsonrpc-missing": "rpc-envelope-valid" Fail on ALL_MCP;
    /// Replies to the list say `"jsonrpc": "1.0"`.
    JsonrpcOld "jsonrpc-old": "rpc-envelope-valid" Fail on ALL_MCP;
    /// Replies to the list carry both `result` and `error`.
    ResultAndError "result-and-error": "rpc-envelope-valid" Fail on ALL_MCP;
    /// Replies to the list carry neither `result` nor `error`.
    NoResultNoError "no-result-no-error": "rpc-envelope-valid" Fail on ALL_MCP;
    /// The result of the list is an array.
    ResultNotObject "result-not-object": "rpc-envelope-valid" Fail on ALL_MCP;
    /// The error that answers a wrong completion is bare text.
    ErrorAsText "error-as-text": "rpc-error-object-shape" Fail on ALL_MCP;
    /// The error that answers a wrong completion has a code that is reserved.
    ErrorReservedCode "error-reserved-code": "rpc-error-code-ranges" Fail on MODERN;
    /// The error that answers a wrong completion has a code that is left to old servers.
    ErrorOldCode "error-old-code": "rpc-error-code-ranges" Warn on MODERN;
    /// The first tool has a key in its `_meta` that is no name.
    MetaKeyUnderscore "meta-key-underscore": "rpc-meta-keys" Fail on ALL_MCP;
    /// The list comes as a JSON body that begins with a byte-order mark.
    ByteOrderMark "byte-order-mark": "rpc-envelope-valid" Fail on POSTS;
    /// The list comes as a JSON body that says `jsonrpc` twice.
    KeyTwice "key-twice": "rpc-envelope-valid" Warn on POSTS;

    /// Ids that are strings of digits come back as numbers.
    IdNumericString "id-numeric-string": "rpc-id-echo" Fail on ALL_MCP;
    /// Integer ids come back as strings (nothing in the modern era needs integer ids to classify).
    IdIntegerAsString "id-integer-as-string": "rpc-id-echo" Fail on MODERN_ONLY;
    /// Letters of an id that are not ASCII come back as `?`.
    IdNotUnicode "id-not-unicode": "rpc-id-echo" Fail on ALL_MCP;
    /// The list comes under an id that nobody asked with.
    ListOtherId "list-other-id": "rpc-id-echo" Fail on POSTS;

    /// Broken JSON is answered with 500.
    MalformedServerError "malformed-server-error": "rpc-malformed-codes" Fail on HTTP_MCP;
    /// Broken JSON is never answered. Slow: 10 s.
    MalformedHang "malformed-hang": "rpc-malformed-codes" Fail on HTTP_MCP;
    /// A request that says `"jsonrpc": "1.0"` is served.
    OldJsonrpcServed "old-jsonrpc-served": "rpc-malformed-codes" Fail on POSTS;
    /// Broken JSON is answered with 400 in plain text, without a JSON-RPC error.
    MalformedPlainText "malformed-plain-text": "rpc-malformed-codes" Warn on POSTS;
    /// Broken JSON is answered with 200 and the right error.
    MalformedOk "malformed-ok": "rpc-malformed-codes" Warn on POSTS;
    /// Broken JSON is answered with 415.
    MalformedUnsupported "malformed-unsupported": "rpc-malformed-codes" Warn on POSTS;
    /// Broken JSON is answered with -32600 in place of -32700.
    MalformedOtherCode "malformed-other-code": "rpc-malformed-codes" Warn on POSTS;
    /// JSON that is no request is taken as a notification: 202.
    MalformedAccepted "malformed-accepted": "rpc-malformed-codes" Warn on POSTS;
    /// JSON that is no request is taken as a notification in the legacy era alone: 202.
    LegacyMalformedAccepted "legacy-malformed-accepted": "rpc-malformed-codes" Warn on BOTH;
    /// Broken JSON on the socket meets silence.
    SocketMalformedSilence "socket-malformed-silence": "rpc-malformed-codes" Warn on SOCKET;

    /// `null`, arrays and string `params` are answered with 500.
    BadInputServerErrors "bad-input-server-errors": "rpc-bad-input-no-5xx" Fail on HTTP_MCP;
    /// String `params` make the server drop the connection.
    BadInputReset "bad-input-reset": "rpc-bad-input-no-5xx" Fail on HTTP_MCP;
    /// Arrays and `null` are never answered. Slow: 10 s.
    BadInputHang "bad-input-hang": "rpc-bad-input-no-5xx" Fail on HTTP_MCP;
    /// After a body of `null` every POST is answered with 500.
    BadInputPoison "bad-input-poison": "rpc-bad-input-no-5xx" Fail on POSTS;
    /// An empty method name, and nothing else, is answered with 500.
    BadInputOneServerError "bad-input-one-server-error": "rpc-bad-input-no-5xx" Warn on POSTS;
    /// The empty array is answered after 7 s.
    BadInputSlow "bad-input-slow": "rpc-bad-input-no-5xx" Warn on POSTS;

    /// A capability is `true`.
    CapIsTrue "cap-is-true": "caps-value-types" Fail on ALL_MCP;
    /// A flag of a capability is a text.
    CapFlagText "cap-flag-text": "caps-value-types" Fail on ALL_MCP;
    /// A capability that only clients have is declared.
    CapOfClients "cap-of-clients": "caps-value-types" Warn on ALL_MCP;
    /// The first tool requires a task, and none is declared.
    ToolNeedsTask "tool-needs-task": "tools-task-support" Fail on LEGACY_ONLY;
    /// Every list is empty.
    NothingOffered "nothing-offered": "server-offers-something" Warn on ALL_MCP;

    /// The `outputSchema` and `icons` of the first tool are null.
    ToolNulls "tool-nulls": "rpc-optional-not-null" Fail on ALL_MCP;
    /// A hint of the first tool is null.
    ToolHintNull "tool-hint-null": "rpc-optional-not-null" Fail on ALL_MCP;
    /// `instructions` of the handshake is null.
    InstructionsNull "instructions-null": "rpc-optional-not-null" Fail on ALL_MCP;
    /// The list of tools ends with `nextCursor: null` in the legacy era.
    CursorNull "cursor-null": "rpc-optional-not-null" Fail on LEGACY_ONLY;
    /// The same in the modern era.
    CursorNullModern "cursor-null-modern": "rpc-optional-not-null" Warn on MODERN_ONLY;

    /// JSON-RPC errors carry a stack trace with source paths.
    ErrorStackTrace "error-stack-trace": "rpc-errors-do-not-leak" Fail on ALL_MCP;
    /// JSON-RPC errors carry an exception with its frames as data.
    ErrorTraceData "error-trace-data": "rpc-errors-do-not-leak" Fail on ALL_MCP;
    /// JSON-RPC errors carry the address and password of a database.
    ErrorSecret "error-secret": "rpc-errors-do-not-leak" Fail on ALL_MCP;
    /// JSON-RPC errors name a file of the server.
    ErrorPath "error-path": "rpc-errors-do-not-leak" Warn on ALL_MCP;

    /// The list is labelled `text/plain`.
    ReplyTextPlain "reply-text-plain": "sh-post-response-type" Fail on POSTS;
    /// The list has no Content-Type.
    ReplyNoType "reply-no-type": "sh-post-response-type" Fail on POSTS;
    /// The list is JSON labelled as an event stream.
    JsonLabelledStream "json-labelled-stream": "sh-post-response-type" Fail on POSTS;
    /// The list is an event stream labelled as JSON.
    StreamLabelledJson "stream-labelled-json": "sh-post-response-type" Fail on POSTS;

    /// The stream of the list ends without the response.
    StreamEndsEarly "stream-ends-early": "sh-stream-delivers-response" Fail on STREAMING;
    /// The stream of the list stays open without the response. Slow: 30 s.
    StreamSilent "stream-silent": "sh-stream-delivers-response" Fail on STREAMING;
    /// The response comes 12 s after the head of the list's stream. Slow: 12 s.
    StreamLate "stream-late": "sh-stream-delivers-response" Warn on STREAMING;
    /// The stream of the list ends after a priming event and `retry`; the response is there on resumption.
    StreamPolling "stream-polling": "sh-stream-delivers-response" Warn on LEGACY_STREAMS;

    /// The stream of the list stays open after the response. Slow: 5 s.
    StreamLingers "stream-lingers": "sh-stream-ends-after-response" Warn on STREAMING;

    /// An event on the list's stream holds JSON that was cut short; the response follows.
    StreamTruncatedJson "stream-truncated-json": "sh-sse-data-is-jsonrpc" Fail on STREAMING;
    /// One event of the list's stream holds two JSON objects.
    StreamTwoObjects "stream-two-objects": "sh-sse-data-is-jsonrpc" Fail on STREAMING;
    /// `data: ping` precedes the response on the list's stream.
    StreamTextHeartbeat "stream-text-heartbeat": "sh-sse-data-is-jsonrpc" Warn on STREAMING;

    /// JSON with a charset is refused.
    CharsetRefused "charset-refused": "sh-media-types-parsed" Warn on POSTS;
    /// `Accept` is compared as a string.
    AcceptCompared "accept-compared": "sh-media-types-parsed" Fail on POSTS;

    /// What a web page can post is served: neither Content-Type nor Origin is checked.
    BrowserPostServed "browser-post-served": "sh-content-type-enforced" Fail on INITIALIZE;
    /// Any Content-Type is processed; Origin is still checked.
    ContentTypeIgnored "content-type-ignored": "sh-content-type-enforced" Warn on INITIALIZE;

    /// `initialize` is answered, and every request after it is refused with 400.
    LegacyHollow "legacy-hollow": "sh-era-usable" Fail on HOLLOW;
    /// The same, over HTTP+SSE and where nothing but the legacy era is spoken.
    OnlyEraHollow "only-era-hollow": "sh-era-usable" Fail on ONLY_HOLLOW;
    /// Requests of the legacy era are refused where they carry `MCP-Protocol-Version`.
    VersionHeaderRefused "version-header-refused": "sh-era-usable" Warn on LEGACY;

    /// Every handshake is answered with an internal error.
    HandshakeError "handshake-error": "handshake-served" Fail on POSTS;
    /// Every handshake is an unknown method.
    HandshakeUnknown "handshake-unknown": "handshake-served" Fail on POSTS;

    /// `server/discover` has no `capabilities`.
    DiscoverNoCapabilities "discover-no-capabilities": "modern-discover" Fail on MODERN;
    /// `server/discover` has no `supportedVersions`.
    DiscoverNoVersions "discover-no-versions": "modern-discover" Fail on MODERN;
    /// `server/discover` has no `resultType`.
    DiscoverNoResultType "discover-no-result-type": "modern-discover" Fail on MODERN;
    /// `server/discover` is an unknown method: 404 and -32601; everything else works.
    DiscoverUnknown "discover-unknown": "modern-discover" Fail on MODERN;
    /// `server/discover` has `serverInfo` at its top level, too.
    DiscoverServerInfo "discover-server-info": "modern-discover" Warn on MODERN;

    /// Lists have no `resultType`.
    ResultTypeMissing "result-type-missing": "modern-result-type" Fail on MODERN;
    /// Lists have the `resultType` `done`.
    ResultTypeUnknown "result-type-unknown": "modern-result-type" Fail on MODERN;

    /// An unknown protocol version is served.
    UnsupportedVersionServed "unsupported-version-served": "modern-unsupported-version" Fail on MODERN;
    /// An unknown protocol version is answered with 400 in plain text.
    UnsupportedVersionText "unsupported-version-text": "modern-unsupported-version" Fail on MODERN;
    /// An unknown protocol version is answered with the pre-release code -32004.
    UnsupportedVersionOldCode "unsupported-version-old-code": "modern-unsupported-version" Fail on MODERN;
    /// The right error comes with 200.
    UnsupportedVersionOk "unsupported-version-ok": "modern-unsupported-version" Warn on MODERN;
    /// The right error comes without `data`.
    UnsupportedVersionNoData "unsupported-version-no-data": "modern-unsupported-version" Warn on MODERN;

    /// The version header alone counts; `_meta` may say something else.
    VersionMismatchServed "version-mismatch-served": "modern-version-header-mismatch" Fail on MODERN;
    /// A mismatch of versions is answered with 400 and -32600.
    VersionMismatchOtherCode "version-mismatch-other-code": "modern-version-header-mismatch" Warn on MODERN;

    /// Requests without `_meta`, or parts of it, are served.
    MetaNotRequired "meta-not-required": "modern-meta-required" Fail on MODERN;
    /// Requests without `clientCapabilities` are served.
    MetaCapabilitiesOptional "meta-capabilities-optional": "modern-meta-required" Fail on MODERN;
    /// Missing parts of `_meta` are answered with 200 and -32602.
    MetaMissingOk "meta-missing-ok": "modern-meta-required" Warn on MODERN;
    /// Missing parts of `_meta` are answered with 400 and -32020.
    MetaMissingOtherCode "meta-missing-other-code": "modern-meta-required" Warn on MODERN;

    /// Unknown methods are answered with 500.
    UnknownMethodServerError "unknown-method-server-error": "modern-unknown-method-404" Fail on MODERN;
    /// Unknown methods are answered with an empty 404.
    UnknownMethodEmpty "unknown-method-empty": "modern-unknown-method-404" Fail on MODERN;
    /// `ping`, which 2026-07-28 removed, is answered.
    RemovedPingServed "removed-ping-served": "modern-unknown-method-404" Fail on MODERN;
    /// Unknown methods are answered with 200 and -32601.
    UnknownMethodOk "unknown-method-ok": "modern-unknown-method-404" Warn on MODERN;

    /// GET is answered with 500.
    ModernGetServerError "modern-get-server-error": "modern-get-405" Fail on MODERN_ONLY;
    /// GET is answered with 404.
    ModernGetNotFound "modern-get-not-found": "modern-get-405" Warn on MODERN_ONLY;
    /// GET opens an event stream.
    ModernGetStream "modern-get-stream": "modern-get-405" Warn on MODERN_ONLY;

    /// A connection must send `server/discover` before anything else.
    DiscoverFirst "discover-first": "modern-no-connection-state" Fail on MODERN;
    /// Every second connection that asks for the list sees one tool less.
    ListByConnection "list-by-connection": "modern-no-connection-state" Fail on MODERN;

    /// A message comes before the acknowledgement of `subscriptions/listen`.
    ListenAckSecond "listen-ack-second": "listen-ack-first" Fail on MODERN;
    /// `subscriptions/listen` is never acknowledged. Slow: 10 s.
    ListenNoAck "listen-no-ack": "listen-ack-first" Fail on MODERN;
    /// `subscriptions/listen` is answered in JSON.
    ListenJson "listen-json": "listen-ack-first" Fail on MODERN;
    /// `subscriptions/listen` is an unknown method although `listChanged` is advertised.
    ListenUnknown "listen-unknown": "listen-ack-first" Fail on MODERN;
    /// The acknowledgement comes after 6 s.
    ListenLateAck "listen-late-ack": "listen-ack-first" Warn on MODERN;

    /// `initialize` has no `serverInfo`.
    InitializeNoServerInfo "initialize-no-server-info": "legacy-initialize" Fail on INITIALIZE;
    /// `initialize` has no `protocolVersion`.
    InitializeNoVersion "initialize-no-version": "legacy-initialize" Fail on LEGACY;
    /// `initialize` has no `capabilities`.
    InitializeNoCapabilities "initialize-no-capabilities": "legacy-initialize" Fail on INITIALIZE;
    /// The server's name is empty.
    InitializeEmptyName "initialize-empty-name": "legacy-initialize" Warn on INITIALIZE;

    /// Any version is echoed.
    VersionEchoed "version-echoed": "legacy-version-negotiation" Fail on INITIALIZE;
    /// An unknown version is refused, and no version is named.
    VersionRefusedBare "version-refused-bare": "legacy-version-negotiation" Fail on INITIALIZE;
    /// An unknown version is refused with the list of those that are known.
    VersionRefused "version-refused": "legacy-version-negotiation" Warn on INITIALIZE;
    /// 2025-03-26 is the newest version.
    VersionOldOnly "version-old-only": "legacy-version-negotiation" Warn on LEGACY_ONLY;

    /// Notifications are answered with 200 and no body.
    NotificationOk "notification-ok": "legacy-initialized-202" Warn on LEGACY;
    /// Notifications are refused as unknown methods.
    NotificationRefused "notification-refused": "legacy-initialized-202" Fail on LEGACY;
    /// Notifications are answered with an empty result.
    NotificationAnswered "notification-answered": "rpc-notification-silent" Fail on INITIALIZE;
    /// The answer to a ping of the server is refused with 400.
    PingAnswerRefused "ping-answer-refused": "legacy-ping-response-accepted" Fail on SESSIONS;

    /// `ping` is an unknown method.
    PingUnknown "ping-unknown": "legacy-ping" Fail on INITIALIZE;
    /// `ping` is refused with 404, by a router that knows a list of methods.
    PingNotFound "ping-not-found": "legacy-ping" Fail on LEGACY;
    /// The result of `ping` says that the server is well.
    PingMembers "ping-members": "legacy-ping" Warn on INITIALIZE;

    /// Session ids count.
    SessionIdCounter "session-id-counter": "legacy-session-id-quality" Fail on SESSIONS;
    /// Session ids are the time of day in microseconds.
    SessionIdTimestamp "session-id-timestamp": "legacy-session-id-quality" Fail on SESSIONS;
    /// Every session has the same id (and cannot be deleted: 405).
    SessionIdRepeated "session-id-repeated": "legacy-session-id-quality" Fail on SESSIONS;
    /// Session ids hold a space.
    SessionIdBadCharacters "session-id-bad-characters": "legacy-session-id-quality" Fail on SESSIONS;
    /// Session ids are eight random characters.
    SessionIdShort "session-id-short": "legacy-session-id-quality" Warn on SESSIONS;
    /// Session ids share a long prefix; eight random characters follow.
    SessionIdPrefix "session-id-prefix": "legacy-session-id-quality" Warn on SESSIONS;

    /// Unknown session ids are served.
    SessionUnknownServed "session-unknown-served": "legacy-session-unknown-404" Fail on SESSIONS;
    /// A deleted session lives on.
    SessionDeletedServed "session-deleted-served": "legacy-session-unknown-404" Fail on SESSIONS;
    /// Unknown session ids are answered with 500.
    SessionUnknownServerError "session-unknown-server-error": "legacy-session-unknown-404" Fail on SESSIONS;
    /// Unknown session ids are answered with 200 and an error that has no code.
    SessionUnknownNoCode "session-unknown-no-code": "legacy-session-unknown-404" Fail on SESSIONS;
    /// The reply to `initialize` loses its session id on the way.
    SessionKeptBack "session-kept-back": "sh-headers-forwarded" Fail on SESSIONS;
    /// Unknown session ids are answered with 400.
    SessionUnknownBadRequest "session-unknown-bad-request": "legacy-session-unknown-404" Warn on SESSIONS;

    /// Every third and every fourth connection that uses a session leads to a replica that does not know it.
    SessionSticky "session-sticky": "legacy-session-multi-connection" Fail on SESSIONS;

    /// GET is answered with a web page.
    LegacyGetHtml "legacy-get-html": "legacy-get-sse-or-405" Fail on LEGACY;
    /// GET is answered with 500.
    LegacyGetServerError "legacy-get-server-error": "legacy-get-sse-or-405" Fail on LEGACY;
    /// GET is answered with 404.
    LegacyGetNotFound "legacy-get-not-found": "legacy-get-sse-or-405" Warn on LEGACY;
    /// GET is held without a head. Slow: 35 s.
    LegacyGetHeld "legacy-get-held": "legacy-get-sse-or-405" Warn on LEGACY;

    /// A resumed stream begins with the event that the client already has.
    ResumeRepeats "resume-repeats": "legacy-resume" Fail on LEGACY_STREAMS;
    /// Resumption is answered with 500.
    ResumeServerError "resume-server-error": "legacy-resume" Fail on LEGACY_STREAMS;
    /// Every second resumption brings nothing.
    ResumeLoses "resume-loses": "legacy-resume" Warn on LEGACY_STREAMS;
    /// Resumption is accepted, and nothing comes.
    ResumeSilent "resume-silent": "legacy-resume" Warn on LEGACY_STREAMS;
    /// Resumption is answered with 405.
    ResumeDeclined "resume-declined": "legacy-resume" Warn on LEGACY_STREAMS;
    /// A resumed stream brings the events of every other stream of the session, too.
    ResumeForeignStream "resume-foreign-stream": "legacy-resume-own-stream" Fail on SESSIONS;
    /// Event ids of other sessions are replayed.
    ResumeForeignSession "resume-foreign-session": "legacy-resume-own-stream" Fail on SESSIONS;

    /// An event named `hello` comes before `endpoint`.
    EndpointSecond "endpoint-second": "http-sse-endpoint-first" Warn on SSE;
    /// The `endpoint` event has no data.
    EndpointEmpty "endpoint-empty": "http-sse-endpoint-first" Fail on SSE;
    /// The announced URI points to another port of `localhost`.
    EndpointElsewhere "endpoint-elsewhere": "http-sse-endpoint-usable" Fail on SSE;
    /// Replies come in the body of the POST, and not on the stream.
    ReplyInPost "reply-in-post": "http-sse-roundtrip" Fail on SSE;
    /// Replies on the stream are named `reply`.
    ReplyOtherEvent "reply-other-event": "http-sse-roundtrip" Fail on SSE;
    /// Replies come on the stream and in the body of the POST.
    ReplyTwice "reply-twice": "http-sse-roundtrip" Warn on SSE;
    /// There is no Streamable HTTP beside it.
    HttpSseOnly "http-sse-only": "http-sse-deprecated" Warn on SSE;

    /// Event streams of GET are labelled `text/plain`.
    StreamAsText "stream-as-text": "sse-content-type" Fail on STREAM_URLS;
    /// Event streams are labelled `charset=iso-8859-1`.
    StreamCharset "stream-charset": "sse-content-type" Fail on FORMAT;
    /// Event streams are labelled with a parameter `boundary`.
    StreamParameter "stream-parameter": "sse-content-type" Warn on FORMAT;

    /// JSON is broken over lines that do not repeat `data:` (on Streamable HTTP: in the list).
    StreamRawLines "stream-raw-lines": "sse-grammar" Fail on IDS;
    /// Events carry a field `source`, which no client knows.
    StreamUnknownField "stream-unknown-field": "sse-grammar" Warn on FORMAT;

    /// Events have no ids.
    StreamNoIds "stream-no-ids": "sse-event-ids" Warn on IDS;
    /// Every second event with data has no id.
    StreamSomeIds "stream-some-ids": "sse-event-ids" Warn on IDS;
    /// Every event has the same id.
    StreamIdsRepeat "stream-ids-repeat": "legacy-event-ids-unique" Fail on LEGACY_STREAMS;
    /// Every event of the feed has the same id.
    FeedIdsRepeat "feed-ids-repeat": "sse-event-ids" Warn on FEED;
    /// Ids fall from event to event.
    StreamIdsFall "stream-ids-fall": "sse-event-ids" Warn on FEED;

    /// Last-Event-ID is answered with 400.
    FeedResumeRefused "feed-resume-refused": "sse-last-event-id" Fail on FEED;
    /// Last-Event-ID is ignored: the feed starts afresh.
    FeedResumeIgnored "feed-resume-ignored": "sse-last-event-id" Warn on FEED;
    /// The feed continues with the event that the client already has.
    FeedResumeRepeats "feed-resume-repeats": "sse-last-event-id" Warn on FEED;

    /// The head of a stream of GET comes after 11 s. Slow.
    StreamHeadHeld "stream-head-held": "sse-unbuffered" Fail on STREAM_URLS;
    /// Where the client allows gzip, the head of a stream of GET comes, and its events are held back. Slow: 10 s.
    StreamCompressedHeld "stream-compressed-held": "sse-unbuffered" Fail on STREAM_URLS;
    /// The same, but the head of a gzip container comes at once: ten bytes that say nothing. Slow: 10 s.
    StreamCompressedHead "stream-compressed-head": "sse-unbuffered" Fail on STREAM_URLS;
    /// Event streams lack `X-Accel-Buffering: no`.
    NoAccelHeader "no-accel-header": "sse-unbuffered" Warn on MODERN;

    /// Held streams send no keep-alive. Slow: the idle watch.
    NoKeepAlive "no-keep-alive": "sse-keepalive" Warn on HELD;
    /// Three more events come half a second apart, then nothing at all. Slow: the idle watch.
    FeedGoesSilent "feed-goes-silent": "sse-keepalive" Warn on FEED;
    /// A silent stream is cut off 7 s after its head. Slow: that time.
    FeedCutIdle "feed-cut-idle": "sse-keepalive" Fail on FEED;

    /// The GET stream of a session is ended in good order after 0.8 s, whenever it is opened.
    GetStreamEnds "get-stream-ends": "sse-stream-lasts" Warn on LEGACY_STREAMS;
    /// The same, but its connection breaks.
    GetStreamCut "get-stream-cut": "sse-stream-lasts" Warn on LEGACY_STREAMS;

    /// A session has one GET stream in its life: a second one is refused with 409. Slow: 10 s.
    GetStreamOnce "get-stream-once": "sse-reconnect" Fail on SESSIONS;

    /// GET is redirected to the pages of another site.
    GetRedirected "get-redirected": "http-redirect-safe" Warn on LEGACY_JSON;

    /// The list comes as a plain body under `Content-Encoding: none`.
    CodingNone "coding-none": "http-content-coding" Warn on POSTS;
    /// The list comes as a plain body that says it is gzip.
    CodingUntrue "coding-untrue": "http-content-coding" Fail on POSTS;
    /// The list comes as gzip without its final block.
    CodingUnfinished "coding-unfinished": "http-content-coding" Fail on POSTS;
    /// The list comes on a stream that breaks off where its last chunk belongs.
    StreamNoLastChunk "stream-no-last-chunk": "http-body-complete" Warn on STREAMING;

    /// Content-Type comes twice: as it is, and as `text/plain`.
    TypeTwice "type-twice": "http-single-valued-headers" Fail on WEB;
    /// Mcp-Session-Id comes twice, the second time with an id of the proxy.
    SessionIdOther "session-id-other": "http-single-valued-headers" Fail on SESSIONS;
    /// Mcp-Session-Id comes twice with the same id.
    SessionIdTwice "session-id-twice": "http-single-valued-headers" Warn on SESSIONS;

    /// A POST to the path of the stream opens another one.
    PostOpensStream "post-opens-stream": "http-sse-post-not-streamed" Warn on SSE;

    /// `data: ping` follows the announcement.
    MessageHeartbeat "message-heartbeat": "http-sse-data-is-jsonrpc" Warn on SSE;
    /// Words of welcome follow the announcement.
    MessageWords "message-words": "http-sse-data-is-jsonrpc" Fail on SSE;

    /// POSTs without Origin are refused.
    OriginDemanded "origin-demanded": "origin-absent-ok" Fail on POSTS;

    /// Origin is not checked.
    OriginIgnored "origin-ignored": "origin-rejected" Fail on BROWSER;
    /// The origin `null` is welcome.
    OriginNullAllowed "origin-null-allowed": "origin-rejected" Fail on BROWSER;
    /// A foreign origin is refused with 400.
    OriginBadRequest "origin-bad-request": "origin-rejected" Warn on POSTS;

    /// Host is not checked, and an Origin that names the same host is welcome.
    RebindingServed "rebinding-served": "host-rebinding" Fail on BROWSER;
    /// Host is not checked; Origin is.
    HostIgnored "host-ignored": "host-rebinding" Warn on BROWSER;

    /// No request is served: its host is not on the list (421).
    HostMisdirected "host-misdirected": "http-host-served" Fail on POSTS;
    /// The same with 403 and words.
    HostForbidden "host-forbidden": "http-host-served" Fail on POSTS;

    /// Any Origin is echoed in CORS headers, with credentials.
    CorsReflectsCredentials "cors-reflects-credentials": "cors-no-credentialed-reflection" Fail on WEB;
    /// The origin `null` is allowed in CORS headers, with credentials.
    CorsNullCredentials "cors-null-credentials": "cors-no-credentialed-reflection" Fail on WEB;
    /// Any Origin is echoed in CORS headers, without credentials.
    CorsReflects "cors-reflects": "cors-no-credentialed-reflection" Warn on WEB;
    /// `*` is sent together with credentials.
    CorsWildcardCredentials "cors-wildcard-credentials": "cors-no-credentialed-reflection" Warn on WEB;

    /// The preflight is answered with 405.
    PreflightNotAllowed "preflight-not-allowed": "cors-preflight" Fail on POSTS;
    /// The preflight is answered with 401.
    PreflightUnauthorized "preflight-unauthorized": "cors-preflight" Fail on POSTS;
    /// The preflight is redirected.
    PreflightRedirect "preflight-redirect": "cors-preflight" Fail on POSTS;
    /// The preflight allows `content-type` alone.
    PreflightFewHeaders "preflight-few-headers": "cors-preflight" Warn on POSTS;
    /// The preflight may be cached for a week.
    PreflightLongMaxAge "preflight-long-max-age": "cors-preflight" Warn on POSTS;

    /// `Access-Control-Allow-Origin` comes twice, as from an application and its proxy.
    CorsTwice "cors-twice": "cors-valid" Fail on WEB;
    /// `Access-Control-Allow-Origin` holds a list.
    CorsList "cors-list": "cors-valid" Fail on WEB;
    /// `Access-Control-Allow-Origin` holds a URL with a slash at its end.
    CorsUrl "cors-url": "cors-valid" Fail on WEB;
    /// `Access-Control-Allow-Credentials` says `True`.
    CorsCredentialsCapital "cors-credentials-capital": "cors-valid" Fail on WEB;
    /// No header is exposed to scripts of other sites, which are let in.
    CorsSessionHidden "cors-session-hidden": "cors-readable-errors" Warn on SESSIONS;
    /// Errors lack the CORS headers that results have.
    CorsErrorsBare "cors-errors-bare": "cors-readable-errors" Warn on POSTS;
    /// CORS headers come with the preflight alone.
    CorsPreflightOnly "cors-preflight-only": "cors-valid" Warn on POSTS;
    /// The preflight allows any origin, and the POST is refused.
    CorsThenRefused "cors-then-refused": "cors-valid" Warn on POSTS;
    /// A call without a token is answered with 500.
    AuthCrash "auth-crash": "auth-missing-credential-no-5xx" Fail on GATED;
    /// Every second call without a token is answered with 500.
    AuthCrashSometimes "auth-crash-sometimes": "auth-missing-credential-no-5xx" Warn on GATED;

    /// A call without a token is refused with 403.
    AuthForbidden "auth-forbidden": "auth-challenge-401" Fail on GATED;
    /// A call without a token is redirected to a login page.
    AuthLoginRedirect "auth-login-redirect": "auth-challenge-401" Fail on GATED;
    /// The 401 has no challenge.
    AuthNoChallenge "auth-no-challenge": "auth-challenge-401" Warn on GATED;
    /// The challenge names no scheme.
    AuthNoScheme "auth-no-scheme": "auth-challenge-grammar" Fail on GATED;
    /// Blanks and no commas part the parameters of the challenge.
    AuthNoComma "auth-no-comma": "auth-challenge-grammar" Fail on GATED;
    /// The last quote of the challenge is missing.
    AuthOpenQuote "auth-open-quote": "auth-challenge-grammar" Fail on GATED;
    /// The challenge names its scope twice.
    AuthScopeTwice "auth-scope-twice": "auth-challenge-grammar" Fail on GATED;
    /// The metadata URL of the challenge has no quotes.
    AuthBareUrl "auth-bare-url": "auth-challenge-grammar" Warn on GATED;
    /// GET opens an event stream without a token or a session.
    AuthGetOpen "auth-get-open": "auth-consistent" Fail on GATED;
    /// HTTP+SSE beside it is open.
    AuthSseOpen "auth-sse-open": "auth-consistent" Fail on GATED;
    /// Discovery and lists are open; the rest needs a token.
    AuthListOpen "auth-list-open": "auth-consistent" Warn on GATED;
    /// There is no protected-resource metadata.
    AuthNoMetadata "auth-no-metadata": "auth-prm-found" Fail on GATED;
    /// Metadata URLs answer with a web page.
    AuthMetadataHtml "auth-metadata-html": "auth-prm-found" Fail on GATED;
    /// The authorization server names no code challenge methods.
    AuthNoPkce "auth-no-pkce": "auth-pkce-s256" Fail on GATED;
    /// The authorization server allows the `plain` challenge beside S256.
    AuthPlainPkce "auth-plain-pkce": "auth-pkce-s256" Warn on GATED;
    /// Any token opens the gate.
    AuthAnyToken "auth-any-token": "auth-invalid-token-401" Fail on GATED;
    /// A token that was not issued is refused with 403.
    AuthTokenForbidden "auth-token-forbidden": "auth-invalid-token-401" Warn on GATED;
    /// A token that was not issued makes the gate fail with 500.
    AuthTokenCrash "auth-token-crash": "auth-invalid-token-401" Fail on GATED;
    /// The challenge names a metadata URL where there is nothing; the well-known one has the document.
    AuthNamedElsewhere "auth-named-elsewhere": "auth-prm-found" Fail on GATED;
    /// The protected-resource metadata name no authorization server.
    AuthNoServers "auth-no-servers": "auth-prm-valid" Fail on GATED;
    /// The protected-resource metadata come as text/plain.
    AuthMetadataText "auth-metadata-text": "auth-prm-valid" Warn on GATED;
    /// The protected-resource metadata are those of another port.
    AuthOtherResource "auth-other-resource": "auth-prm-resource-match" Fail on GATED;
    /// The protected-resource metadata are those of the whole origin.
    AuthParentResource "auth-parent-resource": "auth-prm-resource-match" Warn on GATED;
    /// The root of the origin has other metadata for the same resource.
    AuthTwoDocuments "auth-two-documents": "auth-prm-variants-agree" Warn on GATED;
    /// Tokens are revoked over plain http at another host.
    AuthPlainEndpoint "auth-plain-endpoint": "auth-metadata-urls-safe" Fail on GATED;
    /// The authorization server has no metadata.
    AuthNoServerMetadata "auth-no-server-metadata": "auth-as-metadata" Fail on GATED;
    /// The authorization server's metadata lack `response_types_supported`.
    AuthNoResponseTypes "auth-no-response-types": "auth-as-metadata" Fail on GATED;
    /// The authorization server calls itself by another name.
    AuthForeignIssuer "auth-foreign-issuer": "auth-as-issuer-match" Fail on GATED;
    /// The issuer has a slash at its end.
    AuthIssuerSlash "auth-issuer-slash": "auth-as-issuer-match" Warn on GATED;
    /// 2025-03-26 is all that is spoken, and nothing leads to an authorization server.
    AuthOldNowhere "auth-old-nowhere": "auth-2025-03-26-fallback" Fail on GATED;
    /// 2025-03-26 is all that is spoken, and `/authorize` is all that is there.
    AuthOldDefaults "auth-old-defaults": "auth-2025-03-26-fallback" Warn on GATED;
    /// A key of the authorization server is published whole.
    AuthPrivateKey "auth-private-key": "auth-jwks-valid" Fail on GATED;
    /// The published key set is empty.
    AuthNoKeys "auth-no-keys": "auth-jwks-valid" Warn on GATED;
    /// Clients may sign with the algorithm `none`.
    AuthUnsigned "auth-unsigned": "auth-alg-none" Fail on GATED;
    /// The authorization server does not say that its answers name it.
    AuthNoIss "auth-no-iss": "auth-iss-parameter" Warn on GATED;
    /// The authorization server offers the password grant.
    AuthPasswordGrant "auth-password-grant": "auth-as-legacy-grants" Warn on GATED;
    /// Clients are registered by hand alone.
    AuthByHand "auth-by-hand": "auth-registration-path" Warn on GATED;
    /// The token endpoint wants a secret.
    AuthSecretsOnly "auth-secrets-only": "auth-public-client" Warn on GATED;
    /// The challenge asks for every scope.
    AuthEveryScope "auth-every-scope": "auth-scope-guidance" Warn on GATED;
    /// The metadata say that tokens may come in the query.
    AuthQueryToken "auth-query-token": "auth-no-token-in-url" Fail on GATED;

    /// Prompts are advertised, and `prompts/list` is an unknown method.
    CapUnanswered "cap-unanswered": "cap-matches-handlers" Fail on ALL_MCP;
    /// Resources are advertised, and `resources/list` is answered with -32000.
    CapListError "cap-list-error": "cap-matches-handlers" Fail on ALL_MCP;
    /// Completions are advertised, and `completion/complete` is an unknown method.
    CapCompletionUnanswered "cap-completion-unanswered": "cap-matches-handlers" Fail on ALL_MCP;
    /// Resources are not advertised, and `resources/list` is not empty.
    CapUnadvertised "cap-unadvertised": "cap-matches-handlers" Warn on ALL_MCP;
    /// Resources are advertised, and `resources/templates/list` is an unknown method.
    CapNoTemplates "cap-no-templates": "cap-matches-handlers" Warn on ALL_MCP;

    /// Each page of the list of tools names the same next page.
    CursorRepeats "cursor-repeats": "list-pagination" Fail on ALL_MCP;
    /// The list of tools names a next page, and its cursor is unknown.
    CursorRefused "cursor-refused": "list-pagination" Fail on ALL_MCP;
    /// `nextCursor` of the list of tools is a number.
    CursorNumber "cursor-number": "list-pagination" Fail on ALL_MCP;
    /// The title of the first tool is a number.
    ToolTitleNumber "tool-title-number": "tools-list-conforms" Fail on ALL_MCP;
    /// A hint of the first tool is the text `true`.
    ToolHintText "tool-hint-text": "tools-list-conforms" Fail on ALL_MCP;
    /// The description of the first tool is an array.
    ToolDescriptionParts "tool-description-parts": "tools-list-conforms" Fail on ALL_MCP;

    /// The first tool has no `inputSchema`.
    SchemaMissing "schema-missing": "tools-schema-valid" Fail on ALL_MCP;
    /// The `inputSchema` of the first tool is `null`.
    SchemaNull "schema-null": "tools-schema-valid" Fail on ALL_MCP;
    /// The `inputSchema` of the first tool describes a string.
    SchemaNotObject "schema-not-object": "tools-schema-valid" Fail on ALL_MCP;
    /// The `inputSchema` of the first tool does not compile: `type` is a number.
    SchemaBroken "schema-broken": "tools-schema-valid" Fail on ALL_MCP;
    /// The `outputSchema` of the first tool does not compile.
    OutputSchemaBroken "output-schema-broken": "tools-schema-valid" Fail on ALL_MCP;
    /// The first tool has no name.
    ToolNameless "tool-nameless": "tools-schema-valid" Fail on ALL_MCP;
    /// `tools` is a map of tools by name.
    ToolsAsMap "tools-as-map": "tools-schema-valid" Fail on ALL_MCP;
    /// The first two tools have one name.
    ToolNameTwice "tool-name-twice": "tools-name-format" Fail on ALL_MCP;
    /// The name of the first tool has a slash.
    ToolNameSlash "tool-name-slash": "tools-name-format" Warn on ALL_MCP;
    /// The `inputSchema` of the first tool names a dialect that nobody knows.
    SchemaUnknownDialect "schema-unknown-dialect": "tools-schema-valid" Warn on ALL_MCP;
    /// The `inputSchema` of the first tool has a tuple in the form of draft-07 and names no dialect.
    SchemaDraft07 "schema-draft-07": "tools-schema-valid" Warn on ALL_MCP;

    /// No tool has a description.
    ToolsUndescribed "tools-undescribed": "tools-described" Fail on ALL_MCP;
    /// The first tool has no description.
    ToolUndescribed "tool-undescribed": "tools-described" Warn on ALL_MCP;
    /// The description of the first tool is its name.
    ToolDescribedByName "tool-described-by-name": "tools-described" Warn on ALL_MCP;
    /// The three parameters of the first tool have no descriptions.
    ParametersUndescribed "parameters-undescribed": "tools-described" Warn on ALL_MCP;

    /// A name that the first tool requires is not declared, and nothing else is allowed.
    ToolRequiresUnknown "tool-requires-unknown": "tools-required-declared" Fail on ALL_MCP;
    /// An object in the first tool's parameters requires a name that it does not declare or allow.
    ToolRequiresInside "tool-requires-inside": "tools-required-declared" Warn on ALL_MCP;
    /// The default of a parameter of the first tool has another type.
    ToolDefaultUnfit "tool-default-unfit": "tools-defaults-valid" Warn on ALL_MCP;
    /// No value fits a required parameter of the first tool.
    ToolNothingFits "tool-nothing-fits": "tools-defaults-valid" Fail on ALL_MCP;
    /// The `inputSchema` of the first tool has some forty levels.
    ToolDeepSchema "tool-deep-schema": "tools-schema-bounds" Warn on ALL_MCP;
    /// All tools have one description.
    ToolsAlike "tools-alike": "tools-descriptions-distinct" Warn on ALL_MCP;
    /// The name of the first tool has a Cyrillic letter that looks like a Latin one.
    ToolNameImitates "tool-name-imitates": "tools-confusable-names" Fail on ALL_MCP;
    /// A parameter of the first tool chooses between reading and deleting, and the tool is marked read-only.
    ToolTwoEffects "tool-two-effects": "tools-one-effect" Warn on ALL_MCP;
    /// The icon of the first tool is a script.
    IconScript "icon-script": "icons-safe" Fail on ALL_MCP;
    /// The icon of the first tool comes from another host, by http.
    IconElsewhere "icon-elsewhere": "icons-safe" Warn on ALL_MCP;
    /// The prompt has no description.
    PromptUndescribed "prompt-undescribed": "prompts-valid" Warn on ALL_MCP;
    /// There are two prompts of one name.
    PromptTwice "prompt-twice": "prompts-valid" Fail on ALL_MCP;
    /// The URIs of resources are paths.
    ResourceRelative "resource-relative": "resources-valid" Fail on ALL_MCP;
    /// Resources have no name.
    ResourceUnnamed "resource-unnamed": "rpc-schema-valid" Fail on ALL_MCP;
    /// The size of a resource is a text.
    ResourceSizeText "resource-size-text": "rpc-schema-valid" Warn on ALL_MCP;
    /// The media types of resources are none.
    ResourceTypeUnknown "resource-type-unknown": "resources-valid" Warn on ALL_MCP;
    /// The template of resources has a brace that is not closed.
    TemplateBroken "template-broken": "resource-templates-valid" Fail on ALL_MCP;
    /// The template of resources has no expression.
    TemplateFixed "template-fixed": "resource-templates-valid" Warn on ALL_MCP;
    /// The server is called as a template calls it.
    ServerNameTemplate "server-name-template": "server-self-description" Warn on ALL_MCP;
    /// The instructions name a tool that is not listed.
    InstructionsOutdated "instructions-outdated": "instructions-name-tools" Warn on ALL_MCP;

    /// No tool has a title.
    ToolsUntitled "tools-untitled": "tools-title" Warn on ALL_MCP;
    /// No tool has hints.
    ToolsNoHints "tools-no-hints": "tools-annotations" Warn on ALL_MCP;
    /// The root of the first tool's `inputSchema` has `anyOf`.
    ToolRootAnyOf "tool-root-any-of": "tools-model-limits" Warn on ALL_MCP;
    /// The description of the first tool costs some 30,000 tokens.
    ToolCostly "tool-costly": "catalog-context-cost" Warn on ALL_MCP;
    /// A parameter of the first tool refers to a schema on the web.
    ToolRemoteRef "tool-remote-ref": "tools-no-remote-ref" Warn on ALL_MCP;
    /// A parameter of the first tool refers to a file.
    ToolFileRef "tool-file-ref": "tools-no-remote-ref" Fail on ALL_MCP;
    /// The first tool deletes all notes and is marked read-only.
    ToolHintUntrue "tool-hint-untrue": "tools-hints-honest" Fail on ALL_MCP;
    /// The first tool says that it sends, and is marked read-only.
    ToolHintSends "tool-hint-sends": "tools-hints-honest" Warn on ALL_MCP;
    /// The description of the first tool ends with tag characters, which nobody sees.
    ToolHiddenText "tool-hidden-text": "tools-poisoning" Fail on ALL_MCP;
    /// The description of the first tool tells the model to ignore its instructions.
    ToolSteering "tool-steering": "tools-poisoning" Warn on ALL_MCP;
    /// The description of the first tool holds a token of GitHub.
    ToolSecret "tool-secret": "tools-secrets" Fail on ALL_MCP;
    /// A parameter of the first tool has a default that looks like a key, by the word before it.
    ToolSecretDefault "tool-secret-default": "tools-secrets" Warn on ALL_MCP;
    /// The description of the first tool speaks of all other tools and asks for a private key.
    ToolShadowing "tool-shadowing": "tools-shadowing" Fail on ALL_MCP;
    /// The description of the first tool asks for the conversation.
    ToolAsking "tool-asking": "tools-shadowing" Warn on ALL_MCP;

    /// Every fifth served discover, ping or list takes 5.5 s.
    LatencyVerySlow "latency-very-slow": "ops-latency" Fail on HTTP_MCP;
    /// Every fourth served discover, ping or list takes 2 s.
    LatencySlow "latency-slow": "ops-latency" Warn on HTTP_MCP;
    /// Every fourth served discover, ping or list is answered with 500.
    ErrorRate "error-rate": "ops-error-rate" Fail on HTTP_MCP;
    /// Every fifth served discover, ping or list loses its connection.
    ResetRate "reset-rate": "ops-error-rate" Fail on HTTP_MCP;
    /// The fourth served discover, ping or list is answered with 503, once.
    ErrorOnce "error-once": "ops-error-rate" Warn on HTTP_MCP;

    /// Every second `initialize` is refused: another instance, of another era, meets it.
    FleetRefuses "fleet-refuses": "ops-fleet-consistency" Fail on LEGACY_ONLY;
    /// Every second `initialize` tells of capabilities without completions.
    FleetCapabilities "fleet-capabilities": "ops-fleet-consistency" Fail on LEGACY_ONLY;
    /// Every second `initialize` tells another version of the server.
    FleetVersions "fleet-versions": "ops-fleet-consistency" Warn on LEGACY_ONLY;

    /// `Sec-WebSocket-Accept` is wrong.
    SocketWrongAccept "socket-wrong-accept": "ws-handshake" Fail on SOCKET;
    /// The upgrade is answered with 200.
    SocketOk "socket-ok": "ws-handshake" Fail on SOCKET;
    /// Origin is not checked at the upgrade.
    SocketOriginIgnored "socket-origin-ignored": "ws-origin-check" Fail on SOCKET;
    /// The socket selects `mcp` and never answers.
    SocketMute "socket-mute": "ws-mcp-roundtrip" Fail on SOCKET;
    /// Replies are wrapped in `{"type": "mcp", "payload": …}`.
    SocketEnvelope "socket-envelope": "ws-mcp-roundtrip" Warn on SOCKET;
    /// There is no Streamable HTTP beside it.
    SocketOnly "socket-only": "ws-only" Warn on SOCKET;
}

impl Fault {
    /// Its kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The fault with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    /// An endpoint of this kind with this fault and whatever else it needs to show: what CORS
    /// allows matters only where foreign origins are served, so all faults of CORS open it.
    #[must_use]
    pub fn on(self, base: Base) -> Behaviour {
        let behaviour = Behaviour::sound(base).with(self);
        if self.spec().check.starts_with("cors-") { behaviour.any_origin() } else { behaviour }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_distinct_kebab_case_and_parse() {
        let names: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
        for fault in Fault::ALL {
            let spec = fault.spec();
            assert_eq!(Fault::parse(spec.name), Some(*fault));
            let variant = format!("{fault:?}");
            let words = spec.name.replace('-', "");
            assert_eq!(variant.to_ascii_lowercase(), words, "the name follows the variant");
            assert!(matches!(spec.expected, Status::Fail | Status::Warn), "{}", spec.name);
            assert!(!spec.bases.is_empty() && spec.doc.len() > 10, "{}", spec.name);
        }
    }
}
