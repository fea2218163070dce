//! From a negotiated suite to the algorithms that carry it out.

use adit_crypto::{IkeSuite, Protection, Provider, Unsupported};
use adit_model::proposal::Suite;
use adit_wire::iana::PrfId;

/// The algorithms of an IKE SA.
pub(crate) fn ike_suite(provider: &Provider, suite: &Suite) -> Result<IkeSuite, Unsupported> {
    let none = PrfId(0);
    provider.ike_suite(
        suite.encr.id,
        suite.encr.key_bits,
        suite.integ,
        suite.prf.unwrap_or(none),
    )
}

/// The algorithms of an ESP SA.
pub(crate) fn protection(provider: &Provider, suite: &Suite) -> Result<Protection, Unsupported> {
    provider.protection(suite.encr.id, suite.encr.key_bits, suite.integ)
}
