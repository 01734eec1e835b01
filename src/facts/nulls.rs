//! Members that may be left out and were sent as `null` instead: in what an endpoint says of itself, and in its
//! lists. Members that the revision does not know are nobody's.

use serde_json::{Map, Value};

use crate::protocol::revision::Revision;
use crate::protocol::revision::Revision::{V2024_11_05, V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28};

/// One `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Null {
    /// JSON pointer into the result.
    pub pointer: String,
    /// The member in words: `annotations.readOnlyHint`.
    pub member: String,
    /// Whether it stands where clients keep what they do not know: they take it.
    pub loose: bool,
}

/// Members of some kind of object that may be left out, each since a revision.
type Members = &'static [(&'static str, Revision)];

const TOOL: Members = &[
    ("description", V2024_11_05),
    ("annotations", V2025_03_26),
    ("title", V2025_06_18),
    ("outputSchema", V2025_06_18),
    ("_meta", V2025_06_18),
    ("icons", V2025_11_25),
];
const HINTS: Members = &[
    ("title", V2025_03_26),
    ("readOnlyHint", V2025_03_26),
    ("destructiveHint", V2025_03_26),
    ("idempotentHint", V2025_03_26),
    ("openWorldHint", V2025_03_26),
];
const PROMPT: Members = &[
    ("description", V2024_11_05),
    ("arguments", V2024_11_05),
    ("title", V2025_06_18),
    ("_meta", V2025_06_18),
    ("icons", V2025_11_25),
];
const ARGUMENT: Members = &[("description", V2024_11_05), ("required", V2024_11_05), ("title", V2025_06_18)];
const RESOURCE: Members = &[
    ("description", V2024_11_05),
    ("mimeType", V2024_11_05),
    ("annotations", V2024_11_05),
    ("size", V2025_03_26),
    ("title", V2025_06_18),
    ("_meta", V2025_06_18),
    ("icons", V2025_11_25),
];
const ANNOTATIONS: Members =
    &[("audience", V2024_11_05), ("priority", V2024_11_05), ("lastModified", V2025_06_18)];
const ICON: Members = &[("mimeType", V2025_11_25), ("sizes", V2025_11_25), ("theme", V2025_11_25)];
const SERVER: Members = &[
    ("title", V2025_06_18),
    ("description", V2025_11_25),
    ("icons", V2025_11_25),
    ("websiteUrl", V2025_11_25),
];
const CAPABILITIES: Members = &[
    ("experimental", V2024_11_05),
    ("logging", V2024_11_05),
    ("prompts", V2024_11_05),
    ("resources", V2024_11_05),
    ("tools", V2024_11_05),
    ("completions", V2025_03_26),
    ("extensions", V2026_07_28),
];
const FLAGS: Members = &[("listChanged", V2024_11_05), ("subscribe", V2024_11_05)];
const RESULT: Members = &[("instructions", V2024_11_05), ("_meta", V2024_11_05)];

/// Every `null` of the result of `initialize`, `server/discover` or a list. `nextCursor` counts as loose from
/// 2026-07-28 on, whose pagination ends a list with it.
#[must_use]
pub fn read(result: &Value, revision: Revision) -> Vec<Null> {
    let mut found = Walk { revision, nulls: Vec::new() };
    let Some(result) = result.as_object() else { return Vec::new() };
    found.members(result, "", "", RESULT);
    if result.get("nextCursor") == Some(&Value::Null) {
        found.add("/nextCursor".to_owned(), "nextCursor".to_owned(), revision >= V2026_07_28);
    }
    for (list, members, hints) in [
        ("tools", TOOL, HINTS),
        ("prompts", PROMPT, ANNOTATIONS),
        ("resources", RESOURCE, ANNOTATIONS),
        ("resourceTemplates", RESOURCE, ANNOTATIONS),
    ] {
        for (index, entry) in entries(result.get(list)) {
            let at = format!("/{list}/{index}");
            found.members(entry, &at, "", members);
            found.child(entry, &at, "annotations", hints);
            found.icons(entry, &at, "");
            for (argument, value) in entries(entry.get("arguments").filter(|_| list == "prompts")) {
                found.members(value, &format!("{at}/arguments/{argument}"), "arguments.", ARGUMENT);
            }
        }
    }
    if let Some(server) = result.get("serverInfo").and_then(Value::as_object) {
        found.members(server, "/serverInfo", "serverInfo.", SERVER);
        found.icons(server, "/serverInfo", "serverInfo.");
    }
    if let Some(all) = result.get("capabilities").and_then(Value::as_object) {
        found.members(all, "/capabilities", "capabilities.", CAPABILITIES);
        for name in ["prompts", "resources", "tools"] {
            let at = format!("/capabilities/{name}");
            if let Some(flags) = all.get(name).and_then(Value::as_object) {
                found.members(flags, &at, &format!("capabilities.{name}."), FLAGS);
            }
        }
        if let Some(free) = all.get("experimental") {
            found.free(free, "/capabilities/experimental", "capabilities.experimental");
        }
    }
    found.nulls
}

fn entries(list: Option<&Value>) -> impl Iterator<Item = (usize, &Map<String, Value>)> {
    let all = list.and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
    all.iter().enumerate().filter_map(|(index, entry)| Some((index, entry.as_object()?)))
}

struct Walk {
    revision: Revision,
    nulls: Vec<Null>,
}

impl Walk {
    fn add(&mut self, pointer: String, member: String, loose: bool) {
        self.nulls.push(Null { pointer, member, loose });
    }

    fn members(&mut self, object: &Map<String, Value>, at: &str, within: &str, members: Members) {
        let revision = self.revision;
        for (name, _) in members.iter().filter(|(_, since)| *since <= revision) {
            match object.get(*name) {
                Some(Value::Null) => {
                    self.add(format!("{at}/{name}"), format!("{within}{name}"), false);
                }
                Some(free) if *name == "_meta" => {
                    self.free(free, &format!("{at}/_meta"), &format!("{within}_meta"));
                }
                _ => {}
            }
        }
    }

    fn child(&mut self, object: &Map<String, Value>, at: &str, name: &str, members: Members) {
        if let Some(child) = object.get(name).and_then(Value::as_object) {
            self.members(child, &format!("{at}/{name}"), &format!("{name}."), members);
        }
    }

    fn icons(&mut self, object: &Map<String, Value>, at: &str, within: &str) {
        for (index, icon) in entries(object.get("icons")) {
            self.members(icon, &format!("{at}/icons/{index}"), &format!("{within}icons."), ICON);
        }
    }

    /// Where any member may stand. Texts are read to a fixed depth, so this ends.
    fn free(&mut self, value: &Value, at: &str, within: &str) {
        match value {
            Value::Null => self.add(at.to_owned(), within.to_owned(), true),
            Value::Object(members) => {
                for (name, value) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    self.free(value, &format!("{at}/{name}"), within);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    self.free(value, &format!("{at}/{index}"), within);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(result: &Value, revision: Revision) -> Vec<(String, bool)> {
        read(result, revision).into_iter().map(|null| (null.pointer, null.loose)).collect()
    }

    #[test]
    fn a_null_counts_where_the_revision_has_the_member() {
        let tool = json!({"tools":[{"name":"a","title":null,"icons":null,"color":null,
            "inputSchema":{"properties":{"x":{"default":null,"enum":[null]}}},"annotations":{"readOnlyHint":null}}]});
        let found = |revision| pointers(&tool, revision).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(found(V2024_11_05), Vec::<String>::new());
        assert_eq!(found(V2025_06_18), ["/tools/0/title", "/tools/0/annotations/readOnlyHint"]);
        assert_eq!(
            found(V2025_11_25),
            ["/tools/0/title", "/tools/0/icons", "/tools/0/annotations/readOnlyHint"]
        );
    }

    #[test]
    fn what_is_free_is_loose() {
        let result = json!({"_meta":{"a/b":[null]},"nextCursor":null,"capabilities":{"logging":null,
            "experimental":{"x":null},"prompts":{"listChanged":null},"other":null}});
        let loose = |at: &str, loose| (at.to_owned(), loose);
        assert_eq!(
            pointers(&result, V2026_07_28),
            [
                loose("/_meta/a~1b/0", true),
                loose("/nextCursor", true),
                loose("/capabilities/logging", false),
                loose("/capabilities/prompts/listChanged", false),
                loose("/capabilities/experimental/x", true),
            ]
        );
        assert!(pointers(&result, V2025_11_25).contains(&loose("/nextCursor", false)));
        let more = json!({"_meta":null,"instructions":null,"serverInfo":{"title":null,"icons":[{"theme":null}]},
            "prompts":[{"arguments":[{"required":null}],"description":null}],"resources":[{"annotations":{"priority":null}}]});
        assert_eq!(pointers(&more, V2025_11_25).len(), 7);
    }
}
