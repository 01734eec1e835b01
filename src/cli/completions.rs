//! `completions`: a script for a shell.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::ending::Ending;
use super::output;

pub(super) fn run(args: &CompletionsArgs) -> Result<Ending, Ending> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "agentgauge", &mut script);
    output::stdout(&script)?;
    Ok(Ending::silent())
}
