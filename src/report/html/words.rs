//! Texts, headings and anchors as every section has them.

use maud::{Markup, html};

use crate::report::sink::unhashed;
use crate::report::text::short;

/// Longest text, in characters.
const LONGEST: usize = 8_000;

/// A text as it may be shown; the template escapes it further. Longer texts than a command of ours are cut:
/// one endpoint's megabyte must not make the page useless.
pub(super) fn t(text: &str) -> String {
    unhashed(&short(text, LONGEST))
}

/// A text that has no business to be long: a step, a place, a reason.
pub(super) fn brief(text: &str) -> String {
    unhashed(&short(text, 240))
}

/// How much is told of a target, so that its page stays small whatever the endpoint sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Everything.
    Full,
    /// Commands and reasons only for what is to be fixed, and no hints at the bars.
    Lean,
    /// The first exchanges, and of each finding what fits a line.
    Bare,
}

impl Detail {
    /// From the most to the least.
    pub(super) const ALL: [Self; 3] = [Self::Full, Self::Lean, Self::Bare];

    /// A text of a finding.
    pub(super) fn text(self, text: &str) -> String {
        match self {
            Self::Full => t(text),
            Self::Lean => unhashed(&short(text, 600)),
            Self::Bare => unhashed(&short(text, 120)),
        }
    }

    /// Most exchanges that are drawn and listed.
    pub(super) const fn exchanges(self) -> usize {
        if matches!(self, Self::Bare) { 80 } else { usize::MAX }
    }
}

/// Our own prose: what stands between backticks is code.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in t(text).split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Where on the page a target stands: its number where there are several, and its heading level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'r> {
    /// Before every id.
    pub(super) prefix: &'r str,
    /// Level of the target's own heading, 1 or 2.
    pub(super) level: u8,
    /// What it is called.
    pub(super) name: &'r str,
    /// How much is told.
    pub(super) detail: Detail,
    /// Whether its exchanges are known: a merged report has none.
    pub(super) exchanges: bool,
}

impl Section<'_> {
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whether this exchange is drawn and listed.
    pub(super) fn lists(&self, exchange: u32) -> bool {
        self.exchanges && usize::try_from(exchange).is_ok_and(|exchange| exchange <= self.detail.exchanges())
    }

    /// The heading that names a section as a landmark. Among several targets only the targets are ones.
    pub(super) fn named_by(&self, name: &str) -> Option<String> {
        (self.level == 1).then(|| self.id(name))
    }

    /// A heading so many levels below that of the target.
    pub(super) fn heading(&self, below: u8, id: Option<&str>, text: &str) -> Markup {
        let id = id.map(|id| self.id(id));
        match self.level.saturating_add(below) {
            1 => html! { h1 id=[id] { (t(text)) } },
            2 => html! { h2 id=[id] { (t(text)) } },
            3 => html! { h3 id=[id] { (t(text)) } },
            _ => html! { h4 id=[id] { (t(text)) } },
        }
    }
}
