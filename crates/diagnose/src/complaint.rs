//! What people complain of, and which causes it puts first.
//!
//! A symptom in a person's words doesn't decide by itself; what somebody tried, and what it changed, may. It names
//! candidates where nothing else does, and moves those up that other evidence left possible.

use adit_model::complaint::Complaint;
use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

/// What a candidate gains that other evidence names too.
pub(crate) const SUPPORT: u8 = 12;

impl<'a> Signals<'a> {
    /// The fact that somebody complains of this.
    pub(crate) fn complains(&self, of: Complaint) -> Option<&'a Fact> {
        self.case
            .facts
            .iter()
            .find(|f| {
                matches!(f.what, Known::Complained { complaint, .. } if complaint == of
                    || (self.up && of == Complaint::NothingPasses && complaint == Complaint::NothingReached))
            })
    }
}

/// A complaint that this cause brings about.
pub(crate) fn complaint_that_fits<'a>(s: &Signals<'a>, cause: &str) -> Option<&'a Fact> {
    s.case.facts.iter().find(|f| match f.what {
        Known::Complained { complaint, after_s } => causes(complaint, after_s).contains(&cause),
        _ => false,
    })
}

/// Somebody tells that something is wrong, whatever the evidence shows.
pub(crate) fn complained(s: &Signals<'_>) -> bool {
    s.case
        .facts
        .iter()
        .any(|f| matches!(f.what, Known::Complained { complaint, .. } if complaint.is_trouble()))
}

/// Whoever shows the evidence says that all is well, and tells of nothing that isn't.
pub(crate) fn content(s: &Signals<'_>) -> bool {
    s.complains(Complaint::AllWell).is_some() && !complained(s)
}

/// Somebody tells that traffic, or some of it, doesn't get through at all.
pub(crate) fn carries_nothing(s: &Signals<'_>) -> bool {
    [
        Complaint::Fails,
        Complaint::NothingPasses,
        Complaint::NothingReached,
        Complaint::SomeNetworks,
        Complaint::OneWay,
    ]
    .into_iter()
    .any(|c| s.complains(c).is_some())
}

/// The causes that the complaints in a case fit, the likelier first, each with its weight and why.
pub(crate) fn suspected(s: &Signals<'_>) -> Vec<(&'static str, u8, String)> {
    let mut out: Vec<(&'static str, u8, String)> = Vec::new();
    for fact in &s.case.facts {
        let Known::Complained { complaint, after_s } = fact.what else {
            continue;
        };
        // Of a tunnel that is up, somebody who says that it doesn't work says that nothing passes.
        let complaint = match complaint {
            Complaint::Fails | Complaint::NothingReached if s.up => Complaint::NothingPasses,
            other => other,
        };
        let after = after_s.map_or(String::new(), |s| format!(" ({s} s)"));
        let because = format!("somebody tells {}{after}", complaint.said());
        for (id, weight) in causes(complaint, after_s)
            .iter()
            .zip((8..=32).rev().step_by(3))
        {
            match out.iter_mut().find(|(known, ..)| known == id) {
                // Two complaints that one cause explains.
                Some((_, sum, why)) => {
                    *sum = sum.saturating_add(SUPPORT);
                    why.push_str(", and ");
                    why.push_str(complaint.said());
                }
                None => out.push((id, weight, because.clone())),
            }
        }
    }
    out
}

/// What somebody saw of a cause, where no exchange is known to have failed and the rule has nothing better.
pub(crate) fn observed(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    // What comes and goes isn't explained by what is always so.
    let comes_and_goes = [
        Complaint::NowAndThen,
        Complaint::Periodic,
        Complaint::AtRekey,
        Complaint::AfterIdle,
    ]
    .into_iter()
    .any(|c| s.complains(c).is_some());
    // Whoever switched a filter off knows more than requests without an answer tell.
    let without_filter = s
        .complains(Complaint::WorksWithoutFirewall)
        .filter(|_| rule.id == "endpoint-host-firewall" && !s.refused_or_told() && !comes_and_goes)
        .filter(|_| {
            s.complains(Complaint::WorksWithoutGatewayFirewall)
                .is_none()
        });
    if let Some(told) = without_filter {
        return Found::on(
            told,
            CONDITION,
            AtFault::Unknown,
            "a filter on the host stops it: without the filter it works",
        )
        .because("Somebody switched it off, and it worked.")
        .fix("permit UDP 500 and 4500, ESP, and what comes out of the tunnel, in that filter, and switch it on again")
        .done();
    }
    let better = matches!(judgement, Judgement::Found(_) | Judgement::RuledOut(_));
    // Where an exchange failed, what was seen decides between what that leaves possible.
    let left = matches!(judgement, Judgement::Possible { .. }) && !s.refused_or_told();
    if better || comes_and_goes || !(s.calm() || left) {
        return judgement;
    }
    // Translated into the tunnel's network it is meant to be; only when it is done is wrong.
    if rule.id == "snat-before-ipsec" && s.complains(Complaint::TranslatedBeside).is_some() {
        return judgement;
    }
    let Some((_, told, side, summary)) = OBSERVED
        .iter()
        .filter(|(cause, ..)| *cause == rule.id)
        .find_map(|(cause, of, side, summary)| Some((cause, s.complains(*of)?, side, summary)))
    else {
        return judgement;
    };
    // A capture on a host whose card encrypts shows what the card is given, not what it sends.
    let before_the_card = rule.id == "esp-blocked"
        && s.signs_of(Sign::OffloadOn)
            .any(|x| x.value("device").is_some());
    if before_the_card {
        return Judgement::Possible {
            weight: 36,
            because: format!("somebody saw it: {summary}"),
            separated_by: "whether it works with offload to hardware off, and a capture outside of the card",
        };
    }
    let fix = rule.page.fix.first().map_or("", |(_, how)| *how);
    Found::on(told, CONDITION, *side, *summary)
        .because("Somebody saw it, and nothing in the evidence speaks against it.")
        .fix(fix)
        .done()
}

/// By what was seen: the cause, whose fault it is, and what to say.
static OBSERVED: &[(&str, Complaint, AtFault, &str)] = &[
    (
        "snat-before-ipsec",
        Complaint::SourceTranslated,
        AtFault::Local,
        "packets for the tunnel are translated before IPsec sees them",
    ),
    (
        "overbroad-remote-selector",
        Complaint::WorksWithoutPolicies,
        AtFault::Local,
        "the policies of a tunnel that has an interface take everything, whatever is routed to it",
    ),
    (
        "netmap-order-wrong",
        Complaint::TranslatedBeside,
        AtFault::Local,
        "the source is translated into the tunnel's network only after the policies were asked",
    ),
    (
        "esp-blocked",
        Complaint::EspVanishes,
        AtFault::Path,
        "ESP is dropped on its way",
    ),
    (
        "esp-blocked",
        Complaint::EspNotPermitted,
        AtFault::Path,
        "the filter lets IKE in and no ESP",
    ),
    (
        "host-inbound-ike-not-allowed",
        Complaint::IkeFiltered,
        AtFault::Path,
        "a filter before the gateway drops IKE",
    ),
    (
        "decrypted-traffic-blocked",
        Complaint::ForwardFiltered,
        AtFault::Local,
        "the filter for forwarded packets drops the tunnel's traffic",
    ),
    (
        "source-dest-check",
        Complaint::ForwardingCheckSeen,
        AtFault::Local,
        "the cloud drops what the gateway forwards: its check of source and destination is on",
    ),
    (
        "source-address-outside-selectors",
        Complaint::WorksFromInside,
        AtFault::Local,
        "the gateway's own packets leave with an address that the tunnel doesn't cover",
    ),
    (
        "route-to-remote-subnet-missing",
        Complaint::RouteMissing,
        AtFault::Local,
        "there is no route to the far network",
    ),
    (
        "acquire-pending-blackhole",
        Complaint::StatesMissing,
        AtFault::Local,
        "the kernel has a policy for the packets and no SA, and drops them",
    ),
    (
        "mss-clamp-missing",
        Complaint::DiagnosedMtu,
        AtFault::Both,
        "TCP segments are larger than the tunnel carries",
    ),
    (
        "source-address-outside-selectors",
        Complaint::OnlyBehindWorks,
        AtFault::Local,
        "the gateway's own packets leave with an address that the tunnel doesn't cover",
    ),
    (
        "udp500-blocked",
        Complaint::PeerHearsNothing,
        AtFault::Path,
        "our IKE requests never arrive at the other gateway",
    ),
    (
        "udp500-reply-blocked",
        Complaint::AnswersVanish,
        AtFault::Path,
        "the other gateway answers, and its answers don't arrive",
    ),
    (
        "multi-subnet-one-sa-unsupported",
        Complaint::LastNetworkWins,
        AtFault::Remote,
        "the peer keeps one SA for all networks: each new one takes the place of the last",
    ),
    (
        "hw-offload-fault",
        Complaint::OneQueue,
        AtFault::Local,
        "the network card doesn't spread ESP in UDP: all of it lands on one receive queue, and so on one processor",
    ),
    (
        "id-mismatch",
        Complaint::IdentityRefused,
        AtFault::Both,
        "the identity in phase 1 isn't the one that the other side expects",
    ),
    (
        "nat-private-ip-as-id",
        Complaint::PrivateIdentity,
        AtFault::Both,
        "a gateway behind a NAT calls itself by its private address, and the other one doesn't know it by that",
    ),
    (
        "single-sa-single-core",
        Complaint::OneCoreBusy,
        AtFault::Local,
        "one processor has all of the tunnel's packets to deal with, and the others rest",
    ),
    (
        "source-dest-check",
        Complaint::AnswersForwardedVanish,
        AtFault::Local,
        "what the gateway passes on to a machine beside it is dropped between the two: its source isn't the gateway's own",
    ),
    (
        "peer-address-wrong",
        Complaint::PrivateTarget,
        AtFault::Both,
        "an end is known by a private address, which the other network can't reach",
    ),
    (
        "nat-rebinding",
        Complaint::NatMoved,
        AtFault::Path,
        "a NAT gave an end another address or port, and the other end keeps to the old one",
    ),
    (
        "overlapping-subnets",
        Complaint::SameNetworks,
        AtFault::Both,
        "both ends' networks have the same addresses",
    ),
];

fn causes(complaint: Complaint, after_s: Option<u64>) -> &'static [&'static str] {
    match complaint {
        // Whatever keeps a tunnel down: it only says that this one is.
        Complaint::NeverConnects => &[],
        Complaint::NothingPasses => &[
            "route-to-remote-subnet-missing",
            "snat-before-ipsec",
            "esp-blocked",
            "return-route-missing-behind-gateway",
            "ip-forward-disabled",
            "decrypted-traffic-blocked",
            "source-address-outside-selectors",
            "nat-exemption-missing-on-peer",
        ],
        Complaint::OneWay => &[
            "asymmetric-routing-bypass",
            "snat-before-ipsec",
            "return-route-missing-behind-gateway",
            "nat-exemption-missing-on-peer",
            "esp-blocked-one-way",
            "endpoint-host-firewall",
            "sa-desync-one-side-flushed",
        ],
        Complaint::LargeFails => &[
            "pmtu-blackhole",
            "container-or-overlay-mtu-too-high",
            "mss-clamp-missing",
            "icmp-fragneeded-filtered",
            "ip-fragments-dropped",
            "cpu-crypto-bound",
        ],
        Complaint::SmallPasses
        | Complaint::AllWell
        | Complaint::Fails
        | Complaint::NothingReached => &[],
        Complaint::Slow => &[
            "cpu-crypto-bound",
            "cipher-suboptimal",
            "esp-fragmented-on-wire",
            "per-packet-logging",
            "single-sa-single-core",
            "underlay-loss-or-flap",
            "link-saturated",
        ],
        Complaint::Periodic if after_s.is_some_and(|s| s < 600) => &[
            "nat-mapping-timeout",
            "dpd-too-aggressive",
            "tunnel-monitor-bad-target",
            "idle-teardown",
            "lifetime-mismatch-flap",
        ],
        Complaint::Periodic => &[
            "lifetime-mismatch-flap",
            "pfs-mismatch-at-rekey",
            "reauth-break-before-make",
            "make-before-break-unset",
            "rekey-collision",
            "ikev1-phase1-expiry-kills-phase2",
        ],
        Complaint::NowAndThen => &[
            "underlay-loss-or-flap",
            "dpd-too-aggressive",
            "nat-mapping-timeout",
            "uniqueness-kicks-peer",
            "rekey-collision",
        ],
        Complaint::AtRekey => &[
            "pfs-mismatch-at-rekey",
            "rekey-collision",
            "make-before-break-unset",
            "reauth-break-before-make",
            "ike-proposal-changed-at-rekey",
            "rekey-failed-no-answer",
        ],
        Complaint::WorksFromInside => &[
            "source-address-outside-selectors",
            "route-to-remote-subnet-missing",
        ],
        Complaint::AfterIdle => &[
            "nat-mapping-timeout",
            "idle-teardown",
            "nothing-triggers-initiation",
        ],
        Complaint::AfterRestart => &[
            "no-autostart-after-reboot",
            "config-not-persistent",
            "reboot-no-initial-contact",
            "peer-dns-unresolvable",
        ],
        Complaint::AfterPeerRestart => &[
            "dpd-disabled-stale-sa",
            "sa-desync-one-side-flushed",
            "reboot-no-initial-contact",
            "esp-spi-unknown",
        ],
        Complaint::AfterFailover => &[
            "ha-transition-hook-wrong",
            "ha-vip-not-owned",
            "ha-arp-or-path-stale",
            "ha-seq-not-synced",
            "ha-both-active",
        ],
        Complaint::AfterUpgrade => &[
            "algorithm-not-available",
            "config-syntax-rejected",
            "ike-proposal-mismatch",
            "implementation-bug",
        ],
        Complaint::OneSideBegins => &[
            "nothing-triggers-initiation",
            "both-ends-passive",
            "udp500-blocked",
            "wrong-ike-config-selected",
        ],
        Complaint::SomeNetworks => &[
            "multi-subnet-one-sa-unsupported",
            "ts-narrowed",
            "subnet-config-wrong-or-missing-node",
            "route-to-remote-subnet-missing",
        ],
        Complaint::SecondClientKicks => &[
            "uniqueness-kicks-peer",
            "transport-mode-through-nat",
            "address-pool-exhausted",
        ],
        Complaint::GatewayOnly => &[
            "source-dest-check",
            "ip-forward-disabled",
            "return-route-missing-behind-gateway",
            "snat-before-ipsec",
            "decrypted-traffic-blocked",
        ],
        Complaint::AccessLost | Complaint::CutOff => {
            &["overbroad-remote-selector", "tunnel-route-captures-peer"]
        }
        Complaint::GatewayFails => &["source-address-outside-selectors"],
        Complaint::TranslatedBeside => &["netmap-order-wrong"],
        Complaint::WorksWithoutPolicies => &["overbroad-remote-selector"],
        Complaint::InClear => &[
            "cleartext-leak-no-policy",
            "daemon-not-running",
            "subnet-config-wrong-or-missing-node",
            "bypass-too-broad",
            "failure-policy-passthrough",
            "boot-gap-cleartext",
        ],
        Complaint::OtherAccessWorks => &[
            "middlebox-path-selective-drop",
            "udp500-blocked",
            "nat-ipsec-passthrough",
            "large-ike-auth-fragment-lost",
            "udp4500-blocked",
        ],
        Complaint::AllTunnels => &[
            "restart-affects-all-tunnels",
            "underlay-loss-or-flap",
            "service-crash-loop",
            "cert-expired",
        ],
        Complaint::WorksWithoutOffload => &["hw-offload-fault"],
        Complaint::WorksWithoutConfinement => &["selinux-apparmor-or-caps"],
        Complaint::WorksWithoutPfs => &["pfs-mismatch", "pfs-mismatch-at-rekey"],
        Complaint::WorksInOlderVersions => &["implementation-bug"],
        Complaint::WorksInUdp => &["esp-blocked", "esp-blocked-one-way", "nat-t-disabled"],
        Complaint::Crashes => &["implementation-bug", "service-crash-loop"],
        Complaint::WorksWithRoute => &[
            "route-to-remote-subnet-missing",
            "return-route-missing-behind-gateway",
        ],
        Complaint::OneCoreBusy => &["single-sa-single-core", "cpu-crypto-bound"],
        Complaint::EndsWithoutRekey => &["rekey-disabled", "sa-hard-expired"],
        Complaint::WindowsIdle => &["idle-teardown", "nat-mapping-timeout"],
        Complaint::ForwardedVanishes | Complaint::AnswersForwardedVanish => &[
            "source-dest-check",
            "anti-spoof-drop",
            "endpoint-host-firewall",
        ],
        Complaint::PrivateTarget => &["peer-address-wrong", "transport-mode-through-nat"],
        Complaint::NatMoved => &["nat-rebinding", "dynamic-ip-changed"],
        Complaint::SourceTranslated => &["snat-before-ipsec"],
        Complaint::EspVanishes => &["esp-blocked", "esp-blocked-one-way"],
        Complaint::EspNotPermitted => &["esp-blocked"],
        Complaint::IkeFiltered => &[
            "host-inbound-ike-not-allowed",
            "udp500-blocked",
            "udp4500-blocked",
            "endpoint-host-firewall",
        ],
        Complaint::ForwardFiltered => &["decrypted-traffic-blocked"],
        Complaint::ForwardingCheckSeen => &["source-dest-check"],
        Complaint::RouteMissing => &[
            "route-to-remote-subnet-missing",
            "return-route-missing-behind-gateway",
        ],
        Complaint::StatesMissing => &["acquire-pending-blackhole"],
        Complaint::DiagnosedMtu => &["mss-clamp-missing", "pmtu-blackhole"],
        Complaint::OnlyBehindWorks => &[
            "source-address-outside-selectors",
            "route-to-remote-subnet-missing",
        ],
        Complaint::PeerHearsNothing => {
            &["udp500-blocked", "peer-unreachable", "peer-address-wrong"]
        }
        Complaint::AnswersVanish => &["udp500-reply-blocked", "nat-return-mapping-lost"],
        Complaint::IkeSourceDiffers => &["snat-of-ike", "local-address-missing"],
        Complaint::LastNetworkWins => &["multi-subnet-one-sa-unsupported", "ts-narrowed"],
        Complaint::SameNetworks => &["overlapping-subnets"],
        Complaint::ServerBehindTunnel => &["tunnel-route-captures-peer"],
        Complaint::OneQueue => &["hw-offload-fault", "single-sa-single-core"],
        Complaint::IdentityRefused => &["id-mismatch", "nat-private-ip-as-id", "id-type-mismatch"],
        Complaint::PrivateIdentity => &[
            "nat-private-ip-as-id",
            "id-mismatch",
            "no-matching-connection-on-responder",
        ],
        Complaint::OldAddressKept => &["nat-rebinding", "dynamic-ip-changed"],
        Complaint::BothBehindNat => &[
            "nat-t-disabled",
            "nat-return-mapping-lost",
            "nat-private-ip-as-id",
            "host-inbound-ike-not-allowed",
        ],
        Complaint::RestartHelps => &[
            "sa-desync-one-side-flushed",
            "dpd-disabled-stale-sa",
            "delete-lost-stale-sa",
            "rekey-failed-no-answer",
        ],
        Complaint::WorksWithoutGatewayFirewall => &[
            "decrypted-traffic-blocked",
            "snat-before-ipsec",
            "zone-policy-missing",
        ],
        Complaint::WorksWithoutFirewall => &[
            "endpoint-host-firewall",
            "host-inbound-ike-not-allowed",
            "decrypted-traffic-blocked",
            "udp500-blocked",
            "esp-blocked",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::rule;

    #[test]
    fn every_cause_that_a_complaint_names_has_a_rule() {
        for of in Complaint::ALL {
            for after in [None, Some(60), Some(3600)] {
                for id in causes(of, after) {
                    assert!(rule(id).is_some(), "{id}");
                }
            }
        }
    }
}
