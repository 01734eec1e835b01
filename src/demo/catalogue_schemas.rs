//! Faults in the schema of the first tool that leave it valid JSON Schema.

use serde_json::{Map, Value, json};

use super::{Behaviour, Fault};

/// Changes an `inputSchema` as the faults say.
pub(super) fn spoil(behaviour: &Behaviour, schema: &mut Map<String, Value>) {
    let has = |fault| behaviour.has(fault);
    if has(Fault::ToolRootAnyOf) {
        schema.insert("anyOf".to_owned(), json!([{ "required": ["query"] }, { "required": ["order"] }]));
    }
    if has(Fault::ToolRequiresUnknown) {
        schema.insert("required".to_owned(), json!(["query", "page"]));
    }
    let deep =
        (0..40).fold(json!({ "type": "string" }), |inner, _| json!({ "type": "array", "items": inner }));
    let words = "How to sort what was found.";
    let orders = [
        (Fault::ToolRemoteRef, json!({ "$ref": "https://schemas.example/order.json", "description": words })),
        (Fault::ToolFileRef, json!({ "$ref": "file:///srv/schemas/order.json", "description": words })),
        (Fault::ToolDefaultUnfit, json!({ "type": "integer", "default": "ten", "description": words })),
        (
            Fault::ToolRequiresInside,
            json!({ "type": "object", "properties": { "by": {} }, "required": ["direction"],
                "additionalProperties": false, "description": words }),
        ),
        (Fault::ToolDeepSchema, deep),
    ];
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (_, order) in orders.into_iter().filter(|(fault, _)| has(*fault)) {
        properties.insert("order".to_owned(), order);
    }
    if has(Fault::ToolNothingFits) {
        let query = json!({ "type": "string", "enum": [1, 2], "description": "Words to look for." });
        properties.insert("query".to_owned(), query);
    }
    if has(Fault::ToolTwoEffects) {
        let action = json!({ "type": "string", "enum": ["get", "delete"], "description": "What to do." });
        properties.insert("action".to_owned(), action);
    }
}
