//! Tests of the whole: one crate, one module each.

mod architecture;
mod cli;
mod cli_live;
mod drift;
mod program;
mod readme;
mod schemas;
mod score_laws;
