//! The published JSON Schemas, generated from the types. The committed copies in `rubrics/` are held
//! by a test; `UPDATE=1 cargo test schemas` rewrites them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::baseline::BaselineFile;
use crate::config::ConfigFile;
use crate::diff::Diff;
use crate::report::json::v1::{JsonReport, JsonReports};
use crate::rubric::RubricFile;
use crate::transcript::{End, Exchange, Header, Skip};

/// Schema of the JSON report: one target, or several.
#[must_use]
pub fn report() -> String {
    #[derive(JsonSchema)]
    #[serde(untagged)]
    #[schemars(title = "agentgauge report", rename = "Reports")]
    #[allow(dead_code, reason = "only its schema is used")]
    enum Either {
        /// One target.
        One(Box<JsonReport>),
        /// Several targets.
        Several(JsonReports),
    }
    text(&schema_for!(Either).to_value())
}

/// Schema of a rubric, as JSON of its TOML.
#[must_use]
pub fn rubric() -> String {
    text(&schema_for!(RubricFile).to_value())
}

/// Schema of the configuration, as JSON of its TOML.
#[must_use]
pub fn config() -> String {
    text(&schema_for!(ConfigFile).to_value())
}

/// Schema of a baseline, as JSON of its TOML.
#[must_use]
pub fn baseline() -> String {
    text(&schema_for!(BaselineFile).to_value())
}

/// Schema of a comparison.
#[must_use]
pub fn diff() -> String {
    text(&schema_for!(Diff).to_value())
}

/// Schema of one line of a transcript. Parts equal to an earlier line's may be `{"same": id}`.
#[must_use]
pub fn transcript() -> String {
    #[derive(JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    #[schemars(title = "agentgauge transcript line", rename = "Line")]
    #[allow(dead_code, reason = "only its schema is used")]
    enum Entry {
        /// First line.
        Header(Box<Header>),
        /// A finished exchange, after references to earlier lines are resolved.
        Exchange(Box<Exchange>),
        /// Something left out.
        Skip(Skip),
        /// Last line.
        End(End),
    }
    text(&schema_for!(Entry).to_value())
}

fn text(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
