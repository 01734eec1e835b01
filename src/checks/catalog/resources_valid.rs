//! A resource is read by its URI.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::checks::prelude::*;
use crate::facts::catalogue_text::{entries, list_ends};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "resources-valid",
    title: "Resources have an absolute URI each, once, and sound metadata",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Resources, Custom URI Schemes", "server/resources#custom-uri-schemes"),
        mcp!("2026-07-28", "Resources, Annotations", "server/resources#annotations"),
        rfc!(3986, "4.3", "absolute URI"),
        rfc!(6838, "4.2", "names of media types"),
    ],
    rationale: "`resources/read` takes the URI back as it is listed. One that is relative or malformed is refused by clients, and of \
                two that are equal one can never be read.",
    remediation: "List absolute URIs, each once: `notes:///n-1` or `file:///srv/notes/1.txt`, with a description and a `mimeType` \
                  such as `text/plain`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the first page of `resources/list`. URIs that masking replaced are not looked at.",
        passes: "Every resource has an absolute URI of its own, a description and sound metadata, and the list has one page.",
        warns: "No description, a `mimeType` that is no media type, letters outside ASCII in the URI, `annotations.priority` outside 0 to 1, \
                or an audience that is neither `user` nor `assistant`.",
        fails: "The URI is missing, relative or malformed, comes twice, or `size` is negative.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let (exchange, resources) = entries(facts, era, "resources/list", "resources", "resources")?;
    let mut seen = Observations::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, resource) in resources.iter().enumerate() {
        let uri = resource.get("uri").and_then(Value::as_str).unwrap_or_default();
        let shown = if uri.is_empty() {
            format!("resource {}", index.saturating_add(1))
        } else {
            format!("`{}`", cut(uri))
        };
        let mut add = |status: Status, member: &str, message: String| {
            let place = format!("body /result/resources/{index}/{member}");
            let excerpt = resource.get(member).map_or_else(|| "(absent)".to_owned(), Value::to_string);
            seen.add(status, Evidence::new(exchange, place, excerpt), message);
        };
        if !holds_placeholder(uri) {
            if let Some((status, what)) = fault_of(uri) {
                add(status, "uri", format!("{shown} {what}"));
            }
            let count = known.entry(uri).or_default();
            *count = count.saturating_add(1);
            if *count == 2 && !uri.is_empty() {
                add(Status::Fail, "uri", format!("two resources have the URI {shown}"));
            }
        }
        for (member, what) in metadata(resource) {
            let status = if member == "size" { Status::Fail } else { Status::Warn };
            add(status, member, format!("{shown} {what}"));
        }
        add(Status::Pass, "uri", "sound".to_owned());
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        list_ends(facts, era, "resources/list", "resource")?;
    }
    seen.verdict(format!("{} resources have an absolute URI each", resources.len()), "no resource was listed")
}

/// What is wrong with a URI (RFC 3986).
fn fault_of(uri: &str) -> Option<(Status, &'static str)> {
    if uri.is_empty() {
        return Some((Status::Fail, "has no URI"));
    }
    let scheme = uri.split(':').next().filter(|scheme| scheme.len() < uri.len()).unwrap_or_default();
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !sound {
        return Some((Status::Fail, "is no absolute URI: it has no scheme"));
    }
    if uri.chars().any(|c| {
        c.is_ascii_control() || matches!(c, ' ' | '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}')
    }) {
        return Some((Status::Fail, "has a character that no URI has"));
    }
    let escapes = uri.match_indices('%').all(|(at, _)| {
        let digits = uri.as_bytes().get(at.saturating_add(1)..at.saturating_add(3));
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes {
        return Some((Status::Fail, "has a `%` that begins no escape"));
    }
    let web = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
    if web && Url::parse(uri).is_err() {
        return Some((Status::Fail, "is no URL"));
    }
    (!uri.is_ascii()).then_some((Status::Warn, "has letters outside ASCII: clients encode them"))
}

/// Members of a resource that are not sound, with what they are.
fn metadata(resource: &Value) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let text = |member: &str| resource.get(member).and_then(Value::as_str);
    if text("description").is_none_or(|text| text.trim().is_empty()) {
        found.push(("description", "has no description"));
    }
    if text("mimeType").is_some_and(|kind| !is_media_type(kind)) {
        found.push(("mimeType", "has a `mimeType` that is no media type"));
    }
    if resource.get("size").and_then(Value::as_f64).is_some_and(|size| size < 0.0) {
        found.push(("size", "has a negative size"));
    }
    let annotations = resource.get("annotations");
    let priority = annotations.and_then(|all| all.get("priority")).and_then(Value::as_f64);
    if priority.is_some_and(|priority| !(0.0..=1.0).contains(&priority)) {
        found.push(("annotations", "has a priority outside 0 to 1"));
    }
    let mut audience =
        annotations.and_then(|all| all.get("audience")).and_then(Value::as_array).into_iter().flatten();
    if audience.any(|who| !matches!(who.as_str(), Some("user" | "assistant"))) {
        found.push(("annotations", "has an audience that is neither `user` nor `assistant`"));
    }
    found
}

/// Type and subtype of RFC 6838, with or without parameters.
fn is_media_type(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    essence.split_once('/').is_some_and(|(kind, subtype)| name(kind) && name(subtype))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let with = |capabilities: Value| {
        Scan::empty()
            .with(discover().result(json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":capabilities})))
            .with(initialize(ProbeId::Classify, "initialize").status(400))
    };
    let step = || {
        post(
            ProbeId::Catalogue,
            "resources/list",
            Era::Modern,
            json!({"jsonrpc":"2.0","id":1,"method":"resources/list"}),
        )
    };
    let list = |resources: Value, more: Value| {
        let mut result = json!({ "resources": resources });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        with(json!({"resources":{}})).with(step().result(result))
    };
    let whole = |resources: Value| list(resources, json!(null));
    let of = |uri: &str| whole(json!([{"uri":uri,"name":"a","description":"A note."}]));
    let more = |member: &str, value: Value| whole(json!([{"uri":"n:1","description":"x",member:value}]));
    hold(
        &CHECK,
        [
            pass("a scheme of its own", of("notes:///n-1")).naming("1 resources"),
            pass("a name and no place", of("urn:isbn:0451450523")),
            pass("escapes", of("file:///a%20b")),
            pass("a type with a parameter", more("mimeType", json!("text/plain; charset=utf-8"))),
            pass("masked", of("notes:///~session-1~ x")),
            warn("no description", whole(json!([{"uri":"n:1"}]))).naming("has no description"),
            warn("letters", of("notes:///über")).naming("outside ASCII"),
            warn("no media type", more("mimeType", json!("text"))),
            warn("a priority", more("annotations", json!({"priority":2}))),
            warn("an audience", more("annotations", json!({"audience":["model"]}))),
            fail("relative", of("/n-1")).naming("no scheme").at("body /result/resources/0/uri"),
            fail("a blank", of("notes:///a b")),
            fail("missing", whole(json!([{"name":"a","description":"x"}]))).naming("resource 1 has no URI"),
            fail("twice", whole(json!([{"uri":"n:1","description":"x"},{"uri":"n:1","description":"y"}])))
                .naming("two resources"),
            fail("a size", more("size", json!(-1))),
            not_applicable("none", whole(json!([]))),
            undecided("it goes on", list(json!([{"uri":"n:1","description":"x"}]), json!("2"))),
            undecided("nothing was asked", with(json!({"resources":{}}))),
        ],
    );
}
