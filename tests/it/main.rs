//! Every test that sees the program from outside, in one binary.

mod architecture;
mod drift;
mod schemas;
mod score_laws;
