//! What the endpoint offers: its lists, page by page, advertised or not.

use serde_json::{Value, json};

use super::conversation::Conversation;
use super::mcp_client::{McpClient, newest};
use crate::facts::Reply;
use crate::facts::catalogue::{LONGEST_CURSOR, capabilities, next_cursor};
use crate::net::{HandleKind, Message};
use crate::transcript::ProbeId;

/// The list methods and the capability that each belongs to. Templates have none of their own.
const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resources"),
];

pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient]) {
    for client in newest(conversation, clients) {
        conversation.wire.doing(format!("reading the lists of the {} era", client.era));
        let advertised = advertised(conversation, client);
        let lists = LISTS.iter().map(|(method, _)| list(conversation, client, method));
        let completion = async {
            if advertised.iter().any(|name| name == "completions") {
                complete(conversation, client).await;
            }
        };
        futures_util::future::join(futures_util::future::join_all(lists), completion).await;
    }
}

fn advertised(conversation: &Conversation<'_>, client: &McpClient) -> Vec<String> {
    if let Some(capabilities) = &client.capabilities {
        return capabilities.keys().cloned().collect();
    }
    let (exchanges, _) = conversation.wire.recorded();
    exchanges
        .iter()
        .filter(|exchange| exchange.era == Some(client.era))
        .filter_map(capabilities)
        .flat_map(|all| all.keys().cloned().collect::<Vec<_>>())
        .collect()
}

async fn list(conversation: &Conversation<'_>, client: &McpClient, method: &str) {
    let mut seen: Vec<String> = Vec::new();
    let mut step = method.to_owned();
    let mut cursor = None;
    let mut items = 0_usize;
    for page in 2..=conversation.wire.limits().pages.saturating_add(1) {
        let call = match cursor.take() {
            None => client.call(ProbeId::Catalogue, step.as_str(), method, Value::Null),
            Some(cursor) => {
                let body = client.body(&client.id(), method, json!({ "cursor": null }));
                let body = Message::new(body).with("/params/cursor", cursor);
                client.post(ProbeId::Catalogue, step.as_str(), method, body)
            }
        };
        let Some(answered) = conversation.ask(client, call).await else { return };
        items = items.saturating_add(count(&answered.reply));
        let Some(next) = next_cursor(&answered.reply) else { return };
        // A cursor that comes again never ends; a list over its limit is not read further.
        // Nor is a cursor sent back that is larger than any request needs.
        let odd = seen.contains(&next) || next.len() > LONGEST_CURSOR;
        if method != "tools/list" || odd || items >= conversation.wire.limits().list_items {
            return;
        }
        cursor = Some(conversation.wire.handle(HandleKind::Cursor, &next));
        seen.push(next);
        step = format!("{method} page {page}");
    }
}

fn count(reply: &Reply) -> usize {
    reply.result().and_then(|result| result.get("tools")).and_then(Value::as_array).map_or(0, Vec::len)
}

/// An invented reference: nothing can be completed for it, so nothing runs.
async fn complete(conversation: &Conversation<'_>, client: &McpClient) {
    let params = json!({
        "ref": { "type": "ref/prompt", "name": conversation.invented.name() },
        "argument": { "name": "scanner", "value": "s" },
    });
    let call = client
        .call(ProbeId::Catalogue, "completion/complete", "completion/complete", params)
        .negative(Some(client.proved_by));
    conversation.ask(client, call).await;
}
