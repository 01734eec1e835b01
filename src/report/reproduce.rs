//! One command that sends the request of an exchange again. Secrets stay placeholders (`~name~`): the
//! reader fills them in.

use super::text::shell;
use crate::transcript::{Content, Exchange, Header, Request};

/// Longer bodies are not worth a command line.
const LONGEST_BODY: usize = 4_096;

/// A curl command; for a WebSocket upgrade websocat, which leaves the messages to the reader. `None`
/// where no command line can say it (a NUL, a very long body).
#[must_use]
pub fn reproduce(exchange: &Exchange, header: &Header) -> Option<String> {
    let request = &exchange.request;
    let websocket = request.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        || request.url.starts_with("ws");
    match (&request.body, websocket) {
        (_, false) => curl(exchange, header),
        // No client of sockets takes a zone.
        (_, true) if header.zone.is_some() => None,
        (None, true) => websocat(request, header.insecure),
        // One message: said once the socket is open.
        (Some(body), true) if body.len() <= LONGEST_BODY => {
            Some(format!("printf '%s\\n' {} | {}", shell(body)?, websocat(request, header.insecure)?))
        }
        (Some(_), true) => None,
    }
}

fn curl(exchange: &Exchange, header: &Header) -> Option<String> {
    let request = &exchange.request;
    // -g: brackets of an IPv6 host are no pattern. A reply that streams is shown as it comes.
    let mut words = vec!["curl".to_owned(), "-sSig".to_owned()];
    if exchange.lines().is_some() || matches!(exchange.content, Content::None) {
        words.push("-N".to_owned());
    }
    words.extend(header.insecure.then(|| "-k".to_owned()));
    if let Some(proxy) = &header.proxy {
        // -p: a tunnel also towards plain http, as ours.
        words.extend(["-px".to_owned(), shell(proxy)?]);
    }
    match request.method.as_str() {
        "GET" if request.body.is_none() => {}
        method => words.extend(["-X".to_owned(), shell(method)?]),
    }
    for (name, value) in &request.headers {
        if !own_header(name, request) {
            // curl sends an empty value only for `name;`.
            let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            words.extend(["-H".to_owned(), shell(&header)?]);
        }
    }
    // What curl would add of its own and the request did not have.
    let mut added = vec!["accept"];
    if request.body.is_some() {
        added.push("content-type");
    }
    for name in added.into_iter().filter(|name| request.header(name).is_none()) {
        words.extend(["-H".to_owned(), format!("{name}:")]);
    }
    if let Some(body) = &request.body {
        if body.len() > LONGEST_BODY {
            return None;
        }
        // --data-raw: a leading @ is no file name.
        words.extend(["--data-raw".to_owned(), shell(body)?]);
    }
    words.push(shell(&header.typed(&request.url))?);
    Some(words.join(" "))
}

/// Headers that curl computes itself.
fn own_header(name: &str, request: &Request) -> bool {
    match name {
        "content-length" | "transfer-encoding" | "connection" | "user-agent" => true,
        "host" => {
            let authority = url::Url::parse(&request.url).ok().map(|url| url.authority().to_owned());
            authority.as_deref() == request.header("host")
        }
        _ => false,
    }
}

fn websocat(request: &Request, insecure: bool) -> Option<String> {
    let mut words = vec!["websocat".to_owned()];
    words.extend(insecure.then(|| "-k".to_owned()));
    for (name, value) in &request.headers {
        match name.as_str() {
            "origin" => words.extend(["--origin".to_owned(), shell(value)?]),
            "sec-websocket-protocol" => words.extend(["--protocol".to_owned(), shell(value)?]),
            name if name.starts_with("sec-websocket-") || name == "upgrade" || own_header(name, request) => {}
            name => words.extend(["-H".to_owned(), shell(&format!("{name}: {value}"))?]),
        }
    }
    let url = match request.url.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => request.url.clone(),
    };
    words.push(shell(&url)?);
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Scan, get, post, request};
    use crate::protocol::revision::Era;
    use crate::report::text::harmless;
    use crate::report::text::tests::HOSTILE;
    use crate::transcript::ProbeId;

    fn header() -> Header {
        Scan::empty().transcript.header
    }

    fn command(made: &crate::checks::synthetic::Made) -> String {
        reproduce(&made.made, &header()).unwrap()
    }

    #[test]
    fn a_message_on_a_socket_is_piped_into_websocat() {
        let mut made = post(ProbeId::IdEcho, "string", Era::Legacy, json!({"id":"it's"}));
        made.made.request.method = crate::transcript::MESSAGE.to_owned();
        made.made.request.url = "ws://127.0.0.1:8080/ws".to_owned();
        made.made.request.headers.clear();
        let words = command(&made);
        assert!(words.starts_with("printf '%s\\n' "), "{words}");
        assert!(words.ends_with(" | websocat ws://127.0.0.1:8080/ws"), "{words}");
    }

    #[test]
    fn a_post_is_one_curl_command_with_placeholders() {
        let made = post(ProbeId::IdEcho, "string", Era::Legacy, json!({"id":"it's"}))
            .in_session("~session-1~")
            .sending("authorization", "~authorization~")
            .sending("host", "127.0.0.1:8080")
            .sending("content-length", "13")
            .json(json!({}));
        assert_eq!(
            command(&made),
            "curl -sSig -X POST -H 'accept: application/json, text/event-stream' -H 'content-type: \
             application/json' -H 'mcp-session-id: ~session-1~' -H 'authorization: ~authorization~' --data-raw \
             '{\"id\":\"it'\\''s\"}' http://127.0.0.1:8080/mcp"
        );
    }

    #[test]
    fn what_curl_would_add_is_taken_away_and_a_foreign_host_is_kept() {
        let mut made = post(ProbeId::ContentType, "none", Era::Legacy, json!({})).json(json!({}));
        made.made.request.headers = vec![("host".to_owned(), "scanner-origin.invalid".to_owned())];
        let said = command(&made);
        assert!(
            said.contains("-H 'host: scanner-origin.invalid' -H accept: -H content-type: --data-raw"),
            "{said}"
        );
    }

    #[test]
    fn a_stream_is_not_buffered_and_other_methods_are_named() {
        let made = get(ProbeId::Classify, "get").stream("data: x\n\n", 0);
        assert!(command(&made).starts_with("curl -sSig -N -H "));
        let made = request("DELETE", ProbeId::Teardown, "delete").status(204);
        let proxied = Header { proxy: Some("http://proxy.example:3128".to_owned()), ..header() };
        let said = reproduce(&made.made, &proxied).unwrap();
        assert!(said.starts_with("curl -sSig -N -px http://proxy.example:3128 -X DELETE "), "{said}");
        assert!(
            reproduce(&made.made, &Header { insecure: true, ..header() })
                .unwrap()
                .starts_with("curl -sSig -N -k -X DELETE ")
        );
    }

    #[test]
    fn a_zone_is_for_curl_and_in_no_header() {
        let mut made =
            post(ProbeId::IdEcho, "string", Era::Legacy, json!({})).sending("host", "[fe80::1]:8080");
        made.made.request.url = "http://[fe80::1]:8080/mcp".to_owned();
        let url = made.made.request.url.clone();
        let zoned = Header { url, zone: Some("eth0".to_owned()), ..header() };
        let said = reproduce(&made.made, &zoned).unwrap();
        assert!(said.ends_with(" 'http://[fe80::1%25eth0]:8080/mcp'"), "{said}");
        assert!(!said.contains("host:"), "{said}");
        made.made.request.url = "http://[fe80::2]:8080/mcp".to_owned();
        assert!(reproduce(&made.made, &zoned).unwrap().ends_with(" 'http://[fe80::2]:8080/mcp'"));
        made.made.request.url = "ws://[fe80::1]:8080/mcp".to_owned();
        assert_eq!(reproduce(&made.made, &zoned), None);
    }

    #[test]
    fn a_websocket_is_one_websocat_command() {
        let made = get(ProbeId::Classify, "websocket")
            .sending("upgrade", "websocket")
            .sending("connection", "Upgrade")
            .sending("sec-websocket-key", "x")
            .sending("sec-websocket-protocol", "mcp")
            .sending("origin", "https://scanner-origin.invalid");
        assert_eq!(
            command(&made),
            "websocat -H 'accept: application/json, text/event-stream' --protocol mcp --origin \
             https://scanner-origin.invalid ws://127.0.0.1:8080/mcp"
        );
    }

    #[test]
    fn hostile_values_stay_one_harmless_argument() {
        for text in HOSTILE {
            let mut made = get(ProbeId::Classify, "get").sending("x-cursor", text);
            made.made.request.body = Some((*text).to_owned());
            made.made.request.url = format!("http://127.0.0.1/{text}");
            let said = reproduce(&made.made, &header());
            assert_eq!(said.is_none(), text.contains('\0'), "{text:?}");
            assert!(said.unwrap_or_default().chars().all(harmless), "{text:?}");
        }
    }
}
