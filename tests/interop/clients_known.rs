//! Endpoints whose score and whose clients disagree, by the name that the test prints, and why.

pub(crate) const KNOWN: &[(&str, &str)] = &[
    (
        "Dual legacy-hollow",
        "the modern era serves: a client of the legacy era alone cannot go on, and the cap is 69 for that",
    ),
    (
        "Modern list-by-connection",
        "each connection lists other tools: these clients keep one, and one with several loses half of them",
    ),
];
