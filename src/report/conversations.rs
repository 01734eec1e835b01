//! Probes by the words that people read.

use crate::transcript::ProbeId;

/// A conversation as the heading of its bars.
#[must_use]
pub fn words(probe: ProbeId) -> String {
    let known = match probe {
        ProbeId::Classify => "What speaks here",
        ProbeId::Siblings => "Beside the URL",
        ProbeId::EraUse => "First use",
        ProbeId::IdEcho => "Request ids",
        ProbeId::Malformed => "Malformed requests",
        ProbeId::BadInput => "Bad input",
        ProbeId::ContentType => "Content types",
        ProbeId::ModernRules => "Rules, modern era",
        ProbeId::ModernMethods => "Other methods",
        ProbeId::Connections => "New connections",
        ProbeId::LegacyVersions => "Versions, legacy era",
        ProbeId::LegacySessions => "Sessions",
        ProbeId::LegacyGet | ProbeId::Idle => "Idle stream",
        ProbeId::Browser => "Origin, Host, CORS",
        ProbeId::Catalogue => "What is offered",
        ProbeId::Load => "Load",
        ProbeId::HttpSse => "HTTP+SSE",
        ProbeId::WebSocket => "WebSocket",
        ProbeId::Resume | ProbeId::FeedResume | ProbeId::Reconnect => "Drop and resumption",
        ProbeId::Listen => "Subscriptions",
        ProbeId::Delivery => "Delivery",
        ProbeId::Auth => "Authorization",
        ProbeId::Tls => "Certificate",
        ProbeId::Answers => "Answers to the endpoint",
        ProbeId::Teardown => "Cleaning up",
        #[allow(unreachable_patterns, reason = "a new probe has a name before it has better words")]
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let name = serde_json::to_value(probe).ok();
    let name = name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('-', " ");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_has_words() {
        for probe in ProbeId::ALL {
            assert!(words(probe).starts_with(char::is_uppercase), "{probe:?}");
        }
    }
}
