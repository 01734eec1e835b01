//! Files that users hand in: each is read up to a size, and no further.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A whole file of at most `limit` bytes; `-` is not special here.
pub(super) fn file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    whole(open(path, limit)?, limit)
}

/// Opens a file. One that says itself that it is larger is refused before a byte of it is read.
pub(super) fn open(path: &Path, limit: u64) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.len() > limit {
        return Err(too_large(limit));
    }
    Ok(file)
}

/// All of a pipe or a file, which may be growing, of at most `limit` bytes.
pub(super) fn whole(input: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// Bytes as text. The error names the file and the first line that is none.
pub(super) fn text(bytes: Vec<u8>, path: &Path) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
        format!("{}:{line} is not UTF-8 text", path.display())
    })
}

fn too_large(limit: u64) -> io::Error {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    let size = if limit >= MIB { format!("{} MiB", limit / MIB) } else { format!("{} KiB", limit / KIB) };
    io::Error::other(format!("it is larger than {size}, the most that is read of such a file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_is_no_text_is_named() {
        let said = |bytes: &[u8]| text(bytes.to_vec(), Path::new("list")).unwrap_err();
        assert_eq!(said(b"\xff\xfeh\0"), "list:1 is not UTF-8 text");
        assert_eq!(said(b"one\ntwo\r\nth\xe9\n\xff"), "list:3 is not UTF-8 text");
        assert_eq!(text(b"\xc3\xa9".to_vec(), Path::new("list")).unwrap(), "\u{e9}");
    }

    #[test]
    fn no_more_is_read_than_allowed() {
        assert_eq!(whole(&b"1234"[..], 4).unwrap(), b"1234");
        let error = whole(io::repeat(b'x'), 64 * 1024).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 64 KiB, the most that is read of such a file");
        assert!(too_large(4 << 20).to_string().contains("4 MiB"));
    }
}
