//! Content codings (RFC 9110 section 8.4.1; IANA, HTTP Content Coding Registry).

/// What the `Content-Encoding` of a reply asks of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The bytes are the content: no coding, or a name that nobody registered. `none` and the like are what
    /// frameworks and proxies write so that nothing behind them compresses.
    Plain,
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `deflate`: zlib, or what some servers take for it.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
    /// A registered coding that no client library decodes by itself, or several on top of each other.
    Unread,
}

/// Registered codings that are not decoded.
const OTHERS: [&str; 7] = ["compress", "x-compress", "aes128gcm", "exi", "pack200-gzip", "dcb", "dcz"];

impl Coding {
    /// Reads the values of a reply's `Content-Encoding` lines.
    #[must_use]
    pub fn of<'v>(values: impl Iterator<Item = &'v str>) -> Self {
        let named = values.flat_map(|value| value.split(',')).map(|name| {
            match name.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => Self::Gzip,
                "deflate" => Self::Deflate,
                "br" => Self::Brotli,
                "zstd" => Self::Zstd,
                other if OTHERS.contains(&other) => Self::Unread,
                _ => Self::Plain,
            }
        });
        named.filter(|coding| *coding != Self::Plain).fold(Self::Plain, |known, next| match known {
            Self::Plain => next,
            _ => Self::Unread,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nobody_registered_changes_nothing() {
        let read = |values: &[&str]| Coding::of(values.iter().copied());
        for plain in [&[][..], &[""], &["identity"], &["none"], &["utf-8"], &["identity, none"]] {
            assert_eq!(read(plain), Coding::Plain, "{plain:?}");
        }
        assert_eq!(read(&[" X-GZip "]), Coding::Gzip);
        assert_eq!(read(&["identity", "br"]), Coding::Brotli);
        assert_eq!(read(&["gzip, zstd"]), Coding::Unread);
        assert_eq!(read(&["gzip", "gzip"]), Coding::Unread);
        assert_eq!(read(&["compress"]), Coding::Unread);
    }
}
