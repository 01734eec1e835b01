//! placeholder
pub mod check;
pub mod checks;
pub mod facts;
pub mod finding;
pub mod protocol;
pub mod transcript;
