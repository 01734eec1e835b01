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
mod explain;
mod find;
mod formats;
mod inputs;
mod judging;
mod lists;
mod merge;
mod output;
mod outputs;
mod present;
mod preview;
mod proxies;
mod reading;
mod recording;
mod rendering;
mod replay;
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
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use self::args::{Cli, Command};
use self::inputs::Place;
use self::output::OutputError;
use self::resolve::{Surroundings, Usage};
use crate::exit::Exit;
use crate::progress::{say, speak_ascii};
use crate::report::text::sanitise;

/// How a run ended, and why in words.
#[derive(Debug)]
struct Ending {
    exit: Exit,
    /// Why; empty where there is nothing to say.
    words: String,
    /// Whether a good end is kept to itself.
    quiet: bool,
}

impl Ending {
    /// Done, with nothing to add: lists, schemas, help.
    fn silent() -> Self {
        Self { exit: Exit::Ok, words: String::new(), quiet: true }
    }

    /// A machine on which nothing can begin: of that, how the program is started is a part.
    fn machine(words: String) -> Self {
        Self { exit: Exit::Usage, words, quiet: false }
    }

    /// A bug of ours.
    fn bug(words: String) -> Self {
        Self { exit: Exit::Bug, words, quiet: false }
    }
}

impl From<Usage> for Ending {
    fn from(usage: Usage) -> Self {
        Self { exit: Exit::Usage, words: usage.to_string(), quiet: false }
    }
}

impl From<OutputError> for Ending {
    fn from(error: OutputError) -> Self {
        Self { exit: Exit::Output, words: error.to_string(), quiet: false }
    }
}

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

/// This machine.
#[derive(Debug)]
struct Machine;

impl Surroundings for Machine {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn folder(&self) -> io::Result<PathBuf> {
        std::env::current_dir()
    }

    fn variables(&self) -> Vec<OsString> {
        std::env::vars_os().map(|(name, _)| name).collect()
    }

    /// A link counts by itself: one that leads nowhere is no missing file.
    fn exists(&self, path: &Path) -> io::Result<bool> {
        match path.symlink_metadata() {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn file(&self, _argument: &str, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        reading::file(path, limit)
    }

    fn place(&self, path: &Path) -> Place {
        output::place(path)
    }

    fn zone(&self, zone: &str) -> bool {
        crate::net::has_zone(zone)
    }
}
