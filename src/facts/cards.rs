//! Discovery documents of the experimental server-card extension (SEP-2127): an AI catalog, whose entries name
//! server cards or hold them, and the cards, whose remotes name endpoints. All of it is remote-chosen.

use serde_json::Value;

/// Media type of a server card, as catalogs name it.
const CARD: &str = "application/mcp-server-card+json";
/// Entries and remotes that are looked at.
const MOST: usize = 5;

/// What a catalog's entry says of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardEntry<'d> {
    /// The card is there.
    At(&'d str),
    /// The card itself.
    Card(&'d Value),
}

/// The server cards of a catalog.
#[must_use]
pub fn entries(catalog: &Value) -> Vec<CardEntry<'_>> {
    let entries = catalog.get("entries").and_then(Value::as_array).into_iter().flatten();
    entries
        .filter(|entry| entry.get("type").and_then(Value::as_str) == Some(CARD))
        .filter_map(|entry| {
            let at = entry.get("url").and_then(Value::as_str).map(CardEntry::At);
            at.or_else(|| entry.get("data").filter(|card| card.is_object()).map(CardEntry::Card))
        })
        .take(MOST)
        .collect()
}

/// The URLs of the endpoints that a card names.
#[must_use]
pub fn remotes(card: &Value) -> Vec<&str> {
    let remotes = card.get("remotes").and_then(Value::as_array).into_iter().flatten();
    remotes.filter_map(|remote| remote.get("url").and_then(Value::as_str)).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_catalog_names_cards_or_holds_them() {
        let card = json!({ "name": "example/notes", "remotes": [{ "type": "streamable-http", "url": "https://b/mcp" }] });
        let catalog = json!({ "specVersion": "1.0", "entries": [
            { "identifier": "urn:air:a:skill", "type": "text/markdown", "url": "https://a/skill.md" },
            { "identifier": "urn:air:a:mcp", "type": CARD, "url": "https://a/mcp/server-card" },
            { "identifier": "urn:air:b:mcp", "type": CARD, "data": card },
            { "identifier": "urn:air:c:mcp", "type": CARD },
            5,
        ] });
        assert_eq!(entries(&catalog), [CardEntry::At("https://a/mcp/server-card"), CardEntry::Card(&card)]);
        assert_eq!(remotes(&card), ["https://b/mcp"]);
        for odd in [json!({}), json!([]), json!({ "entries": {}, "remotes": "x" })] {
            assert_eq!((entries(&odd), remotes(&odd)), (Vec::new(), Vec::new()));
        }
    }
}
