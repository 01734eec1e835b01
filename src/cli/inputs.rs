//! Every file that a run reads. What it writes must lead to none of them: compared as
//! typed and by what the names lead to, before anything is sent or opened for writing.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::machine::{Destination, Surroundings};
use super::usage::Usage;

/// A machine that remembers each file it was asked for, so that no option can be forgotten.
pub(super) struct Remembering<'a> {
    around: &'a dyn Surroundings,
    read: RefCell<Vec<(String, PathBuf)>>,
}

impl<'a> Remembering<'a> {
    pub(super) fn new(around: &'a dyn Surroundings) -> Self {
        Self { around, read: RefCell::default() }
    }

    /// Adds files that are read later; `-` is standard input.
    pub(super) fn will_read<'p>(&self, argument: &str, paths: impl IntoIterator<Item = &'p PathBuf>) {
        let files = paths.into_iter().filter(|path| path.as_path() != Path::new("-"));
        self.read.borrow_mut().extend(files.map(|path| (argument.to_owned(), path.clone())));
    }

    /// Refuses an output that is one of the files.
    pub(super) fn spare(&self, option: &str, output: &Path) -> Result<(), Usage> {
        let place = self.around.place(output);
        for (argument, input) in self.read.borrow().iter() {
            if plain(input) == plain(output) || place.is(&self.around.place(input)) {
                let read = input.display().to_string();
                // Some arguments name their file themselves.
                let argument = argument.strip_suffix(&read).unwrap_or(argument).trim_end();
                return Err(Usage::new(
                    option,
                    format!(
                        "{} would overwrite {read}, which is read ({argument}); name two different files",
                        output.display()
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl Surroundings for Remembering<'_> {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.around.variable(name)
    }

    fn variables(&self) -> Vec<OsString> {
        self.around.variables()
    }

    fn file(&self, argument: &str, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.read.borrow_mut().push((argument.to_owned(), path.to_owned()));
        self.around.file(argument, path, limit)
    }

    fn folder(&self) -> io::Result<PathBuf> {
        self.around.folder()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.around.exists(path)
    }

    fn place(&self, path: &Path) -> Destination {
        self.around.place(path)
    }

    fn zone(&self, zone: &str) -> bool {
        self.around.zone(zone)
    }
}

/// Two outputs must not name one file. Compared as typed, normalised without asking the file system;
/// opening the outputs compares once more what the names lead to.
pub(super) fn distinct_files(first: &str, a: &Path, second: &str, b: &Path) -> Result<(), Usage> {
    if plain(a) != plain(b) {
        return Ok(());
    }
    let problem = format!("{} is also given as {second}; name two different files", a.display());
    Err(Usage::new(first, problem))
}

fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}
