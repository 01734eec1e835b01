//! The command line: what was typed, what is meant, and one file per subcommand.
//!
//! Standard output carries the report and nothing else; standard error everything else, ending with
//! a line that says in words how the run ended. Only this module and `progress` write, open files
//! and read the environment.

mod args;
mod baseline;
mod checks;
mod completions;
mod config;
mod credentials;
mod demo;
mod diff;
mod ending;
mod explain;
mod find;
mod formats;
mod inputs;
mod judging;
mod lists;
mod machine;
mod merge;
mod origin;
mod output;
mod outputs;
mod present;
mod preview;
mod proxies;
mod reading;
mod recording;
mod rendering;
mod replay;
mod reporting;
mod resolve;
mod rubric;
mod runtime;
mod scan;
mod schema;
mod settings;
mod signals;
mod targets;
mod terminal;
mod usage;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use self::args::{Cli, Command};
use self::ending::Ending;
use self::machine::Machine;
use crate::exit::Exit;
use crate::progress::{say, speak_ascii};
use crate::report::text::sanitise;

/// Runs the program with these arguments (the first is its name).
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if terminal::speaks_ascii() {
        speak_ascii();
    }
    // The words of a panic may hold what a peer or the user sent: only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        say(&format!("crashed{place}: a bug of agentgauge, please report it"));
    }));
    let ending = match Cli::try_parse_from(args) {
        Ok(cli) => catch_unwind(AssertUnwindSafe(|| run(cli.command)))
            .unwrap_or_else(|_| Err(Ending::bug("agentgauge crashed".to_owned())))
            .unwrap_or_else(|ending| ending),
        Err(error) => unparsed(&error),
    };
    let (code, name) = (ending.exit.code(), ending.exit.name());
    if ending.exit != Exit::Ok || !ending.quiet {
        let words = sanitise(&ending.words);
        say(&if words.is_empty() {
            format!("exit {code} ({name})")
        } else {
            format!("exit {code} ({name}): {words}")
        });
    }
    ExitCode::from(code)
}

fn run(command: Command) -> Result<Ending, Ending> {
    if writes(&command) {
        signals::end_at_once();
    }
    match command {
        Command::Scan(args) => scan::run(resolve::scan(*args, &Machine)?),
        Command::Replay(args) => replay::run(&resolve::replay(*args, &Machine)?),
        Command::Checks(args) => checks::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Baseline(command) => baseline::run(&command),
        Command::Rubric(command) => rubric::run(&command),
        Command::Config(command) => config::run(command),
        Command::Explain(args) => explain::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Merge(args) => merge::run(&merge::resolve(*args, &Machine)?),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Whether a command without a scan writes files, of which a signal must leave no half. Where none is written the
/// thread that waits for signals would only make everything else slower.
fn writes(command: &Command) -> bool {
    match command {
        Command::Replay(args) => args.output.files(),
        Command::Merge(args) => args.output.files(),
        Command::Diff(args) => args.output.is_some(),
        Command::Baseline(_) => true,
        _ => false,
    }
}

/// Help and version are answers and go to standard output; the rest is a usage error.
fn unparsed(error: &clap::Error) -> Ending {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match output::stdout(error.render().to_string().as_bytes()) {
                Ok(()) => Ending::silent(),
                Err(error) => error.into(),
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            say(error.render().to_string().trim_end());
            Ending { exit: Exit::Usage, words: "a command is missing".to_owned(), quiet: false }
        }
        _ => Ending { exit: Exit::Usage, words: usage::line(error), quiet: false },
    }
}
