//! `scan --plan` and `scan --show-limits`: what would happen, without sending anything.

use serde_json::{Value, json};

use super::resolve::Preview;
use crate::probe::plan;
use crate::report::format::Format;
use crate::transcript::{Limits, Profile};

/// The preview in the format that was asked for, with a line end.
pub(super) fn text(preview: &Preview, format: Format) -> String {
    match (preview, format) {
        (Preview::Limits(limits), Format::Json) => pretty(&value(limits)),
        (Preview::Limits(limits), _) => limits_table(limits),
        (Preview::Plan(profile, limits), Format::Json) => pretty(&json!({
            "profile": profile,
            "most_requests": most(*profile, limits),
            "probes": plan(*profile)
                .iter()
                .map(|row| json!({"probe": row.probe, "most_requests": row.most, "what": row.what}))
                .collect::<Vec<_>>(),
        })),
        (Preview::Plan(profile, limits), _) => plan_table(*profile, limits),
    }
}

fn limits_table(limits: &Limits) -> String {
    let value = value(limits);
    let rows = value.as_object().into_iter().flatten();
    let width = rows.clone().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.map(|(name, limit)| format!("{name:width$}  {limit:>9}\n")).collect()
}

fn plan_table(profile: Profile, limits: &Limits) -> String {
    let mut text = format!(
        "The {} profile, in running order, with the most requests of each probe. What does\n\
         not apply to the endpoint is not sent.\n\n",
        profile.as_str()
    );
    for row in plan(profile).iter().filter(|row| row.most > 0) {
        let probe = value(&row.probe);
        text.push_str(&format!("{:>4}  {:16} {}\n", row.most, probe.as_str().unwrap_or_default(), row.what));
    }
    text.push_str(&format!("\nAt most {} requests in all.\n", most(profile, limits)));
    text
}

/// The shares add up to more than the budget; the budget holds.
fn most(profile: Profile, limits: &Limits) -> u32 {
    plan(profile).iter().map(|row| row.most).sum::<u32>().min(limits.requests)
}

/// Plain own types: none of them can fail to be JSON.
fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default())
}
