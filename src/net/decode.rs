//! Bodies that came under a content coding (RFC 9110 section 8.4.1), decoded as they arrive: what counts for time
//! and for judging is what a client gets to read, never the container around it.

use std::io::Write;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::unframe::{Fault, Zstd};
use crate::protocol::coding::Coding;

/// Most coded bytes that one step takes.
const STEP: usize = 16 * 1024;
/// About how many decoded bytes one step gives, but for blocks of zstd.
const ROOM: usize = 32 * 1024;

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Decodes one body, step by step.
pub(super) enum Decoder {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Deflate { inflate: Option<Decompress>, done: bool },
    Brotli(Box<Brotli>),
    Zstd(Box<Zstd>),
}

impl Decoder {
    /// A decoder, if the body is to be decoded.
    pub(super) fn of(coding: Coding) -> Option<Self> {
        Some(match coding {
            Coding::Plain | Coding::Unread => return None,
            Coding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Coding::Deflate => Self::Deflate { inflate: None, done: false },
            Coding::Brotli => {
                let alloc = StandardAlloc::default;
                // Strict: windows of more than 16 MiB are no part of `br` (RFC 7932).
                Self::Brotli(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())))
            }
            Coding::Zstd => Self::Zstd(Box::default()),
        })
    }

    /// Takes some of `input`: how many bytes, and what they decode to. Takes nothing only where nothing more
    /// can come of it, or where it gives something.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<(usize, Vec<u8>), Fault> {
        let input = input.get(..input.len().min(STEP)).unwrap_or_default();
        match self {
            Self::Gzip(gzip) => {
                let taken = gzip.write(input).map_err(|_| Fault::Broken)?;
                // What is decoded lies in the decoder until it is told to hand it over. A member that has
                // ended has nothing to hand over, and some decoders call that an error.
                let _ = gzip.flush();
                Ok((taken, std::mem::take(gzip.get_mut())))
            }
            Self::Deflate { done: true, .. } => Ok((input.len(), Vec::new())),
            Self::Deflate { inflate, done } => {
                let inflate = match (inflate, input.first()) {
                    (Some(inflate), _) => inflate,
                    (_, None) => return Ok((0, Vec::new())),
                    // Some servers leave the zlib frame out, and clients have learned to read that, too.
                    (empty, Some(first)) => empty.insert(Decompress::new(first & 0x0f == 8)),
                };
                let mut out = vec![0; ROOM];
                let (before, given) = (inflate.total_in(), inflate.total_out());
                let status =
                    inflate.decompress(input, &mut out, FlushDecompress::Sync).map_err(|_| Fault::Broken)?;
                *done = status == Status::StreamEnd;
                out.truncate(usize::try_from(inflate.total_out().saturating_sub(given)).unwrap_or(ROOM));
                let taken = usize::try_from(inflate.total_in().saturating_sub(before)).unwrap_or(0);
                Ok((taken, out))
            }
            Self::Brotli(state) => {
                let mut out = vec![0; ROOM];
                let (mut left, mut taken) = (input.len(), 0);
                let (mut room, mut given, mut total) = (ROOM, 0, 0);
                let result = BrotliDecompressStream(
                    &mut left, &mut taken, input, &mut room, &mut given, &mut out, &mut total, state,
                );
                out.truncate(given);
                match result {
                    BrotliResult::ResultFailure => Err(Fault::Broken),
                    // Nothing may follow; clients read no further, either.
                    BrotliResult::ResultSuccess => Ok((input.len(), out)),
                    _ => Ok((taken, out)),
                }
            }
            Self::Zstd(zstd) => zstd.step(input),
        }
    }

    /// Whether what was taken is a whole body: its final block came, and its checksum holds.
    pub(super) fn whole(&mut self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.try_finish().is_ok(),
            Self::Deflate { done, .. } => *done,
            Self::Brotli(state) => brotli_decompressor::BrotliDecoderIsFinished(state),
            Self::Zstd(zstd) => zstd.whole(),
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gzip(_) => "gzip",
            Self::Deflate { .. } => "deflate",
            Self::Brotli(_) => "br",
            Self::Zstd(_) => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three events, flushed one by one, and the end: coding, bytes, and where each flush ended.
    const FLUSHED: [(&str, &str, [usize; 3]); 5] = [
        (
            "gzip",
            "1f8b08000000000000034a492c49b452c8cf4be5e202000000ffff4a492c49b4522829cfe7e202000000ffff4a492c49b452c8cf4b\
             552829cfe7e202000000ffff030039f3a24125000000",
            [27, 44, 65],
        ),
        (
            "deflate",
            "789c4a492c49b452c8cf4be5e202000000ffff4a492c49b4522829cfe7e202000000ffff4a492c49b452c8cf4b552829cfe7e20200\
             0000ffff0300dfef0b71",
            [19, 36, 57],
        ),
        (
            "deflate",
            "4a492c49b452c8cf4be5e202000000ffff4a492c49b4522829cfe7e202000000ffff4a492c49b452c8cf4b552829cfe7e202000000\
             ffff0300",
            [17, 34, 55],
        ),
        (
            "br",
            "0b0580646174613a206f6e650a0a5000805f5ae18dee4e11a24a04600b7000805fb2ccedad08e02406f01803",
            [14, 29, 43],
        ),
        (
            "zstd",
            "28b52ffd0458580000646174613a206f6e650a0a580000646174613a2074776f0a0a640000302074776f0a0a0100594c20010000ef\
             1e624b",
            [20, 34, 49],
        ),
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    fn decode(decoder: &mut Decoder, mut input: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut all = Vec::new();
        while !input.is_empty() {
            let (taken, out) = decoder.step(input)?;
            assert!(taken > 0 || !out.is_empty(), "stuck");
            assert!(out.len() <= 3 * ROOM || matches!(decoder, Decoder::Zstd(_)));
            all.extend(out);
            input = &input[taken..];
        }
        Ok(all)
    }

    fn of(coding: &str) -> Decoder {
        Decoder::of(Coding::of(std::iter::once(coding))).unwrap()
    }

    #[test]
    fn what_was_flushed_is_given_at_once_and_a_head_alone_is_nothing() {
        for (coding, hex, flushed) in FLUSHED {
            let body = bytes(hex);
            let mut decoder = of(coding);
            let mut from = 0;
            for (until, text) in flushed.iter().zip(["data: one\n\n", "data: two\n\n", "data: one two\n\n"]) {
                let out = decode(&mut decoder, &body[from..*until]).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), text, "{coding}");
                assert!(from > 0 || !of(coding).whole(), "{coding}");
                from = *until;
            }
            assert_eq!(decode(&mut decoder, &body[from..]).unwrap(), b"", "{coding}");
            assert!(decoder.whole(), "{coding}");
            // Byte by byte it is the same, and cut short it is no whole body.
            let mut slow = of(coding);
            let out: Vec<u8> = body.iter().flat_map(|byte| decode(&mut slow, &[*byte]).unwrap()).collect();
            assert_eq!(out.len(), 37, "{coding}");
            assert!(slow.whole(), "{coding}");
            let mut cut = of(coding);
            decode(&mut cut, &body[..body.len() - 1]).unwrap();
            assert!(!cut.whole(), "{coding}");
            // Without a frame the first byte is content.
            let head = if body[0] == b'J' { 0 } else { 2 };
            assert_eq!(decode(&mut of(coding), &body[..head]).unwrap(), b"", "{coding}");
        }
    }

    #[test]
    fn what_is_not_what_it_is_called_is_broken() {
        for coding in ["gzip", "zstd"] {
            assert_eq!(decode(&mut of(coding), b"data: plain text\n\n"), Err(Fault::Broken), "{coding}");
        }
        for (coding, hex, _) in FLUSHED {
            let mut body = bytes(hex);
            body.truncate(8);
            body.extend([0xff; 64]);
            let outcome = decode(&mut of(coding), &body);
            assert!(outcome.is_err() || coding == "deflate" || coding == "br", "{coding}: {outcome:?}");
        }
    }

    #[test]
    fn a_bomb_is_given_in_small_pieces_or_not_at_all() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b'a'; 8 * 1024 * 1024]).unwrap();
        assert_eq!(decode(&mut of("gzip"), &gzip.finish().unwrap()).unwrap().len(), 8 * 1024 * 1024);
        // Blocks of one byte, 128 KiB times, without an end.
        let mut zstd = bytes("28b52ffd0058");
        zstd.extend([2_u8, 0, 16, b'a'].repeat(4_000));
        assert_eq!(decode(&mut of("zstd"), &zstd), Err(Fault::Costly));
        // A window of a gigabyte is not allocated.
        assert_eq!(decode(&mut of("zstd"), &bytes("28b52ffd00a0010000")), Err(Fault::Costly));
    }
}
