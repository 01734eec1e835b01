//! How a run ended, and why in words.

use super::output::OutputError;
use super::usage::Usage;
use crate::exit::Exit;

/// How a run ended, and why in words.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) exit: Exit,
    /// Why; empty where there is nothing to say.
    pub(super) words: String,
    /// Whether a good end is kept to itself.
    pub(super) quiet: bool,
}

impl Ending {
    /// Done, with nothing to add: lists, schemas, help.
    pub(super) fn silent() -> Self {
        Self { exit: Exit::Ok, words: String::new(), quiet: true }
    }

    /// A machine on which nothing can begin: of that, how the program is started is a part.
    pub(super) fn machine(words: String) -> Self {
        Self { exit: Exit::Usage, words, quiet: false }
    }

    /// A bug of ours.
    pub(super) fn bug(words: String) -> Self {
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
