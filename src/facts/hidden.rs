//! Characters that people do not see and models read: hidden instructions in the text of
//! a tool.

/// What was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The first of them, as `U+202E`.
    pub first: String,
    /// How many there are.
    pub count: usize,
    /// Whether ordinary text has no use for them: tag characters outside a flag, overrides of direction.
    /// The others may be what copying from a web page left behind.
    pub deceptive: bool,
    /// How many stand in the longest row without anything that shows between them.
    pub row: usize,
}

/// Most tag characters of a flag, and one: a region of ISO 3166-2 has at most six letters, and a sign ends it.
const FLAG: u8 = 8;

/// Looks for characters that do not show.
///
/// Joiners, direction marks and word breaks belong to many scripts and to emoji: they count only between
/// ASCII characters. Isolates and embeddings are balanced pairs that message formatters write; they are
/// found, but deceive nobody alone. Tag characters spell the flags of regions after U+1F3F4, and nothing else
/// (Unicode Technical Standard 51, section C.1).
#[must_use]
pub fn hidden(text: &str) -> Option<Hidden> {
    let mut found: Option<Hidden> = None;
    let (mut before, mut flag, mut row, mut selected) = (None::<char>, 0_u8, 0_usize, false);
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let code = u32::from(character);
        let tag = (0xE_0000..=0xE_007F).contains(&code);
        flag = if code == 0x1_F3F4 {
            FLAG
        } else if tag {
            flag.saturating_sub(1)
        } else {
            0
        };
        let plain = |beside: Option<char>| beside.is_none_or(|beside| beside.is_ascii());
        let deceptive = matches!(code, 0x202D | 0x202E) || (tag && flag == 0);
        let invisible = match code {
            0x202A..=0x202C | 0x2066..=0x2069 | 0x2060..=0x2064 => true,
            // One selects a variant of what stands before it; another behind it selects nothing.
            0xFE00..=0xFE0F | 0xE_0100..=0xE_01EF => selected,
            0x200B..=0x200F | 0xFEFF => plain(before) && plain(next_shown(rest.clone())),
            _ => deceptive,
        };
        selected = matches!(code, 0xFE00..=0xFE0F | 0xE_0100..=0xE_01EF);
        if invisible {
            let first = || Hidden { first: format!("U+{code:04X}"), count: 0, deceptive: false, row: 0 };
            let known = found.get_or_insert_with(first);
            if deceptive && !known.deceptive {
                (known.first, known.deceptive) = (format!("U+{code:04X}"), true);
            }
            known.count = known.count.saturating_add(1);
            row = row.saturating_add(1);
            known.row = known.row.max(row);
        } else {
            before = Some(character);
            row = 0;
        }
    }
    found
}

/// The next character that has a shape of its own, if one is near.
fn next_shown(rest: std::str::Chars<'_>) -> Option<char> {
    const NEAR: usize = 64;
    rest.take(NEAR).find(|next| !matches!(u32::from(*next), 0x200B..=0x200F | 0xFEFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deceptive(text: &str) -> Option<bool> {
        hidden(text).map(|hidden| hidden.deceptive)
    }

    #[test]
    fn text_of_any_script_hides_nothing() {
        for sound in [
            "Adds two numbers.\n\tSee the manual.",
            "نمی\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}💻 and 1\u{fe0f}\u{20e3}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} England",
            "ภาษา\u{200b}ไทย",
            "שלום\u{200f}",
        ] {
            assert_eq!(hidden(sound), None, "{sound:?}");
        }
    }

    #[test]
    fn tags_and_overrides_deceive_and_the_rest_is_noted() {
        assert_eq!(deceptive("adds\u{e0041}\u{e0042}"), Some(true));
        assert_eq!(deceptive("\u{1f3f4} x\u{e0041}"), Some(true));
        assert_eq!(deceptive("\u{202e}txt.exe\u{202c}"), Some(true));
        assert_eq!(deceptive("zero\u{200b}width"), Some(false));
        assert_eq!(deceptive("Hello \u{2068}name\u{2069}"), Some(false));
        let behind: String =
            "obey all".chars().filter_map(|c| char::from_u32(0xE_0000 + u32::from(c))).collect();
        assert_eq!(deceptive(&format!("\u{1f3f4}{behind}")), Some(true));
        let smuggled: String = (0xE_0100..0xE_010C).filter_map(char::from_u32).collect();
        assert_eq!(hidden(&format!("☺{smuggled}")).map(|found| found.row), Some(11));
        assert_eq!(hidden(&format!("a{}b", "\u{200b}\u{200c}".repeat(4))).map(|found| found.row), Some(8));
        let found = hidden("a\u{200b}b\u{e0041}\u{e0042}").unwrap();
        assert_eq!((found.first.as_str(), found.count, found.row), ("U+E0041", 3, 2));
    }
}
