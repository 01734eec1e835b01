//! Capabilities and tools.

mod cap_matches_handlers;
mod catalog_context_cost;
mod icons_safe;
mod instructions_name_tools;
mod list_pagination;
mod server_self_description;
mod tools_annotations;
mod tools_confusable_names;
mod tools_defaults_valid;
mod tools_described;
mod tools_descriptions_distinct;
mod tools_hints_honest;
mod tools_list_conforms;
mod tools_model_limits;
mod tools_name_format;
mod tools_no_remote_ref;
mod tools_one_effect;
mod tools_poisoning;
mod tools_required_declared;
mod tools_schema_bounds;
mod tools_schema_valid;
mod tools_secrets;
mod tools_shadowing;
mod tools_title;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &cap_matches_handlers::CHECK,
    &list_pagination::CHECK,
    &tools_list_conforms::CHECK,
    &tools_schema_valid::CHECK,
    &tools_required_declared::CHECK,
    &tools_defaults_valid::CHECK,
    &tools_schema_bounds::CHECK,
    &tools_described::CHECK,
    &tools_descriptions_distinct::CHECK,
    &tools_title::CHECK,
    &tools_name_format::CHECK,
    &tools_annotations::CHECK,
    &tools_model_limits::CHECK,
    &catalog_context_cost::CHECK,
    &tools_no_remote_ref::CHECK,
    &tools_one_effect::CHECK,
    &tools_hints_honest::CHECK,
    &tools_poisoning::CHECK,
    &tools_secrets::CHECK,
    &tools_shadowing::CHECK,
    &tools_confusable_names::CHECK,
    &icons_safe::CHECK,
    &server_self_description::CHECK,
    &instructions_name_tools::CHECK,
];
