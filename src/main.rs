//! Arguments in, exit code out. Everything else is the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    agentgauge::cli::main(std::env::args_os())
}
