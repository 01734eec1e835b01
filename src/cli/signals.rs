//! Ctrl-C and SIGTERM: the first stops a scan in good order, the second ends it at once.

use std::io;

use tokio::runtime::Runtime;

use crate::exit::Exit;
use crate::progress::say;

/// Listens from its making on.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes over the handling of both signals. Must be called inside the runtime.
    #[cfg(unix)]
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Only Ctrl-C exists here; it is taken over at the first wait.
    #[cfg(not(unix))]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// From here on only the reports are left to be written, which may take for ever where nobody reads
    /// them. The runtime is kept, because a signal that it once handled does nothing without it; and it is
    /// never dropped: a resolver that still waits in its thread must not hold the end up.
    pub(super) fn end_while_writing(mut self, runtime: Runtime, mut interrupted: bool) {
        std::thread::spawn(move || {
            runtime.block_on(async move {
                loop {
                    let exit = self.next().await;
                    if interrupted {
                        say(&format!(
                            "exit {} ({}): ended at once; the report may be cut",
                            exit.code(),
                            exit.name()
                        ));
                        std::process::exit(i32::from(exit.code()));
                    }
                    interrupted = true;
                    say("writing the report; once more ends at once");
                }
            });
        });
    }

    /// Waits for the next signal; gives the exit that it stands for.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }

    /// Waits for the next Ctrl-C.
    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> Exit {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}
