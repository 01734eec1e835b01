//! Tests of the whole: one crate, one module each.

mod cli;
mod readme;
