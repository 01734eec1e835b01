//! Codes that the protocol keeps for itself mean what it says.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::subject;
use crate::protocol::jsonrpc;

pub(super) static CHECK: Check = Check {
    id: "rpc-error-code-ranges",
    title: "Error codes stay out of the ranges that are reserved",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::All,
    basis: &[mcp!("2026-07-28", "Basic, Error Codes", "basic#error-codes")],
    rationale: "Clients act on these codes: they fall back to another version, or send a header again. A code that is used \
                for something else makes them do that for nothing.",
    remediation: "Use the codes of JSON-RPC (-32700, -32600 to -32603) and those that the specification defines, and for \
                  errors of your own a code outside -32768 to -32000.",
    causes: &[],
    how: How {
        sent: "Nothing more: the errors that came to whole requests of 2026-07-28, whose body and header name that version.",
        passes: "No code is misused.",
        warns: "A code of -32000 to -32019, which new servers leave to old ones. With a status that HTTP gives before a \
                message is read (401, 403, 405, 406, 413, 415, 421, 429), -32000 is only noted.",
        fails: "A code of -32020 to -32099 that the specification does not define (-32020, -32021 and -32022 it does), or \
                -32002 or -32042, which 2026-07-28 no longer has.",
    },
    judge,
};

/// Codes of former revisions that a modern reply must not have.
const FORMER: [i64; 2] = [-32002, -32042];
const DEFINED: [i64; 3] = [names::HEADER_MISMATCH, names::MISSING_CAPABILITY, names::UNSUPPORTED_VERSION];

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let whole = |exchange: &&Exchange| {
        exchange.era == Some(Era::Modern) && subject::own(facts.header(), exchange) && modern(facts, exchange)
    };
    for exchange in facts.exchanges().filter(whole) {
        for message in &facts.reply(exchange).messages {
            let Ok(value) = &message.json else { continue };
            let code = value.get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
            let Some(code) = code.filter(|_| value.get("jsonrpc").is_some()) else { continue };
            let fault = match code {
                _ if FORMER.contains(&code) => {
                    Some((Status::Fail, format!("{code} is no code of 2026-07-28 any more")))
                }
                _ if DEFINED.contains(&code) => None,
                -32099..=-32020 => Some((
                    Status::Fail,
                    format!("{code} is reserved, and the specification does not define it"),
                )),
                // Guards in front of the protocol have always said so: a note, for no client reads the code there.
                -32000 if guarded(exchange) => {
                    Some((Status::Info, "a refusal below the protocol has the code -32000".to_owned()))
                }
                -32019..=-32000 => {
                    Some((Status::Warn, format!("{code} is of the range that new servers leave to old ones")))
                }
                _ => None,
            };
            match fault {
                Some((status, message)) => seen.add(status, Evidence::status(exchange), message),
                None => seen.add_with(Status::Pass, || Evidence::status(exchange), "defined"),
            }
        }
    }
    let sound = format!("no code is misused in the errors that came ({} in all)", seen.count(Status::Pass));
    seen.distinct().verdict(sound, "no error came to a whole request of 2026-07-28")
}

/// Whether the status is one of HTTP's own, which is given before a message is looked at.
fn guarded(exchange: &Exchange) -> bool {
    matches!(exchange.status(), Some(401 | 403 | 405 | 406 | 413 | 415 | 421 | 429))
}

/// Whether a request is one of 2026-07-28, by body and header: to anything else a dual server answers as to an older
/// client.
fn modern(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let version = Revision::NEWEST_MODERN.as_str();
    let body = exchange.request.body.as_deref().and_then(|body| jsonrpc::parse(body).ok());
    let named =
        body.as_ref().and_then(|body| body.get("params")?.get("_meta")?.get(names::META_VERSION)?.as_str());
    facts.asks(exchange)
        && named == Some(version)
        && exchange.request.header(names::VERSION_HEADER) == Some(version)
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let asked = |version: &str, header: &str, code: i64| {
        let meta = json!({ names::META_VERSION: version });
        let body = json!({"jsonrpc":"2.0","id":"d-7","method":"scanner/none","params":{"_meta":meta}});
        post(ProbeId::ModernRules, "unknown-method", Era::Modern, body)
            .sending(names::VERSION_HEADER, header)
            .error(404, code, "no")
    };
    let whole = |code: i64| Scan::modern().with(asked("2026-07-28", "2026-07-28", code));
    hold(
        &CHECK,
        [
            pass("JSON-RPC's own", whole(-32601)),
            pass("defined", whole(-32022)),
            pass("its own", whole(42)),
            pass("to another version", whole(-32601).with(asked("1999-01-01", "1999-01-01", -32000))),
            pass(
                "to a request that says two versions",
                whole(-32601).with(asked("2026-07-28", "2025-11-25", -32000)),
            ),
            warn("left to old servers", whole(-32000)).naming("-32000"),
            pass("below the protocol", {
                let meta = json!({ names::META_VERSION: "2026-07-28" });
                let body =
                    json!({"jsonrpc":"2.0","id":"d-8","method":names::DISCOVER,"params":{"_meta":meta}});
                let refused = post(ProbeId::Browser, "foreign-host", Era::Modern, body)
                    .sending(names::VERSION_HEADER, "2026-07-28")
                    .error(403, -32000, "Invalid Host");
                whole(-32601).with(refused)
            })
            .naming("note"),
            fail("reserved", whole(-32050)).naming("-32050"),
            fail("the last one", whole(-32099)),
            fail("of former revisions", whole(-32002)).naming("-32002"),
            undecided("no error", Scan::modern()),
            not_applicable("another era", Scan::legacy(false)),
        ],
    );
}
