//! From a negotiated suite to the algorithms that carry it out.

use adit_crypto::{IkeKeyInputs, IkeKeys, IkeSuite, Protection, Provider, Unsupported};
use adit_model::proposal::Suite;
use adit_wire::iana::PrfId;

use crate::cx::Cx;
use crate::output::{Output, ToldKeys};

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

/// Tells the keys of a new IKE SA, if somebody records them.
pub(crate) fn tell(cx: &mut Cx<'_>, suite: &Suite, inputs: &IkeKeyInputs<'_>, keys: &IkeKeys) {
    if cx.settings.tell_keys {
        cx.desk.out.push(Output::Keys(Box::new(ToldKeys {
            at: cx.now,
            spis: (
                u64::from_be_bytes(inputs.spi_i),
                u64::from_be_bytes(inputs.spi_r),
            ),
            suite: *suite,
            encryption: (keys.sk_ei.clone(), keys.sk_er.clone()),
            integrity: (keys.sk_ai.clone(), keys.sk_ar.clone()),
        })));
    }
}
