//! Sentences about what the kernel can, does and refuses.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // `ipsec verify` of Openswan and Libreswan.
    any(Sign::ReversePathFilterOn, "Checking rp_filter [ENABLED]"),
    any(Sign::ReversePathFilterOn, "{path:w}/rp_filter [ENABLED]"),
];
