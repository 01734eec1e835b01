//! Where bytes go: standard output, or a file that is written beside its name and then renamed, so
//! that an old good file is never cut. Files are opened before anything is scanned.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use super::machine::destination;
use super::terminal;
use crate::report::sink::ascii;
use crate::target::Target;

/// A report or transcript could not be written: exit 5.
#[derive(Debug, Error)]
#[error("cannot write {place}: {reason}")]
pub(crate) struct OutputError {
    place: String,
    reason: String,
}

impl OutputError {
    pub(crate) fn new(path: &Path, reason: &(impl ToString + ?Sized)) -> Self {
        Self { place: path.display().to_string(), reason: reason.to_string() }
    }
}

/// The place of the report.
#[derive(Debug)]
pub(crate) enum Output {
    /// Standard output.
    Stdout,
    /// A file, already open beside its name.
    File(Beside),
}

impl Output {
    /// Opens the place; nothing is written yet.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, OutputError> {
        path.map_or(Ok(Self::Stdout), |path| Beside::open(path).map(Self::File))
    }

    /// What the name leads to, if it is a file.
    pub(crate) fn destination(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(file) => Some(&file.destination),
        }
    }

    /// The same, where other files may stand beside it: not for devices and pipes.
    pub(crate) fn regular(&self) -> Option<&Path> {
        match self {
            Self::File(file) if file.temporary.is_some() => Some(&file.destination),
            Self::File(_) | Self::Stdout => None,
        }
    }

    /// Writes all of it and closes the place.
    pub(crate) fn finish(self, bytes: &[u8]) -> Result<(), OutputError> {
        match self {
            Self::Stdout => stdout(bytes),
            Self::File(file) => file.finish(bytes),
        }
    }
}

/// Text for people as standard output gets it: in what its locale can show. Files are always UTF-8.
pub(crate) fn shown(text: String) -> String {
    if terminal::speaks_ascii() { ascii(&text) } else { text }
}

/// Writes text for people to standard output.
pub(crate) fn show(text: impl Into<String>) -> Result<(), OutputError> {
    stdout(shown(text.into()).as_bytes())
}

/// Writes to standard output. A reader that went away ends it quietly: it has what it wanted.
pub(crate) fn stdout(bytes: &[u8]) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(OutputError { place: "standard output".to_owned(), reason: error.to_string() })
        }
        _ => Ok(()),
    }
}

/// Every file under another name that is not whole yet.
static TEMPORARIES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn temporaries() -> std::sync::MutexGuard<'static, BTreeSet<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the program at once. What is not whole yet goes, and nothing new begins meanwhile.
#[expect(clippy::exit, reason = "a second signal waits for nobody")]
pub(crate) fn end(code: u8) -> ! {
    let temporaries = temporaries();
    for temporary in temporaries.iter() {
        let _ = fs::remove_file(temporary);
    }
    std::process::exit(i32::from(code))
}

/// How many files of a folder are looked at for what was left there.
const MOST_BESIDE: usize = 4096;

/// A file under another name until it is whole.
#[derive(Debug)]
pub(crate) struct Beside {
    /// As typed, for messages.
    shown: PathBuf,
    /// Where it will be: links followed.
    pub(super) destination: PathBuf,
    /// Where it is now; `None` for a device or pipe, which is written directly.
    pub(super) temporary: Option<PathBuf>,
    file: Option<File>,
}

impl Beside {
    pub(crate) fn open(path: &Path) -> Result<Self, OutputError> {
        let fail = |error: io::Error| OutputError::new(path, &error);
        let destination = destination(path).map_err(fail)?;
        let old = match fs::metadata(&destination) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(fail(error)),
        };
        if old.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(OutputError::new(path, "it is a folder"));
        }
        if old.as_ref().is_some_and(|old| !old.is_file()) {
            let file = OpenOptions::new().write(true).open(&destination).map_err(fail)?;
            return Ok(Self { shown: path.to_owned(), destination, temporary: None, file: Some(file) });
        }
        if old.as_ref().is_some_and(|old| old.permissions().readonly()) {
            return Err(OutputError::new(path, "the file is read-only"));
        }
        let name = destination.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| OutputError::new(path, "it is no file name"))?;
        let temporary = destination.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let mut known = temporaries();
        // What a crash left under this name; a link there is removed, not followed.
        let _ = fs::remove_file(&temporary);
        remove_orphans(&destination, &name);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary).map_err(fail)?;
        // Held until it is whole, so that others know that somebody still writes. Not every file system has locks.
        let _ = file.try_lock();
        known.insert(temporary.clone());
        drop(known);
        let opened =
            Self { shown: path.to_owned(), destination, temporary: Some(temporary), file: Some(file) };
        if let (Some(old), Some(file)) = (old, &opened.file) {
            file.set_permissions(old.permissions()).map_err(fail)?;
        }
        Ok(opened)
    }

    pub(crate) fn finish(mut self, bytes: &[u8]) -> Result<(), OutputError> {
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes).and_then(|()| file.flush()),
            None => Ok(()),
        };
        written.and_then(|()| self.rename()).map_err(|error| OutputError::new(&self.shown, &error))
    }

    fn rename(&mut self) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.destination)?;
            temporaries().remove(temporary);
            self.temporary = None;
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
            temporaries().remove(temporary);
        }
    }
}

/// Removes what others that were killed left of a file with this name: nobody holds it any more.
fn remove_orphans(destination: &Path, name: &str) {
    let orphan = |path: &Path| {
        let number = path.file_name()?.to_str()?.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.')?;
        let number = number.strip_suffix(".tmp")?;
        let ours = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if !ours || !fs::symlink_metadata(path).ok()?.is_file() {
            return None;
        }
        OpenOptions::new().write(true).open(path).ok()?.try_lock().ok()
    };
    let folder = destination.parent().and_then(|folder| fs::read_dir(folder).ok());
    for entry in folder.into_iter().flatten().take(MOST_BESIDE).flatten() {
        let path = entry.path();
        if orphan(&path).is_some() {
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes sure that a folder exists and takes files.
pub(crate) fn folder(path: &Path) -> Result<(), OutputError> {
    fs::create_dir_all(path).map_err(|error| OutputError::new(path, &error))?;
    let probe = Beside::open(&path.join("agentgauge"))?;
    drop(probe);
    Ok(())
}

/// A file name for the transcript of one of several targets.
pub(crate) fn transcript_name(index: usize, target: &Target) -> String {
    numbered(index, target.url.host_str().unwrap_or_default())
}

/// Number and host, from a small alphabet.
fn numbered(index: usize, host: &str) -> String {
    const LONGEST: usize = 60;
    let slug: String = host
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let slug = slug.trim_matches('-');
    let number = index.saturating_add(1);
    if slug.is_empty() { format!("{number:03}.jsonl") } else { format!("{number:03}-{slug}.jsonl") }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A folder of its own for a test, removed at its end.
    pub(in crate::cli) struct Folder(pub(in crate::cli) PathBuf);

    impl Folder {
        pub(in crate::cli) fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("agentgauge-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(in crate::cli) fn names(&self) -> Vec<String> {
            let mut names: Vec<String> = fs::read_dir(&self.0)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn an_old_file_stays_until_the_new_one_is_whole() {
        let folder = Folder::new("whole");
        let path = folder.0.join("report.json");
        fs::write(&path, "old").unwrap();
        let dropped = Beside::open(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        drop(dropped);
        assert_eq!(folder.names(), ["report.json"]);
        Beside::open(&path).unwrap().finish(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(folder.names(), ["report.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_is_written_directly() {
        let folder = Folder::new("link");
        let (path, link) = (folder.0.join("real"), folder.0.join("link"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        Beside::open(&link).unwrap().finish(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        Beside::open(Path::new("/dev/null")).unwrap().finish(b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_is_written_through() {
        let folder = Folder::new("dangling");
        let (path, link, other) = (folder.0.join("real"), folder.0.join("link"), folder.0.join("other"));
        std::os::unix::fs::symlink("link", &other).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        Beside::open(&other).unwrap().finish(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(folder.names(), ["link", "other", "real"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("no/such/file", &link).unwrap();
        let error = Beside::open(&link).unwrap_err().to_string();
        assert!(error.contains("no/such/file: ") && error.contains("it is a link to"), "{error}");
        fs::remove_file(&other).unwrap();
        std::os::unix::fs::symlink("other", &other).unwrap();
        assert!(Beside::open(&other).unwrap_err().to_string().contains("leads to itself"));
    }

    #[test]
    fn what_a_killed_scan_left_goes_when_the_next_begins() {
        let folder = Folder::new("orphans");
        let path = folder.0.join("r.json");
        let held = folder.0.join(".r.json.2.tmp");
        for name in [".r.json.1.tmp", ".r.json.2.tmp", ".r.json.x.tmp", ".r.json..tmp", ".other.json.1.tmp"] {
            fs::write(folder.0.join(name), "half").unwrap();
        }
        let writer = OpenOptions::new().write(true).open(&held).unwrap();
        writer.try_lock().unwrap();
        let opened = Beside::open(&path).unwrap();
        let own = format!(".r.json.{}.tmp", std::process::id());
        let mut left =
            vec![".other.json.1.tmp", ".r.json..tmp", ".r.json.2.tmp", ".r.json.x.tmp", own.as_str()];
        left.sort_unstable();
        assert_eq!(folder.names(), left);
        remove_orphans(&path, "r.json");
        opened.finish(b"whole").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
    }

    #[test]
    fn what_cannot_be_a_file_is_refused_when_it_is_opened() {
        let folder = Folder::new("refused");
        assert!(Beside::open(&folder.0).unwrap_err().to_string().contains("folder"));
        assert!(Beside::open(&folder.0.join("no/such/file")).is_err());
        let path = folder.0.join("read-only");
        fs::write(&path, "old").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(Beside::open(&path).unwrap_err().to_string().contains("read-only"));
    }

    #[test]
    fn names_in_a_folder_come_from_a_small_alphabet() {
        assert_eq!(numbered(0, "Example.com"), "001-example-com.jsonl");
        assert_eq!(numbered(11, "[::1]"), "012-1.jsonl");
        assert_eq!(numbered(2, "../../etc/passwd"), "003-etc-passwd.jsonl");
        assert_eq!(numbered(0, "../"), "001.jsonl");
    }
}
