//! Servers that give the secret back in every form of the table, and in every place where an endpoint can put text.

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::forms::{FORMS, Form, form};
use super::stage::{EVENTS, Serve, act, ask, handshake, http, json_text, linger, mcp, reply, result, tool};
use super::{Row, Via, row};

/// A text as the value of a header: what no header may hold is left out.
fn header(text: &str) -> String {
    text.chars().filter(|c| *c == '\t' || (' '..='~').contains(c) || *c > '\u{9f}').collect()
}

/// A session that reflects the secret in this form: in names, descriptions, errors, headers and an instruction.
fn session(form: Form) -> Serve {
    mcp(move |ask, method, id, _| {
        let secret = form(&ask.secret());
        match (ask.method.as_str(), method) {
            ("POST", "initialize") => {
                let mut hello = handshake();
                hello["serverInfo"]["name"] = json!(format!("you sent {secret}"));
                hello["instructions"] = json!(secret);
                let body = json!({ "jsonrpc": "2.0", "id": id, "result": hello }).to_string();
                Some(http(
                    "200 OK",
                    &[("content-type", "application/json"), ("x-debug", &header(&secret))],
                    body,
                ))
            }
            ("POST", "tools/list") => Some(result(id, &json!({ "tools": [tool(&secret, &secret)] }))),
            ("POST", name) if name != "ping" && !name.starts_with("notifications/") => {
                let error =
                    json!({ "code": -32603, "message": format!("cannot look at {secret}"), "data": secret });
                Some(json_text(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()))
            }
            _ => None,
        }
    })
}

fn named(name: String) -> &'static str {
    Box::leak(name.into_boxed_str())
}

/// A page of an error as frameworks make it.
fn page(form: Form) -> Serve {
    reply(move |ask, _| {
        let page = format!("<html><body><h1>Error</h1><pre>{}</pre></body></html>", form(&ask.secret()));
        http("500 Internal Server Error", &[("content-type", "text/html")], page)
    })
}

pub(super) fn rows() -> Vec<Row> {
    let known = ["plain", "base64", "base64url", "percent", "hex", "numeric-entities"];
    let new = FORMS.iter().filter(|(name, _)| !known.contains(name));
    let mut rows: Vec<Row> = new
        .map(|(name, form)| {
            row(named(format!("forms-session-{name}")), "K2 K3", session(*form)).is("legacy", 0).again()
        })
        .collect();
    let pages = ["markup", "named-entities", "zero-width", "utf-16-le", "base64-lines", "hex-spaces"];
    rows.extend(
        pages
            .into_iter()
            .map(|name| row(named(format!("forms-page-{name}")), "K2 K3", page(form(name))).again()),
    );
    rows.extend([
        row(
            "forms-redirect-that-joins",
            "K2 H2",
            reply(|ask, _| {
                let secret = ask.secret();
                let (first, rest) = secret.split_at(10);
                http("307 Temporary Redirect", &[("location", &format!("/m/{first}\t{rest}"))], "")
            }),
        )
        .again(),
        row(
            "forms-header-name",
            "K2 K3",
            reply(|ask, _| {
                let hex: String = form("hex")(&ask.secret());
                http("404 Not Found", &[(&format!("x-{hex}"), "1"), ("content-type", "text/plain")], "no")
            }),
        )
        .again(),
        row(
            "forms-reason-phrase",
            "K2",
            reply(|ask, _| {
                http(&format!("400 You sent {}", ask.secret()), &[("content-type", "text/plain")], "no")
            }),
        )
        .again(),
        row(
            "forms-resource-metadata",
            "K2 H14",
            reply(|ask, scene| {
                let secret = ask.secret();
                let (first, rest) = secret.split_at(10);
                let challenge = format!("Bearer resource_metadata=\"http://{}/{first}\t{rest}\"", scene.here);
                http("401 Unauthorized", &[("www-authenticate", &challenge)], "")
            }),
        )
        .is("auth-gated", 4)
        .again(),
        row(
            "forms-userinfo-of-others",
            "K4",
            reply(|ask, _| {
                let place = format!("http://user:{}@127.0.0.1:9/", ask.secret().replace('/', "%2F"));
                http("302 Found", &[("location", &place)], "")
            }),
        )
        .again(),
        row(
            "forms-endpoint-event-that-joins",
            "K2 S9",
            act(|mut io, _| async move {
                let Some(ask) = ask(&mut io).await else { return };
                let secret = ask.secret();
                let (first, rest) = secret.split_at(10);
                let text =
                    format!("event: endpoint\ndata: /m/{first}\t{rest}\n\n: {}\n", form("reversed")(&secret));
                let _ = io.write_all(&[EVENTS, text.as_bytes()].concat()).await;
                linger(&mut io).await;
            }),
        )
        .is("http-sse", 0)
        .or_undecided()
        .again(),
    ]);
    rows.extend(["base32", "hex-colons", "named-entities", "reversed"].into_iter().map(|name| {
        row(named(format!("forms-ws-{name}")), "K2 K3 W6", super::socket::reflecting(form(name)))
            .via(Via::Ws)
            .is("mcp-websocket", 0)
            .or_undecided()
            .again()
    }));
    rows
}
