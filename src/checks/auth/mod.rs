//! Authorization.

mod auth_2025_03_26_fallback;
mod auth_alg_none;
mod auth_as_issuer_match;
mod auth_as_legacy_grants;
mod auth_as_metadata;
mod auth_challenge_401;
mod auth_challenge_grammar;
mod auth_consistent;
mod auth_invalid_token_401;
mod auth_iss_parameter;
mod auth_jwks_valid;
mod auth_metadata_urls_safe;
mod auth_missing_credential_no_5xx;
mod auth_no_secret_in_path;
mod auth_no_token_in_url;
mod auth_pkce_s256;
mod auth_prm_found;
mod auth_prm_resource_match;
mod auth_prm_valid;
mod auth_prm_variants_agree;
mod auth_public_client;
mod auth_registration_path;
mod auth_scope_guidance;
#[cfg(test)]
mod made;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &auth_challenge_401::CHECK,
    &auth_challenge_grammar::CHECK,
    &auth_missing_credential_no_5xx::CHECK,
    &auth_consistent::CHECK,
    &auth_invalid_token_401::CHECK,
    &auth_prm_found::CHECK,
    &auth_prm_valid::CHECK,
    &auth_prm_resource_match::CHECK,
    &auth_prm_variants_agree::CHECK,
    &auth_metadata_urls_safe::CHECK,
    &auth_as_metadata::CHECK,
    &auth_as_issuer_match::CHECK,
    &auth_2025_03_26_fallback::CHECK,
    &auth_pkce_s256::CHECK,
    &auth_jwks_valid::CHECK,
    &auth_alg_none::CHECK,
    &auth_iss_parameter::CHECK,
    &auth_as_legacy_grants::CHECK,
    &auth_registration_path::CHECK,
    &auth_public_client::CHECK,
    &auth_scope_guidance::CHECK,
    &auth_no_token_in_url::CHECK,
    &auth_no_secret_in_path::CHECK,
];
