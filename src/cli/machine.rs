//! What the command line may ask of the machine: variables, files, and what names lead to.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::reading;
use super::usage::Usage;

/// How many links are followed, as Linux does.
const MOST_LINKS: usize = 40;

/// What resolving may ask of the machine.
pub(crate) trait Surroundings {
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<OsString>;
    /// The names of all environment variables.
    fn variables(&self) -> Vec<OsString>;
    /// A whole file of at most `limit` bytes, which this argument names.
    fn file(&self, argument: &str, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
    /// The working directory.
    fn folder(&self) -> io::Result<PathBuf>;
    /// Whether there is something at a path.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// What a name leads to.
    fn place(&self, path: &Path) -> Destination;
    /// Whether there is a network interface of this name or number.
    fn zone(&self, zone: &str) -> bool;
}

/// This machine.
#[derive(Debug)]
pub(super) struct Machine;

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

    fn place(&self, path: &Path) -> Destination {
        place(path)
    }

    fn zone(&self, zone: &str) -> bool {
        crate::net::has_zone(zone)
    }
}

/// What a name leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Destination {
    /// The whole path, links followed; `None` where nothing can be overwritten: a device, a pipe.
    pub(super) path: Option<PathBuf>,
    /// Device and number of the file, where the system has such.
    pub(super) node: Option<(u64, u64)>,
}

impl Destination {
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.path.is_some() && self.path == other.path) || (self.node.is_some() && self.node == other.node)
    }
}

/// A file that an argument names, or the usage error that names both.
pub(super) fn read(
    argument: &str,
    path: &Path,
    limit: u64,
    around: &dyn Surroundings,
) -> Result<Vec<u8>, Usage> {
    around
        .file(argument, path, limit)
        .map_err(|error| Usage::new(argument, format!("cannot read {}: {error}", path.display())))
}

pub(super) fn text_file(
    argument: &str,
    path: &Path,
    limit: u64,
    around: &dyn Surroundings,
) -> Result<String, Usage> {
    reading::text(read(argument, path, limit, around)?, path).map_err(|error| Usage::new(argument, error))
}

/// What a name leads to, if it is a file or none yet.
fn place(path: &Path) -> Destination {
    let found = fs::metadata(path).ok();
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return Destination::default();
    }
    #[cfg(unix)]
    let node = found.map(|found| {
        use std::os::unix::fs::MetadataExt;
        (found.dev(), found.ino())
    });
    #[cfg(not(unix))]
    let node = None;
    Destination { path: destination(path).ok(), node }
}

/// Where an output goes. Links are followed, so that they stay links, also to a file that is not there yet; a name that
/// does not exist yet is taken as it is.
pub(super) fn destination(path: &Path) -> io::Result<PathBuf> {
    if let Ok(real) = fs::canonicalize(path) {
        return Ok(real);
    }
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&at) else {
            return beside_parent(&at).map_err(|error| match at == path {
                true => error,
                false => io::Error::new(error.kind(), format!("it is a link to {}: {error}", at.display())),
            });
        };
        at = at.parent().unwrap_or(Path::new("")).join(to);
    }
    Err(io::Error::other("it is a link that leads to itself"))
}

fn beside_parent(path: &Path) -> io::Result<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(fs::canonicalize(parent)?.join(name))
}
