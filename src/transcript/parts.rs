//! The parts of an exchange line that may be references to the same part of an earlier one.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;

use super::{Content, Exchange};

/// Such a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    RequestHeaders,
    RequestBody,
    ReplyHeaders,
    Text,
}

impl Part {
    pub(super) const ALL: [Self; 4] =
        [Self::RequestHeaders, Self::RequestBody, Self::ReplyHeaders, Self::Text];

    /// The two names that lead to it, below `exchange`.
    const fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::RequestHeaders => ("request", "headers"),
            Self::RequestBody => ("request", "body"),
            Self::ReplyHeaders => ("head", "headers"),
            Self::Text => ("content", "text"),
        }
    }

    /// What stands for it until the reference is followed.
    const fn empty(self) -> &'static str {
        match self {
            Self::RequestHeaders | Self::ReplyHeaders => "[]",
            Self::RequestBody => "\"\"",
            Self::Text => r#"{"text":"","bytes":0}"#,
        }
    }

    /// Copies it. Gives about how many bytes of memory that took; `None` where there is no such part.
    pub(super) fn copy(self, from: &Exchange, to: &mut Exchange) -> Option<u64> {
        let of_headers = |headers: &[(String, String)]| {
            let bytes =
                headers.iter().map(|(name, value)| (name.len() as u64).saturating_add(value.len() as u64));
            bytes.map(|bytes| bytes.saturating_add(96)).fold(32, u64::saturating_add)
        };
        match self {
            Self::RequestHeaders => {
                to.request.headers.clone_from(&from.request.headers);
                Some(of_headers(&to.request.headers))
            }
            Self::RequestBody => {
                to.request.body = Some(from.request.body.clone()?);
                to.request.body.as_ref().map(|body| body.len() as u64)
            }
            Self::ReplyHeaders => {
                let headers = &mut to.head.as_mut()?.headers;
                headers.clone_from(&from.head.as_ref()?.headers);
                Some(of_headers(headers))
            }
            Self::Text => {
                let Content::Text { text, .. } = &from.content else { return None };
                to.content = from.content.clone();
                Some((text.len() as u64).saturating_add(32))
            }
        }
    }
}

/// Where the parts of a line stand in its bytes.
type Places = Vec<(Part, Range<usize>)>;

/// Serialises an exchange line, and says where its parts stand in it, in order.
pub(super) fn mark(line: &impl Serialize) -> io::Result<(Vec<u8>, Places)> {
    let (written, found) = (Cell::new(0), RefCell::new(Vec::new()));
    let mut out = Counted { bytes: Vec::with_capacity(2_048), written: &written };
    let marks = Marks { written: &written, found: &found, depth: 0, key: false, outer: "", part: None };
    line.serialize(&mut serde_json::Serializer::with_formatter(&mut out, marks))?;
    let bytes = out.bytes;
    Ok((bytes, found.into_inner()))
}

/// Bytes, and how many they are for those who see only a writer.
struct Counted<'c> {
    bytes: Vec<u8>,
    written: &'c Cell<usize>,
}

impl Write for Counted<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(text);
        self.written.set(self.bytes.len());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The names of parts stand in the third object from the outside.
const DEPTH: usize = 3;

/// Writes compact JSON and notes where the parts begin and end.
struct Marks<'c> {
    written: &'c Cell<usize>,
    found: &'c RefCell<Vec<(Part, Range<usize>)>>,
    /// Objects that are open.
    depth: usize,
    /// Whether a name is being written.
    key: bool,
    /// The name before the innermost object that may hold parts.
    outer: &'static str,
    /// The part whose name was written last, and where it begins.
    part: Option<(Part, usize)>,
}

impl Formatter for Marks<'_> {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_add(1);
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.key = true;
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.key = false;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        if self.key && self.depth.saturating_add(1) == DEPTH {
            self.outer =
                Part::ALL.iter().map(|part| part.path().0).find(|name| *name == text).unwrap_or_default();
        } else if self.key && self.depth == DEPTH {
            let part = Part::ALL.into_iter().find(|part| part.path() == (self.outer, text));
            self.part = part.map(|part| (part, 0));
        }
        writer.write_all(text.as_bytes())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b":")?;
        if let Some((_, start)) = self.part.as_mut().filter(|_| self.depth == DEPTH) {
            *start = self.written.get();
        }
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        if self.depth == DEPTH
            && let Some((part, start)) = self.part.take()
        {
            self.found.borrow_mut().push((part, start..self.written.get()));
        }
        Ok(())
    }
}

/// A line as it is, as far as its parts.
#[derive(Deserialize)]
struct Outline<'l> {
    #[serde(borrow)]
    exchange: Members<'l>,
}

/// The members of an exchange that have parts.
#[derive(Deserialize)]
struct Members<'l> {
    #[serde(borrow, default)]
    head: Option<&'l RawValue>,
    #[serde(borrow, default)]
    request: Option<&'l RawValue>,
    #[serde(borrow, default)]
    content: Option<&'l RawValue>,
}

/// The parts inside one of them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Inside<'l> {
    #[serde(borrow)]
    headers: Option<&'l RawValue>,
    #[serde(borrow)]
    body: Option<&'l RawValue>,
    #[serde(borrow)]
    text: Option<&'l RawValue>,
}

impl<'l> Inside<'l> {
    fn of(member: Option<&'l RawValue>) -> Self {
        member.and_then(|member| serde_json::from_str(member.get()).ok()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Reference {
    same: u32,
}

/// A line with something empty instead of its references, and what they refer to.
pub(super) fn without_references(line: &[u8]) -> (Cow<'_, [u8]>, Vec<(Part, u32)>) {
    let as_it_is = (Cow::Borrowed(line), Vec::new());
    let Ok(text) = str::from_utf8(line) else { return as_it_is };
    // Most lines of small servers have none.
    if !text.contains("\"same\"") {
        return as_it_is;
    }
    let Ok(Outline { exchange: Members { head, request, content } }) = serde_json::from_str(text) else {
        return as_it_is;
    };
    let (head, request, content) = (Inside::of(head), Inside::of(request), Inside::of(content));
    let mut references: Vec<(Range<usize>, Part, u32)> = [
        (Part::ReplyHeaders, head.headers),
        (Part::RequestHeaders, request.headers),
        (Part::RequestBody, request.body),
        (Part::Text, content.text),
    ]
    .into_iter()
    .filter_map(|(part, value)| {
        let value = value?.get();
        // An array of one number would do for a struct, too.
        let Reference { same } = serde_json::from_str(value).ok().filter(|_| value.starts_with('{'))?;
        let start = (value.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        Some((start..start.checked_add(value.len())?, part, same))
    })
    .collect();
    references.sort_by_key(|(place, ..)| place.start);
    let mut whole = Vec::with_capacity(line.len());
    let mut read = 0;
    for (place, part, _) in &references {
        whole.extend_from_slice(line.get(read..place.start).unwrap_or_default());
        whole.extend_from_slice(part.empty().as_bytes());
        read = place.end;
    }
    whole.extend_from_slice(line.get(read..).unwrap_or_default());
    (Cow::Owned(whole), references.into_iter().map(|(_, part, id)| (part, id)).collect())
}
