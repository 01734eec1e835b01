//! One test binary: it links once.

mod support;
mod wire;
