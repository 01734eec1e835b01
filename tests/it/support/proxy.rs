//! An HTTP proxy on loopback that opens tunnels.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::raw::{Raw, head};

/// The proxy, and what it was asked.
pub(crate) struct Tunnels {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnels {
    /// Leads every tunnel to `to`, whatever was asked for: nothing leaves this machine.
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let raw = Raw::start(move |mut stream| {
            let seen = Arc::clone(&seen);
            async move {
                let head = head(&mut stream).await;
                let connect = head.starts_with("CONNECT ");
                seen.lock().unwrap().push(head);
                if !connect {
                    let _ = stream.write_all(b"HTTP/1.1 405 Only tunnels\r\ncontent-length: 0\r\n\r\n").await;
                    return;
                }
                let mut beyond = TcpStream::connect(to).await.unwrap();
                let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
                let _ = copy_bidirectional(&mut stream, &mut beyond).await;
            }
        })
        .await;
        Self { address: raw.address, asked }
    }

    /// The heads of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}
