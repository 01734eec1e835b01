//! What is known about each server, and why (each `fail` seen on the wire by hand; see `fixtures/`).

use crate::server::Start;

/// One server and what a scan of it must say.
pub(crate) struct Known {
    /// Its package and mode.
    pub(crate) name: &'static str,
    pub(crate) start: Start,
    /// `scheme:/path` of the scanned URL.
    pub(crate) path: &'static str,
    /// The bearer token to scan it with.
    pub(crate) token: Option<&'static str>,
    pub(crate) kind: &'static str,
    pub(crate) transports: &'static [&'static str],
    pub(crate) revisions: &'static [&'static str],
    pub(crate) exit: i32,
    /// Check, status and reason: exactly these are warned of or fail.
    pub(crate) blame: &'static [(&'static str, &'static str, &'static str)],
    /// Whether checks may stay undecided: behind a gate, and where nothing speaks MCP.
    pub(crate) withheld: bool,
    /// At least so many checks pass.
    pub(crate) least: usize,
}

const LEGACY: &[&str] = &["2025-03-26", "2025-06-18", "2025-11-25"];
const BOTH: &[&str] = &["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

const ORIGIN: (&str, &str, &str) = ("origin-rejected", "fail", "answers a foreign Origin with 200");
const HOST: (&str, &str, &str) = ("host-rebinding", "fail", "answers a foreign Host with 200");
const PY_CODES: (&str, &str, &str) =
    ("rpc-malformed-codes", "warn", "-32602 for what is no JSON-RPC, instead of -32600");

const ANYTHING: (&str, &str, &str) = ("sh-media-types-parsed", "warn", "answers `Accept: */*` with 406");
const TITLE: (&str, &str, &str) = ("tools-title", "warn", "its tool has no title");
const HINTS: (&str, &str, &str) = ("tools-annotations", "warn", "its tool says nothing of what it does");
const ISSUER: (&str, &str, &str) =
    ("auth-as-issuer-match", "warn", "its issuer ends in a slash, what was asked for does not");
const REGISTRATION: (&str, &str, &str) = ("auth-registration-path", "warn", "no way to register");
const PUBLIC: (&str, &str, &str) =
    ("auth-public-client", "warn", "names no method for clients without a secret");

const EVERYTHING: &str = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";

pub(crate) const KNOWN: &[Known] = &[
    Known {
        name: "server-everything 2026.8.31 (npm, SDK 1.32.2), Streamable HTTP",
        start: Start::Node(&[EVERYTHING, "streamableHttp"]),
        path: "http:/mcp",
        token: None,
        kind: "legacy",
        transports: &["streamable-http"],
        revisions: LEGACY,
        exit: 0,
        blame: &[
            ORIGIN,
            HOST,
            ANYTHING,
            ("legacy-resume-own-stream", "fail", "its store replays every later event of the session"),
            ("legacy-session-unknown-404", "warn", "400 instead of 404"),
            ("legacy-resume", "inconclusive", "no stream is cut while its call runs"),
            ("prompts-valid", "warn", "the argument `state` has no description"),
            ("rpc-malformed-codes", "warn", "-32700 for what is no JSON-RPC, instead of -32600"),
        ],
        withheld: false,
        least: 20,
    },
    Known {
        name: "server-everything 2026.8.31 (npm, SDK 1.32.2), HTTP+SSE",
        start: Start::Node(&[EVERYTHING, "sse"]),
        path: "http:/sse",
        token: None,
        kind: "http-sse",
        transports: &["http-sse"],
        revisions: &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"],
        exit: 0,
        blame: &[
            ORIGIN,
            HOST,
            ("http-sse-deprecated", "warn", "the only transport in this mode"),
            ("prompts-valid", "warn", "the argument `state` has no description"),
            ("sse-keepalive", "warn", "sends nothing on an idle stream"),
        ],
        withheld: false,
        least: 16,
    },
    Known {
        name: "server 2.4.0 and node 2.1.2 (npm, TypeScript SDK 2), both eras",
        start: Start::Node(&["servers/sdk2.mjs"]),
        path: "http:/mcp",
        token: None,
        kind: "dual",
        transports: &["streamable-http"],
        revisions: BOTH,
        exit: 0,
        blame: &[TITLE, HINTS],
        withheld: false,
        least: 28,
    },
    Known {
        name: "ws 8.23.0 (npm), an echo",
        start: Start::Node(&["servers/echo.mjs"]),
        path: "ws:/",
        token: None,
        kind: "websocket",
        transports: &["websocket"],
        revisions: &[],
        exit: 4,
        blame: &[HOST, ("ws-origin-check", "fail", "accepts every Origin")],
        withheld: true,
        least: 1,
    },
    Known {
        name: "mcp 2.3.0 (PyPI, Python SDK 2), both eras",
        start: Start::Python("sdk2", &["servers/sdk2.py", "open"]),
        path: "http:/mcp",
        token: None,
        kind: "dual",
        transports: &["streamable-http"],
        revisions: BOTH,
        exit: 0,
        blame: &[PY_CODES, TITLE, HINTS],
        withheld: false,
        least: 28,
    },
    Known {
        name: "mcp 2.3.0 (PyPI, Python SDK 2), gated, without a credential",
        start: Start::Python("sdk2", &["servers/sdk2.py", "gated"]),
        path: "http:/mcp",
        token: None,
        kind: "auth-gated",
        transports: &[],
        revisions: &[],
        exit: 4,
        blame: &[ISSUER, REGISTRATION, PUBLIC],
        withheld: true,
        least: 5,
    },
    Known {
        name: "mcp 2.3.0 (PyPI, Python SDK 2), gated, with the credential",
        start: Start::Python("sdk2", &["servers/sdk2.py", "gated"]),
        path: "http:/mcp",
        token: Some("interop-token"),
        kind: "dual",
        transports: &["streamable-http"],
        revisions: BOTH,
        exit: 0,
        blame: &[
            PY_CODES,
            TITLE,
            HINTS,
            ISSUER,
            ("auth-iss-parameter", "warn", "does not say that it sends `iss`"),
            REGISTRATION,
            PUBLIC,
        ],
        withheld: false,
        least: 28,
    },
    Known {
        name: "mcp 1.30.0 (PyPI, Python SDK 1), Streamable HTTP",
        start: Start::Python("sdk1", &["servers/sdk1.py", "http"]),
        path: "http:/mcp",
        token: None,
        kind: "legacy",
        transports: &["streamable-http"],
        revisions: LEGACY,
        exit: 0,
        blame: &[
            PY_CODES,
            ANYTHING,
            TITLE,
            HINTS,
            ("legacy-resume", "warn", "no event store: no ids"),
            ("sse-event-ids", "warn", "no event store: no ids"),
        ],
        withheld: false,
        least: 20,
    },
    Known {
        name: "mcp 1.30.0 (PyPI, Python SDK 1), WebSocket",
        start: Start::Python("sdk1", &["servers/sdk1.py", "ws"]),
        path: "ws:/ws",
        token: None,
        kind: "mcp-websocket",
        transports: &["websocket"],
        revisions: LEGACY,
        exit: 0,
        blame: &[
            HOST,
            TITLE,
            HINTS,
            ("ws-origin-check", "fail", "accepts every Origin"),
            ("ws-only", "warn", "no standard transport beside it"),
            ("rpc-malformed-codes", "warn", "broken JSON meets silence"),
            ("rpc-bad-input-no-5xx", "warn", "bad parameters meet silence"),
        ],
        withheld: false,
        least: 9,
    },
    Known {
        name: "sse-starlette 3.7.0 (PyPI), a plain feed",
        start: Start::Python("sdk2", &["servers/feed.py"]),
        path: "http:/events",
        token: None,
        kind: "event-stream",
        transports: &["event-stream"],
        revisions: &[],
        exit: 0,
        blame: &[("host-rebinding", "warn", "a rebound name can read this local feed")],
        withheld: false,
        least: 7,
    },
];
