//! Which replies are event streams, whatever probe they answer.

use crate::transcript::{Content, Exchange, ProbeId};

/// Whether a reply of the scanned URL came as an event stream: declared as one, or recorded as one
/// because its first lines are fields. Siblings are other URLs and left out.
#[must_use]
pub fn is_stream(exchange: &Exchange) -> bool {
    exchange.probe != ProbeId::Siblings && matches!(exchange.content, Content::Lines { .. })
}
