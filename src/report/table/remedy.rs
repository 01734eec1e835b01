//! A remedy in few lines. It is left out piece by piece from its end, never within a piece, and never before the
//! first call or setting that it names.

use super::layout::lines_of;

/// The remedy in at most `most` lines of this width, as far as whole pieces fit. What was left out is named where
/// there is room for it, else an ellipsis stands for it.
pub(super) fn shortened(remedy: &str, width: usize, most: usize) -> String {
    if lines_of(remedy, width) <= most {
        return remedy.to_owned();
    }
    let pieces = pieces(remedy);
    let least = least(&pieces);
    if least == pieces.len() {
        return remedy.to_owned();
    }
    for kept in (least..pieces.len()).rev() {
        let (start, rest) = pieces.split_at(kept);
        for end in ends(rest) {
            let text = format!("{}{end}", start.concat().trim_end().trim_end_matches(';'));
            if lines_of(&text, width) <= most {
                return text;
            }
        }
    }
    format!("{} …", pieces.get(..least).unwrap_or_default().concat().trim_end().trim_end_matches(';'))
}

/// How many pieces there must be: up to the first that names a call or setting.
fn least(pieces: &[&str]) -> usize {
    pieces.iter().position(|piece| piece.contains('`')).map_or(1, |at| at.saturating_add(1)).min(pieces.len())
}

/// How a shortened remedy may end, the most telling first.
fn ends(rest: &[&str]) -> Vec<String> {
    let names: Vec<&str> = rest.iter().filter_map(|piece| whose(piece)).collect();
    if names.is_empty() {
        return vec![" …".to_owned()];
    }
    vec![format!(" … ({}: -v)", names.join(", ")), " …".to_owned()]
}

/// For whom a piece is: the few words before its colon.
fn whose(piece: &str) -> Option<&str> {
    const LONGEST: usize = 24;
    let (name, _) = piece.split_once(": ")?;
    let name =
        ["for ", "For ", "with ", "With "].iter().find_map(|word| name.strip_prefix(word)).unwrap_or(name);
    (!name.contains('`') && !name.contains(',') && name.len() <= LONGEST).then_some(name)
}

/// Sentences, and their parts between semicolons; what is quoted is never divided.
fn pieces(remedy: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted, mut open) = (0_usize, false, 0_usize);
    let mut last = ' ';
    for (index, character) in remedy.char_indices() {
        match character {
            '`' => quoted = !quoted,
            '(' if !quoted => open = open.saturating_add(1),
            ')' if !quoted => open = open.saturating_sub(1),
            ' ' if !quoted && open == 0 && matches!(last, '.' | ';') => {
                let end = index.saturating_add(1);
                pieces.extend(remedy.get(start..end));
                start = end;
            }
            _ => {}
        }
        last = character;
    }
    pieces.extend(remedy.get(start..).filter(|rest| !rest.is_empty()));
    pieces
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Whether the text is a remedy, or whole pieces of its start with the first call or setting that it names.
    pub(in crate::report::table) fn is_whole(text: &str, remedy: &str) -> bool {
        if text == remedy {
            return true;
        }
        let told = text.rsplit_once(" …").map_or(text, |(told, _)| told).trim_end_matches(['.', ';']);
        let pieces = pieces(remedy);
        (least(&pieces)..=pieces.len())
            .any(|kept| pieces[..kept].concat().trim_end().trim_end_matches(['.', ';']) == told)
    }

    fn remedies() -> impl Iterator<Item = &'static str> {
        crate::checks::all().flat_map(|check| {
            std::iter::once(check.remediation).chain(check.causes.iter().filter_map(|cause| cause.remedy))
        })
    }

    #[test]
    fn every_remedy_keeps_what_is_to_be_changed() {
        let mut long = Vec::new();
        for remedy in remedies() {
            assert_eq!(pieces(remedy).concat(), remedy);
            for width in [75, 115, 195] {
                let text = shortened(remedy, width, 4);
                if lines_of(&text, width) > 4 {
                    long.push(format!("{width}: {text}"));
                }
                assert!(is_whole(&text, remedy), "{width}: {text}");
                assert_eq!(text.matches('`').count() % 2, 0, "{text}");
                assert!(text.contains('`') || !remedy.contains('`'), "{text}");
            }
            assert_eq!(shortened(remedy, usize::MAX, 4), remedy);
        }
        assert!(long.is_empty(), "{}", long.join("\n"));
    }

    #[test]
    fn what_is_left_out_is_named() {
        let remedy =
            "Do it. TypeScript SDK: `one()`; 1.x: `two(\"a; b. c\")`. Python SDK: `three()`. Why not.";
        assert_eq!(pieces(remedy).len(), 5);
        assert_eq!(shortened(remedy, 55, 1), "Do it. TypeScript SDK: `one()` … (1.x, Python SDK: -v)");
        assert_eq!(shortened(remedy, 30, 1), "Do it. TypeScript SDK: `one()` …");
    }
}
