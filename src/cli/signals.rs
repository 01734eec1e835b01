//! Ctrl-C, SIGTERM and SIGHUP: the first stops a scan in good order, the second ends it at once.

use std::io;

use tokio::runtime::Runtime;

use super::ending::Ending;
use super::{output, runtime};
use crate::exit::Exit;
use crate::progress::say;

/// Listens from its making on.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` where hanging up is to be ignored.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Takes over the handling of the signals. Must be called inside the runtime.
    #[cfg(unix)]
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = (!ignores_hangups()).then(|| signal(SignalKind::hangup())).transpose()?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())?, hangup })
    }

    /// Only Ctrl-C exists here; it is taken over at the first wait.
    #[cfg(not(unix))]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Does what may wait for somebody else before anything was sent: a pipe is open once somebody reads it. The first
    /// signal ends that, because there is nothing to judge yet.
    pub(super) fn or_end<T: Send>(
        &mut self,
        runtime: &Runtime,
        work: impl FnOnce() -> Result<T, Ending> + Send,
    ) -> Result<T, Ending> {
        std::thread::scope(|scope| {
            let (tell, told) = tokio::sync::oneshot::channel();
            scope.spawn(move || drop(tell.send(work())));
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    exit = self.next() => ended(exit, "ended at once; nothing was sent"),
                    done = told => done.unwrap_or_else(|_| Err(Ending::bug("no output was opened".to_owned()))),
                }
            })
        })
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
                        ended(exit, "ended at once; the report may be cut");
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
            () = hung_up(&mut self.hangup) => Exit::HungUp,
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

/// For commands without a scan, which have nothing to stop in good order: the first signal ends them, and leaves
/// no half of a file behind. Without file descriptors for that, signals do what they always do.
pub(super) fn end_at_once() {
    let Ok(runtime) = runtime::start() else { return };
    let listening = {
        let _inside = runtime.enter();
        Signals::listen()
    };
    if let Ok(mut signals) = listening {
        std::thread::spawn(move || ended(runtime.block_on(signals.next()), "ended at once"));
    }
}

fn ended(exit: Exit, words: &str) -> ! {
    say(&format!("exit {} ({}): {words}", exit.code(), exit.name()));
    output::end(exit.code())
}

#[cfg(unix)]
async fn hung_up(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether the program was started to survive its terminal (`nohup`), as the system says.
#[cfg(target_os = "linux")]
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is signal 1, SIGHUP.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// The same where the system does not tell: `nohup` leaves no standard error on a terminal.
#[cfg(all(unix, not(target_os = "linux")))]
fn ignores_hangups() -> bool {
    use std::io::IsTerminal;
    !io::stderr().is_terminal()
}
