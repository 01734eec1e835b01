//! Tests that need more than one module: live endpoints, the binary, the tree itself.

mod demo;
mod support;
