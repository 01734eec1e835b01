//! What of each target there is room for: whole parts, from its first on, so that none stands under the
//! heading of another.

/// What ends a target that did not fit whole.
pub(super) const CUT: &str = "\nThe rest of this target did not fit here.\n";

/// A part of a target that is shown whole or not at all.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// When it is left out.
    pub(super) rank: Rank,
    /// Markdown, with a line end.
    pub(super) text: String,
}

/// Where there is no room for all of all targets, every target gets what ranks higher first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// What it is and how it fares.
    Head,
    /// The table of fixes.
    Fixes,
    /// A finding, folded.
    Detail,
    /// What passed or was not judged.
    Rest,
}

/// How many blocks of each target fit, from its first: after one that does not, the rest of that target is
/// left out too.
pub(super) fn fitting(sections: &[Vec<Block>], mut room: usize) -> Vec<usize> {
    let mut kept = vec![(0_usize, true); sections.len()];
    for rank in [Rank::Head, Rank::Fixes, Rank::Detail, Rank::Rest] {
        for (blocks, (kept, fits)) in sections.iter().zip(&mut kept) {
            for block in blocks.iter().filter(|block| block.rank == rank) {
                let end = if *kept == 0 { CUT.len() } else { 0 };
                let cost = block.text.len().saturating_add(end);
                *fits &= cost <= room;
                if *fits {
                    room = room.saturating_sub(cost);
                    *kept = kept.saturating_add(1);
                }
            }
        }
    }
    kept.into_iter().map(|(kept, _)| kept).collect()
}
