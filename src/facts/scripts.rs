//! Letters that look like others (Unicode Technical Standard 39): which script a letter has, and which ASCII letter it
//! looks like. A part of the standard's table: the Cyrillic, Greek and full-width letters that pass for ASCII ones.

/// Scripts that are mixed to imitate Latin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Latin letters, ASCII or not.
    Latin,
    /// Cyrillic letters.
    Cyrillic,
    /// Greek letters.
    Greek,
}

/// The script of a letter; `None` for all other scripts and for signs.
#[must_use]
pub fn script(letter: char) -> Option<Script> {
    match u32::from(letter) {
        0x41..=0x5A | 0x61..=0x7A | 0xC0..=0x24F | 0x1E00..=0x1EFF | 0xFF21..=0xFF3A | 0xFF41..=0xFF5A => {
            Some(Script::Latin)
        }
        0x370..=0x3FF | 0x1F00..=0x1FFF => Some(Script::Greek),
        0x400..=0x52F => Some(Script::Cyrillic),
        _ => None,
    }
}

/// Pairs of a letter and the ASCII letter that it looks like.
const ALIKE: [(char, char); 59] = [
    ('а', 'a'),
    ('с', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('һ', 'h'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ӏ', 'l'),
    ('о', 'o'),
    ('р', 'p'),
    ('ԛ', 'q'),
    ('ѕ', 's'),
    ('ѵ', 'v'),
    ('ԝ', 'w'),
    ('х', 'x'),
    ('у', 'y'),
    ('А', 'A'),
    ('В', 'B'),
    ('С', 'C'),
    ('Е', 'E'),
    ('Н', 'H'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('К', 'K'),
    ('М', 'M'),
    ('О', 'O'),
    ('Р', 'P'),
    ('Ѕ', 'S'),
    ('Т', 'T'),
    ('Х', 'X'),
    ('У', 'Y'),
    ('α', 'a'),
    ('γ', 'y'),
    ('ι', 'i'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('σ', 'o'),
    ('υ', 'u'),
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    ('ϲ', 'c'),
    ('ϳ', 'j'),
    ('ѡ', 'w'),
    ('ɡ', 'g'),
    ('ɑ', 'a'),
    ('ı', 'i'),
];

/// What a name looks like: letters that pass for ASCII ones are those.
#[must_use]
pub fn skeleton(name: &str) -> String {
    name.chars()
        .map(|letter| match u32::from(letter) {
            code @ 0xFF01..=0xFF5E => char::from_u32(code.saturating_sub(0xFEE0)).unwrap_or(letter),
            _ => ALIKE.iter().find(|(other, _)| *other == letter).map_or(letter, |(_, ascii)| *ascii),
        })
        .collect()
}

/// Whether a word of a name has letters of two of these scripts. Latin beside Han, kana or Hangul is no such mix.
#[must_use]
pub fn mixed(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let mut scripts = word.chars().filter_map(script);
        let first = scripts.next();
        scripts.any(|script| Some(script) != first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_have_one_skeleton_and_words_one_script() {
        assert_eq!(skeleton("sеnd_mаil"), "send_mail");
        assert_eq!(skeleton("ｓｅｎｄ"), "send");
        assert!(mixed("sеnd") && mixed("αdd"));
        for name in ["погода", "get_погода", "get-天気", "天気get", "añadir", "xml_файл2"]
        {
            assert!(!mixed(name), "{name}");
        }
    }
}
