//! What people pinned it down to: a change that helped, or what turned out to be wrong.
//!
//! It is hearsay, so every log counts for more. Where no exchange is known to have failed it makes a finding; where one is,
//! it decides between the causes that the log leaves possible, and none beside them. Of several things, the one told last
//! counts: those before it didn't end the trouble.

use adit_model::complaint::Complaint;
use adit_model::culprit::{Culprit, PinnedBy};
use adit_model::fact::{Fact, Known};

use crate::finding::{CONDITION, SYMPTOM};
use crate::registry::rule as rule_of;
use crate::rule::{Found, Judgement, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

/// What candidates weigh that somebody pinned it down to.
const WEIGHT: u8 = 60;

/// The last thing that somebody pinned it down to.
fn last<'a>(s: &Signals<'a>) -> Option<(&'a Fact, Culprit, PinnedBy)> {
    s.case.facts.iter().rev().find_map(|f| match f.what {
        Known::PinnedDown { culprit, by } => Some((f, culprit, by)),
        _ => None,
    })
}

/// Somebody tells what was wrong, whatever the evidence shows.
pub(crate) fn pinned_down(s: &Signals<'_>) -> bool {
    last(s).is_some()
}

/// What that says of a rule's cause, where the rule has nothing better.
pub(crate) fn pinned(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    if matches!(judgement, Judgement::Found(_) | Judgement::RuledOut(_)) {
        return judgement;
    }
    if let Some(culprit) = tried_in_vain(s, rule.id) {
        return Judgement::RuledOut(format!(
            "somebody changed {}, and it made no difference",
            culprit.named()
        ));
    }
    let Some((fact, culprit, by)) = last(s) else {
        return judgement;
    };
    if meant(s, culprit, by) != Some(rule.id) {
        return judgement;
    }
    let (confidence, how) = match by {
        PinnedBy::Change => (SYMPTOM, "Somebody changed it, and then it worked."),
        PinnedBy::Look => (CONDITION, "Somebody found it out."),
    };
    let fix = rule.page.fix.first().map_or("", |(_, how)| *how);
    Found::on(
        fact,
        confidence,
        side(rule.id),
        format!("{}: it was {}", rule.page.title, culprit.named()),
    )
    .because(format!(
        "{how} Nothing in the evidence speaks against it; a log of the side that refused would say more."
    ))
    .fix(fix)
    .done()
}

/// What somebody changed without any difference, where that speaks against the cause. What is told of it last counts: a
/// first try may have been a wrong one.
fn tried_in_vain(s: &Signals<'_>, cause: &str) -> Option<Culprit> {
    s.case
        .facts
        .iter()
        .rev()
        .find_map(|f| match f.what {
            Known::TriedInVain { culprit } if excludes(culprit).contains(&cause) => {
                Some(Some(culprit))
            }
            Known::PinnedDown { culprit, .. } if excludes(culprit).contains(&cause) => Some(None),
            _ => None,
        })
        .flatten()
}

/// What a thing isn't the cause of, when it made no difference. Of what both ends have to agree on, nobody knows whether it
/// was changed rightly.
fn excludes(culprit: Culprit) -> &'static [&'static str] {
    match culprit {
        Culprit::ReversePath => &["rp-filter-drop"],
        Culprit::Forwarding => &["ip-forward-disabled"],
        Culprit::Offload => &["hw-offload-fault"],
        Culprit::HostFilter => &["endpoint-host-firewall"],
        Culprit::Confinement => &["selinux-apparmor-or-caps"],
        Culprit::PacketSize => &["mss-clamp-missing", "pmtu-blackhole"],
        Culprit::SourceNat => &["snat-before-ipsec"],
        Culprit::RouteMissing => &["route-to-remote-subnet-missing"],
        Culprit::ReplayWindow => &["anti-replay-drops"],
        _ => &[],
    }
}

/// The causes that it makes likely, where it doesn't decide.
pub(crate) fn suspected(s: &Signals<'_>) -> Vec<(&'static str, u8, String)> {
    let Some((_, culprit, by)) = last(s) else {
        return Vec::new();
    };
    let because = match by {
        PinnedBy::Change => format!("somebody tells that changing {} helped", culprit.named()),
        PinnedBy::Look => format!("somebody tells that it was {}", culprit.named()),
    };
    causes(s, culprit)
        .iter()
        .zip((0..).step_by(4))
        .map(|(id, less)| (*id, WEIGHT.saturating_sub(less), because.clone()))
        .collect()
}

/// The cause that is meant, where it can be told.
fn meant(s: &Signals<'_>, culprit: Culprit, by: PinnedBy) -> Option<&'static str> {
    let causes = causes(s, culprit);
    if s.calm() {
        let unclear = match culprit {
            Culprit::Algorithms => true,
            // Another version or mode may merely have gone around what was wrong.
            Culprit::IkeVersion | Culprit::ExchangeMode => by == PinnedBy::Change,
            _ => false,
        };
        return causes.first().copied().filter(|_| !unclear);
    }
    // What is refused has a cause of its own, whatever older versions made of it.
    if culprit == Culprit::NewVersion {
        return None;
    }
    let mut left = causes.iter().copied().filter(|id| {
        rule_of(id).is_some_and(|rule| matches!((rule.judge)(s), Judgement::Possible { .. }))
    });
    left.next()
}

fn side(cause: &str) -> AtFault {
    match cause {
        "rp-filter-drop"
        | "ip-forward-disabled"
        | "kernel-module-or-algo-missing"
        | "plugin-missing"
        | "port-500-in-use"
        | "private-key-missing"
        | "if-id-or-mark-mismatch"
        | "route-to-remote-subnet-missing"
        | "tunnel-route-captures-peer"
        | "cloud-route-table-missing"
        | "hw-offload-fault"
        | "implementation-bug"
        | "snat-before-ipsec" => AtFault::Local,
        "esp-blocked" | "nat-ipsec-passthrough" | "nat-return-mapping-lost" => AtFault::Path,
        "psk-mismatch"
        | "ike-proposal-mismatch"
        | "ike-dh-group-mismatch"
        | "esp-proposal-mismatch"
        | "pfs-mismatch"
        | "pfs-mismatch-at-rekey"
        | "lifetime-mismatch-flap"
        | "ts-mismatch"
        | "mode-mismatch"
        | "ike-version-mismatch"
        | "ikev1-exchange-mode-mismatch" => AtFault::Both,
        _ => AtFault::Unknown,
    }
}

/// What each thing brings about when it is wrong, the likeliest first.
fn causes(s: &Signals<'_>, culprit: Culprit) -> &'static [&'static str] {
    let rhythm = [Complaint::AtRekey, Complaint::Periodic]
        .into_iter()
        .any(|c| s.complains(c).is_some());
    match culprit {
        Culprit::Key => &["psk-mismatch", "psk-formatting", "psk-not-found"],
        Culprit::KeyForm => &["psk-formatting", "psk-mismatch"],
        Culprit::Identity => &[
            "id-mismatch",
            "id-type-mismatch",
            "nat-private-ip-as-id",
            "cert-san-mismatch",
            "psk-not-found",
            "no-matching-connection-on-responder",
        ],
        Culprit::PrivateIdentity => &["nat-private-ip-as-id", "id-mismatch"],
        Culprit::IkeGroup => &["ike-dh-group-mismatch", "ike-proposal-mismatch"],
        Culprit::IkeAlgorithms => &["ike-proposal-mismatch", "ike-proposal-mismatch-silent"],
        Culprit::EspAlgorithms => &["esp-proposal-mismatch", "pfs-mismatch"],
        Culprit::Algorithms => &[
            "ike-proposal-mismatch",
            "esp-proposal-mismatch",
            "ike-dh-group-mismatch",
        ],
        Culprit::Pfs if rhythm => &["pfs-mismatch-at-rekey", "pfs-mismatch"],
        Culprit::Pfs => &[
            "pfs-mismatch",
            "pfs-mismatch-at-rekey",
            "esp-proposal-mismatch",
        ],
        Culprit::Lifetimes => &["lifetime-mismatch-flap", "rekey-collision"],
        Culprit::DpdOff => &["dpd-disabled-stale-sa"],
        Culprit::DpdOn => &["dpd-too-aggressive"],
        Culprit::Monitor => &["tunnel-monitor-bad-target"],
        Culprit::NatTraversal => &["nat-t-disabled"],
        Culprit::ExchangeMode => &["ikev1-exchange-mode-mismatch"],
        Culprit::IkeVersion => &["ike-version-mismatch"],
        Culprit::EncapsulationMode => &["mode-mismatch", "transport-mode-through-nat"],
        Culprit::Networks => &["ts-mismatch", "ts-narrowed"],
        Culprit::NetworksTogether => &["multi-subnet-one-sa-unsupported"],
        Culprit::Uniqueness => &["uniqueness-kicks-peer"],
        Culprit::ReversePath => &["rp-filter-drop"],
        Culprit::Forwarding => &["ip-forward-disabled"],
        Culprit::Module => &["kernel-module-or-algo-missing"],
        Culprit::Plugin => &["plugin-missing"],
        Culprit::IkeFragmentation => &["large-ike-auth-fragment-lost", "ip-fragments-dropped"],
        Culprit::ReplayWindow => &["anti-replay-drops"],
        Culprit::Compression => &["ipcomp-mismatch"],
        Culprit::Truncation => &["sha256-truncation-bug"],
        Culprit::Reauthentication => &["reauth-break-before-make"],
        Culprit::Clock => &["clock-skew"],
        Culprit::PortTaken => &["port-500-in-use"],
        Culprit::CertificateName => &["cert-san-mismatch"],
        Culprit::CertificateEnd => &["cert-expired"],
        Culprit::Authority => &["ca-not-trusted"],
        Culprit::KeyUsage => &["signature-or-keyusage-rejected"],
        Culprit::PrivateKey => &["private-key-missing"],
        Culprit::EspFilter => &["esp-blocked", "esp-blocked-one-way"],
        Culprit::ReturnRoute => &["return-route-missing-behind-gateway"],
        Culprit::FilterMemory => &["stale-conntrack"],
        Culprit::Passthrough => &["nat-ipsec-passthrough"],
        Culprit::PortForward => &["nat-return-mapping-lost", "udp500-blocked"],
        Culprit::PeerName => &["peer-dns-unresolvable", "peer-address-wrong"],
        Culprit::InterfaceNumber => &["if-id-or-mark-mismatch"],
        Culprit::UserPassword => &["eap-xauth-failure"],
        Culprit::RouteMissing => &[
            "route-to-remote-subnet-missing",
            "source-address-outside-selectors",
        ],
        Culprit::RouteOfTunnel => &["tunnel-route-captures-peer", "overbroad-remote-selector"],
        Culprit::RouteToPeer => &["tunnel-route-captures-peer"],
        Culprit::CloudRoute => &["cloud-route-table-missing"],
        Culprit::Offload => &["hw-offload-fault"],
        Culprit::Rekeying => &["rekey-disabled"],
        Culprit::HostFilter => &["endpoint-host-firewall"],
        Culprit::Confinement => &["selinux-apparmor-or-caps"],
        Culprit::SourceNat => &["snat-before-ipsec", "nat-exemption-missing-on-peer"],
        Culprit::PacketSize => &["mss-clamp-missing", "pmtu-blackhole"],
        Culprit::NewVersion => &["implementation-bug"],
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::Case;

    use super::*;

    #[test]
    fn every_thing_has_causes_and_each_has_a_rule() {
        let case = Case::default();
        let s = Signals::new(&case);
        for culprit in Culprit::ALL {
            assert!(!causes(&s, culprit).is_empty(), "{culprit:?}");
            for id in causes(&s, culprit) {
                assert!(rule_of(id).is_some(), "{id}");
            }
        }
    }
}
