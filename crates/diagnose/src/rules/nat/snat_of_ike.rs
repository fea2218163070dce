//! `snat-of-ike`: the gateway's own masquerading rewrites its IKE packets.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "snat-of-ike",
    recurs: false,
    page: Page {
        title: "The gateway translates its own IKE",
        what: "A rule that translates what leaves catches the gateway's own IKE packets, which then come from another address or port than the peer expects.",
        initiator: "Requests aren't answered, or are refused by a peer that doesn't know the address.",
        responder: "Requests come from an unexpected address or port.",
        look_alikes: &[
            (
                "peer-address-wrong",
                "Is it the gateway itself that rewrites?",
            ),
            ("stale-conntrack", "Does a rule still translate today?"),
        ],
        fix: &[
            (
                "any",
                "Accept UDP 500 and 4500 before the rule that translates.",
            ),
            (
                "mikrotik",
                "`/ip firewall nat add chain=srcnat protocol=udp src-port=500,4500 action=accept` at the top.",
            ),
            (
                "linux",
                "`iptables -t nat -I POSTROUTING -p udp -m multiport --sports 500,4500 -j ACCEPT`.",
            ),
        ],
        source: "RFC 7296 2.23",
    },
    needs: &[Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::IkeTranslated).filter(|_| !s.up) {
        return Found::by(
            seen,
            SYMPTOM,
            format!(
                "the gateway of {} translates its own IKE packets",
                seen.who()
            ),
        )
        .because("A rule for what leaves catches UDP 500 or 4500 of the gateway itself.")
        .fix("accept UDP 500 and 4500 before the rule that translates")
        .done();
    }
    if let Some(judgement) = remembered(s).filter(|_| !s.up) {
        return judgement;
    }
    if let Some(told) = s.complains(Complaint::IkeSourceDiffers)
        && let Some(rule) = s.sign(Sign::Masquerading).filter(|_| !s.up)
    {
        return Found::by(
            rule,
            SYMPTOM,
            format!("a rule of {} translates everything that leaves, the gateway's own IKE too", rule.who()),
        )
        .with([told])
        .because("IKE was seen to leave with another address than the configured one, and the rule doesn't spare it.")
        .fix("accept UDP 500 and 4500 (and ESP) of the gateway's own before the rule that translates")
        .done();
    }
    if let Some(judgement) = wrong_port(s).filter(|_| !s.up) {
        return judgement;
    }
    if s.nothing_came().is_some() && s.sign(Sign::Masquerading).is_some() {
        return Judgement::Possible {
            weight: 25,
            because: "what leaves is translated; the gateway's own IKE may be too".to_owned(),
            separated_by: "the source address and port of our requests in a capture outside",
        };
    }
    Judgement::Silent
}

/// A filter remembers a flow of IKE from one of the host's addresses that goes out with another one of them, or from
/// another port.
fn remembered(s: &Signals<'_>) -> Option<Judgement> {
    s.remembered().find_map(|(fact, flow)| {
        let has = s.addresses(fact.side)?;
        let here = |a: &str| has.contains(&a);
        let port = flow.answers_port != flow.source_port;
        let translated = here(&flow.from) && here(&flow.answers_to) && (flow.from != flow.answers_to || port);
        (translated && flow.unanswered).then(|| {
            Found::on(
                fact,
                SYMPTOM,
                fact.side.into(),
                format!(
                    "IKE from {}, port {}, leaves {} as {}, port {}, and isn't answered",
                    flow.from,
                    flow.source_port,
                    who(fact.side),
                    flow.answers_to,
                    flow.answers_port
                ),
            )
            .because("The filter's memory of the flow shows both addresses: a rule for what leaves catches the gateway itself.")
            .fix("accept UDP 500 and 4500 before the rule that translates, and remove the entry (conntrack -D -p udp --dport 500)")
            .done()
        })
    })
}

/// What leaves gets another port on its way, and what comes goes to the one that it had before.
fn wrong_port(s: &Signals<'_>) -> Option<Judgement> {
    let (fact, moved, [from, to]) = s.wrong_port()?;
    Some(
        Found::on(
            fact,
            SYMPTOM,
            moved.into(),
            format!(
                "a NAT gives the IKE of {} another port ({from}), and what the other side sends goes to port {to}, where nothing listens",
                who(moved)
            ),
        )
        .because("Of all messages of that side none comes from the port that those to it go to: a rule that translates took the port of IKE away.")
        .fix("keep the ports of IKE: accept UDP 500 and 4500 before the rule that translates, or have it keep the source port; and let the NAT translate only the networks that are meant")
        .then("the NAT's table of states for UDP 500 and 4500")
        .done(),
    )
}
