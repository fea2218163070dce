//! `vti-firewall-direction-wrong`: a ruleset at the tunnel interface is written for the wrong direction.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "vti-firewall-direction-wrong",
    recurs: false,
    page: Page {
        title: "A filter at the tunnel interface looks the wrong way",
        what: "At a tunnel interface OUT is before encryption and IN after decryption; the outside interface sees only the gateways' addresses with ESP and UDP 500 and 4500. Rules written the other way round block the tunnel's traffic.",
        initiator: "A ping fails; the log shows a block at an interface or in a direction where none was expected.",
        responder: "The same.",
        look_alikes: &[
            (
                "decrypted-traffic-blocked",
                "Which of the steps outside in, tunnel in, inside out and back passes last?",
            ),
            ("zone-policy-missing", "Are there zones?"),
        ],
        fix: &[
            (
                "any",
                "Swap the rules: IN at the tunnel interface has the addresses that OUT at the inside interface has; the outside one has ESP, UDP 500 and UDP 4500 by the gateways' addresses.",
            ),
            (
                "vyatta",
                "`set security firewall name RULESET rule N …` and the interface's `firewall in|out`.",
            ),
        ],
        source: "RFC 4301 5.1, 5.2",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s
        .signs_of(Sign::InterfaceDenied)
        .last()
        .filter(|_| !s.refused_or_told())
    else {
        return Judgement::Silent;
    };
    let interface = seen.value_or("interface", "an interface");
    let tunnel = ["vti", "tun", "st0", "vfp"]
        .iter()
        .any(|t| interface.starts_with(t));
    if !tunnel {
        return Judgement::Possible {
            weight: 40,
            because: format!("a ruleset at {interface} blocks"),
            separated_by: "whether what it blocks is the tunnel's: ESP, UDP 500 and 4500 outside, inner addresses inside",
        };
    }
    Found::by(
        seen,
        SYMPTOM,
        format!("the ruleset at {interface} blocks the tunnel's traffic (rule {})", seen.value_or("rule", "unknown")),
    )
    .because("At a tunnel interface IN is what was decrypted, and OUT what is to be encrypted. A rule there that was written for the outside, or for the other direction, blocks it.")
    .fix(format!("write the rules of {interface} for inner addresses: IN from the remote network to ours, OUT the other way"))
    .done()
}
