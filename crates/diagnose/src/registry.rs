//! Every rule, and the pages.

use adit_model::text::did_you_mean;

use crate::rule::{Page, Rule};
use crate::rules::{child, firewall, ike_auth, ike_sa_init, lifecycle, link};

/// Every rule. The order decides only between findings of equal confidence, and candidates of equal weight.
pub static RULES: &[&Rule] = &[
    &lifecycle::daemon_not_running::RULE,
    &link::local_address_missing::RULE,
    &link::peer_dns_unresolvable::RULE,
    &link::peer_unreachable::RULE,
    &firewall::udp500_blocked::RULE,
    &firewall::udp500_reply_blocked::RULE,
    &ike_sa_init::ike_version_mismatch::RULE,
    &ike_sa_init::ike_proposal_mismatch::RULE,
    &ike_sa_init::ike_dh_group_mismatch::RULE,
    &ike_sa_init::no_matching_connection_on_responder::RULE,
    &firewall::udp4500_blocked::RULE,
    &ike_auth::large_ike_auth_fragment_lost::RULE,
    &ike_auth::psk_mismatch::RULE,
    &ike_auth::id_mismatch::RULE,
    &ike_auth::psk_not_found::RULE,
    &ike_auth::auth_method_mismatch::RULE,
    &child::esp_proposal_mismatch::RULE,
    &child::ts_mismatch::RULE,
];

/// The rule of a cause id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|r| r.id == id)
}

/// The page of a cause id.
#[must_use]
pub fn explain(id: &str) -> Option<&'static Page> {
    rule(id).map(|r| &r.page)
}

/// The cause id that a misspelt one was probably meant to be.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    did_you_mean(id, RULES.iter().map(|r| r.id)).or_else(|| {
        // A part of the name is what people remember.
        RULES
            .iter()
            .map(|r| r.id)
            .find(|known| id.len() >= 3 && known.contains(id))
    })
}
