//! `nat-exemption-missing-on-peer`: the side that answers translates its answers.

use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "nat-exemption-missing-on-peer",
    recurs: false,
    page: Page {
        title: "The answers are translated",
        what: "The side that is asked translates what it sends back, so the answer doesn't fit the tunnel, or the gateway drops the request because the way back would be translated.",
        initiator: "The request is decrypted at the far end, and no answer comes.",
        responder: "Received octets grow; answers leave to the Internet with the gateway's address. ASA: %ASA-5-305013 Asymmetric NAT rules matched.",
        look_alikes: &[
            (
                "asymmetric-routing-bypass",
                "Is the answer's source translated?",
            ),
            ("snat-before-ipsec", "On which side is it translated?"),
        ],
        fix: &[
            (
                "any",
                "Exempt the tunnel's networks from NAT on the side that answers.",
            ),
            (
                "cisco",
                "an identity NAT (twice NAT) for the two networks above the dynamic rule.",
            ),
        ],
        source: "RFC 3022; RFC 4301 5.1",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s
        .signs_of(Sign::NatAsymmetric)
        .filter(|seen| !s.is_none_of_the_tunnel(*seen))
        .last()
    else {
        return Judgement::Silent;
    };
    if s.fails_in_ike() {
        return possible(
            12,
            format!(
                "{} translates the way back of some packets; the key exchange fails before any comes out of the tunnel",
                seen.who()
            ),
            "whether the packets that it names come out of the tunnel",
        );
    }
    let pair = match (seen.value("source"), seen.value("destination")) {
        (Some(from), Some(to)) => format!(" (from {from} to {to})"),
        _ => String::new(),
    };
    Found::by(
        seen,
        COUNTED,
        format!("the way back is translated on the gateway of {}{pair}: a NAT exemption is missing", seen.who()),
    )
    .because("The packet came out of the tunnel untranslated, and the rule for the way back would translate it; the gateway drops it.")
    .fix("exempt the tunnel's networks from NAT in both directions, above the rule that translates")
    .done()
}
