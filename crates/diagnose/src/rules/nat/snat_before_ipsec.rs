//! `snat-before-ipsec`: packets for the tunnel are translated before the policies look at them.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "snat-before-ipsec",
    recurs: false,
    page: Page {
        title: "Source NAT takes packets away from the tunnel",
        what: "A masquerade rule rewrites the source before the IPsec policy is looked up. The packet no longer fits the selectors and leaves in clear, or not at all.",
        initiator: "Counters of the tunnel stand still for the LAN's traffic, while a ping from the gateway itself may work.",
        responder: "Nothing arrives, or packets with a wrong source.",
        look_alikes: &[
            (
                "route-to-remote-subnet-missing",
                "Is the packet that leaves in clear translated, or as it was?",
            ),
            (
                "nat-exemption-missing-on-peer",
                "On which side is the source rewritten?",
            ),
        ],
        fix: &[
            (
                "any",
                "Exempt what goes to the remote network from translation, before the rule that translates.",
            ),
            (
                "linux",
                "`iptables -t nat -I POSTROUTING -m policy --pol ipsec --dir out -j ACCEPT`; nftables: `meta secpath missing`, or `ip daddr REMOTE accept` first.",
            ),
            ("vyos", "`set nat source rule N exclude` with a lower N."),
            (
                "cisco",
                "ASA: `nat (inside,outside) source static L L destination static R R no-proxy-arp route-lookup`; IOS: deny L to R in the NAT's access list.",
            ),
            ("pan-os", "a no-NAT rule above."),
            ("juniper", "a source-nat off rule first."),
            ("fortinet", "no NAT in the tunnel's policy."),
            (
                "mikrotik",
                "an accept rule in srcnat before masquerade, or `ipsec-policy=out,none`.",
            ),
        ],
        source: "RFC 4301 5.1; RFC 3022",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    const FIX: &str = "exempt the remote network from translation before the rule that translates (iptables -t nat -I POSTROUTING -m policy --pol ipsec --dir out -j ACCEPT)";
    if s.refused_or_told() {
        return Judgement::Silent;
    }
    if let Some(seen) = s.sign(Sign::TunnelTranslated) {
        return Found::by(
            seen,
            COUNTED,
            format!(
                "{} translates the tunnel's packets before IPsec sees them",
                seen.who()
            ),
        )
        .because(
            "After translation their source isn't one of the tunnel's, so no policy takes them.",
        )
        .fix(FIX)
        .done();
    }
    let Some(seen) = s
        .sign(Sign::Masquerading)
        .filter(|_| s.sign(Sign::TunnelExempt).is_none())
    else {
        return Judgement::Silent;
    };
    let complaint = [Complaint::NothingPasses, Complaint::OneWay]
        .into_iter()
        .find_map(|c| s.complains(c));
    if s.up || complaint.is_some() {
        return Found::by(
            seen,
            CONDITION,
            format!("a rule of {} translates everything that leaves, and nothing exempts the tunnel", seen.who()),
        )
        .with(complaint)
        .because("On Linux translation comes before the look-up of IPsec policies: packets with a translated source fit none of them.")
        .fix(FIX)
        .then("iptables -t nat -vnL POSTROUTING: which counter grows during a ping through the tunnel")
        .done();
    }
    Judgement::Possible {
        weight: 30,
        because: "what leaves is translated, and no rule shown exempts the tunnel".to_owned(),
        separated_by: "whether counters of the tunnel grow during a ping, and the whole list of NAT rules",
    }
}
