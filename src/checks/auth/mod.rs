//! Authorization.

mod auth_challenge_401;
mod auth_consistent;
mod auth_no_token_in_url;
mod auth_pkce_s256;
mod auth_prm_found;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &auth_challenge_401::CHECK,
    &auth_consistent::CHECK,
    &auth_prm_found::CHECK,
    &auth_pkce_s256::CHECK,
    &auth_no_token_in_url::CHECK,
];
