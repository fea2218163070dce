//! Every rule, and the pages.

use adit_model::text::did_you_mean;

use crate::rule::{Page, Rule};
use crate::rules::{
    child, config, esp_dataplane, firewall, ha, host, ike_auth, ike_sa_init, kernel, lifecycle,
    link, nat, overlay, performance, rekey, route,
};

static LAYERS: [&[&Rule]; 16] = [
    link::RULES,
    route::RULES,
    firewall::RULES,
    nat::RULES,
    ike_sa_init::RULES,
    ike_auth::RULES,
    child::RULES,
    esp_dataplane::RULES,
    kernel::RULES,
    performance::RULES,
    rekey::RULES,
    lifecycle::RULES,
    config::RULES,
    host::RULES,
    ha::RULES,
    overlay::RULES,
];

/// Every rule. The order decides only between findings of equal confidence, and candidates of equal weight.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    LAYERS.iter().flat_map(|layer| layer.iter().copied())
}

/// The rule of a cause id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|r| r.id == id)
}

/// The page of a cause id.
#[must_use]
pub fn explain(id: &str) -> Option<&'static Page> {
    rule(id).map(|r| &r.page)
}

/// The cause id that a misspelt one was probably meant to be.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    did_you_mean(id, rules().map(|r| r.id)).or_else(|| {
        // A part of the name is what people remember.
        rules()
            .map(|r| r.id)
            .find(|known| id.len() >= 3 && known.contains(id))
    })
}
