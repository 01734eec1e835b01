//! What the official schema of a revision says of a message: the schemas of the Model Context Protocol as data,
//! without their descriptions (`src/protocol/schemas`).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::protocol::jsonrpc::type_name;
use crate::protocol::revision::Revision;
use crate::protocol::schemas;

/// Most faults of one message that are read.
const MOST: usize = 2_000;

/// A place of a message that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// JSON Pointer into the message.
    pub pointer: String,
    /// What is wrong there, in words of ours.
    pub words: String,
    /// Whether the value there is null.
    pub null: bool,
}

static SCHEMAS: LazyLock<BTreeMap<Revision, Value>> = LazyLock::new(|| {
    let read = |revision: Revision| Some((revision, serde_json::from_str(schemas::text(revision)).ok()?));
    Revision::ALL.into_iter().filter_map(read).collect()
});

type Compiled = BTreeMap<(Revision, String), Option<Arc<Validator>>>;
static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);

/// The definition of the result that a method has; `None` for a method that the revision does not have.
#[must_use]
pub fn result(revision: Revision, method: &str) -> Option<&'static str> {
    let name = match method {
        "initialize" => "InitializeResult",
        "server/discover" => "DiscoverResult",
        "tools/list" => "ListToolsResult",
        "prompts/list" => "ListPromptsResult",
        "resources/list" => "ListResourcesResult",
        "resources/templates/list" => "ListResourceTemplatesResult",
        "completion/complete" => "CompleteResult",
        "subscriptions/listen" => "SubscriptionsListenResult",
        "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => "EmptyResult",
        _ => return None,
    };
    definitions(revision)?.get(name).map(|_| name)
}

/// The definition of a request or notification that a server may send; `None` for others.
#[must_use]
pub fn sent_by_servers(revision: Revision, method: &str) -> Option<&'static str> {
    let all = definitions(revision)?;
    let of = |union: &str| all.get(union).and_then(|union| union.get("anyOf")).and_then(Value::as_array);
    let named = ["ServerNotification", "ServerRequest"].into_iter().filter_map(of).flatten();
    named.filter_map(|member| member.get("$ref")?.as_str()?.rsplit('/').next()).find(|name| {
        all.get(*name).and_then(|one| one.pointer("/properties/method/const")) == Some(&json!(method))
    })
}

fn definitions(revision: Revision) -> Option<&'static serde_json::Map<String, Value>> {
    let schema = SCHEMAS.get(&revision)?;
    schema.get("$defs").or_else(|| schema.get("definitions"))?.as_object()
}

/// Where a message does not fit a definition, in the order of the schema; none where nobody defines it.
#[must_use]
pub fn misfits(revision: Revision, definition: &str, message: &Value) -> Vec<Misfit> {
    let Some(validator) = compiled(revision, definition) else { return Vec::new() };
    let found = validator.iter_errors(message).take(MOST);
    found
        .map(|error| Misfit {
            pointer: error.instance_path().to_string(),
            words: words(error.kind(), error.instance()),
            null: error.instance().is_null(),
        })
        .collect()
}

fn compiled(revision: Revision, definition: &str) -> Option<Arc<Validator>> {
    let mut all = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let one = all.entry((revision, definition.to_owned()));
    one.or_insert_with(|| {
        let schema = SCHEMAS.get(&revision)?;
        let (place, draft) = match schema.get("$defs") {
            Some(_) => ("$defs", Draft::Draft202012),
            None => ("definitions", Draft::Draft7),
        };
        let of = json!({ "$ref": format!("#/{place}/{definition}"), place: schema.get(place)? });
        // Formats are remarks: the schemas do not say that they bind.
        let built = jsonschema::options().with_draft(draft).should_validate_formats(false).build(&of);
        built.ok().map(Arc::new)
    })
    .clone()
}

/// What is wrong, without a word of the message but the names that the schema demands.
fn words(kind: &ValidationErrorKind, value: &Value) -> String {
    let is = type_name(value);
    match kind {
        ValidationErrorKind::Required { property } => {
            format!("`{}` is missing", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Type { .. } => format!("is {is}, which it may not be"),
        ValidationErrorKind::Enum { options } => format!("is none of {options}"),
        ValidationErrorKind::Constant { expected_value } => format!("is not {expected_value}"),
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            format!("is {is} that fits none of the forms")
        }
        ValidationErrorKind::AdditionalProperties { .. } => "has members that it may not have".to_owned(),
        _ => "is out of its range".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_that_is_named_is_there_and_compiles() {
        for revision in Revision::ALL {
            let modern = revision == Revision::V2026_07_28;
            for method in ["initialize", "server/discover", "tools/list", "prompts/list", "resources/list"] {
                let name = result(revision, method);
                let there = match method {
                    "initialize" => !modern,
                    "server/discover" => modern,
                    _ => true,
                };
                assert_eq!(name.is_some(), there, "{method} of {revision:?}");
                assert!(
                    name.is_none_or(|name| compiled(revision, name).is_some()),
                    "{method} of {revision:?}"
                );
            }
            let progress = sent_by_servers(revision, "notifications/progress");
            assert_eq!(progress, Some("ProgressNotification"), "{revision:?}");
            assert!(compiled(revision, "ProgressNotification").is_some());
            assert_eq!(sent_by_servers(revision, "initialize"), None);
            assert_eq!(sent_by_servers(revision, "roots/list").is_some(), !modern, "{revision:?}");
        }
    }

    #[test]
    fn what_does_not_fit_has_a_place_and_words() {
        let list =
            json!({"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":7,"inputSchema":{}}]});
        let found = misfits(Revision::V2025_11_25, "ListToolsResult", &list);
        let told: Vec<(&str, &str)> =
            found.iter().map(|one| (one.pointer.as_str(), one.words.as_str())).collect();
        assert!(told.contains(&("/tools/1/name", "is a number, which it may not be")), "{told:?}");
        assert!(told.contains(&("/tools/1/inputSchema", "`type` is missing")), "{told:?}");
        assert_eq!(misfits(Revision::V2025_11_25, "EmptyResult", &json!({"x":1})), []);
        assert_eq!(misfits(Revision::V2025_11_25, "NoSuchThing", &json!(1)), []);
    }
}
