//! Authorization.

mod auth_challenge_401;
mod auth_challenge_grammar;
mod auth_consistent;
mod auth_missing_credential_no_5xx;
mod auth_no_token_in_url;
mod auth_pkce_s256;
mod auth_prm_found;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &auth_challenge_401::CHECK,
    &auth_challenge_grammar::CHECK,
    &auth_missing_credential_no_5xx::CHECK,
    &auth_consistent::CHECK,
    &auth_prm_found::CHECK,
    &auth_pkce_s256::CHECK,
    &auth_no_token_in_url::CHECK,
];
