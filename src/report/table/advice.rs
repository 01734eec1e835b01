//! What to do with an endpoint that could not be judged, or not all of it: the same words in every format.

use crate::facts::Kind;
use crate::facts::classification::Shut;
use crate::report::Report;
use crate::transcript::{FailureKind, Phase};

/// Whether the endpoint is described and not scored.
pub(in crate::report) fn describes(report: &Report) -> bool {
    let kind = report.classification.kind;
    matches!(kind, Kind::None | Kind::Unreachable | Kind::Blocked | Kind::Websocket | Kind::Mcp | Kind::Other)
}

/// What to try next with an endpoint that is not scored.
pub(in crate::report) fn next(report: &Report) -> Option<String> {
    let class = &report.classification;
    match class.shut() {
        Some(Shut::RateLimited) => {
            return Some(
                "wait as long as its Retry-After header asks for, or some minutes without one; then scan with a lower \
                 rate (--rate 1 sends one request a second to a public host)."
                    .to_owned(),
            );
        }
        Some(Shut::Broken) => {
            return Some(
                "wait until the endpoint, and what it depends on, works again (as long as a Retry-After header asks \
                 for, if it sends one); then scan once more."
                    .to_owned(),
            );
        }
        None => {}
    }
    let named = class.refusal.as_ref().filter(|_| class.kind == Kind::Blocked);
    if let Some(name) = named.and_then(|refusal| refusal.other_name(&report.url)) {
        return Some(format!("scan it by the name that it gives: the same URL with {name} as the host."));
    }
    let next = match (class.kind, class.failure.as_ref().map(|failure| failure.kind)) {
        (Kind::None, _) if class.found_at.is_empty() && posts_timed_out(report) => {
            "look at what takes POST requests: the server's handler, and any proxy that collects requests or replies."
        }
        (Kind::None, _) if class.found_at.is_empty() && refused_in_words(report) => {
            "read what it refuses us with (above): it is the server's own word; and check the path: agents need the URL of \
             the endpoint itself."
        }
        (Kind::None, _) if class.found_at.is_empty() => {
            "check the path: agents need the URL of the endpoint itself, often ending in /mcp or /sse."
        }
        (Kind::Blocked, _) if unknown_name(report) => {
            "add the name by which agents reach it to the server's list of hosts (or origins), or scan it by a name on it."
        }
        (Kind::Blocked, _) => {
            "scan from a place that the endpoint admits, or give the credential it expects (--bearer-env VAR)."
        }
        (Kind::Mcp, _) if refuses_accept(report) => {
            "let the server take `Accept: application/json, text/event-stream`, in either order: MCP clients must send both."
        }
        (Kind::Mcp, _) => {
            "mend what the error names, or give the credential that it may want (--bearer-env VAR); then scan once more."
        }
        (Kind::Other, _) => {
            "use a tool for that protocol: only what holds of any stream or connection is judged here, and nothing is \
             started for it."
        }
        (Kind::Websocket, _) => "nothing: a WebSocket without MCP follows no rules that could be judged.",
        (Kind::Unreachable, _)
            if class.failure.as_ref().is_some_and(|failure| failure.phase == Phase::Proxy) =>
        {
            "check the proxy; --no-proxy goes without one."
        }
        (Kind::Unreachable, Some(FailureKind::Dns)) => "check the host name.",
        (
            Kind::Unreachable,
            Some(FailureKind::Refused | FailureKind::ConnectTimeout | FailureKind::Unreachable),
        ) => "check host and port, and that the server runs; --wait 30s waits for one that is starting.",
        (Kind::Unreachable, Some(FailureKind::NotTls)) => {
            "the port speaks no TLS: try http:// instead of https://."
        }
        (
            Kind::Unreachable,
            Some(
                FailureKind::CertificateExpired
                | FailureKind::CertificateNotYetValid
                | FailureKind::CertificateWrongName
                | FailureKind::CertificateSelfSigned
                | FailureKind::CertificateUnknownIssuer
                | FailureKind::CertificateOther,
            ),
        ) => {
            "renew or complete the certificate; --cacert FILE trusts a private authority, --insecure scans in spite of it."
        }
        _ => return None,
    };
    Some(next.to_owned())
}

/// Whether 406 is what we are refused with.
fn refuses_accept(report: &Report) -> bool {
    report.classification.refusal.as_ref().is_some_and(|refusal| refusal.status == 406)
}

/// Whether the name by which we asked is what is refused.
fn unknown_name(report: &Report) -> bool {
    report.classification.refusal.as_ref().is_some_and(|refusal| refusal.status == 421)
}

/// Whether the refusal says more than that nothing is there.
fn refused_in_words(report: &Report) -> bool {
    let refusal = report.classification.refusal.as_ref();
    refusal.is_some_and(|refusal| !matches!(refusal.status, 404 | 405) && !refusal.text.is_empty())
}

/// Whether headers did not come in time: what is not a GET owes them.
fn posts_timed_out(report: &Report) -> bool {
    report.failures.iter().any(|failure| failure.kind == FailureKind::HeaderTimeout)
}

/// How to get behind the authentication, ending in a colon: the command follows.
pub(in crate::report) fn gate(report: &Report) -> &'static str {
    if report.classification.credential_refused {
        "the endpoint refused the credential that was given. Check that it is still valid and was issued for this \
         endpoint; with one that it accepts, everything behind the gate is judged too:"
    } else {
        "the endpoint asks for a credential, and none was given, so only the gate itself is judged. Put a token into \
         a variable and name it; everything behind the gate is then judged too:"
    }
}
