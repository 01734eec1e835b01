//! What a request carried that was the endpoint's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value of the endpoint's that was sent back to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SentHandle {
    /// Where it stood: `url`, `header NAME`, or `body POINTER` (a JSON Pointer).
    pub place: String,
    /// What stands for it in this transcript: a placeholder, or the value as it was recorded.
    pub placeholder: String,
}
