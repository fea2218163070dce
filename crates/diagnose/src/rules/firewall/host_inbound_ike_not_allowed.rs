//! `host-inbound-ike-not-allowed`: the gateway's own service filter drops IKE before its daemon sees it.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::complaint::content;
use crate::finding::{CONDITION, COUNTED};
use crate::plane::possible;
use crate::progress::{filtered_port, is_ike};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "host-inbound-ike-not-allowed",
    recurs: false,
    page: Page {
        title: "The gateway doesn't let IKE in to itself",
        what: "Many gateways filter what is sent to themselves apart from what they forward. IKE isn't among the services that are allowed at the outside interface.",
        initiator: "The first message is repeated and never answered.",
        responder: "A capture at the interface shows the requests; the daemon's log shows none of them.",
        look_alikes: &[
            (
                "udp500-blocked",
                "Is the packet dropped before the gateway, or on it?",
            ),
            ("daemon-not-running", "Does the daemon listen on UDP 500?"),
            (
                "no-matching-connection-on-responder",
                "Does the daemon's log speak of the request?",
            ),
        ],
        fix: &[
            (
                "any",
                "Allow IKE to the gateway itself at its outside interface: UDP 500, UDP 4500, ESP.",
            ),
            (
                "juniper",
                "`set security zones security-zone UNTRUST interfaces IFACE host-inbound-traffic system-services ike`.",
            ),
            (
                "vyos",
                "accept rules for UDP 500, 4500 and esp in the local (input) ruleset.",
            ),
            (
                "cisco",
                "`crypto isakmp enable outside` (`crypto ikev1|ikev2 enable outside`), and no control-plane access list against it.",
            ),
            (
                "fortinet",
                "no local-in policy against IKE; the outside interface must be the phase 1's interface.",
            ),
            (
                "pan-os",
                "a security rule from the outside zone to itself for ike and ipsec, where a deny rule stands before the intrazone default.",
            ),
        ],
        source: "RFC 7296 2.23",
    },
    needs: &[Need::PeerDaemon, Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s
        .signs_of(Sign::ServiceRefused)
        .filter(|seen| !is_unloaded(seen) && !s.heard(seen.side()))
        .filter(|seen| match seen.value("protocol") {
            None | Some("17") => filtered_port(*seen).is_none_or(is_ike),
            // ESP, which has no ports.
            other => other == Some("50"),
        })
        .filter(|seen| seen.value("count") != Some("0"))
        .last();
    // What of ours is answered, or was, has come in.
    let unloaded = s
        .signs_of(Sign::ServiceRefused)
        .find(is_unloaded)
        .filter(|seen| !s.heard(seen.side()) && !s.refused_or_told())
        .filter(|_| s.complains(Complaint::NothingPasses).is_none());
    if let Some(seen) = unloaded {
        let what = format!(
            "the filter of {} doesn't load the rule that lets UDP {} in: {}",
            seen.who(),
            seen.value_or("port", "500"),
            seen.value_or("problem", "an error")
        );
        let silent =
            seen.value("silent").is_some() || s.complains(Complaint::NeverConnects).is_some();
        // A filter remembers whom the gateway itself asks, and lets the answers in.
        if !silent || !s.calm() || content(s) {
            return possible(
                40,
                what,
                "the rules that are in force (`pfctl -sr`, `nft list ruleset`): those from before stay when a load fails",
            );
        }
        return Found::by(seen, CONDITION, what)
            .because("A set of rules is loaded as a whole or not at all: what was to let IKE in isn't there.")
            .fix("mend or take out the rule that is quoted (addresses of one family only, a gateway of the same family), and load the set again")
            .then("the rules that are loaded (`pfctl -sr`, `nft list ruleset`)")
            .done();
    }
    if let Some(seen) = refused {
        let named = filtered_port(seen);
        let (confidence, what) = match named {
            Some(port) => (COUNTED, format!("UDP {port}")),
            None => (CONDITION, "what is sent to itself".to_owned()),
        };
        return Found::by(
            seen,
            confidence,
            format!("the gateway of {} drops {what} before its IKE daemon sees it", seen.who()),
        )
        .because("The filter for services of the gateway itself refused the packet.")
        .fix("allow IKE (UDP 500, UDP 4500) and ESP to the gateway itself at its outside interface, and enable IKE there")
        .done();
    }
    // Who begins himself gets his answers.
    let begins = s
        .first_sign(&[Sign::NegotiationTimedOut, Sign::FirstMessageUnanswered])
        .is_some();
    let unlisted = s
        .signs_of(Sign::PortNotPermitted)
        .filter(|_| !begins && s.nothing_came().is_none())
        .filter(|seen| seen.value("of").is_some() && !s.up && s.calm() && !speaks(s, seen.side()))
        .last();
    if let Some(seen) = unlisted {
        let zone = seen.value_or("rule", "the zone outside");
        return Found::by(
            seen,
            CONDITION,
            format!("{zone} of {} lists the services that it lets in to the gateway, and IKE isn't one", seen.who()),
        )
        .because("What is sent to the gateway itself is dropped where its service isn't listed; the daemon never sees the peer's first message. Only what answers the gateway's own requests comes in.")
        .fix("add IKE to the list (`set security zones security-zone NAME host-inbound-traffic system-services ike`; a list at the interface takes the place of the zone's)")
        .then("whether the tunnel comes up when this side begins")
        .done();
    }
    if s.nothing_came().is_some() && !s.case.covers(Side::Remote) {
        return Judgement::Possible {
            weight: 30,
            because: "the peer's own service filter may drop IKE before its daemon sees it"
                .to_owned(),
            separated_by: "a capture at the peer's outside interface beside its daemon's log",
        };
    }
    Judgement::Silent
}

/// Whether it is a rule that lets IKE in and wasn't loaded.
fn is_unloaded(seen: &Seen<'_>) -> bool {
    seen.value("rule").is_some() && seen.value("problem").is_some()
}

/// Whether a message of IKE by that side is known: a capture at its interface shows what arrives there in any case.
fn speaks(s: &Signals<'_>, side: Side) -> bool {
    s.happenings(side).any(|(_, h)| {
        matches!(
            h,
            Happening::Sent(_) | Happening::Initiating { .. } | Happening::Retransmitted { .. }
        )
    })
}
