//! Tests of the whole: one crate, one module each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod architecture;
mod cli;
mod cli_live;
mod demo;
mod drift;
mod program;
mod readme;
mod schemas;
mod score_laws;
mod support;
mod wire;
