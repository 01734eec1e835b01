//! The tools an era offers, each with the place that shows it.

use serde_json::Value;

use super::{Facts, Outcome};
use crate::protocol::jsonrpc::type_name;
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, ProbeId};
use crate::verdict::{Evidence, Undecided, inconclusive, not_applicable};

/// One entry of a `tools` array. Not validated: it may be no object at all.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'t> {
    /// The page that listed it.
    pub exchange: &'t Exchange,
    /// Its index in that page, from 0.
    pub index: usize,
    /// The entry.
    pub value: &'t Value,
}

impl<'t> Tool<'t> {
    /// Its name, if it has one that is not empty.
    #[must_use]
    pub fn name(&self) -> Option<&'t str> {
        self.value.get("name").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// What to call it in messages: its name, cut, or its place in the list.
    #[must_use]
    pub fn shown(&self) -> String {
        self.name().map_or_else(
            || format!("tool {}", self.index.saturating_add(1)),
            |name| format!("`{}`", crate::verdict::cut(name)),
        )
    }

    /// Evidence at a member of it; `member` is a JSON pointer or empty.
    #[must_use]
    pub fn evidence(&self, member: &str, excerpt: impl AsRef<str>) -> Evidence {
        Evidence::new(self.exchange, format!("body /result/tools/{}{member}", self.index), excerpt)
    }
}

/// The tools that an era lists. The check must declare [`ProbeId::Catalogue`].
///
/// # Errors
/// Not applicable where none are offered; inconclusive where the list could not be read.
pub fn offered<'t>(facts: &Facts<'t>, era: Era) -> Result<Vec<Tool<'t>>, Undecided> {
    let catalogue = facts.catalogue(era)?;
    if !catalogue.tools_listed {
        if catalogue.capabilities.is_some() && !catalogue.advertises("tools") {
            return not_applicable("no tools are offered");
        }
        facts.settled(ProbeId::Catalogue, "tools/list", Some(era))?;
        return inconclusive("tools/list was not answered with a list of tools");
    }
    let tools = listed(facts, era);
    if tools.is_empty() { not_applicable("the list of tools is empty") } else { Ok(tools) }
}

/// The tools that an era lists; none where the list could not be read. The check must declare
/// [`ProbeId::Catalogue`].
pub fn listed<'t>(facts: &Facts<'t>, era: Era) -> Vec<Tool<'t>> {
    let mut tools: Vec<Tool<'t>> = Vec::new();
    let Ok(catalogue) = facts.catalogue(era) else { return tools };
    for (id, value) in &catalogue.tools {
        let Some(exchange) = facts.of(ProbeId::Catalogue).find(|exchange| exchange.id == *id) else {
            continue;
        };
        let index = match tools.last() {
            Some(before) if before.exchange.id == *id => before.index.saturating_add(1),
            _ => 0,
        };
        tools.push(Tool { exchange, index, value });
    }
    tools
}

/// The requests for the list of tools in an era, in the order of its pages.
pub fn pages<'t>(facts: &Facts<'t>, era: Era) -> impl Iterator<Item = &'t Exchange> + use<'t> {
    facts
        .of(ProbeId::Catalogue)
        .filter(move |exchange| exchange.era == Some(era) && exchange.step.starts_with("tools/list"))
}

/// How many pages were read, if the last of them names no other.
///
/// # Errors
/// Inconclusive where there is more, or where it could not be read.
pub fn read_to_end(facts: &Facts<'_>, era: Era) -> Result<usize, Undecided> {
    let (mut read, mut more) = (0_usize, false);
    for page in pages(facts, era) {
        let Some(result) = facts.reply(page).result() else {
            let step = &page.step;
            return inconclusive(format!("`{step}` was not answered with a result"));
        };
        read = read.saturating_add(1);
        more = result.get("nextCursor").is_some_and(|cursor| !cursor.is_null());
    }
    match read {
        0 => inconclusive(facts.why_not(ProbeId::Catalogue, Some("tools/list"))),
        _ if more => {
            let pages = if read == 1 { "page" } else { "pages" };
            inconclusive(format!("{read} {pages} of the list of tools were read; it goes on"))
        }
        _ => Ok(read),
    }
}

/// Replies to `tools/list` that were to list tools and have no array `tools`, with what they have. Where
/// tools are not advertised, an empty result lists none.
pub fn misshapen<'t>(facts: &Facts<'t>, era: Era) -> Vec<(&'t Exchange, &'static str)> {
    let advertised = facts.catalogue(era).is_ok_and(|catalogue| catalogue.advertises("tools"));
    pages(facts, era)
        .filter_map(|exchange| {
            let result = facts.reply(exchange).result()?.as_object()?;
            // A result of another type (`input_required`) is not the list yet.
            let complete = result.get("resultType").is_none_or(|kind| kind == "complete");
            match result.get("tools") {
                Some(Value::Array(_)) => None,
                // What serializers write for a list that is not set.
                Some(Value::Null) if !advertised => None,
                Some(other) => complete.then(|| (exchange, type_name(other))),
                None => (complete && advertised).then_some((exchange, "missing")),
            }
        })
        .collect()
}

/// How many tools were looked at, for the message of a check that looked at them all: `3 in all`, or where
/// the limit `list_items` ended it, how many there are beyond.
pub fn counted(facts: &Facts<'_>, era: Era, read: usize) -> String {
    match facts.catalogue(era) {
        Ok(catalogue) if catalogue.cut_at.is_some() => {
            format!("the first {read} of {}; the rest was not looked at", all_of(catalogue))
        }
        _ => format!("{read} in all"),
    }
}

/// A note on tools that were not looked at: with the page where the limit `list_items` ended the reading.
pub fn left_out<'t>(facts: &Facts<'t>, era: Era) -> Option<(&'t Exchange, String)> {
    let catalogue = facts.catalogue(era).ok()?;
    let page = facts.of(ProbeId::Catalogue).find(|exchange| Some(exchange.id) == catalogue.cut_at)?;
    let read = catalogue.tools.len();
    let all = all_of(catalogue);
    Some((page, format!("{read} of {all} tools were looked at, our limit; the rest was not")))
}

/// The total, which is a lower bound where pages were not asked for.
fn all_of(catalogue: &super::Catalogue) -> String {
    if catalogue.tools_total > catalogue.tools.len() {
        catalogue.tools_total.to_string()
    } else {
        format!("more than {}", catalogue.tools_total)
    }
}

/// Why clients cannot read a list of tools to its end.
#[derive(Clone, Debug)]
pub enum Stop<'t> {
    /// A page names a cursor that an earlier one named, too.
    Again(&'t Exchange, &'t str),
    /// `nextCursor` is neither a string nor null.
    NoString(&'t Exchange, &'t Value),
    /// The server's own cursor is refused; how, in words.
    Refused(&'t Exchange, String),
}

/// The first thing that stops a client at the list of tools, if something does.
pub fn stops<'t>(facts: &Facts<'t>, era: Era) -> Option<Stop<'t>> {
    let mut cursors: Vec<&str> = Vec::new();
    for page in pages(facts, era) {
        let Some(result) = facts.reply(page).result() else {
            return refused(facts, page).filter(|_| !cursors.is_empty()).map(|how| Stop::Refused(page, how));
        };
        let Some(value) = result.get("nextCursor").filter(|cursor| !cursor.is_null()) else { continue };
        let Some(cursor) = value.as_str() else { return Some(Stop::NoString(page, value)) };
        if cursors.contains(&cursor) {
            return Some(Stop::Again(page, cursor));
        }
        cursors.push(cursor);
    }
    None
}

/// How a page was refused. Whoever asks us to wait refuses nothing, and an answer that says nothing is another
/// matter.
fn refused(facts: &Facts<'_>, page: &Exchange) -> Option<String> {
    let outcome = Outcome::of(page, facts.reply(page)).filter(|_| page.status() != Some(429))?;
    matches!(outcome, Outcome::Error { .. } | Outcome::Bare { .. }).then(|| outcome.words())
}
