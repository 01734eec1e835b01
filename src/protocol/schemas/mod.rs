//! The official schemas of the five revisions, as data. See `README.md` beside this file for where they come from, and
//! for their licence.

use super::revision::Revision;

/// The schema of a revision: JSON, without descriptions.
#[must_use]
pub const fn text(revision: Revision) -> &'static str {
    match revision {
        Revision::V2024_11_05 => include_str!("2024-11-05.json"),
        Revision::V2025_03_26 => include_str!("2025-03-26.json"),
        Revision::V2025_06_18 => include_str!("2025-06-18.json"),
        Revision::V2025_11_25 => include_str!("2025-11-25.json"),
        Revision::V2026_07_28 => include_str!("2026-07-28.json"),
    }
}
