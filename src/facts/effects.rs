//! What a tool says that it does: the verb of its name and that of its description. English alone.

use super::tools::Tool;
use crate::transcript::tokens::holds_placeholder;

/// Verbs that destroy.
pub const DESTROYING: [&str; 10] =
    ["delete", "purge", "erase", "wipe", "destroy", "revoke", "terminate", "kill", "uninstall", "drop"];
/// Verbs that write to what others see, whatever follows.
pub const SENDING: [&str; 6] = ["send", "post", "publish", "deploy", "transfer", "pay"];
/// Verbs that write, if what follows is a thing that is kept.
pub const WRITING: [&str; 3] = ["create", "update", "write"];
/// What `drop` destroys.
pub const DROPPED: [&str; 8] =
    ["table", "tables", "database", "collection", "index", "user", "schema", "column"];
/// Things that are kept.
pub const KEPT: [&str; 22] = [
    "account",
    "booking",
    "branch",
    "comment",
    "contact",
    "customer",
    "database",
    "document",
    "event",
    "file",
    "invoice",
    "issue",
    "member",
    "order",
    "page",
    "payment",
    "project",
    "record",
    "repository",
    "task",
    "ticket",
    "user",
];
/// Words which say that nothing is kept or destroyed: a rehearsal, or a function of its own input.
pub const HARMLESS: [&str; 33] = [
    "dry",
    "preview",
    "simulate",
    "validate",
    "check",
    "estimate",
    "plan",
    "draft",
    "text",
    "string",
    "strings",
    "line",
    "lines",
    "whitespace",
    "column",
    "columns",
    "duplicates",
    "whether",
    "would",
    "request",
    "requests",
    "query",
    "ping",
    "image",
    "images",
    "background",
    "pdf",
    "pages",
    "audio",
    "video",
    "noise",
    "csv",
    "markdown",
];
/// Last words of a name that make its first one a noun: `post_stats`, `transfer_status`.
pub const LOOKED_AT: [&str; 18] = [
    "count", "details", "docs", "fees", "guide", "help", "history", "info", "link", "list", "logs",
    "options", "quote", "report", "stats", "status", "summary", "url",
];

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It destroys.
    Destroys,
    /// It writes.
    Writes,
}

/// A verb that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verb {
    /// What it does.
    pub effect: Effect,
    /// The verb.
    pub word: &'static str,
}

/// The verb of the name and that of the first sentence of the description.
#[derive(Clone, Debug, Default)]
pub struct Verbs {
    /// First word of the name, if something follows it.
    pub name: Option<Verb>,
    /// First word of the description.
    pub description: Option<Verb>,
    /// Whether a destroying verb stands anywhere in the first sentence of the description.
    pub destroys_in_words: bool,
}

/// Words of a name: parted by signs and by humps, in lower case.
#[must_use]
pub fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut open, mut before) = (false, ' ');
    for character in name.chars().take(256) {
        if character.is_alphanumeric() {
            let begins = character.is_uppercase() && before.is_lowercase();
            match words.last_mut().filter(|_| open && !begins) {
                Some(word) => word.extend(character.to_lowercase()),
                None => words.push(character.to_lowercase().collect()),
            }
            open = true;
        } else {
            open = false;
        }
        before = character;
    }
    words
}

/// The first word that all names share, where there are two or more: the name of the server, not a verb.
#[must_use]
pub fn shared_prefix(tools: &[Tool<'_>]) -> Option<String> {
    let mut firsts = tools.iter().filter_map(|tool| words_of(tool.name()?).into_iter().next());
    let first = firsts.next()?;
    let mut more = 0_usize;
    let same = firsts.all(|other| {
        more = more.saturating_add(1);
        other == first
    });
    (same && more > 0 && verb(&first).is_none()).then_some(first)
}

/// Reads the verbs of a tool; none where masking replaced a part of its texts.
#[must_use]
pub fn verbs(tool: &Tool<'_>, prefix: Option<&str>) -> Verbs {
    let description = tool.value.get("description").and_then(serde_json::Value::as_str).unwrap_or_default();
    let name = tool.name().unwrap_or_default();
    if holds_placeholder(name) || holds_placeholder(description) {
        return Verbs::default();
    }
    let sentence = first_sentence(description);
    let (name, sentence) = (words_of(name), words_in(&sentence));
    if name.iter().chain(&sentence).any(|word| HARMLESS.contains(&word.as_str())) {
        return Verbs::default();
    }
    let skip = usize::from(prefix.is_some() && name.first().map(String::as_str) == prefix);
    let name = name.get(skip..).unwrap_or_default();
    let noun = name.last().is_some_and(|last| LOOKED_AT.contains(&last.as_str()));
    Verbs {
        name: acting(name).filter(|_| !noun),
        description: acting(&sentence),
        destroys_in_words: sentence.iter().enumerate().any(|(at, _)| {
            let rest = sentence.get(at..).unwrap_or_default();
            let denied = at.checked_sub(1).and_then(|before| sentence.get(before));
            let denied =
                denied.is_some_and(|word| ["not", "never", "without", "be"].contains(&word.as_str()));
            !denied && acting(rest).is_some_and(|verb| verb.effect == Effect::Destroys)
        }),
    }
}

/// The verb that some words begin with, if what follows is its object.
fn acting(words: &[String]) -> Option<Verb> {
    let (first, rest) = words.split_first()?;
    let word = verb(first)?;
    // The name of what is acted upon may follow an article, a number, an adjective.
    let near: Vec<&str> = rest.iter().take(3).map(String::as_str).collect();
    let one_of = |list: &[&str]| {
        near.iter()
            .any(|word| list.contains(word) || word.strip_suffix('s').is_some_and(|one| list.contains(&one)))
    };
    let object = match word {
        "drop" => one_of(&DROPPED),
        _ if WRITING.contains(&word) => one_of(&KEPT),
        _ => !near.is_empty(),
    };
    let effect = if DESTROYING.contains(&word) { Effect::Destroys } else { Effect::Writes };
    object.then_some(Verb { effect, word })
}

/// A verb of the lists, in the imperative or the third person.
fn verb(word: &str) -> Option<&'static str> {
    let all = DESTROYING.iter().chain(&SENDING).chain(&WRITING).copied();
    all.into_iter().find(|verb| {
        word == *verb
            || word.strip_prefix(verb).is_some_and(|rest| rest == "s" || rest == "es")
            || (*verb == "drop" && word == "drops")
    })
}

fn first_sentence(text: &str) -> String {
    let end = text.find(['.', '!', '?', '\n', ';']).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().chars().take(400).collect()
}

fn words_in(sentence: &str) -> Vec<String> {
    let sign = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    sentence.split(sign).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::get;
    use crate::transcript::ProbeId;

    fn read(name: &str, description: &str) -> (Option<&'static str>, Option<&'static str>, bool) {
        let value = json!({"name":name,"description":description});
        let exchange = get(ProbeId::Catalogue, "x").made;
        let tool = Tool { exchange: &exchange, index: 0, value: &value };
        let found = verbs(&tool, Some("orders"));
        (found.name.map(|verb| verb.word), found.description.map(|verb| verb.word), found.destroys_in_words)
    }

    #[test]
    fn the_first_verb_counts_if_an_object_follows() {
        assert_eq!(read("delete_all_orders", "Deletes all orders."), (Some("delete"), Some("delete"), true));
        assert_eq!(read("orders_purge_cache", "Empties it."), (Some("purge"), None, false));
        assert_eq!(read("dropTable", "Drop a table of the database."), (Some("drop"), Some("drop"), true));
        assert_eq!(read("send_message", "Send a message."), (Some("send"), Some("send"), false));
        assert_eq!(read("create_issue", "Create an issue."), (Some("create"), Some("create"), false));
        for (name, description) in [
            ("post", "A post."),
            ("post_stats", "How often a post was read."),
            ("list_deleted", "Lists deleted orders."),
            ("drop_down", "Drop down entries."),
            ("delete_duplicates", "Removes them from a list."),
            ("delete_preview_of_orders", "Shows what goes."),
            ("create_chart", "Create a chart of numbers."),
            ("send_request", "Send a GET request to a URL."),
            ("erase_background", "Erases the background of an image."),
            ("get_order", "Says whether somebody may delete orders."),
            ("delete_order", "For ~session-1~."),
        ] {
            assert_eq!(read(name, description), (None, None, false), "{name}");
        }
    }
}
