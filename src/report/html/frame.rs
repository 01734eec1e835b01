//! What the rows of the drawing are put into.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::scale::Scale;
use super::words::Section;

/// A number in the shortest form that a drawing needs.
pub(super) fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// Where an exchange was drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) exchange: u32,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) y: f64,
}

/// The drawing so far.
#[derive(Debug)]
pub(super) struct Frame<'r> {
    pub(super) place: Section<'r>,
    pub(super) scale: Scale,
    /// Labels have a column of their own.
    pub(super) wide: bool,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) margin: f64,
    /// How far down it has come.
    pub(super) y: f64,
    pub(super) spots: Vec<Spot>,
    /// Exchanges that others take up again.
    pub(super) dropped: BTreeSet<u32>,
}

impl Frame<'_> {
    pub(super) fn x(&self, us: u64) -> f64 {
        self.scale.x(us)
    }

    /// Anchor of an exchange's bar; the narrow drawing has none, an id must be unique.
    pub(super) fn exchange_id(&self, exchange: u32) -> Option<String> {
        self.wide.then(|| self.place.id(&format!("x{exchange}")))
    }

    pub(super) fn label(&self, name: &str, detail: &str, down: f64) -> Markup {
        if self.wide {
            html! {
                text class="name" x="6" y=(n(self.y + 14.0 + down)) { (name) }
                text class="detail" x="6" y=(n(self.y + 26.0 + down)) { (detail) }
            }
        } else {
            html! {
                text class="name" x=(n(self.left)) y=(n(self.y + 12.0 + down)) {
                    (name) " " tspan class="detail" { (detail) }
                }
            }
        }
    }
}
