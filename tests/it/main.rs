//! Every test that sees the program from outside, in one binary: it links once.

mod accuracy;
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
