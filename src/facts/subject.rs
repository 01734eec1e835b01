//! Which replies are the endpoint's own: those from its origin, but for documents and paths beside it.

use url::Url;

use super::auth::SIBLING_SSE;
use crate::transcript::{Exchange, Header, ProbeId};

/// Where documents about a host are kept: they may be another program's.
const WELL_KNOWN: &str = "/.well-known/";

/// Whether what answered this exchange is the endpoint, as far as its address tells.
#[must_use]
pub fn own(header: &Header, exchange: &Exchange) -> bool {
    let beside = exchange.probe == ProbeId::Siblings || exchange.step == SIBLING_SSE;
    exchange.head.is_some() && !beside && here(&header.url, &exchange.request.url)
}

fn here(target: &str, asked: &str) -> bool {
    match (Url::parse(target), Url::parse(asked)) {
        (Ok(target), Ok(asked)) => target.origin() == asked.origin() && !asked.path().starts_with(WELL_KNOWN),
        _ => target == asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Made, Scan, URL, get};

    #[test]
    fn replies_from_beside_the_endpoint_are_not_its_own() {
        let header = Scan::empty().transcript.header;
        let at = |probe, step: &str, url: &str| {
            let Made { mut made } = get(probe, step).status(200);
            url.clone_into(&mut made.request.url);
            own(&header, &made)
        };
        assert!(
            at(ProbeId::Browser, "base", URL) && at(ProbeId::HttpSse, "ping", "http://127.0.0.1:8080/m?x=1")
        );
        assert!(!at(ProbeId::Siblings, "get /sse", URL) && !at(ProbeId::Auth, SIBLING_SSE, URL));
        assert!(!at(ProbeId::Auth, "prm-root", "http://127.0.0.1:8080/.well-known/oauth-protected-resource"));
        assert!(!at(ProbeId::Auth, "as 1", "http://127.0.0.1:9090/"));
        assert!(!own(&header, &get(ProbeId::Browser, "base").made));
    }
}
