//! What an endpoint offers: capabilities, and the lists behind them, per era.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::reply::{self, Reply};
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, ProbeId, Transcript};

/// The lists of one era as answered.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// `capabilities` of discover or initialize; `None` if it was missing or no object.
    pub capabilities: Option<Map<String, Value>>,
    /// Exchange that showed the capabilities.
    pub capabilities_from: Option<u32>,
    /// Tools of every page, each with the exchange that brought it, up to the limit `list_items`. Not
    /// validated.
    pub tools: Vec<(u32, Value)>,
    /// How many tools were listed, those beyond the limit included.
    pub tools_total: usize,
    /// Exchange whose list ran into the limit `list_items`: the rest of it, or the pages after it, were not
    /// looked at.
    pub cut_at: Option<u32>,
    /// Whether tools/list was answered with a `tools` array at least once.
    pub tools_listed: bool,
}

impl Catalogue {
    /// Whether a capability is advertised. `null` is what serializers write for an option that is not
    /// set, so it advertises nothing.
    #[must_use]
    pub fn advertises(&self, capability: &str) -> bool {
        self.capabilities.as_ref().and_then(|all| all.get(capability)).is_some_and(|value| !value.is_null())
    }
}

/// The capabilities a discover or initialize reply advertises.
#[must_use]
pub fn capabilities(exchange: &Exchange) -> Option<Map<String, Value>> {
    capabilities_in(&reply::read(exchange))
}

/// The same of a reply that was read.
#[must_use]
pub fn capabilities_in(read: &Reply) -> Option<Map<String, Value>> {
    let result = read.result().or(read.lenient.as_ref().and_then(|answer| answer.result()))?;
    result.get("capabilities").and_then(Value::as_object).cloned()
}

/// Longest cursor that is sent back, in bytes.
pub const LONGEST_CURSOR: usize = 16 * 1024;

/// The cursor of the next page, if a list reply names one. An empty string is a cursor.
#[must_use]
pub fn next_cursor(read: &Reply) -> Option<String> {
    read.result()?.get("nextCursor").and_then(Value::as_str).map(str::to_owned)
}

/// Reads the catalogues of both eras, with the reply of each exchange.
#[must_use]
pub fn read(transcript: &Transcript, replies: &BTreeMap<u32, Reply>) -> BTreeMap<Era, Catalogue> {
    let mut found: BTreeMap<Era, Catalogue> = BTreeMap::new();
    for exchange in &transcript.exchanges {
        let (Some(era), Some(read)) = (exchange.era, replies.get(&exchange.id)) else { continue };
        match exchange.probe {
            ProbeId::Classify | ProbeId::HttpSse | ProbeId::WebSocket
                if exchange.step.starts_with("discover") || exchange.step.starts_with("initialize") =>
            {
                if let Some(capabilities) = capabilities_in(read) {
                    let entry = found.entry(era).or_default();
                    entry.capabilities = Some(capabilities);
                    entry.capabilities_from = Some(exchange.id);
                }
            }
            ProbeId::Catalogue if exchange.step.starts_with("tools/list") => {
                let Some(tools) =
                    read.result().and_then(|result| result.get("tools")).and_then(Value::as_array)
                else {
                    continue;
                };
                let limit = transcript.header.limits.list_items;
                let entry = found.entry(era).or_default();
                entry.tools_listed = true;
                entry.tools_total = entry.tools_total.saturating_add(tools.len());
                let more =
                    entry.tools_total > limit || (entry.tools_total == limit && next_cursor(read).is_some());
                if more {
                    entry.cut_at.get_or_insert(exchange.id);
                }
                let room = limit.saturating_sub(entry.tools.len());
                entry.tools.extend(tools.iter().take(room).map(|tool| (exchange.id, tool.clone())));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Scan, post};

    #[test]
    fn a_list_over_the_limit_is_counted_and_named() {
        let list = |count: usize, more: bool| {
            let mut result = json!({ "tools": vec![json!({ "name": "x" }); count] });
            if more {
                result["nextCursor"] = json!("next");
            }
            let made = post(ProbeId::Catalogue, "tools/list", Era::Modern, json!({"id":1})).result(result);
            let scan = Scan::modern().with(made);
            let readings = crate::facts::Readings::new(&scan.transcript);
            let read = readings.catalogues();
            read[&Era::Modern].clone()
        };
        let limit = Scan::modern().transcript.header.limits.list_items;
        let whole = list(limit, false);
        assert_eq!((whole.tools.len(), whole.tools_total, whole.cut_at), (limit, limit, None));
        let cut = list(limit + 5, false);
        assert_eq!((cut.tools.len(), cut.tools_total), (limit, limit + 5));
        assert!(cut.cut_at.is_some() && list(limit, true).cut_at.is_some());
    }
}
