//! Where bytes go: standard output, or a file that is written beside its name and then renamed, so
//! that an old good file is never cut. Files are opened before anything is scanned.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use super::inputs::Place;
use super::terminal;
use crate::report::sink::ascii;
use crate::target::Target;
use crate::transcript::codec::{Encoder, Entry};

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

/// A file under another name until it is whole.
#[derive(Debug)]
pub(crate) struct Beside {
    /// As typed, for messages.
    shown: PathBuf,
    /// Where it will be: links followed.
    destination: PathBuf,
    /// Where it is now; `None` for a device or pipe, which is written directly.
    temporary: Option<PathBuf>,
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
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary).map_err(fail)?;
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
        let written = match self.file.take() {
            Some(mut file) => file.write_all(bytes).and_then(|()| file.flush()),
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

/// Where an output goes. A link is followed, so that it stays a link; a name that does not exist yet is
/// taken as it is.
fn destination(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path).or_else(|_| beside_parent(path))
}

/// What a name leads to, if it is a file or none yet.
pub(super) fn place(path: &Path) -> Place {
    let found = fs::metadata(path).ok();
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return Place::default();
    }
    #[cfg(unix)]
    let node = found.map(|found| {
        use std::os::unix::fs::MetadataExt;
        (found.dev(), found.ino())
    });
    #[cfg(not(unix))]
    let node = None;
    Place { path: destination(path).ok(), node }
}

/// Where a transcript grows until it is whole.
fn partial(destination: &Path) -> PathBuf {
    let mut name = destination.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    destination.with_file_name(name)
}

/// Every file that recording a transcript here overwrites.
pub(super) fn recorded(path: &Path) -> Vec<PathBuf> {
    let meanwhile = destination(path).ok().map(|destination| partial(&destination));
    std::iter::once(path.to_owned()).chain(meanwhile).collect()
}

fn beside_parent(path: &Path) -> io::Result<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(fs::canonicalize(parent)?.join(name))
}

/// A transcript that grows while the scan runs: `FILE.partial` has every line as it ends, so that a
/// crash keeps what was recorded. A scan that comes to its end leaves `FILE`, in its canonical
/// form, whose SHA-256 the report names.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    destination: PathBuf,
    /// `None` for a device or pipe, which gets the whole at the end.
    growing: Option<Growing>,
}

#[derive(Debug)]
struct Growing {
    partial: PathBuf,
    lines: Mutex<Lines>,
}

#[derive(Debug)]
struct Lines {
    file: File,
    encoder: Encoder,
    written: usize,
    /// Set when the disk is full, for example: the end of the scan tries once more.
    failed: bool,
}

impl Recording {
    pub(crate) fn open(path: &Path) -> Result<Self, OutputError> {
        // Opened to see that it can be, and once more when there is something to write.
        let whole = Beside::open(path)?;
        let destination = whole.destination.clone();
        let growing = match &whole.temporary {
            Some(_) => Some(Growing::open(&destination)?),
            None => None,
        };
        Ok(Self { path: path.to_owned(), destination, growing })
    }

    /// Whether it writes to this place, in the end or meanwhile.
    pub(crate) fn writes(&self, place: Option<&Path>) -> bool {
        let partial = self.growing.as_ref().map(|growing| growing.partial.as_path());
        place.is_some_and(|place| place == self.destination || Some(place) == partial)
    }

    /// Adds a line. A failure does not end the scan.
    pub(crate) fn add(&self, entry: &Entry) {
        let Some(growing) = &self.growing else { return };
        let mut lines = growing.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { file, encoder, written, failed } = &mut *lines;
        if matches!(entry, Entry::Header(_)) && *written > 0 {
            // `--discover` began anew beside the URL; the record of nothing gives way.
            *encoder = Encoder::default();
            *failed |= file.set_len(0).and_then(|()| file.rewind()).is_err();
        }
        if !*failed {
            match encoder.write(entry, file) {
                Ok(()) => *written = written.saturating_add(1),
                Err(_) => *failed = true,
            }
        }
    }

    /// Puts the whole transcript in place and removes the partial one.
    pub(crate) fn finish(self, bytes: &[u8]) -> Result<(), OutputError> {
        Beside::open(&self.path)?.finish(bytes)?;
        if let Some(growing) = self.growing {
            let _ = fs::remove_file(&growing.partial);
        }
        Ok(())
    }

    /// Gives up. A partial file with lines is left.
    pub(crate) fn abandon(self) {
        let Some(Growing { partial, lines }) = self.growing else { return };
        if lines.into_inner().unwrap_or_else(PoisonError::into_inner).written == 0 {
            let _ = fs::remove_file(&partial);
        }
    }
}

impl Growing {
    fn open(destination: &Path) -> Result<Self, OutputError> {
        let partial = partial(destination);
        let _ = fs::remove_file(&partial);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&partial)
            .map_err(|error| OutputError::new(&partial, &error))?;
        let lines = Lines { file, encoder: Encoder::default(), written: 0, failed: false };
        Ok(Self { partial, lines: Mutex::new(lines) })
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
mod tests {
    use super::*;
    use crate::transcript::End;

    /// A folder of its own for a test, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("agentgauge-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
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
    fn a_transcript_grows_beside_its_name() {
        let folder = Folder::new("grows");
        let path = folder.0.join("t.jsonl");
        let line = Entry::End(End { at_us: 7, interrupted: false, stalls: Vec::new() });
        let recording = Recording::open(&path).unwrap();
        recording.add(&line);
        assert!(fs::read_to_string(folder.0.join("t.jsonl.partial")).unwrap().ends_with("}\n"));
        // As after a crash: nothing cleans up, and the line is still there.
        recording.abandon();
        assert_eq!(folder.names(), ["t.jsonl.partial"]);
        let recording = Recording::open(&path).unwrap();
        recording.add(&line);
        recording.finish(b"whole").unwrap();
        assert_eq!(folder.names(), ["t.jsonl"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
    }

    #[test]
    fn names_in_a_folder_come_from_a_small_alphabet() {
        assert_eq!(numbered(0, "Example.com"), "001-example-com.jsonl");
        assert_eq!(numbered(11, "[::1]"), "012-1.jsonl");
        assert_eq!(numbered(2, "../../etc/passwd"), "003-etc-passwd.jsonl");
        assert_eq!(numbered(0, "../"), "001.jsonl");
    }
}
