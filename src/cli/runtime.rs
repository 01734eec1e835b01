//! The runtime of a scan, or why this machine has none to give: that is no bug of ours.

use std::io;

use tokio::runtime::{Builder, Runtime};

use super::ending::Ending;

/// Starts one. It needs a few file descriptors of its own; without them it would not fail but crash.
pub(super) fn start() -> Result<Runtime, Ending> {
    room().map_err(|error| unable(&error))?;
    Builder::new_current_thread().enable_all().build().map_err(|error| unable(&error))
}

/// Exit 2: how it was started leaves too little to start with.
pub(super) fn unable(error: &io::Error) -> Ending {
    let words = if out_of_files(error) {
        "too few files may be open at once for a scan to begin: allow 64 or more with 'ulimit -n 64'"
            .to_owned()
    } else {
        format!("this machine does not let a scan begin: {error}")
    };
    Ending::machine(words)
}

/// Whether the process, or the machine, has no file descriptor left.
fn out_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// Whether as many descriptors are free as the runtime and one connection take.
#[cfg(unix)]
fn room() -> io::Result<()> {
    const NEEDED: usize = 12;
    let held: io::Result<Vec<std::fs::File>> =
        (0..NEEDED).map(|_| std::fs::File::open("/dev/null")).collect();
    match held {
        // Only a missing descriptor matters, not a machine without this device.
        Err(error) if out_of_files(&error) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn room() -> io::Result<()> {
    Ok(())
}
