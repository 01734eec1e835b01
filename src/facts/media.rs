//! What a reply says that it is.

use crate::protocol::headers::media_type;
use crate::transcript::Exchange;

/// Whether the reply says it is HTML.
#[must_use]
pub fn html(exchange: &Exchange) -> bool {
    essence(exchange).as_deref() == Some("text/html")
}

/// The media type of the reply without parameters, lower case.
#[must_use]
pub fn essence(exchange: &Exchange) -> Option<String> {
    exchange.header("content-type").and_then(media_type).map(|media| media.essence)
}
