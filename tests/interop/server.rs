//! One server process.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How a server is started.
pub(crate) enum Start {
    /// `node`, with these arguments behind the preload that moves listeners to loopback. The first is a
    /// file of ours (`servers/…`) or of a package (`node_modules/…`).
    Node(&'static [&'static str]),
    /// The Python of this SDK's environment, with a file in `servers` and its arguments.
    Python(&'static str, &'static [&'static str]),
}

impl Start {
    /// The registry that its packages are from, as `run` calls it.
    pub(crate) const fn registry(&self) -> &'static str {
        match self {
            Self::Node(_) => "npm",
            Self::Python(..) => "pypi",
        }
    }

    fn command(&self) -> Command {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (servers, installed) = (root.join("tests/interop/servers"), root.join("target/interop"));
        let file = |name: &str| match name.strip_prefix("servers/") {
            Some(own) => servers.join(own),
            None => PathBuf::from(name),
        };
        match self {
            Self::Node(arguments) => {
                let mut command = Command::new("node");
                command.current_dir(installed.join("npm")).arg("--import").arg(servers.join("loopback.mjs"));
                command.arg(file(arguments[0])).args(&arguments[1..]);
                command
            }
            Self::Python(sdk, arguments) => {
                let home = installed.join("pypi").join(sdk);
                let mut command = Command::new(home.join("bin/python"));
                // No caches of compiled code beside our sources.
                command.current_dir(home).arg("-B").arg(file(arguments[0])).args(&arguments[1..]);
                command
            }
        }
    }
}

/// A running server; dropping it ends the process.
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// How long a start may take: a first run compiles hundreds of modules, nine servers at once.
    const READY: Duration = Duration::from_secs(40);

    /// Starts it and waits until it accepts a connection.
    pub(crate) fn start(start: &Start) -> Self {
        let mut command = start.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = child.stdout.take().unwrap();
        let mut server = Self { child, port: 0 };
        let (sender, receiver) = mpsc::channel();
        // Reads to the end, so that the pipe never fills.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(port) = line.strip_prefix("listening ").and_then(|port| port.parse().ok()) {
                    let _ = sender.send(port);
                }
            }
        });
        let started = Instant::now();
        server.port = receiver
            .recv_timeout(Self::READY)
            .unwrap_or_else(|_| panic!("{command:?} named no port in {:?}", started.elapsed()));
        while TcpStream::connect(("127.0.0.1", server.port)).is_err() {
            assert!(started.elapsed() < Self::READY, "{command:?} accepts no connection");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Its URL: `path` is `scheme:/path`.
    pub(crate) fn url(&self, path: &str) -> String {
        let (scheme, path) = path.split_once(':').unwrap();
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
