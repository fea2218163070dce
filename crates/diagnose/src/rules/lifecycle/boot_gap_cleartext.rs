//! `boot-gap-cleartext`: between network and IPsec traffic passes in clear.

use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "boot-gap-cleartext",
    recurs: false,
    page: Page {
        title: "Traffic passes in clear until IPsec has started",
        what: "From the start of the network until the daemon has installed its policies nothing forces traffic into the tunnel.",
        initiator: "Clear packets after boot, and none later.",
        responder: "It receives them in clear.",
        look_alikes: &[(
            "cleartext-leak-no-policy",
            "Does it stop some time after boot?",
        )],
        fix: &[
            (
                "any",
                "A host firewall that lets out only IKE and ESP to these peers; the unit ordered before applications.",
            ),
            (
                "adit",
                "`systemctl enable adit-block.service`, which runs `adit block` before the network is up; the block holds while the gateway is down.",
            ),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ClearUntilStarted) else {
        return before_esp(s);
    };
    Found::by(seen, COUNTED, "between the start of the network and of IPsec traffic passes in clear")
        .because("No policy is installed before the daemon runs.")
        .fix("let a host firewall pass only IKE and ESP towards these peers, and start IPsec before the applications")
        .done()
}

/// A capture in which two gateways speak in clear first, and only in ESP from some time on.
fn before_esp(s: &Signals<'_>) -> Judgement {
    let Some(first) = s.all_flows().map(|f| f.first).min() else {
        return Judgement::Silent;
    };
    let mut between = s
        .clear()
        .filter(|c| c.between_gateways && c.decrypted == 0 && c.encrypted == 0)
        .peekable();
    // The fact's time is that of the last packet.
    if between.peek().is_none() || !between.all(|c| c.fact.at.is_some_and(|last| last < first)) {
        return Judgement::Silent;
    }
    Judgement::Possible {
        weight: 60,
        because: "the capture has packets in clear between the two gateways up to their first ESP, and none after it".to_owned(),
        separated_by: "when the host started its network and when its IPsec daemon: whether the packets in clear lie between",
    }
}
