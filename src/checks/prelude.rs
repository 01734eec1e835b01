//! What every check file needs.

pub(crate) use crate::check::{Applies, Basis, Check, Gated, How, Reads};
pub(crate) use crate::facts::{Facts, answered};
pub(crate) use crate::protocol::revision::{Era, Revision};
pub(crate) use crate::protocol::transport::Transport;
pub(crate) use crate::transcript::{Exchange, Expectation, ProbeId};
pub(crate) use crate::verdict::{
    Dimension, Evidence, Judgement, Level, Observations, Severity, Status, Undecided, Verdict, fail,
    inconclusive, info, not_applicable, pass, warn,
};
