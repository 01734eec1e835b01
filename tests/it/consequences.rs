//! What else must fail when one thing is broken: an endpoint is judged by all checks, and some faults are seen
//! by several of them. Nothing else may fail.

/// Faults by name, and the checks that fail for the same reason.
const NECESSARY: &[(&[&str], &[&str])] = &[
    // Some correct requests are not served, whichever of them it hits.
    (
        &["error-rate", "reset-rate", "error-once", "latency-very-slow"],
        &[
            "cap-matches-handlers",
            "legacy-session-multi-connection",
            "modern-no-connection-state",
            "ops-error-rate",
            "ops-latency",
            "rpc-bad-input-no-5xx",
        ],
    ),
    // A gate that crashes is no challenge either.
    (&["auth-crash"], &["auth-challenge-401"]),
    // A session that is known on some connections only: so is all that needs it.
    (
        &["session-sticky"],
        &["cap-matches-handlers", "legacy-resume", "ops-error-rate", "rpc-bad-input-no-5xx"],
    ),
    // Nothing is served before a discover.
    (&["discover-first"], &["cap-matches-handlers", "listen-ack-first", "modern-unknown-method-404"]),
    // Every correct request after the handshake is refused.
    (&["session-kept-back"], &["sh-era-usable", "cap-matches-handlers"]),
    // An error that is a text is none of JSON-RPC, wherever it comes.
    (&["session-unknown-no-code"], &["rpc-error-object-shape"]),
    // What follows the poison is not served.
    (&["bad-input-poison"], &["ops-error-rate"]),
    // A wrong request gets a 5xx or silence, which a check of its own asks about, too.
    (
        &[
            "malformed-hang",
            "malformed-server-error",
            "session-unknown-server-error",
            "unknown-method-server-error",
        ],
        &["rpc-bad-input-no-5xx"],
    ),
    // The member that is missing or wrong belongs to two rules.
    (&["discover-no-result-type", "result-not-object"], &["modern-result-type"]),
    // A reply that no reader can use is no answer to what it was asked.
    (&["result-and-error"], &["cap-matches-handlers"]),
    // What a list must look like is asked for as a whole and tool by tool.
    (
        &[
            "schema-missing",
            "schema-null",
            "schema-not-object",
            "output-schema-broken",
            "tool-nameless",
            "tools-as-map",
        ],
        &["tools-list-conforms"],
    ),
    (&["legacy-get-server-error"], &["legacy-resume"]),
    // A body under the wrong label is read as what the label says.
    (&["json-labelled-stream"], &["sh-stream-delivers-response", "sse-grammar"]),
    (&["stream-labelled-json"], &["rpc-envelope-valid"]),
    (&["stream-raw-lines"], &["sh-sse-data-is-jsonrpc", "sh-stream-delivers-response"]),
    (&["stream-two-objects"], &["sh-stream-delivers-response"]),
    // A handshake that every second instance refuses is no negotiation either.
    (&["fleet-refuses"], &["legacy-initialize", "legacy-version-negotiation"]),
    // An answer that comes late or never is slow, unreliable, and looks as if something collected it.
    (&["stream-late"], &["ops-latency", "sse-unbuffered"]),
    (&["stream-silent"], &["ops-error-rate", "ops-latency"]),
];

/// Whether `check` may fail where `fault` is served.
pub(crate) fn necessary(fault: &str, check: &str) -> bool {
    NECESSARY.iter().any(|(faults, checks)| faults.contains(&fault) && checks.contains(&check))
}
