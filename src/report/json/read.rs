//! Reports of this program, read again: for `diff`, `baseline` and `--against`.

use serde_json::Value;
use thiserror::Error;

use super::SCHEMA_VERSION;
use super::v1::{JsonFinding, JsonReport, JsonReports};
use crate::baseline::Row;

/// A file is no report that this program can read. Shown on one line; escape at the sink.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Not JSON, or not the shape of a report.
    #[error("no JSON report of agentgauge: {0}")]
    Shape(#[from] serde_json::Error),
    /// JSON, but not of this program.
    #[error("no JSON report of agentgauge: `schema_version` is missing")]
    Foreign,
    /// Another version of the shape.
    #[error("its `schema_version` is {0}; this program reads {SCHEMA_VERSION}")]
    Version(String),
}

impl<'r> From<&'r JsonFinding> for Row<'r> {
    fn from(finding: &'r JsonFinding) -> Self {
        let texts = finding.evidence.iter().flat_map(|seen| [seen.pointer.as_str(), seen.excerpt.as_str()]);
        Self {
            check: &finding.check,
            status: finding.status,
            severity: finding.severity,
            unstable: finding.unstable,
            texts: std::iter::once(finding.message.as_str()).chain(texts).collect(),
        }
    }
}

/// The targets of a report, one or several.
///
/// # Errors
/// See [`ReadError`].
pub fn read(bytes: &[u8]) -> Result<Vec<JsonReport>, ReadError> {
    let value: Value = serde_json::from_slice(bytes)?;
    match value.get("schema_version") {
        None => return Err(ReadError::Foreign),
        Some(version) if version.as_u64() != Some(u64::from(SCHEMA_VERSION)) => {
            return Err(ReadError::Version(version.to_string().chars().take(20).collect()));
        }
        Some(_) => {}
    }
    // From the bytes once more: then a fault has a line.
    if value.get("reports").is_some() {
        Ok(serde_json::from_slice::<JsonReports>(bytes)?.reports)
    } else {
        Ok(vec![serde_json::from_slice::<JsonReport>(bytes)?])
    }
}
