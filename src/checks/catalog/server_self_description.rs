//! A server that explains itself is chosen and used rightly.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::catalogue_text::handshakes;

pub(super) static CHECK: Check = Check {
    id: "server-self-description",
    title: "The server explains itself",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket]),
    basis: &[
        mcp!("2026-07-28", "Discovery", "server/discover"),
        mcp!("2025-11-25", "Lifecycle, Initialization", "basic/lifecycle#initialization"),
    ],
    rationale: "Clients give `instructions` to the model before it has seen a tool, and show the title to people who choose among \
                servers. Without them both guess from a package name.",
    remediation: "Send a few sentences as `instructions`: what the server is for and where to begin, `Search notes first, then read \
                  one by its id`, and a `title` of a few words beside `name` and `version`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `instructions` and the server's name, title and version in the answers of `initialize` and \
               `server/discover`.",
        passes: "There are instructions of at most 4,000 bytes, and a title (from 2025-06-18 on). If one is missing, it is a note.",
        warns: "The instructions are longer, or the name is one of `server`, `mcp`, `mcp-server`, `my-server`, `my-mcp-server`, \
                `example`, `example-server`, `test`, `untitled`, or the version is `0.0.0`.",
        fails: "",
    },
    judge,
};

/// Most bytes of instructions: they stand in the context of every turn.
const LONGEST: usize = 4_000;
/// Names of templates.
const PLACEHOLDERS: [&str; 9] = [
    "server",
    "mcp",
    "mcp-server",
    "my-server",
    "my-mcp-server",
    "example",
    "example-server",
    "test",
    "untitled",
];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let Some((exchange, result)) = handshakes(facts, era).next() else {
        return inconclusive("no handshake was answered with a result");
    };
    let key = "io.modelcontextprotocol/serverInfo";
    let info = result.get("serverInfo").or_else(|| result.get("_meta")?.get(key));
    let member = |name: &str| info.and_then(|info| info.get(name)).and_then(Value::as_str).map(str::trim);
    let instructions = result.get("instructions").and_then(Value::as_str).map_or("", str::trim);
    let spoken = facts.class().revisions.iter().filter(|revision| revision.era() == era).max();
    let titled = spoken.is_none_or(|revision| *revision >= Revision::V2025_06_18);
    let mut seen = Observations::new();
    let mut add = |status: Status, at: &str, shown: &str, message: String| {
        seen.add(status, Evidence::new(exchange, format!("body /result/{at}"), shown), message);
    };
    if instructions.len() > LONGEST {
        add(
            Status::Warn,
            "instructions",
            instructions,
            format!("the instructions have {} bytes, paid with every turn", instructions.len()),
        );
    }
    if let Some(name) = member("name").filter(|name| PLACEHOLDERS.contains(&name.to_lowercase().as_str())) {
        add(
            Status::Warn,
            "serverInfo",
            name,
            format!("the server is called `{}`, as templates are", cut(name)),
        );
    }
    if member("version") == Some("0.0.0") {
        add(
            Status::Warn,
            "serverInfo",
            "0.0.0",
            "the server's version is `0.0.0`, as templates have it".to_owned(),
        );
    }
    let title = member("title").is_some_and(|title| !title.is_empty());
    let missing = [(instructions.is_empty(), "instructions"), (titled && !title, "title")];
    let missing: Vec<&str> = missing.iter().filter(|(missing, _)| *missing).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        add(Status::Pass, "instructions", instructions, "explained".to_owned());
    } else {
        add(Status::Info, "", "(absent)", format!("the server has no {}", missing.join(" and no ")));
    }
    seen.verdict("the server has instructions and says who it is", "")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let with = |info: Value, instructions: Value| {
        let result = json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},
            "instructions":instructions,"_meta":{"io.modelcontextprotocol/serverInfo":info}});
        Scan::empty()
            .with(discover().result(result))
            .with(initialize(ProbeId::Classify, "initialize").status(400))
    };
    let info = || json!({"name":"notes","title":"Notes","version":"1.2"});
    hold(
        &CHECK,
        [
            pass("explained", with(info(), json!("Search first."))).at("body /result/instructions"),
            warn("long", with(info(), json!("x".repeat(4_001)))).naming("4001 bytes"),
            warn(
                "a template",
                with(json!({"name":"my-server","title":"Mine","version":"1"}), json!("Search first.")),
            )
            .naming("`my-server`"),
            warn(
                "no version",
                with(json!({"name":"notes","title":"Notes","version":"0.0.0"}), json!("Search.")),
            ),
            undecided("nothing was served", Scan::empty()),
        ],
    );
    let bare = with(json!({"name":"notes","version":"1"}), json!(null)).judge(&CHECK);
    assert_eq!(bare.status, Status::Info);
    assert!(bare.message.contains("no instructions and no title"), "{}", bare.message);
}
