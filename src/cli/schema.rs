//! `schema`: the JSON Schema of a format.

use super::args::{SchemaArg, SchemaArgs};
use super::ending::Ending;
use super::output;
use crate::schema;

pub(super) fn run(args: &SchemaArgs) -> Result<Ending, Ending> {
    let text = match args.what {
        SchemaArg::Report => schema::report(),
        SchemaArg::Rubric => schema::rubric(),
        SchemaArg::Config => schema::config(),
        SchemaArg::Baseline => schema::baseline(),
        SchemaArg::Diff => schema::diff(),
        SchemaArg::Transcript => schema::transcript(),
    };
    output::stdout(text.as_bytes())?;
    Ok(Ending::silent())
}
