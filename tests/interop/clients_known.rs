//! Endpoints whose score and whose clients disagree, by the name that the test prints, and why.

pub(crate) const KNOWN: &[(&str, &str)] = &[];
