//! The handshake of the legacy era: version, capabilities and who is speaking.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::handshake::{self, Handshake};

pub(super) static CHECK: Check = Check {
    id: "legacy-initialize",
    title: "initialize returns version, capabilities and the server's name and version",
    dimension: Dimension::D2,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies {
        transports: &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        ..Applies::LEGACY
    },
    reads: Reads::Of(&[ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Classify]),
    basis: &[
        mcp!("2025-11-25", "Lifecycle, Initialization", "basic/lifecycle#initialization"),
        Basis {
            title: "MCP schema, InitializeResult",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
    ],
    rationale: "Every legacy agent begins with initialize and validates the result before it sends anything else. A \
                missing member ends the connection there, whatever the server could have done.",
    remediation: "Return all three members under the id of the request, for example `{\"protocolVersion\": \
                  \"2025-11-25\", \"capabilities\": {\"tools\": {}}, \"serverInfo\": {\"name\": \"weather\", \
                  \"version\": \"1.4.0\"}}`.",
    causes: &[],
    how: How {
        sent: "`initialize` with `2025-11-25` and no `MCP-Protocol-Version` header.",
        passes: "A result with `protocolVersion`, `capabilities`, and name and version of `serverInfo`.",
        warns: "An empty name or version, or a result whose status is not 200.",
        fails: "A member is missing or of another type, or the result has another id.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let handshakes = handshake::read(facts);
    // A refusal that was followed by a retry is a matter of version negotiation.
    let Some(made) = handshakes.iter().find(|made| made.result().is_some()) else {
        return match (handshakes.last(), facts.class().kind) {
            (Some(made), _) => {
                answered(made.exchange)?;
                inconclusive("initialize was not answered with a result")
            }
            (None, Kind::HttpSse) => inconclusive(facts.why_not(ProbeId::HttpSse, Some("initialize"))),
            (None, _) => inconclusive(facts.why_not(ProbeId::Classify, Some("initialize"))),
        };
    };
    let mut seen = Observations::new();
    if made.reply.answer.is_none() {
        seen.add(Status::Fail, made.evidence("protocolVersion"), "the result came under another id");
    }
    // On a WebSocket the status is that of the upgrade.
    // On HTTP+SSE it is that of the POST, which 2024-11-05 does not fix.
    let fixed = made.exchange.stream.is_none();
    if let Some(status) = made.exchange.status().filter(|status| fixed && !matches!(status, 200 | 101)) {
        let at = Evidence::status(made.exchange);
        seen.add(Status::Warn, at, format!("the result came with HTTP {status}, not 200"));
    }
    members(made, &mut seen);
    seen.verdict("version, capabilities, name and server version are there", "nothing was sent")
}

fn members(made: &Handshake<'_>, seen: &mut Observations) {
    let member = |name: &str| made.result().and_then(|result| result.get(name));
    match member("protocolVersion") {
        Some(Value::String(version)) if !version.is_empty() => {
            seen.add(Status::Pass, made.evidence("protocolVersion"), "version");
        }
        _ => seen.add(
            Status::Fail,
            made.evidence("protocolVersion"),
            "`protocolVersion` is missing or no version string",
        ),
    }
    if member("capabilities").is_some_and(Value::is_object) {
        seen.add(Status::Pass, made.evidence("capabilities"), "capabilities");
    } else {
        seen.add(Status::Fail, made.evidence("capabilities"), "`capabilities` is missing or no object");
    }
    let Some(info) = member("serverInfo").and_then(Value::as_object) else {
        seen.add(Status::Fail, made.evidence("serverInfo"), "`serverInfo` is missing or no object");
        return;
    };
    for name in ["name", "version"] {
        let at = made.evidence("serverInfo");
        match info.get(name).and_then(Value::as_str) {
            Some(text) if !text.trim().is_empty() => seen.add(Status::Pass, at, name),
            Some(_) => seen.add(Status::Warn, at, format!("`serverInfo.{name}` is empty")),
            None => seen.add(Status::Fail, at, format!("`serverInfo.{name}` is missing or no string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Scan, get, initialize};
    use crate::finding::Finding;
    use crate::transcript::{Direction, FrameKind, ProbeId};
    use crate::verdict::{Severity, Status};

    fn sound() -> Value {
        json!({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}})
    }

    fn judged(change: impl Fn(&mut Value)) -> Finding {
        let mut result = sound();
        change(&mut result);
        Scan::empty().with(initialize(ProbeId::Classify, "initialize").result(result)).judge(&CHECK)
    }

    fn socket(reply: &Value) -> Finding {
        let asked =
            json!({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}});
        let frames = [
            (
                Direction::Out,
                FrameKind::Text,
                "{\"jsonrpc\":\"2.0\",\"id\":\"d-1\",\"method\":\"server/discover\"}",
            ),
            (
                Direction::In,
                FrameKind::Text,
                "{\"jsonrpc\":\"2.0\",\"id\":\"d-1\",\"error\":{\"code\":-32601,\"message\":\"no\"}}",
            ),
            (Direction::Out, FrameKind::Text, &asked.to_string()),
            (Direction::In, FrameKind::Text, &reply.to_string()),
        ];
        Scan::empty().with(get(ProbeId::Classify, "websocket").frames(&frames)).judge(&CHECK)
    }

    #[test]
    fn passes_with_every_member() {
        let finding = judged(|_| {});
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert_eq!(Scan::dual(true).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_as_an_event_stream() {
        let reply = json!({"jsonrpc":"2.0","id":1,"result":sound()});
        let made = initialize(ProbeId::Classify, "initialize").stream(&format!("data: {reply}\n\n"), 0);
        assert_eq!(Scan::empty().with(made).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_on_the_retry_after_a_refusal_that_listed_versions() {
        let scan = Scan::empty()
            .with(initialize(ProbeId::Classify, "initialize").error(400, -32602, "supported: 2025-06-18"))
            .with(initialize(ProbeId::Classify, "initialize-retry").result(sound()));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_over_a_websocket() {
        let finding = socket(&json!({"jsonrpc":"2.0","id":1,"result":sound()}));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.evidence[0].pointer.starts_with("frame 4"), "{:?}", finding.evidence);
    }

    #[test]
    fn warns_of_empty_names_and_odd_statuses() {
        let finding = judged(|result| result["serverInfo"]["version"] = json!(""));
        assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::High));
        let accepted = initialize(ProbeId::Classify, "initialize").result(sound()).status(202);
        assert_eq!(Scan::empty().with(accepted).judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn fails_when_a_member_is_missing() {
        let changes: [fn(&mut Value); 5] = [
            |result| drop(result.as_object_mut().unwrap().remove("protocolVersion")),
            |result| result["protocolVersion"] = json!(20_251_125),
            |result| result["capabilities"] = json!(["tools"]),
            |result| drop(result.as_object_mut().unwrap().remove("serverInfo")),
            |result| drop(result["serverInfo"].as_object_mut().unwrap().remove("version")),
        ];
        for change in changes {
            let finding = judged(change);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
        assert_eq!(
            socket(&json!({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}})).status,
            Status::Fail
        );
    }

    #[test]
    fn fails_when_the_id_is_another() {
        let reply = json!({"jsonrpc":"2.0","id":"1","result":sound()});
        let scan = Scan::empty().with(initialize(ProbeId::Classify, "initialize").status(200).json(reply));
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("id"), "{}", finding.message);
    }

    #[test]
    fn undecided_on_http_sse_where_it_was_posted_to_the_stream() {
        // The refused POST to the stream's URL must not count against it.
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_modern_gated_and_plain_endpoints() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::feed("data: x\n\n").judge(&CHECK).status, Status::NotApplicable);
    }
}
