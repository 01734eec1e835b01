//! The frames of zstd (RFC 8878), block by block. The library hands content over only once it is out of reach
//! of what may still come (a window of up to 8 MiB): a stream would be read minutes late. So whatever came in
//! whole blocks is ended here by an empty last block, decoded from its beginning, and only what is new is given.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not what it is called, or its checksum does not hold.
    Broken,
    /// It asks for more work or memory than its content is worth.
    Costly,
}

/// Largest window: RFC 9659 demands no more of a client.
const WINDOW: u64 = 8 * 1024 * 1024;
/// Most bytes that are decoded for one body in all, again and again for a stream that is flushed often.
const WORK: usize = 128 * 1024 * 1024;
/// Most bytes that are given at once: more than any body may have.
const MOST: usize = 16 * 1024 * 1024;
/// The header of a block that is empty, uncompressed and the last.
const LAST: [u8; 3] = [1, 0, 0];
/// Largest block (RFC 8878 section 3.1.1.2.4).
const BLOCK: usize = 128 * 1024;
/// Largest head of a frame.
const HEAD: usize = 18;

/// The reader of a sequence of frames.
#[derive(Debug, Default)]
pub(super) struct Zstd {
    /// What was taken and is no whole head or block yet.
    rest: Vec<u8>,
    /// The frame that is being read: its head and its whole blocks.
    frame: Vec<u8>,
    /// Bytes of its content that were given.
    given: usize,
    place: Place,
    work: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Frame,
    Skipped(u32),
    Block {
        checksum: bool,
    },
    Checksum,
}

impl Zstd {
    pub(super) fn step(&mut self, input: &[u8]) -> Result<(usize, Vec<u8>), Fault> {
        self.rest.extend_from_slice(input);
        let mut out = Vec::new();
        let mut new = false;
        while let Some(size) = self.next()? {
            let item: Vec<u8> = self.rest.drain(..size).collect();
            match self.place {
                Place::Frame if item.len() == 8 && skipped(&item) => {
                    self.place = Place::Skipped(little_endian(item.get(4..8).unwrap_or_default()));
                }
                Place::Frame => {
                    let checksum = item.get(4).is_some_and(|descriptor| descriptor & 4 != 0);
                    self.frame = item;
                    // Without a checksum: it is of the whole content, and this is decoded in parts.
                    if let Some(descriptor) = self.frame.get_mut(4) {
                        *descriptor &= !4;
                    }
                    self.given = 0;
                    self.place = Place::Block { checksum };
                }
                Place::Skipped(left) => {
                    let left = left.saturating_sub(u32::try_from(size).unwrap_or(u32::MAX));
                    self.place = if left == 0 { Place::Frame } else { Place::Skipped(left) };
                }
                Place::Block { checksum } => {
                    let last = item.first().is_some_and(|byte| byte & 1 == 1);
                    let at = self.frame.len();
                    self.frame.extend_from_slice(&item);
                    if let Some(byte) = self.frame.get_mut(at) {
                        *byte &= !1;
                    }
                    new = true;
                    if last {
                        out.extend(self.decode()?);
                        if out.len() > MOST {
                            return Err(Fault::Costly);
                        }
                        new = false;
                        self.place = if checksum { Place::Checksum } else { Place::Frame };
                    }
                }
                Place::Checksum => self.place = Place::Frame,
            }
        }
        if new {
            out.extend(self.decode()?);
        }
        Ok((input.len(), out))
    }

    /// Whether the last frame has ended.
    pub(super) fn whole(&self) -> bool {
        !self.frame.is_empty() && self.rest.is_empty() && self.place == Place::Frame
    }

    /// How many bytes the next item has, once all of it is there.
    fn next(&self) -> Result<Option<usize>, Fault> {
        let there = self.rest.len();
        let size = match self.place {
            Place::Checksum => 4,
            Place::Skipped(0) => 0,
            Place::Skipped(left) => there.min(usize::try_from(left).unwrap_or(usize::MAX)).max(1),
            Place::Block { .. } => {
                let Some(head) = self.rest.get(..3) else { return Ok(None) };
                let head = little_endian(head);
                let size = (head >> 3) as usize;
                match (head >> 1) & 3 {
                    _ if size > BLOCK => return Err(Fault::Broken),
                    1 => 4,
                    0 | 2 => size.saturating_add(3),
                    _ => return Err(Fault::Broken),
                }
            }
            Place::Frame if skipped(&self.rest) => 8,
            Place::Frame => {
                let magic = [0x28, 0xb5, 0x2f, 0xfd];
                let frame = self.rest.iter().zip(magic).all(|(byte, expected)| *byte == expected);
                let skippable = self.rest.get(1..).is_some_and(|rest| rest.starts_with(&[0x2a, 0x4d, 0x18]))
                    || (there < 4 && self.rest.first().is_some_and(|byte| byte >> 4 == 5));
                if !frame && !skippable {
                    return Err(Fault::Broken);
                }
                let Some(descriptor) = self.rest.get(4) else { return Ok(None) };
                let single = descriptor & 0x20 != 0;
                let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(4);
                let content = match descriptor >> 6 {
                    0 => usize::from(single),
                    shift => 1 << shift,
                };
                [5, usize::from(!single), dictionary, content].into_iter().sum::<usize>().min(HEAD)
            }
        };
        Ok((there >= size).then_some(size))
    }

    /// What is new of the frame's content.
    fn decode(&mut self) -> Result<Vec<u8>, Fault> {
        let mut text = self.frame.clone();
        text.extend_from_slice(&LAST);
        let mut source = text.as_slice();
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        let broken = |_| Fault::Broken;
        decoder.init(&mut source).map_err(|error| match error {
            ruzstd::decoding::errors::FrameDecoderError::WindowSizeTooBig { .. } => Fault::Costly,
            _ => Fault::Broken,
        })?;
        let (mut new, mut passed) = (Vec::new(), 0_usize);
        loop {
            let done =
                decoder.decode_blocks(&mut source, BlockDecodingStrategy::UptoBlocks(8)).map_err(broken)?;
            let part = decoder.collect().unwrap_or_default();
            let old = self.given.saturating_sub(passed).min(part.len());
            passed = passed.saturating_add(part.len());
            self.work = self.work.saturating_add(part.len());
            new.extend_from_slice(part.get(old..).unwrap_or_default());
            if self.work > WORK || new.len() > MOST {
                return Err(Fault::Costly);
            }
            if done {
                break;
            }
        }
        self.given = passed;
        Ok(new)
    }
}

fn skipped(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte >> 4 == 5)
        && bytes.get(1..4).is_some_and(|rest| rest == [0x2a, 0x4d, 0x18])
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}
