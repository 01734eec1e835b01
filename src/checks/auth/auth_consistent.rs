//! If one operation needs a credential, its equals do.

use crate::checks::prelude::*;
use crate::facts::auth::{AuthBarrier, SIBLING_SSE, Wall, auth_barrier};

pub(super) static CHECK: Check = Check {
    id: "auth-consistent",
    title: "Every way in asks for the credential",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        mcp!(
            "2026-07-28",
            "Authorization, Token Requirements (every HTTP request)",
            "basic/authorization#token-requirements"
        ),
        Basis {
            title: "MCP 2025-11-25, Security Best Practices, Session Hijacking",
            url: "https://modelcontextprotocol.io/docs/2025-11-25/tutorials/security/security_best_practices#session-hijacking",
        },
        Basis {
            title: "MCP 2026-07-28, Security Best Practices, State Handle Hijacking",
            url: "https://modelcontextprotocol.io/docs/2026-07-28/tutorials/security/security_best_practices#state-handle-hijacking",
        },
    ],
    rationale: "A gate on POST is worth nothing if the GET stream, a session id or a WebSocket beside it is open: \
                whoever finds that reads what others' agents are told. Agents trust data from behind a login more \
                than other data.",
    remediation: "Put the check of the token before the router, for every method and path of the endpoint: in Express \
                  `app.use(\"/mcp\", requireBearerAuth({ verifier }))` instead of `app.post(\"/mcp\", \
                  requireBearerAuth(..), handler)`. A session id is no credential: verify the token on each request.",
    causes: &[],
    how: How {
        sent: "Without a credential: `server/discover`, `initialize`, `tools/list`, GET, DELETE with an \
               invented id, `subscriptions/listen`, a WebSocket upgrade, and, where tools are listed, a \
               call of a tool that does not exist.",
        passes: "Each is refused for want of a credential, or not there at all.",
        warns: "Only discovery is open (lazy authorization), one era is open and the other not, or \
                DELETE is accepted.",
        fails: "A stream, a session or a WebSocket works although POST asks for a credential, or \
                `tools/list` does although the handshake is refused.",
    },
    judge,
};

/// First requests: what a client begins with.
const FIRST: [&str; 2] = ["discover", "initialize"];
/// Where more than discovery is had.
const DOORS: [&str; 8] =
    ["get", "listen", "delete", "websocket", "session tools/list", "session get", "messages", SIBLING_SSE];

fn judge(facts: &Facts<'_>) -> Judgement {
    let barrier = auth_barrier(facts)?;
    let mut seen = Observations::new();
    let mut unclear = None;
    for (_, wall) in barrier.of(&DOORS).chain(barrier.of(&FIRST)).chain(barrier.of(&["tools/list"])) {
        if let Wall::Unclear(reason) = wall {
            unclear = unclear.or(Some(Undecided::Inconclusive(reason.clone())));
        }
    }
    let is_gated = |steps: &[&str]| barrier.of(steps).any(|(_, wall)| wall.gated());
    let opened = |steps: &[&str]| barrier.of(steps).any(|(_, wall)| *wall == Wall::Open);
    // Where only a part of POST is gated, an open stream is no hole in it.
    let lazy = opened(&FIRST) || opened(&["tools/list"]);
    // Where anybody may begin a session, its id opens what is open anyway.
    let begun = opened(&FIRST);
    let hole = |exchange: &Exchange| !(begun && exchange.step.starts_with("session "));
    for (exchange, _) in barrier.of(&DOORS).filter(|(exchange, wall)| **wall == Wall::Open && hole(exchange))
    {
        let (status, what) = door(&exchange.step);
        let status = if lazy { Status::Warn } else { status };
        let words = format!("{what} without a credential, although the endpoint asks for one");
        seen.add(status, Evidence::status(exchange), words);
    }
    if lazy {
        seen.push(lazily(&barrier, is_gated(&FIRST), is_gated(&["tools/list"]))?);
    }
    for (exchange, _) in barrier.walls.iter().filter(|(_, wall)| wall.gated()) {
        seen.add(Status::Pass, Evidence::status(exchange), "refused");
    }
    let steps: Vec<&str> = barrier
        .walls
        .iter()
        .filter(|(_, wall)| wall.gated())
        .map(|(exchange, _)| exchange.step.as_str())
        .collect();
    let sound = format!("refused for want of a credential, and no hole in it was found: {}", listed(&steps));
    seen.verdict_despite(unclear, sound)
}

/// Part of POST is open. Legal where it is discovery alone.
fn lazily(barrier: &AuthBarrier<'_>, first_gated: bool, lists_gated: bool) -> Result<Verdict, Undecided> {
    let verdict = |status, exchange: &Exchange, words: &str| {
        Ok(Verdict::of(status, vec![Evidence::status(exchange)], words.to_owned()))
    };
    let list =
        barrier.of(&["tools/list"]).find(|(_, wall)| **wall == Wall::Open).map(|(exchange, _)| exchange);
    let first = barrier.of(&FIRST).find(|(_, wall)| **wall == Wall::Open).map(|(exchange, _)| exchange);
    match (list, first) {
        // What a client begins with is shut, and what comes after it is open.
        (Some(list), None) if first_gated => verdict(
            if list.session.is_some() { Status::Fail } else { Status::Warn },
            list,
            if list.session.is_some() {
                "in a session that was opened with a credential, tools/list is served without one, although the \
                 handshake is refused"
            } else {
                "the handshake is refused without a credential, and tools/list is served: who begins with the \
                 handshake must log in for what is open"
            },
        ),
        (None, Some(first)) => {
            let words = "lazy authorization: discovery is open and the rest is gated, which is legal but surprises agents";
            verdict(Status::Warn, first, words)
        }
        (Some(list), _) if lists_gated => verdict(
            Status::Warn,
            list,
            "tools/list is served without a credential in one era and refused in the other",
        ),
        (Some(_), _) => {
            let calls = barrier.of(&["unknown-tool"]).next();
            match calls {
                Some((call, wall)) if wall.gated() => {
                    let words = "lazy authorization: discovery and tools/list are open and calls are gated, which is \
                                 legal but surprises agents";
                    verdict(Status::Warn, call, words)
                }
                Some((call, _)) => inconclusive(format!(
                    "discovery and tools/list are open, and that calls are gated is not proven: a call of a tool that \
                     does not exist got {}",
                    call.status().map_or_else(|| "no answer".to_owned(), |status| status.to_string())
                )),
                None => inconclusive("discovery and tools/list are open, and no call was tried"),
            }
        }
        (None, None) => inconclusive("nothing was served"),
    }
}

/// What is open, and how bad that is.
fn door(step: &str) -> (Status, &'static str) {
    match step {
        "get" | "session get" => (Status::Fail, "GET opens an event stream"),
        "listen" => (Status::Fail, "subscriptions/listen opens a stream"),
        "session tools/list" => (Status::Fail, "a session id alone is served"),
        "websocket" => (Status::Fail, "MCP answers on a WebSocket"),
        "messages" => (Status::Fail, "the announced URI of the HTTP+SSE stream is served"),
        SIBLING_SSE => (Status::Fail, "the HTTP+SSE stream beside it opens"),
        // That an invented session can be ended proves no more than that nobody looked.
        _ => (Status::Warn, "DELETE is accepted"),
    }
}

fn listed(steps: &[&str]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for step in steps {
        if !once.contains(step) {
            once.push(step);
        }
    }
    once.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CHECK, SIBLING_SSE};
    use crate::checks::synthetic::{Made, Scan, get, initialize, post, request};
    use crate::protocol::revision::Era;
    use crate::transcript::{Direction, FailureKind, FrameKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn ask(step: &str, method: &str) -> Made {
        post(ProbeId::Auth, step, Era::Modern, json!({"jsonrpc":"2.0","id":"d-9","method":method}))
    }

    fn shut(made: Made) -> Made {
        made.status(401).header("www-authenticate", "Bearer")
    }

    fn door(step: &str) -> Made {
        get(ProbeId::Auth, step)
    }

    /// POST is gated throughout.
    fn gated() -> Scan {
        Scan::gated()
            .with(shut(ask("discover", "server/discover")))
            .with(shut(initialize(ProbeId::Auth, "initialize")))
            .with(shut(ask("tools/list", "tools/list")))
    }

    fn lazy(call: Made) -> Scan {
        Scan::modern()
            .with(ask("discover", "server/discover").result(json!({"supportedVersions":[]})))
            .with(ask("tools/list", "tools/list").result(json!({"tools":[]})))
            .with(call)
    }

    fn call() -> Made {
        ask("unknown-tool", "tools/call").negative()
    }

    #[test]
    fn passes_when_everything_is_refused() {
        let scan = gated()
            .with(shut(door("get")))
            .with(request("DELETE", ProbeId::Auth, "delete").status(405))
            .with(ask("listen", "subscriptions/listen").error(404, -32601, "Method not found"))
            .with(door("websocket").status(404));
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.message.contains("discover, initialize, tools/list, get"), "{}", finding.message);
    }

    #[test]
    fn passes_when_an_upgrade_opens_and_says_nothing() {
        let scan = gated().with(door("websocket").frames(&[]));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_when_a_stream_a_session_or_a_socket_is_open() {
        let asked = json!({"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}).to_string();
        let told = json!({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}).to_string();
        let doors = [
            door("get").stream(": ok\n\n", 0),
            ask("listen", "subscriptions/listen").stream("data: {}\n\n", 0),
            ask("session tools/list", "tools/list").result(json!({"tools":[]})),
            door("session get").stream(": ok\n\n", 0),
            ask("messages", "ping").negative().result(json!({})),
            door(SIBLING_SSE).stream("event: endpoint\ndata: /messages?s=1\n\n", 0),
            door("websocket").frames(&[
                (Direction::Out, FrameKind::Text, &asked),
                (Direction::In, FrameKind::Text, &told),
            ]),
        ];
        for made in doors {
            let finding = gated().with(made).judge(&CHECK);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
        // Whatever else could not be seen.
        let silent = door("websocket").failed(Phase::Head, FailureKind::HeaderTimeout);
        assert_eq!(
            gated().with(door("get").stream(": ok\n\n", 0)).with(silent).judge(&CHECK).status,
            Status::Fail
        );
    }

    #[test]
    fn passes_whatever_else_is_at_the_path_of_the_old_stream() {
        let others = [
            door(SIBLING_SSE).stream("data: 1\n\n", 0),
            door(SIBLING_SSE).status(401),
            door(SIBLING_SSE).status(500),
            door(SIBLING_SSE).failed(Phase::Head, FailureKind::HeaderTimeout),
        ];
        for made in others {
            let finding = gated().with(shut(door("get"))).with(made).judge(&CHECK);
            assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        }
    }

    #[test]
    fn a_list_that_is_open_behind_a_gated_handshake_is_a_hole_in_a_session_alone() {
        let listed = |list: Made| {
            let scan = Scan::gated().with(shut(ask("discover", "server/discover")));
            scan.with(list.result(json!({"tools":[]}))).judge(&CHECK)
        };
        let list = || ask("tools/list", "tools/list");
        assert_eq!(listed(list().in_session("~session-1~")).status, Status::Fail);
        // Whoever asks for the handshake alone on purpose hides nothing.
        let finding = listed(list());
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
        assert!(finding.message.contains("must log in for what is open"), "{}", finding.message);
    }

    #[test]
    fn warns_about_lazy_authorization() {
        for scan in [
            lazy(shut(call())),
            lazy(shut(call())).with(door("get").stream(": ok\n\n", 0)),
            Scan::modern()
                .with(ask("discover", "server/discover").result(json!({"supportedVersions":[]})))
                .with(shut(ask("tools/list", "tools/list"))),
        ] {
            let finding = scan.judge(&CHECK);
            assert_eq!(finding.status, Status::Warn, "{}", finding.message);
            assert!(finding.message.contains("lazy authorization"), "{}", finding.message);
        }
    }

    #[test]
    fn warns_when_a_session_can_be_ended() {
        let scan = gated().with(request("DELETE", ProbeId::Auth, "delete").status(202));
        assert_eq!(scan.judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn undecided_when_the_gate_of_calls_is_unproven_or_a_door_unseen() {
        let unproven = lazy(call().error(200, -32602, "Unknown tool")).with(shut(door("get")));
        let finding = unproven.judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive);
        assert!(finding.message.contains("not proven"), "{}", finding.message);
        let held = gated().with(door("get").failed(Phase::Head, FailureKind::HeaderTimeout));
        assert_eq!(held.judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_open_endpoints() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(
            lazy(call().error(200, -32602, "Unknown tool")).judge(&CHECK).status,
            Status::NotApplicable
        );
        assert_eq!(Scan::feed("data: 1\n\n").judge(&CHECK).status, Status::NotApplicable);
    }
}
