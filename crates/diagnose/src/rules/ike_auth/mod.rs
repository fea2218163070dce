//! Authentication.

mod address_pool_exhausted;
mod auth_method_mismatch;
mod ca_not_trusted;
mod cert_expired;
mod cert_not_yet_valid;
mod cert_revoked;
mod cert_san_mismatch;
mod chain;
mod clock_skew;
mod crl_unreachable;
mod eap_xauth_failure;
mod id_mismatch;
mod id_type_mismatch;
mod identity;
mod large_ike_auth_fragment_lost;
mod nat_private_ip_as_id;
mod near_name;
mod ppk_required_mismatch;
mod printed;
mod private_key_missing;
mod psk_formatting;
mod psk_mismatch;
mod psk_not_found;
mod signature_or_keyusage_rejected;
mod validity;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &large_ike_auth_fragment_lost::RULE,
    &psk_mismatch::RULE,
    &id_mismatch::RULE,
    &id_type_mismatch::RULE,
    &nat_private_ip_as_id::RULE,
    &psk_not_found::RULE,
    &psk_formatting::RULE,
    &auth_method_mismatch::RULE,
    &cert_expired::RULE,
    &cert_not_yet_valid::RULE,
    &clock_skew::RULE,
    &cert_revoked::RULE,
    &crl_unreachable::RULE,
    &cert_san_mismatch::RULE,
    &signature_or_keyusage_rejected::RULE,
    &private_key_missing::RULE,
    &eap_xauth_failure::RULE,
    &ppk_required_mismatch::RULE,
    &address_pool_exhausted::RULE,
    &ca_not_trusted::RULE,
];
