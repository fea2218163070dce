//! `icmp-fragneeded-filtered`: a filter drops ICMP `fragmentation needed`.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "icmp-fragneeded-filtered",
    recurs: false,
    page: Page {
        title: "A filter drops ICMP `fragmentation needed`",
        what: "The router whose link is too small says so by ICMP type 3 code 4, and a filter on the way, or the policy itself, drops the message: the sender goes on with packets that are too large.",
        initiator: "Small packets pass, large ones vanish without a word.",
        responder: "Never receives the large ones.",
        look_alikes: &[
            (
                "pmtu-blackhole",
                "Where does the ICMP message get lost: at the router, outside at the gateway, inside of it, at the sender?",
            ),
            ("mss-clamp-missing", "Do large UDP packets fail too?"),
        ],
        fix: &[
            (
                "any",
                "Permit ICMP type 3 code 4 (and ICMPv6 type 2) on every filter, and let the policy accept ICMP errors.",
            ),
            (
                "linux",
                "`iptables -A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT`, the same in FORWARD.",
            ),
            (
                "aws",
                "security group: custom ICMP, destination unreachable, fragmentation required.",
            ),
        ],
        source: "RFC 4301 6.1, 8.2; RFC 4890",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    const FIX: &str = "let ICMP type 3 (IPv6: type 2, packet too big) pass before the rule that drops ICMP, on the gateways and on the hosts";
    if let Some(seen) = s.sign(Sign::IcmpDropped) {
        // A line of a log is about a packet; a rule may never have met one.
        let met = seen.value("source").is_some();
        // What is told again and again isn't heard.
        let again = s.signs_of(Sign::FragmentationNeeded).count() > 1;
        if met || again || s.size_matters().is_some() {
            return Found::by(
                seen,
                if met { COUNTED } else { SYMPTOM + 0.07 },
                format!(
                    "a filter of {} drops the ICMP messages that tell a sender to make its packets smaller",
                    seen.who()
                ),
            )
            .with(s.size_matters().into_iter().flat_map(|(small, large)| [small.fact, large.fact]))
            .because("A router on the way says \"fragmentation needed\", and the sender never hears it: it repeats the large packet for ever.")
            .fix(FIX)
            .then("ping -M do -s 1472 PEER-HOST: it must answer \"Frag needed\", and not be silent")
            .done();
        }
    }
    if s.size_matters().is_none() {
        return Judgement::Silent;
    }
    if s.sign(Sign::FragmentationNeeded).is_some() {
        return Judgement::RuledOut("ICMP \"fragmentation needed\" arrives".to_owned());
    }
    possible(
        34,
        "large packets vanish and no ICMP message tells why",
        "the ICMP type 3 code 4 messages at four places: outside at the gateway, inside of it, at the sender, in the sender's filter",
    )
}
