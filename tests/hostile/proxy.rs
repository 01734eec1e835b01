//! A proxy that is hostile, or dead weight (T19, K8): the scan is sent through it by the environment.

use super::Sign::Within;
use super::stage::{Serve, act, ask, bytes, flood, http, linger, mcp, reply};
use super::{Row, Via, row};
use tokio::io::AsyncWriteExt;

/// Opens every tunnel, and speaks for the target itself.
fn tunnel(behind: Serve) -> Serve {
    act(move |mut io, scene| {
        let behind = std::sync::Arc::clone(&behind);
        async move {
            if ask(&mut io).await.is_some_and(|ask| ask.method == "CONNECT") {
                let _ = io.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
                behind(io, scene).await;
            }
        }
    })
}

pub(super) fn rows() -> Vec<Row> {
    let through = |name, serve| {
        // The canary is meant for the endpoint, and its name is another machine's.
        row(name, "T19 K8", serve).via(Via::Proxy).args(&["--allow-plaintext-credentials"])
    };
    let refused = |name, status: &str| {
        let challenge = [("proxy-authenticate", "Basic realm=\"\u{9b}31m\"")];
        through(name, bytes(http(status, &challenge, "\x1b]0;owned\x07 <b>no</b>")))
            .unreachable()
            .fails("proxy-refused")
            .because("(the proxy http://127.0.0.1:")
    };
    vec![
        refused("proxy-forbids", "403 Forbidden").because("the proxy opens no tunnel: 403").again(),
        refused("proxy-wants-credentials", "407 Proxy Authentication Required")
            .because("it wants a user name and a password"),
        refused("proxy-reaches-nothing", "502 Bad Gateway").because("it does not reach the target itself"),
        through(
            "proxy-reflects-the-password",
            reply(|ask, _| {
                let secret = ask.secret();
                http("403 Forbidden", &[("x-debug", &secret), ("proxy-authenticate", &secret)], &secret)
            }),
        )
        .unreachable()
        .fails("proxy-refused")
        .again(),
        through("proxy-that-is-none", bytes("SSH-2.0-OpenSSH_9.9\x1b[2J\r\n"))
            .unreachable()
            .fails("not-http")
            .because("from http_proxy"),
        through("proxy-closes", act(|_, _| async {})).unreachable().because("from http_proxy"),
        through("proxy-is-silent", act(|mut io, _| async move { linger(&mut io).await }))
            .unreachable()
            .fails("header-timeout")
            .hits("header_ms"),
        through("proxy-head-without-end", flood("HTTP/1.1 200 OK\r\nx: ", "x"))
            .unreachable()
            .fails("too-large")
            .hits("header_bytes")
            .little(),
        through("proxy-interim-for-ever", flood("", "HTTP/1.1 100 Continue\r\n\r\n"))
            .unreachable()
            .hits("interim")
            .little()
            .sign(Within(10)),
        through("proxy-opens-and-floods", tunnel(flood("HTTP/1.1 200 OK\r\nx: ", "x")))
            .unreachable()
            .fails("too-large")
            .little(),
        through("proxy-answers-for-the-target", tunnel(mcp(|_, _, _, _| None)))
            .is("legacy", 0)
            .says("\"proxy\":\"http://127.0.0.1:")
            .again(),
    ]
}
