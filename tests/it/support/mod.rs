//! What several test files share. A helper that fails must fail its test: it may unwrap.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice)]

pub(crate) mod client;
pub(crate) mod tls;
