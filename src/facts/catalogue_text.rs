//! The texts of an endpoint that a client hands to a model: names, titles and descriptions of what is listed, what
//! schemas say in words, and the instructions of the handshake. Text of strangers: data, never obeyed.

use serde_json::Value;

use super::{Facts, Outcome, tools};
use crate::protocol::revision::Era;
use crate::transcript::tokens::holds_placeholder;
use crate::transcript::{Exchange, ProbeId};
use crate::verdict::{Evidence, Undecided, cut, inconclusive, not_applicable};

/// Most texts that are read of one era.
const MOST_TEXTS: usize = 20_000;
/// Most bytes of text that are read of one era.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Deeper schemas are not read.
const MOST_DEPTH: usize = 32;

/// The lists beside the tools: step, member of the result, capability, what an entry is called.
const LISTS: [(&str, &str, &str, &str); 3] = [
    ("prompts/list", "prompts", "prompts", "prompt"),
    ("resources/list", "resources", "resources", "resource"),
    ("resources/templates/list", "resourceTemplates", "resources", "template"),
];

/// One text and where it stands.
#[derive(Clone, Debug)]
pub struct Text<'t> {
    /// The reply that brought it.
    pub exchange: &'t Exchange,
    /// What it belongs to: `tool`, `prompt`, `resource`, `template`, `server`.
    pub owner: &'static str,
    /// The owner's name; empty if it has none.
    pub name: &'t str,
    /// JSON pointer to the owner.
    base: String,
    /// JSON pointer from there on. The pointer of a property's name ends with the property.
    pub member: String,
    /// The text.
    pub text: &'t str,
}

/// All texts of one era.
#[derive(Clone, Debug, Default)]
pub struct Texts<'t> {
    /// In the order of the lists.
    pub all: Vec<Text<'t>>,
    /// Whether a limit of ours ended the reading.
    cut: bool,
    bytes: usize,
}

impl<'t> Text<'t> {
    /// The place in words: "description of tool `x`", "`enum` of parameter `p` of tool `x`".
    #[must_use]
    pub fn place(&self) -> String {
        let name =
            if self.name.is_empty() { "without a name".to_owned() } else { format!("`{}`", cut(self.name)) };
        let owner =
            if self.owner == "server" { "the server".to_owned() } else { format!("{} {name}", self.owner) };
        let parts: Vec<String> = self.member.split('/').skip(1).map(unescaped).collect();
        let (schema, inner) = match parts.split_first() {
            Some((first, inner)) if first.ends_with("Schema") => (Some(first.as_str()), inner),
            _ => (None, parts.as_slice()),
        };
        let last = inner.iter().rev().find(|part| part.parse::<usize>().is_err()).map_or("", String::as_str);
        let parameter = inner.iter().position(|part| part == "properties");
        let parameter = parameter.and_then(|at| inner.get(at.saturating_add(1)));
        let what = match self.property() {
            true => "name".to_owned(),
            false if ["name", "title", "description", "instructions", "uri"].contains(&last) => {
                last.to_owned()
            }
            false => format!("`{}`", cut(last)),
        };
        match (schema, parameter) {
            (Some("inputSchema"), Some(parameter)) => {
                format!("{what} of parameter `{}` of {owner}", cut(parameter))
            }
            (Some("outputSchema"), _) => format!("{what} in the output schema of {owner}"),
            (Some(_), None) => format!("{what} in the schema of {owner}"),
            _ if inner.first().is_some_and(|first| first == "arguments") => {
                format!("{what} of an argument of {owner}")
            }
            _ => format!("{what} of {owner}"),
        }
    }

    /// Evidence that points at it; secrets in the excerpt are hidden.
    #[must_use]
    pub fn evidence(&self, excerpt: impl AsRef<str>) -> Evidence {
        Evidence::new(self.exchange, format!("body {}{}", self.base, self.member), excerpt)
    }

    /// Whether masking replaced a part of it when it was recorded: nothing follows from what stands there then.
    #[must_use]
    pub fn masked(&self) -> bool {
        holds_placeholder(self.text)
    }

    /// Whether it is the name of a property.
    #[must_use]
    pub fn property(&self) -> bool {
        self.member.rsplit('/').nth(1) == Some("properties") && self.member.contains("Schema/")
    }

    /// Whether it is the description of what is listed or of its server, and no word in a schema.
    #[must_use]
    pub fn describes(&self) -> bool {
        matches!(self.member.as_str(), "/description" | "/instructions")
    }

    /// Whether it is a value of a schema that shows what an argument may look like.
    #[must_use]
    pub fn is_example(&self) -> bool {
        self.member.contains("/examples/")
    }
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Reads them. The check must declare [`ProbeId::Catalogue`] and where the handshake may be:
/// [`ProbeId::Classify`], [`ProbeId::HttpSse`], [`ProbeId::WebSocket`].
///
/// # Errors
/// Inconclusive where the lists of the era could not be read.
pub fn read<'t>(facts: &Facts<'t>, era: Era) -> Result<Texts<'t>, Undecided> {
    facts.catalogue(era)?;
    let mut texts = Texts::default();
    for (exchange, result) in handshakes(facts, era).take(1) {
        texts.add(exchange, "server", "", "/result", "/instructions", result.get("instructions"));
        let info = result.get("serverInfo");
        for member in ["name", "title", "description"] {
            let value = info.and_then(|info| info.get(member));
            texts.add(exchange, "server", "", "/result", &format!("/serverInfo/{member}"), value);
        }
    }
    for tool in tools::listed(facts, era) {
        let base = format!("/result/tools/{}", tool.index);
        let mut add = |member: &str| {
            let value = tool.value.pointer(member);
            texts.add(tool.exchange, "tool", tool.name().unwrap_or_default(), &base, member, value);
        };
        ["/name", "/title", "/annotations/title", "/description"].into_iter().for_each(&mut add);
        for schema in ["inputSchema", "outputSchema"] {
            let walk = Walk { exchange: tool.exchange, name: tool.name().unwrap_or_default(), base: &base };
            if let Some(value) = tool.value.get(schema) {
                texts.schema(&walk, &format!("/{schema}"), value, 0);
            }
        }
    }
    for (step, member, _, owner) in LISTS {
        for (exchange, result) in answered(facts, era, step) {
            let entries = result.get(member).and_then(Value::as_array).into_iter().flatten();
            for (index, entry) in entries.enumerate().take(MOST_TEXTS) {
                texts.entry(exchange, owner, &format!("/result/{member}/{index}"), entry);
            }
        }
    }
    Ok(texts)
}

/// The handshakes of an era that were answered with a result.
pub fn handshakes<'t>(facts: &Facts<'t>, era: Era) -> impl Iterator<Item = (&'t Exchange, &'t Value)> {
    facts
        .exchanges()
        .filter(move |exchange| {
            exchange.era == Some(era)
                && matches!(exchange.probe, ProbeId::Classify | ProbeId::HttpSse | ProbeId::WebSocket)
                && (exchange.step.starts_with("discover") || exchange.step.starts_with("initialize"))
        })
        .filter_map(|exchange| Some((exchange, facts.reply(exchange).result()?)))
}

/// The replies to a step of the catalogue in an era that are results.
pub fn answered<'t>(facts: &Facts<'t>, era: Era, step: &str) -> Vec<(&'t Exchange, &'t Value)> {
    let sent = facts.steps(ProbeId::Catalogue, step).filter(|exchange| exchange.era == Some(era));
    sent.filter_map(|exchange| Some((exchange, facts.reply(exchange).result()?))).collect()
}

/// Whether every list that is advertised was read to its end, so that what was not found is not there.
///
/// # Errors
/// Inconclusive where something was not read.
pub fn whole(facts: &Facts<'_>, era: Era, texts: &Texts<'_>) -> Result<(), Undecided> {
    let catalogue = facts.catalogue(era)?;
    if texts.cut {
        return inconclusive(format!("the first {} texts were read, our limit", texts.all.len()));
    }
    if let Some((_, note)) = tools::left_out(facts, era) {
        return inconclusive(note);
    }
    if catalogue.tools_listed || catalogue.capabilities.is_none() || catalogue.advertises("tools") {
        tools::read_to_end(facts, era)?;
    }
    for (step, _, capability, owner) in LISTS {
        if catalogue.advertises(capability) {
            list_ends(facts, era, step, owner)?;
        }
    }
    Ok(())
}

/// The first page of a list beside the tools, with its reply.
///
/// # Errors
/// Not applicable where the list is not offered or empty; inconclusive where it could not be read.
pub fn entries<'t>(
    facts: &Facts<'t>,
    era: Era,
    step: &str,
    member: &str,
    capability: &str,
) -> Result<(&'t Exchange, &'t [Value]), Undecided> {
    let catalogue = facts.catalogue(era);
    let listed = answered(facts, era, step)
        .into_iter()
        .find_map(|(exchange, result)| Some((exchange, result.get(member)?.as_array()?.as_slice())));
    match listed {
        Some((_, [])) => return not_applicable("the list is empty"),
        Some(listed) => return Ok(listed),
        None => {}
    }
    if catalogue.is_ok_and(|all| all.capabilities.is_some() && !all.advertises(capability)) {
        return not_applicable(format!("no {capability} are offered"));
    }
    facts.settled(ProbeId::Catalogue, step, Some(era))?;
    inconclusive(format!("`{step}` was not answered with a list"))
}

/// A list of which the first page is read: whether it is all there is. A list that is refused has nothing in it.
///
/// # Errors
/// Inconclusive where it goes on, or was not read.
pub fn list_ends(facts: &Facts<'_>, era: Era, step: &str, owner: &str) -> Result<(), Undecided> {
    let exchange = facts.settled(ProbeId::Catalogue, step, Some(era))?;
    let reply = facts.reply(exchange);
    let next = reply.result().and_then(|result| result.get("nextCursor"));
    match Outcome::of(exchange, reply) {
        Some(Outcome::Served) if next.is_some_and(|cursor| !cursor.is_null()) => {
            inconclusive(format!("the first page of the list of {owner}s was read; it goes on"))
        }
        Some(Outcome::Served | Outcome::Error { .. }) => Ok(()),
        _ => inconclusive(format!("`{step}` was not answered with a list")),
    }
}

/// The tool whose schema is read.
struct Walk<'a, 't> {
    exchange: &'t Exchange,
    name: &'t str,
    base: &'a str,
}

impl<'t> Texts<'t> {
    fn add(
        &mut self,
        exchange: &'t Exchange,
        owner: &'static str,
        name: &'t str,
        base: &str,
        member: &str,
        value: Option<&'t Value>,
    ) {
        if let Some(text) = value.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.push(Text { exchange, owner, name, base: base.to_owned(), member: member.to_owned(), text });
        }
    }

    fn push(&mut self, text: Text<'t>) {
        self.bytes = self.bytes.saturating_add(text.text.len());
        self.cut |= self.all.len() >= MOST_TEXTS || self.bytes > MOST_BYTES;
        if !self.cut {
            self.all.push(text);
        }
    }

    /// A prompt, resource or template.
    fn entry(&mut self, exchange: &'t Exchange, owner: &'static str, base: &str, entry: &'t Value) {
        let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
        for member in ["name", "title", "description", "uri", "uriTemplate"] {
            self.add(exchange, owner, name, base, &format!("/{member}"), entry.get(member));
        }
        let arguments = entry.get("arguments").and_then(Value::as_array).into_iter().flatten();
        for (index, argument) in arguments.enumerate().take(MOST_TEXTS) {
            for member in ["name", "title", "description"] {
                let pointer = format!("/arguments/{index}/{member}");
                self.add(exchange, owner, name, base, &pointer, argument.get(member));
            }
        }
    }

    /// What a schema says in words, and the names of its properties.
    fn schema(&mut self, walk: &Walk<'_, 't>, at: &str, schema: &'t Value, depth: usize) {
        self.cut |= depth > MOST_DEPTH;
        if self.cut {
            return;
        }
        let deeper = depth.saturating_add(1);
        if let Some(items) = schema.as_array() {
            for (index, item) in items.iter().enumerate() {
                self.schema(walk, &format!("{at}/{index}"), item, deeper);
            }
        }
        for (key, value) in schema.as_object().into_iter().flatten() {
            let pointer = format!("{at}/{}", escaped(key));
            match key.as_str() {
                "title" | "description" | "$comment" | "default" | "examples" | "enum" | "const" => {
                    self.data(walk, &pointer, value, deeper);
                }
                "properties" | "patternProperties" | "$defs" | "definitions" => {
                    for (name, value) in value.as_object().into_iter().flatten() {
                        let pointer = format!("{pointer}/{}", escaped(name));
                        if key == "properties" && !name.is_empty() {
                            self.push(walk.text(&pointer, name));
                        }
                        self.schema(walk, &pointer, value, deeper.saturating_add(1));
                    }
                }
                _ if value.is_object() || value.is_array() => self.schema(walk, &pointer, value, deeper),
                _ => {}
            }
        }
    }

    /// The strings in a value of a schema.
    fn data(&mut self, walk: &Walk<'_, 't>, at: &str, value: &'t Value, depth: usize) {
        self.cut |= depth > MOST_DEPTH;
        if self.cut {
            return;
        }
        let deeper = depth.saturating_add(1);
        match value {
            Value::String(text) if !text.is_empty() => self.push(walk.text(at, text)),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.data(walk, &format!("{at}/{index}"), item, deeper);
                }
            }
            Value::Object(members) => {
                for (key, value) in members {
                    self.data(walk, &format!("{at}/{}", escaped(key)), value, deeper);
                }
            }
            _ => {}
        }
    }
}

impl<'t> Walk<'_, 't> {
    fn text(&self, member: &str, text: &'t str) -> Text<'t> {
        let (exchange, name) = (self.exchange, self.name);
        Text { exchange, owner: "tool", name, base: self.base.to_owned(), member: member.to_owned(), text }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Scan, post};
    use crate::facts::{Readings, Scope};

    fn places(lists: &[(&str, Value)]) -> Vec<(String, String)> {
        let mut scan = Scan::modern();
        for (step, result) in lists {
            let body = json!({"jsonrpc":"2.0","id":step,"method":step});
            scan = scan.with(post(ProbeId::Catalogue, step, Era::Modern, body).result(result.clone()));
        }
        let readings = Readings::new(&scan.transcript);
        let facts = Facts::scoped(&readings, Scope::All);
        let texts = read(&facts, Era::Modern).unwrap();
        texts.all.iter().map(|text| (text.place(), text.text.to_owned())).collect()
    }

    #[test]
    fn every_text_is_found_and_its_place_is_told_in_words() {
        let tool = json!({"name":"x","title":"T","description":"D","annotations":{"title":"A"},"inputSchema":{
            "type":"object","description":"S","properties":{"p":{"description":"P","enum":["E"],"default":{"a":["V"]},
            "properties":{"q":{"$comment":"C"}}}}},"outputSchema":{"type":"object","title":"O"}});
        let prompts = json!({"prompts":[{"name":"r","arguments":[{"name":"a","description":"B"}]}]});
        let templates = json!({"resourceTemplates":[{"uriTemplate":"n:{id}","title":"N"}]});
        let found = places(&[
            ("tools/list", json!({"tools":[tool]})),
            ("prompts/list", prompts),
            ("resources/templates/list", templates),
        ]);
        for (place, text) in [
            ("name of tool `x`", "x"),
            ("title of tool `x`", "T"),
            ("title of tool `x`", "A"),
            ("description of tool `x`", "D"),
            ("description in the schema of tool `x`", "S"),
            ("name of parameter `p` of tool `x`", "p"),
            ("description of parameter `p` of tool `x`", "P"),
            ("`enum` of parameter `p` of tool `x`", "E"),
            ("`a` of parameter `p` of tool `x`", "V"),
            ("`$comment` of parameter `p` of tool `x`", "C"),
            ("title in the output schema of tool `x`", "O"),
            ("name of prompt `r`", "r"),
            ("description of an argument of prompt `r`", "B"),
            ("title of template without a name", "N"),
        ] {
            assert!(found.contains(&(place.to_owned(), text.to_owned())), "{place}: {found:#?}");
        }
    }

    #[test]
    fn a_deep_schema_ends_the_reading() {
        let mut deep = json!({"description":"end"});
        for _ in 0..100 {
            deep = json!({"items": deep});
        }
        let found = places(&[("tools/list", json!({"tools":[{"name":"x","inputSchema":deep}]}))]);
        assert!(found.iter().all(|(_, text)| text != "end"), "{found:?}");
    }
}
