//! Tests of the whole: one crate, one module each.

mod cli;
mod cli_live;
mod program;
mod readme;
