//! A tool whose schema is broken cannot be called, and some clients then drop the whole list.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::schema::{self, Soundness};
use crate::facts::tools::{self, Tool};
use crate::protocol::jsonrpc::type_name;

pub(super) static CHECK: Check = Check {
    id: "tools-schema-valid",
    title: "Every tool has a name and sound schemas",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Tool", "server/tools#tool"),
        mcp!("2026-07-28", "Basic, JSON Schema Usage", "basic#json-schema-usage"),
        Basis {
            title: "MCP schema, Tool",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
    ],
    rationale: "The model builds its arguments from the input schema, and clients validate calls and results by it. \
                One broken schema makes strict clients refuse the tool or the whole list.",
    remediation: "Give every tool an object schema that is valid JSON Schema 2020-12, or name the draft: \
                  `\"inputSchema\": {\"type\": \"object\", \"properties\": {}}` for a tool without parameters, \
                  `\"$schema\": \"http://json-schema.org/draft-07/schema#\"` where draft-07 keywords are used.",
    causes: &[],
    how: How {
        sent: "Nothing more: the schemas of `tools/list`, compiled without any network access.",
        passes: "Each tool has a name and an `inputSchema` of type object that compiles; so does an \
                 `outputSchema`.",
        warns: "A schema that is valid in an older draft only and does not say so, or an unknown `$schema`. Two tools \
                of one name: see `tools-name-format`.",
        fails: "A missing or null schema, another root type, one that is valid in no draft, or a list whose \
                `tools` is no array.",
    },
    judge,
};

/// Subschemas read in one era; what comes after is left out with a remark.
const MOST_SUBSCHEMAS: usize = 50_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let misshapen = tools::misshapen(facts, era);
    let offered = match tools::offered(facts, era) {
        Err(reason) if misshapen.is_empty() => return Err(reason),
        offered => offered.unwrap_or_default(),
    };
    let spoken = facts.class().revisions.iter().copied().filter(|revision| revision.era() == era);
    let mut reader = Reader { revision: spoken.max(), seen: Observations::new(), room: MOST_SUBSCHEMAS };
    for (exchange, what) in misshapen {
        let evidence = Evidence::new(exchange, "body /result/tools", what);
        let message = format!("the list has no array of tools: `tools` is {what}");
        reader.seen.add(Status::Fail, evidence, message);
    }
    for tool in &offered {
        reader.read(tool);
    }
    // What was not read may be broken.
    if reader.seen.count(Status::Fail) + reader.seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
    }
    let counted = tools::counted(facts, era, offered.len());
    if let Some((page, note)) = tools::left_out(facts, era)
        && reader.seen.count(Status::Fail) + reader.seen.count(Status::Warn) > 0
    {
        reader.seen.add(Status::Info, Evidence::status(page), note);
    }
    reader.seen.verdict(format!("every tool has sound schemas ({counted})"), "no tools were listed")
}

struct Reader {
    revision: Option<Revision>,
    seen: Observations,
    room: usize,
}

impl Reader {
    fn from(&self, revision: Revision) -> bool {
        self.revision.is_some_and(|spoken| spoken >= revision)
    }

    fn read(&mut self, tool: &Tool<'_>) {
        if !tool.value.is_object() {
            let message = format!("{} is {}, not an object", tool.shown(), type_name(tool.value));
            return self.seen.add(Status::Fail, tool.evidence("", tool.value.to_string()), message);
        }
        if tool.name().is_none() {
            let message = format!("{} has no name", tool.shown());
            self.seen.add(Status::Fail, tool.evidence("/name", "missing"), message);
        }
        match tool.value.get("inputSchema") {
            Some(Value::Object(_)) => self.schema(tool, "inputSchema", true),
            other => {
                let what = other.map_or("missing", type_name);
                let message = format!("{}: inputSchema is {what}", tool.shown());
                self.seen.add(Status::Fail, tool.evidence("/inputSchema", what), message);
            }
        }
        match tool.value.get("outputSchema") {
            // Null in place of nothing is `rpc-optional-not-null`.
            None | Some(Value::Null) => {}
            Some(Value::Object(_)) => self.schema(tool, "outputSchema", !self.from(Revision::V2026_07_28)),
            Some(other) => {
                let message = format!("{}: outputSchema is {}", tool.shown(), type_name(other));
                self.seen.add(Status::Fail, tool.evidence("/outputSchema", type_name(other)), message);
            }
        }
    }

    fn schema(&mut self, tool: &Tool<'_>, member: &str, object_root: bool) {
        let Some(value) = tool.value.get(member) else { return };
        let at = format!("/{member}");
        let who = format!("{}: {member}", tool.shown());
        let root = value.get("type").unwrap_or(&Value::Null);
        if object_root && root != "object" {
            let root = if root.is_null() { "missing".to_owned() } else { root.to_string() };
            let message = format!("{who} has the root type {}, not \"object\"", crate::verdict::cut(&root));
            return self.seen.add(Status::Fail, tool.evidence(&format!("{at}/type"), root), message);
        }
        if self.room == 0 {
            let message = "there are too many schemas to read them all";
            return self.seen.add(Status::Info, tool.evidence(&at, "not read"), message);
        }
        let read = schema::read(value);
        self.room = self.room.saturating_sub(read.subschemas.max(1));
        if let Some(dialect) = &read.unknown_dialect {
            let message = format!("{who} declares a dialect that clients do not know (`{dialect}`)");
            self.seen.add(Status::Warn, tool.evidence(&format!("{at}/$schema"), dialect), message);
        }
        let evidence = tool.evidence(&at, value.to_string());
        match read.soundness {
            Soundness::Sound => self.seen.add(Status::Pass, evidence, "sound"),
            // Until 2025-11-25 no dialect was the default.
            Soundness::OnlyIn(_) if !read.declared && !self.from(Revision::V2025_11_25) => {
                self.seen.add(Status::Pass, evidence, "sound in an older draft");
            }
            Soundness::OnlyIn(draft) => {
                let message = format!("{who} is valid only in {draft}, which it does not declare");
                self.seen.add(Status::Warn, evidence, message);
            }
            Soundness::Broken { pointer, why } => {
                let message = format!("{who} is not valid in any draft: {why}");
                self.seen.add(Status::Fail, tool.evidence(&format!("{at}{pointer}"), why), message);
            }
            Soundness::TooLarge => {
                self.seen.add(Status::Info, evidence, format!("{who} is too large to read"));
            }
        }
        let properties = value.get("properties").and_then(Value::as_object);
        if !self.from(Revision::V2026_07_28)
            && properties.is_some_and(|all| all.values().any(Value::is_boolean))
        {
            let message =
                format!("{who} has boolean property schemas, which MCP before 2026-07-28 does not know");
            self.seen.add(Status::Info, tool.evidence(&format!("{at}/properties"), "boolean"), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Scan, discover, initialize, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn listed(scan: Scan, era: Era, tools: &Value) -> Finding {
        let list = post(ProbeId::Catalogue, "tools/list", era, json!({"id":1,"method":"tools/list"}));
        scan.with(list.result(json!({"tools":tools}))).judge(&CHECK)
    }

    fn modern(tools: &Value) -> Finding {
        listed(Scan::modern(), Era::Modern, tools)
    }

    fn legacy(version: &str, tools: &Value) -> Finding {
        let scan = Scan::empty().with(discover().error(400, -32000, "no")).with(
            initialize(ProbeId::Classify, "initialize")
                .result(json!({"protocolVersion":version,"capabilities":{"tools":{}},"serverInfo":{}})),
        );
        listed(scan, Era::Legacy, tools)
    }

    fn input(schema: &Value) -> Value {
        json!([{"name":"a","inputSchema":schema}])
    }

    #[test]
    fn passes_on_sound_schemas() {
        let tools = json!([
            {"name":"a","inputSchema":{"type":"object"}},
            {"name":"b","inputSchema":{"$schema":"http://json-schema.org/draft-07/schema#","type":"object",
                "properties":{"x":{"items":[{}]}}},"outputSchema":{"type":"array"}},
        ]);
        let finding = modern(&tools);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.message.contains("2 in all"));
    }

    #[test]
    fn warns_of_undeclared_drafts_and_unknown_dialects() {
        let tuple = json!({"type":"object","properties":{"x":{"items":[{}]}}});
        assert_eq!(modern(&input(&tuple)).status, Status::Warn);
        assert_eq!(legacy("2025-11-25", &input(&tuple)).status, Status::Warn);
        // Before 2025-11-25 there was no default dialect.
        assert_eq!(legacy("2025-06-18", &input(&tuple)).status, Status::Pass);
        let unknown = json!({"$schema":"https://example.com/mine","type":"object"});
        assert_eq!(modern(&input(&unknown)).status, Status::Warn);
        // Another check's business.
        let null = json!([{"name":"a","inputSchema":{"type":"object"},"outputSchema":null}]);
        assert_eq!(modern(&null).status, Status::Pass);
    }

    #[test]
    fn fails_on_missing_wrong_or_broken_schemas_and_names() {
        for tools in [
            json!([{"name":"a"}]),
            json!([{"name":"a","inputSchema":null}]),
            json!([{"name":"a","inputSchema":true}]),
            json!([{"name":"a","inputSchema":{}}]),
            json!([{"name":"a","inputSchema":{"type":"string"}}]),
            json!([{"name":"a","inputSchema":{"type":["object"]}}]),
            json!([{"name":"a","inputSchema":{"type":"object","properties":[]}}]),
            json!([{"name":"a","inputSchema":{"type":"object","properties":{"x":{"$ref":"#/$defs/x"}}}}]),
            json!([{"inputSchema":{"type":"object"}}]),
            json!(["a"]),
        ] {
            assert_eq!(modern(&tools).status, Status::Fail, "{tools}");
        }
        let finding = modern(&json!([
            {"name":"a","inputSchema":{"type":"object"}},
            {"name":"b","inputSchema":{"type":"object","properties":{"x":{"type":"strin"}}}},
        ]));
        assert_eq!(finding.evidence[0].pointer, "body /result/tools/1/inputSchema/properties/x/type");
    }

    #[test]
    fn fails_on_a_list_that_is_no_array() {
        for tools in [json!({"a":{}}), json!("a"), json!(null)] {
            let finding = modern(&tools);
            assert_eq!(finding.status, Status::Fail, "{tools}");
            assert!(finding.message.contains("`tools` is"), "{}", finding.message);
        }
        let result = |result: Value| {
            let list =
                post(ProbeId::Catalogue, "tools/list", Era::Modern, json!({"id":1,"method":"tools/list"}));
            let tools = json!({"resultType":"complete","supportedVersions":["2026-07-28"],
                "capabilities":{"tools":{}}});
            Scan::empty().with(discover().result(tools)).with(list.result(result)).judge(&CHECK).status
        };
        assert_eq!(result(json!({})), Status::Fail);
        // Another kind of result is not the list yet.
        assert_eq!(result(json!({"resultType":"input_required"})), Status::Inconclusive);
    }

    #[test]
    fn says_how_many_tools_it_did_not_look_at() {
        let mut named = vec![json!({"inputSchema":{"type":"object"}}); 2_100];
        for (index, tool) in named.iter_mut().enumerate() {
            tool["name"] = json!(format!("tool-{index}"));
        }
        let finding = modern(&json!(named));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(finding.message.contains("the first 2000 of 2100"), "{}", finding.message);
        let mut broken = named;
        broken[0]["inputSchema"] = json!(null);
        let finding = modern(&json!(broken));
        assert!(finding.message.contains("2000 of 2100 tools were looked at"), "{}", finding.message);
    }

    #[test]
    fn fails_on_another_root_of_the_output_only_before_2026_07_28() {
        let tools = json!([{"name":"a","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}]);
        assert_eq!(legacy("2025-11-25", &tools).status, Status::Fail);
        assert_eq!(modern(&tools).status, Status::Pass);
    }

    #[test]
    fn passes_with_a_note_on_boolean_properties_in_the_legacy_era() {
        let finding = legacy("2025-11-25", &input(&json!({"type":"object","properties":{"x":true}})));
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("boolean"), "{}", finding.message);
    }

    #[test]
    fn notes_what_is_too_large_to_read() {
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({"not":deep});
        }
        let finding = modern(&input(&json!({"type":"object","properties":{"x":deep}})));
        assert_eq!(finding.status, Status::Info);
    }

    #[test]
    fn not_applicable_without_tools() {
        assert_eq!(modern(&json!([])).status, Status::NotApplicable);
        let none = discover().result(json!({"resultType":"complete","supportedVersions":["2026-07-28"],
            "capabilities":{"prompts":{}}}));
        assert_eq!(Scan::empty().with(none).judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_when_the_list_was_not_read() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        let list = post(ProbeId::Catalogue, "tools/list", Era::Modern, json!({"id":1,"method":"tools/list"}));
        assert_eq!(
            Scan::modern().with(list.error(500, -32603, "x")).judge(&CHECK).status,
            Status::Inconclusive
        );
    }
}
