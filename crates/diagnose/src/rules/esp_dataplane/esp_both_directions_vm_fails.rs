//! `esp-both-directions-vm-fails`: eSP flows both ways and one node drops what it decrypts.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "esp-both-directions-vm-fails",
    recurs: false,
    page: Page {
        title: "ESP flows both ways and one node drops what it decrypts",
        what: "Both nodes send ESP and receive it, and the guests still don't hear each other: one node accepts, the other drops after decryption, by its policy or for want of an SA of its own.",
        initiator: "In one guest both directions are seen, in the other only the outgoing one.",
        responder: "The tracer of dropped packets prints an inbound packet, and who dropped it.",
        look_alikes: &[
            (
                "inbound-policy-mismatch",
                "Does the dropper's name speak of the policy (spd_…)?",
            ),
            (
                "overlay-guest-config",
                "Does the decrypted packet reach the guest's interface?",
            ),
            (
                "esp-spi-unknown",
                "Is the dropper the look-up of the SA (esp_no_sa)?",
            ),
        ],
        fix: &[
            (
                "any",
                "Flush the SAs on both nodes, and compare their IPsec policies.",
            ),
            (
                "illumos",
                "`ipseckey flush` on both; `ipsecconf -l` on both; `kstat -m ip -n ipdrop` before and after a ping.",
            ),
        ],
        source: "RFC 4301 5.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["esp-spi-unknown", "inbound-policy-mismatch"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(dropped) = s.sign(Sign::IpsecDropped) else {
        return Judgement::Silent;
    };
    let named = s
        .signs_of(Sign::IpsecDropped)
        .find_map(|d| d.value("by"))
        .unwrap_or("");
    if ["no_sa", "auth", "replay", "spd_"]
        .iter()
        .any(|word| named.contains(word))
    {
        return Judgement::Silent;
    }
    if dropped.value("direction").is_none_or(|d| d != "inbound") && named.is_empty() {
        return possible(
            30,
            "IPsec drops packets, and their direction isn't told",
            "the dropper's name in the tracer's output",
        );
    }
    Found::by(
        dropped,
        CONDITION + 0.02,
        format!("IPsec of {} drops packets that arrived", dropped.who()),
    )
    .with(s.signs_of(Sign::IpsecDropped).take(4).map(|d| d.fact))
    .at(AtFault::Both)
    .because("The packet came to the node and IPsec threw it away there.")
    .fix("flush the SAs on both nodes, and make their IPsec policies the same")
    .done()
}
