//! `pcap-misread-linux-outbound`: what looks like a leak is how Linux captures.

use adit_model::fact::Side;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;
use crate::wire::Clear;

pub(crate) static RULE: Rule = Rule {
    id: "pcap-misread-linux-outbound",
    recurs: false,
    page: Page {
        title: "Incoming packets in clear are how Linux shows decrypted ones",
        what: "A packet that came in ESP passes the interface's capture point twice on Linux: encrypted, and again after decryption. What goes out passes it once, encrypted. So a capture shows one direction in clear, and nothing leaked.",
        initiator: "A capture with ESP both ways, and inner packets in clear in the incoming direction only.",
        responder: "The same.",
        look_alikes: &[(
            "cleartext-leak-no-policy",
            "Are there packets in clear on their way out, or without an ESP packet just before them?",
        )],
        fix: &[(
            "any",
            "Nothing: the packets were protected on the wire. Capture on a host beside the gateway to see what crosses it.",
        )],
        source: "Linux xfrm input: decrypted packets are received again on the same device",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &["cleartext-leak-no-policy"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    for by in [Side::Local, Side::Remote] {
        let both_ways = [by, by.other()]
            .into_iter()
            .all(|from| s.flows(by).any(|f| f.from == from));
        let clear: Vec<Clear<'_>> = s
            .clear()
            .filter(|c| c.fact.side == by && !c.between_gateways)
            .collect();
        // An excerpt may begin between an ESP packet and what was in it.
        let shown_again =
            |c: &&Clear<'_>| c.decrypted > 0 && c.decrypted * 5 >= c.packets.saturating_sub(1) * 4;
        let answered = |c: &Clear<'_>| {
            clear
                .iter()
                .any(|other| (other.from, other.to) == (c.to, c.from))
        };
        let copies: Vec<&Clear<'_>> = clear
            .iter()
            .filter(shown_again)
            .filter(|c| !answered(c))
            .collect();
        let Some(copy) = copies.first() else {
            continue;
        };
        // Of a few lines all may be of one direction: then all that is in clear has to be what came in ESP.
        let only_copies = || {
            clear
                .iter()
                .all(|c| c.decrypted == c.packets && c.encrypted == 0)
        };
        if !(both_ways || only_copies()) || !s.silences.is_empty() || s.stalled().is_some() {
            continue;
        }
        if !both_ways {
            return Judgement::Possible {
                weight: 40,
                because: "the packets in clear are those that came in ESP, shown a second time after decryption".to_owned(),
                separated_by: "a capture that shows the answers: do they leave as ESP only?",
            };
        }
        return Found::on(
            copy.fact,
            CONDITION,
            AtFault::Unknown,
            "nothing leaks: the packets in clear are those that came in ESP, shown a second time after decryption".to_owned(),
        )
        .with(copies.iter().map(|c| c.fact))
        .because("Each follows an ESP packet that could have held it, they go one way only, and their answers are to be seen as ESP only. That is how Linux captures on the interface where ESP arrives.")
        .fix("nothing is to be changed")
        .tell("We saw packets in clear in a capture on our gateway; they were copies of decrypted ones, and nothing went in clear over the wire.")
        .done();
    }
    Judgement::Silent
}
