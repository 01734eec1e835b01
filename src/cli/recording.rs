//! Where a transcript goes while a scan runs.

use std::fs::{self, File, OpenOptions};
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::machine::destination;
use super::output::{Beside, OutputError};
use crate::transcript::codec::{Encoder, Entry};

/// A transcript that grows while the scan runs: `FILE.partial` has every line as it ends, so that a
/// crash keeps what was recorded. A scan that comes to its end leaves `FILE`, in its canonical
/// form, whose SHA-256 the report names.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    destination: PathBuf,
    place: Recorded,
}

#[derive(Debug)]
enum Recorded {
    /// A device or pipe, which gets the whole at the end.
    Direct(Beside),
    /// A file.
    Growing(Growing),
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
        // A file is opened to see that it can be, and once more when there is something to write. Whoever reads a pipe
        // would take the first time for the end.
        let whole = Beside::open(path)?;
        let destination = whole.destination.clone();
        let place = match &whole.temporary {
            Some(_) => Recorded::Growing(Growing::open(&destination)?),
            None => Recorded::Direct(whole),
        };
        Ok(Self { path: path.to_owned(), destination, place })
    }

    /// Whether it writes to this place, in the end or meanwhile.
    pub(crate) fn writes(&self, place: Option<&Path>) -> bool {
        let partial = match &self.place {
            Recorded::Growing(growing) => Some(growing.partial.as_path()),
            Recorded::Direct(_) => None,
        };
        place.is_some_and(|place| place == self.destination || Some(place) == partial)
    }

    /// Adds a line. A failure does not end the scan.
    pub(crate) fn add(&self, entry: &Entry) {
        let Recorded::Growing(growing) = &self.place else { return };
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

    /// Puts the whole transcript in place and removes the partial one. A device or pipe is given back with the bytes,
    /// to be written where waiting for a reader holds up nothing.
    pub(crate) fn finish(self, bytes: &[u8]) -> Result<Option<(Beside, Vec<u8>)>, OutputError> {
        match self.place {
            Recorded::Direct(place) => Ok(Some((place, bytes.to_vec()))),
            Recorded::Growing(growing) => {
                Beside::open(&self.path)?.finish(bytes)?;
                let _ = fs::remove_file(&growing.partial);
                Ok(None)
            }
        }
    }

    /// Gives up. A partial file with lines is left.
    pub(crate) fn abandon(self) {
        let Recorded::Growing(Growing { partial, lines }) = self.place else { return };
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

#[cfg(test)]
mod tests {
    use super::super::output::tests::Folder;
    use super::*;
    use crate::transcript::End;

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
}
