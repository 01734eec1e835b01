//! No client fetches a schema.

use serde_json::Value;
use url::{Host, Url};

use crate::checks::prelude::*;
use crate::facts::schema_walk::{ROOM, Subschemas, property, subschemas};
use crate::facts::tools::{self, Tool};
use crate::protocol::address::{Exposure, exposure};

pub(super) static CHECK: Check = Check {
    id: "tools-no-remote-ref",
    title: "No schema refers to a place in a network or a file",
    dimension: Dimension::D7,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[mcp!("2026-07-28", "Basic, JSON Schema Usage (reference resolution)", "basic#ref-resolution")],
    rationale: "Clients must not fetch what a schema refers to, and should refuse such a schema: the tool cannot be used. One \
                that does fetch it may be sent into its own network.",
    remediation: "Put what is referred to into the schema itself: `\"$defs\": {\"Address\": {...}}` and \
                  `{\"$ref\": \"#/$defs/Address\"}`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `$ref` and `$dynamicRef` in the schemas of `tools/list`. Nothing is fetched.",
        passes: "None leaves its schema, and the list was read to its end. References to an `$id` inside the same schema and to \
                 the meta-schemas of json-schema.org stay; a relative one without a base is noted.",
        warns: "A reference to a URL.",
        fails: "A reference to a file, or to a private or loopback address at an endpoint that strangers can reach.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let public = facts.exposure() == Some(Exposure::Public);
    let (mut seen, mut schemas, mut cut_short, mut room) = (Observations::new(), 0_usize, None, ROOM);
    for tool in &offered {
        for member in ["inputSchema", "outputSchema"] {
            let Some(schema) = tool.value.get(member).filter(|schema| schema.is_object()) else { continue };
            schemas = schemas.saturating_add(1);
            if references(tool, member, &subschemas(schema, &mut room), public, &mut seen) {
                cut_short.get_or_insert_with(|| tool.shown());
            }
            seen.add_with(
                Status::Pass,
                || tool.evidence(&format!("/{member}"), "no remote reference"),
                "stays",
            );
        }
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
        if let Some(tool) = cut_short {
            return inconclusive(format!("a schema of {tool} was not read to its end, our limit"));
        }
        if schemas == 0 {
            return not_applicable("no tool has a schema that is an object");
        }
    }
    seen.verdict(format!("{schemas} schemas refer to nothing outside them"), "no schema was read")
}

/// What the references of one schema lead to; whether a limit ended the reading.
fn references(
    tool: &Tool<'_>,
    member: &str,
    read: &Subschemas<'_>,
    public: bool,
    seen: &mut Observations,
) -> bool {
    let ids: Vec<&str> =
        read.all.iter().filter_map(|sub| sub.schema.get("$id").or(sub.schema.get("id"))?.as_str()).collect();
    for sub in &read.all {
        for key in ["$ref", "$dynamicRef"] {
            let Some(reference) = sub.schema.get(key).and_then(Value::as_str) else { continue };
            let document = reference.split('#').next().unwrap_or_default();
            if document.is_empty() || ids.iter().any(|id| id.split('#').next() == Some(document)) {
                continue;
            }
            let at = property(&sub.pointer).map_or_else(String::new, |name| format!("`{}` of ", cut(&name)));
            let place = format!("{at}{}", tool.shown());
            let Some((status, what)) = leads(document, public) else { continue };
            let evidence = tool.evidence(&format!("/{member}{}/{key}", sub.pointer), reference);
            seen.add(status, evidence, format!("{place} refers to {what}"));
        }
    }
    read.cut
}

/// Where the document of a reference is.
fn leads(document: &str, public: bool) -> Option<(Status, &'static str)> {
    let Ok(url) = Url::parse(document) else {
        return Some((Status::Info, "a relative place that nothing here is the base of"));
    };
    if url.scheme() == "file" {
        return Some((Status::Fail, "a file"));
    }
    // Schemes that name and do not locate.
    if !matches!(url.scheme(), "http" | "https" | "ftp" | "ws" | "wss") {
        return None;
    }
    let inside = match url.host()? {
        Host::Ipv4(address) => exposure(address.into()) != Exposure::Public,
        Host::Ipv6(address) => exposure(address.into()) != Exposure::Public,
        Host::Domain("json-schema.org") => return None,
        Host::Domain(name) => {
            name == "localhost" || name.ends_with(".localhost") || name.ends_with(".internal")
        }
    };
    Some(if inside && public {
        (Status::Fail, "a private place in a network")
    } else {
        (Status::Warn, "a URL, which no client fetches")
    })
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let on = |scan: Scan, schema: Value| {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        let result = json!({"tools":[{"name":"a","inputSchema":schema}]});
        scan.with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let schema =
        |reference: &str| json!({"type":"object","$defs":{"d":{}},"properties":{"x":{"$ref":reference}}});
    let list = |reference: &str| on(Scan::modern(), schema(reference));
    hold(
        &CHECK,
        [
            pass("local", list("#/$defs/d")).naming("1 schemas"),
            pass("a meta-schema", list("https://json-schema.org/draft/2020-12/schema")),
            pass(
                "an id inside",
                on(
                    Scan::modern(),
                    json!({"type":"object","$defs":{"d":{"$id":"https://x.test/d"}},
                "properties":{"x":{"$ref":"https://x.test/d#/a"}}}),
                ),
            ),
            pass(
                "a property of this name",
                on(
                    Scan::modern(),
                    json!({"type":"object","properties":{"$ref":{"const":{"$ref":"file:///x"}}}}),
                ),
            ),
            pass("relative", list("address.json")).naming("relative"),
            warn("a URL", list("https://x.test/address.json"))
                .naming("`x` of `a` refers to a URL")
                .at("body /result/tools/0/inputSchema/properties/x/$ref"),
            warn("this machine, from this machine", list("http://127.0.0.1:8080/x.json")),
            fail("a file", list("file:///etc/x.json")).naming("a file"),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
    assert_eq!(leads("http://10.0.0.7/x", true), Some((Status::Fail, "a private place in a network")));
    assert_eq!(leads("urn:x:y", true), None);
}
