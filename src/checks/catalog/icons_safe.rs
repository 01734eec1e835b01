//! An icon is fetched by whoever shows it.

use serde_json::Value;
use url::Url;

use crate::checks::prelude::*;
use crate::facts::catalogue_text::{answered as answered_lists, handshakes};
use crate::facts::tools;
use crate::protocol::address::host_exposure;

pub(super) static CHECK: Check = Check {
    id: "icons-safe",
    title: "Icons come from the server itself or stand in the text",
    dimension: Dimension::D7,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Basic, Icons", "basic#icons"),
        mcp!("2025-11-25", "Basic, Icons", "basic#icons"),
    ],
    rationale: "Clients load icons without asking. A script or a file as the source attacks the client, and a third host learns who \
                uses which server.",
    remediation: "Serve icons by https from the server's own host, or write them into the text: `\"src\": \
                  \"data:image/png;base64,...\"`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `icons` of the server, tools, prompts, resources and templates. No icon is fetched.",
        passes: "Every source is an image in the text, or an https URL of the server's own domain (http, where the server itself has \
                 no other), and every list was read to its end. A server that is reached by an address may have any: that is noted.",
        warns: "Another host, http, or no absolute URL.",
        fails: "A scheme that runs or opens something: `javascript:`, `file:`, `ftp:`, `ws:`, text in place of an image, or the \
                scheme of an application.",
    },
    judge,
};

/// Most icons that are looked at.
const MOST: usize = 10_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

/// An icon's source: the reply, the place in it, whose it is, the source.
type Icon<'t> = (&'t Exchange, String, String, &'t Value);

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let spoken = facts.class().revisions.iter().filter(|revision| revision.era() == era).max();
    if spoken.is_some_and(|revision| *revision < Revision::V2025_11_25) {
        return not_applicable("there are no icons before 2025-11-25");
    }
    let texts = crate::facts::catalogue_text::read(facts, era)?;
    let whole = crate::facts::catalogue_text::whole(facts, era, &texts);
    let own = Url::parse(&facts.header().url).ok();
    let mut seen = Observations::new();
    for (exchange, at, whose, source) in icons(facts, era) {
        let Some(source) = source.as_str() else { continue };
        let (status, what) = judged(source, own.as_ref());
        let scheme = source.split(':').next().unwrap_or_default();
        let host = Url::parse(source).ok().and_then(|url| url.host_str().map(str::to_owned));
        let shown = if source.starts_with("data:") { "data:" } else { source };
        let message = format!("an icon of {whose} {what} (`{}`)", cut(host.as_deref().unwrap_or(scheme)));
        seen.add(status, Evidence::new(exchange, format!("body {at}"), shown), message);
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        whole?;
        if seen.is_empty() {
            return not_applicable("there are no icons");
        }
    }
    let sound = match seen.count(Status::Info) {
        0 => "every icon stands in the text or in the server's own domain",
        _ => "icons stand in the text or in the server's own domain",
    };
    seen.verdict(sound, "there are no icons")
}

/// Every icon of an era.
fn icons<'t>(facts: &Facts<'t>, era: Era) -> Vec<Icon<'t>> {
    let mut found = Vec::new();
    let mut add = |exchange: &'t Exchange, base: String, whose: String, owner: Option<&'t Value>| {
        let icons =
            owner.and_then(|owner| owner.get("icons")).and_then(Value::as_array).into_iter().flatten();
        for (index, icon) in icons.enumerate() {
            if let Some(source) = icon.get("src").filter(|_| found.len() < MOST) {
                found.push((exchange, format!("{base}/icons/{index}/src"), whose.clone(), source));
            }
        }
    };
    for (exchange, result) in handshakes(facts, era).take(1) {
        add(exchange, "/result/serverInfo".to_owned(), "the server".to_owned(), result.get("serverInfo"));
        let modern = result.get("_meta").and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"));
        let at = "/result/_meta/io.modelcontextprotocol~1serverInfo".to_owned();
        add(exchange, at, "the server".to_owned(), modern);
    }
    for tool in tools::listed(facts, era) {
        add(
            tool.exchange,
            format!("/result/tools/{}", tool.index),
            format!("tool {}", tool.shown()),
            Some(tool.value),
        );
    }
    for (step, member) in [
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        for (exchange, result) in answered_lists(facts, era, step) {
            let entries = result.get(member).and_then(Value::as_array).into_iter().flatten();
            for (index, entry) in entries.enumerate().take(MOST) {
                add(
                    exchange,
                    format!("/result/{member}/{index}"),
                    format!("an entry of `{step}`"),
                    Some(entry),
                );
            }
        }
    }
    found
}

fn judged(source: &str, own: Option<&Url>) -> (Status, &'static str) {
    let Ok(url) = Url::parse(source) else { return (Status::Warn, "has no absolute URL") };
    match url.scheme() {
        "data"
            if source
                .get(5..)
                .is_some_and(|rest| rest.trim_start().to_ascii_lowercase().starts_with("image/")) =>
        {
            (Status::Pass, "stands in the text")
        }
        "data" => (Status::Fail, "holds text in place of an image"),
        "https" | "http" => match own {
            Some(own) if !same_domain(own, &url) => match own.host_str().and_then(host_exposure) {
                // Reached by an address, in development or behind a proxy: its own name is not known.
                Some(_) if url.scheme() == "https" => {
                    (Status::Info, "comes from a host that may be its own or not")
                }
                _ => (Status::Warn, "comes from another host"),
            },
            Some(own) if url.scheme() == "http" && own.scheme() != "http" => (Status::Warn, "comes by http"),
            _ => (Status::Pass, "comes from the server"),
        },
        _ => (Status::Fail, "has a scheme that runs or opens something"),
    }
}

/// Whether both hosts are one, or one is under the other or under its parent domain.
fn same_domain(own: &Url, other: &Url) -> bool {
    let (Some(own), Some(other)) = (own.host_str(), other.host_str()) else { return false };
    let under = |host: &str, domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    let parent = own.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
    own == other
        || (host_exposure(own).is_none()
            && (under(own, other) || under(other, own) || parent.is_some_and(|parent| under(other, parent))))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |source: Value| {
        let tools = json!([{"name":"a","icons":[{ "src": source }]}]);
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern()
            .with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(json!({ "tools": tools })))
    };
    let at = |url: &str, mut scan: Scan| {
        scan.transcript.header.url = url.to_owned();
        scan
    };
    hold(
        &CHECK,
        [
            pass("in the text", list(json!("data:image/png;base64,AA=="))),
            pass("of the server", list(json!("https://127.0.0.1/icon.png"))),
            pass("as the server itself is served", list(json!("http://127.0.0.1:8080/icon.png"))),
            warn("another host", at("https://mcp.example.com/mcp", list(json!("https://cdn.test/icon.png"))))
                .naming("tool `a` comes from another host (`cdn.test`)")
                .at("body /result/tools/0/icons/0/src"),
            pass(
                "the same domain",
                at("https://mcp.example.com/mcp", list(json!("https://example.com/icon.png"))),
            ),
            pass(
                "a sibling",
                at("https://mcp.example.com/mcp", list(json!("https://cdn.example.com/i.png"))),
            ),
            warn("an address of its own kind", list(json!("http://10.0.0.1/icon.png"))),
            warn("no URL", list(json!("icon.png"))),
            fail("a script", list(json!("javascript:alert(1)"))).naming("`javascript`"),
            fail("a file", list(json!("file:///etc/passwd"))),
            fail("a page", list(json!("data:text/html,<script>"))),
            not_applicable("none", list(json!(null))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
    let noted = list(json!("https://example.com/icon.png")).judge(&CHECK);
    assert_eq!(noted.status, Status::Info);
    assert!(noted.message.contains("`example.com`"), "{}", noted.message);
}
