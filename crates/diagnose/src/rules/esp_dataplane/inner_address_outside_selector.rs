//! `inner-address-outside-selector`: the peer sends inner packets outside of the negotiated networks.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID};
use crate::plane::found;
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "inner-address-outside-selector",
    recurs: false,
    page: Page {
        title: "The peer sends inner packets outside of the negotiated networks",
        what: "What came out of the SA has addresses that its selectors don't cover: the peer translates addresses before encryption, or sends traffic of another network into this SA.",
        initiator: "Sends, counters out grow.",
        responder: "Drops after decryption: `doesn't match the negotiated policy`, `invalid identity (recv)`, `selector check`.",
        look_alikes: &[
            (
                "inbound-policy-mismatch",
                "Is it the selector that doesn't fit, or the policy's template?",
            ),
            (
                "snat-before-ipsec",
                "Is the inner source an address of the sender's outside?",
            ),
            (
                "netmap-order-wrong",
                "Is a translation of networks configured at the sender?",
            ),
        ],
        fix: &[
            (
                "any",
                "Make the selectors of both sides cover what is sent, or stop the translation of it at the sender.",
            ),
            (
                "cisco-asa",
                "make the access lists of both crypto maps mirror each other.",
            ),
            (
                "cisco-ios",
                "make the crypto access lists mirror each other.",
            ),
            (
                "strongswan",
                "`local_ts`/`remote_ts` that cover the traffic; no MASQUERADE for it (`-m policy --dir out --pol none`).",
            ),
            (
                "juniper",
                "traffic-selector or proxy-identity as at the peer.",
            ),
        ],
        source: "RFC 4301 5.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "bypass-too-broad",
        "snat-before-ipsec",
        "netmap-order-wrong",
        "nat-exemption-missing-on-peer",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let sure = if s
        .first_sign(&[Sign::InnerOutsideSelectors])
        .is_some_and(|seen| seen.value("count").is_some())
    {
        COUNTED
    } else {
        SAID
    };
    found(s, &[Sign::InnerOutsideSelectors], sure, |seen, times| {
        let trim = |v: &str| v.trim_end_matches([',', '.', ';']).to_owned();
        match (seen.value("source"), seen.value("destination"), seen.value("local")) {
            (Some(from), Some(to), Some(local)) => format!(
                "a packet from {} to {} came out of an SA for {} and {}{times}",
                trim(from),
                trim(to),
                trim(local),
                trim(seen.value_or("remote", "another network"))
            ),
            (Some(from), Some(to), None) => format!(
                "a packet from {} to {} came out of an SA that isn't for these addresses{times}",
                trim(from),
                trim(to)
            ),
            _ => format!("packets came to {} that their SA's selectors don't cover{times}", seen.who()),
        }
    })
    .map_or(Judgement::Silent, |found| {
        found
            .at(AtFault::Both)
            .because("The receiver decrypted the packet and its addresses lie outside of what was negotiated: the sender translates it, or has other networks configured.")
            .fix("make the networks of both sides mirror each other, and don't translate traffic that goes into the tunnel")
            .done()
    })
}
