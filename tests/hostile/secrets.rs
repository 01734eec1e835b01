//! Section 7: servers that give back what they were sent, in every form and place.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::stage::{EVENTS, Serve, act, ask, handshake, http, json_text, linger, mcp, reply, result, tool};
use super::{Row, Via, row};
use crate::tls::Certificate;

/// What a secret looks like after an encoding.
type Form = fn(&str) -> String;

const FORMS: &[(&str, Form)] = &[
    ("plain", str::to_owned),
    ("in-base64", |secret| STANDARD.encode(secret)),
    ("in-base64url", |secret| URL_SAFE_NO_PAD.encode(secret)),
    ("inside-base64", |secret| STANDARD.encode(format!("authorization: Bearer {secret}, and more"))),
    ("inside-base64-at-another-place", |secret| STANDARD.encode(format!("x{secret}y"))),
    ("in-percent", |secret| {
        secret
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    }),
    ("in-lower-case-percent", |secret| {
        secret.replace('/', "%2f").replace('+', "%2b").replace('=', "%3d").replace('~', "%7e")
    }),
    ("in-percent-letter-by-letter", |secret| secret.bytes().map(|byte| format!("%{byte:02X}")).collect()),
    ("in-hex", |secret| secret.bytes().map(|byte| format!("{byte:02x}")).collect()),
    ("in-upper-case-hex", |secret| secret.bytes().map(|byte| format!("{byte:02X}")).collect()),
    ("in-html-entities", |secret| secret.bytes().map(|byte| format!("&#{byte};")).collect()),
];

/// A session that reflects the secret, in this form, wherever a server can put text.
fn reflecting(form: Form) -> Serve {
    mcp(move |ask, method, id, _| {
        let secret = form(&ask.secret());
        match (ask.method.as_str(), method) {
            ("POST", "initialize") => {
                let mut hello = handshake();
                hello["serverInfo"]["name"] = json!(format!("you sent {secret}"));
                hello["instructions"] = json!(secret);
                let body = json!({ "jsonrpc": "2.0", "id": id, "result": hello }).to_string();
                let cookie = format!("token={secret}; Path=/");
                let headers = [
                    ("content-type", "application/json"),
                    ("x-debug", secret.as_str()),
                    ("set-cookie", cookie.as_str()),
                ];
                Some(http("200 OK", &headers, body))
            }
            ("POST", "tools/list") => {
                // The name is shown early, and cut: no part of the secret may be left.
                let long = format!("{}{secret}", "x".repeat(150));
                Some(result(
                    id,
                    &json!({ "tools": [tool(&secret, &secret), { "name": long, "description": 7 }] }),
                ))
            }
            ("POST", name) if name != "ping" && !name.starts_with("notifications/") => {
                let error = json!({ "code": -32603, "message": format!("cannot look at {secret}"), "data": { (secret.as_str()): secret } });
                Some(json_text(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()))
            }
            _ => None,
        }
    })
}

/// Headers of which the secret is only a part, and what they are called.
const SENT: &[(&str, Form)] = &[
    ("a-cookie", |secret| format!("Cookie: theme=dark; session={secret}; lang=en")),
    ("a-key-with-a-scheme", |secret| format!("X-Api-Key: Bearer {secret}")),
    ("a-digest", |secret| format!("Authorization: Digest username=\"u\", nonce=\"{secret}\", qop=auth")),
    ("basic", |secret| format!("Authorization: Basic {}", STANDARD.encode(format!("u:{secret}")))),
];

/// Servers that give back only the part of a header that is the secret.
fn parts() -> impl Iterator<Item = Row> {
    SENT.iter().flat_map(|(name, header)| {
        let named = move |kind: &str, form: &str| -> &'static str {
            Box::leak(format!("{kind}-the-secret-of-{name}-{form}").into_boxed_str())
        };
        let forms = FORMS.iter().filter(|(form, _)| {
            ["plain", "in-base64", "inside-base64", "in-percent", "in-hex"].contains(form)
        });
        forms.flat_map(move |(form, make)| {
            [
                row(named("reflects", form), "K2 K3 K5", reflecting(*make)).is("legacy", 0),
                row(named("ws-reflects", form), "K2 K3 K5 W6", super::socket::reflecting(*make))
                    .via(Via::Ws)
                    .is("mcp-websocket", 0)
                    .or_undecided(),
            ]
            .map(|row| row.sent(*header).again())
        })
    })
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = FORMS
        .iter()
        .map(|(name, form)| {
            let name: &'static str = Box::leak(format!("reflects-{name}").into_boxed_str());
            row(name, "K2 K3 K5", reflecting(*form)).is("legacy", 0).again()
        })
        .collect();
    rows.extend(["plain", "in-base64", "in-hex", "in-percent"].into_iter().map(|wanted| {
        let (name, form) = FORMS.iter().find(|(name, _)| *name == wanted).unwrap();
        let name: &'static str = Box::leak(format!("ws-reflects-{name}").into_boxed_str());
        row(name, "K2 K3 K5 W6", super::socket::reflecting(*form))
            .via(Via::Ws)
            .is("mcp-websocket", 0)
            .or_undecided()
            .again()
    }));
    rows.extend(parts());
    rows.extend([
        row(
            "reflects-in-json-escapes",
            "K2 K3",
            mcp(|ask, method, id, _| {
                let secret: String = ask.secret().bytes().map(|byte| format!("\\u{byte:04x}")).collect();
                (ask.method == "POST" && method != "ping").then(|| {
                    json_text(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":-32603,\"message\":\"cannot look at {secret}\"}}}}"))
                })
            }),
        )
        .is("mcp", 4)
        .again(),
        row(
            "reflects-as-a-session",
            "K2 K6",
            mcp(|ask, method, id, _| {
                (method == "initialize").then(|| {
                    let body = json!({ "jsonrpc": "2.0", "id": id, "result": handshake() }).to_string();
                    http("200 OK", &[("content-type", "application/json"), ("mcp-session-id", &ask.secret())], body)
                })
            }),
        )
        .is("legacy", 0)
        .again(),
        row(
            "reflects-as-what-is-not-http",
            "K2 T11",
            act(|mut io, _| async move {
                let Some(ask) = ask(&mut io).await else { return };
                // The excerpt of the first bytes ends inside the secret.
                let _ = io.write_all(format!("{}{}", "x".repeat(50), ask.secret()).as_bytes()).await;
                linger(&mut io).await;
            }),
        )
        .unreachable()
        .fails("not-http")
        .again(),
        row(
            "reflects-as-half-of-what-is-not-http",
            "K2 T11",
            act(|mut io, _| async move {
                let Some(ask) = ask(&mut io).await else { return };
                let _ = io.write_all(&ask.secret().as_bytes()[..20]).await;
                let _ = io.shutdown().await;
            }),
        )
        .unreachable()
        .again(),
        row(
            "reflects-in-a-redirect",
            "K2 H2",
            reply(|ask, scene| http("302 Found", &[("location", &format!("http://{}/?token={}", scene.offsite, ask.secret()))], "")),
        )
        .again(),
        row(
            "reflects-in-a-challenge",
            "K2 H14",
            reply(|ask, _| http("401 Unauthorized", &[("www-authenticate", &format!("Bearer realm=\"{}\"", ask.secret()))], ask.head.as_str())),
        )
        .is("auth-gated", 4)
        .again(),
        row(
            "reflects-in-an-error-page",
            "K2",
            reply(|ask, _| http("500 Internal Server Error", &[("content-type", "text/html")], format!("<pre>{}</pre>", ask.head))),
        )
        .again(),
        row(
            "reflects-in-binary",
            "K2",
            reply(|ask, _| http("200 OK", &[("content-type", "application/octet-stream")], [&[0xff, 0xfe], ask.head.as_bytes()].concat())),
        )
        .again(),
        row(
            "reflects-in-events",
            "K2 K3",
            act(|mut io, _| async move {
                let Some(ask) = ask(&mut io).await else { return };
                let secret = ask.secret();
                let text = format!(": {secret}\nevent: {secret}\nid: {secret}\nretry: 5\ndata: {secret}\n\nevent: endpoint\ndata: /m?token={secret}\n\n");
                let _ = io.write_all(&[EVENTS, text.as_bytes()].concat()).await;
                linger(&mut io).await;
            }),
        )
        .is("http-sse", 0)
        .or_undecided()
        .again(),
        row(
            "reflects-beside-the-body-limit",
            "K2 H9",
            act(|mut io, _| async move {
                let Some(ask) = ask(&mut io).await else { return };
                // The limit falls into the secret.
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";
                let text = format!("{head}{}{}", "x".repeat(4 * 1024 * 1024 - 15), ask.secret());
                let _ = io.write_all(text.as_bytes()).await;
                let _ = io.shutdown().await;
            }),
        ),
        row("reflects-in-the-url-query", "K4", reply(|ask, _| http("404 Not Found", &[("content-type", "text/plain")], ask.head.as_str())))
            .via(Via::Query)
            .again(),
        row("reflects-the-url-query-decoded", "K3 K4", reply(|ask, _| {
            http("404 Not Found", &[("content-type", "text/plain")], format!("no {}", ask.queried()))
        }))
        .via(Via::Query)
        .again(),
        row("reflects-over-tls", "K2 K5", reflecting(str::to_owned)).via(Via::Tls(Certificate::Good)).is("legacy", 0).again(),
    ]);
    rows
}
