//! `cleartext-leak-no-policy`: what must be protected leaves in clear.

use std::net::IpAddr;

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::host::HostState;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::finding::{CONFIGURED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;
use crate::wire::Clear;

pub(crate) static RULE: Rule = Rule {
    id: "cleartext-leak-no-policy",
    recurs: false,
    page: Page {
        title: "Traffic that must be protected goes in clear",
        what: "No policy matches the packets, or the daemon is down and nothing blocks them in the meantime, so they take the ordinary route.",
        initiator: "Everything works, and nothing is encrypted: the capture shows TCP, UDP or ICMP where ESP should be.",
        responder: "It accepts packets in clear, or says that it received what wasn't IPsec.",
        look_alikes: &[
            (
                "pcap-misread-linux-outbound",
                "Are there only incoming copies of packets that came in ESP?",
            ),
            ("snat-before-ipsec", "Is the source address translated?"),
            (
                "boot-gap-cleartext",
                "Does it happen only while the host starts?",
            ),
        ],
        fix: &[
            (
                "any",
                "Load the policy, and add one that drops what isn't protected: a trap or block policy, or a filter on the outside interface that lets only ESP and IKE to the peer.",
            ),
            (
                "linux",
                "`nft add rule inet filter forward oifname WAN ip daddr REMOTE-NET meta ipsec missing drop`.",
            ),
            (
                "illumos",
                "a block rule of ipf for the protected traffic on the external interface.",
            ),
        ],
        source: "RFC 4301 4.4.1, 5.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["daemon-not-running", "asymmetric-routing-bypass"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::ClearTrafficArrived) {
        return Found::by(
            seen,
            SAID,
            format!(
                "packets arrive in clear at {} that its policy wants protected",
                seen.who()
            ),
        )
        .at(seen.side().other().into())
        .because("The receiver has a policy for these packets and they came without IPsec: the sender has none, or it isn't loaded.")
        .fix(CHANGE)
        .done();
    }
    if let Some(judgement) = unused(s) {
        return judgement;
    }
    if let Some(judgement) = bound_elsewhere(s) {
        return judgement;
    }
    let nets = protected(s);
    // Neither what was shown again after decryption nor what went on into the tunnel.
    let bare = |c: &Clear<'_>| (c.decrypted + c.encrypted) * 2 < c.packets;
    let covered = |c: &Clear<'_>| {
        let within = |nets: &[Selector], a: IpAddr| nets.iter().any(|n| n.start <= a && a <= n.end);
        nets.iter().any(|(ours, theirs)| {
            within(ours, c.from) && within(theirs, c.to)
                || within(theirs, c.from) && within(ours, c.to)
        })
    };
    let leaks: Vec<Clear<'_>> = s.clear().filter(bare).collect();
    if let Some(leak) = leaks
        .iter()
        // On an inside interface clear is right: it must be one that shows the tunnel's packets too.
        .filter(|c| covered(c) && c.outbound != Some(false) && c.packets > 1)
        .filter(|c| s.flows(c.fact.side).next().is_some())
        .max_by_key(|c| c.packets)
    {
        return Found::on(
            leak.fact,
            CONFIGURED,
            AtFault::from(leak.fact.side),
            format!("packets from {} to {} go in clear, and the tunnel's policy covers them", leak.from, leak.to),
        )
        .with(leaks.iter().filter(|c| covered(c)).map(|c| c.fact))
        .because("Both addresses are in the tunnel's networks, and the packets were captured without ESP around them.")
        .fix(CHANGE)
        .done();
    }
    let private = |a: IpAddr| match a {
        IpAddr::V4(a) => a.is_private(),
        IpAddr::V6(a) => a.is_unique_local(),
    };
    leaks
        .iter()
        .filter(|c| !c.between_gateways && private(c.from) && private(c.to))
        .find(|c| s.flows(c.fact.side).next().is_some() || c.packets > 1)
        .map_or(Judgement::Silent, |c| Judgement::Possible {
            weight: 45,
            because: format!("{} → {} is in clear in the capture", c.from, c.to),
            separated_by: "whether that interface is the outside one, and whether the tunnel's networks cover these addresses",
        })
}

const CHANGE: &str = "load the policy that covers this traffic, and drop it on the outside interface when it isn't protected";

/// The networks on either side of the tunnel, as far as the evidence tells.
fn protected<'a>(s: &Signals<'a>) -> Vec<(&'a [Selector], &'a [Selector])> {
    let agreed = s.case.facts.iter().filter_map(|f| match &f.what {
        Known::Happened {
            happening:
                Happening::ChildEstablished {
                    ts_local,
                    ts_remote,
                    ..
                },
        } => Some((&**ts_local, &**ts_remote)),
        _ => None,
    });
    let configured = [Side::Local, Side::Remote]
        .into_iter()
        .filter_map(|side| s.configured(side))
        .flat_map(|(_, c)| c.children.iter())
        .map(|child| (&*child.local_ts, &*child.remote_ts));
    agreed.chain(configured).collect()
}

/// The kernel has SAs, and no policy that sends anything to them.
fn unused(s: &Signals<'_>) -> Option<Judgement> {
    let (side, fact, empty) = [Side::Local, Side::Remote].into_iter().find_map(|side| {
        let spd = s.kernel(side)?;
        Some((side, spd.sas.first()?.0, spd.no_policies?))
    })?;
    let what = format!(
        "the kernel of {} has SAs and no policy at all, so that nothing is sent through them",
        crate::signals::who(side)
    );
    if !s.calm() || !s.traffic_suffers() {
        return Some(Judgement::Possible {
            weight: 45,
            because: what,
            separated_by: "whether policies are left out on purpose (installpolicy = no, a user-space data plane)",
        });
    }
    Some(
        Found::on(empty, SYMPTOM, side.into(), what)
            .with([fact])
            .because("A packet is protected when a policy catches it; without one it takes the ordinary route.")
            .fix("have the daemon install policies (strongSwan: policies = yes, installpolicy = yes), and load the connection again")
            .done(),
    )
}

/// A policy is for packets of one device, and they don't leave by it: a VRF's own device, whose members carry them, or
/// another one than the way to the other side goes by.
fn bound_elsewhere(s: &Signals<'_>) -> Option<Judgement> {
    let side = Side::Local;
    let spd = s.kernel(side)?;
    let within = |net: &str, to: &str| matches!((net.parse::<Selector>(), to.parse::<Selector>()), (Ok(net), Ok(to)) if net.contains(&to));
    let (policy_fact, policy, device, fact, by) =
        spd.bound().find_map(|(fact, policy, device)| {
            let member = s.host().find_map(|(f, state)| match state {
                HostState::Member { name, of } if of == device => Some((f, name.as_str())),
                _ => None,
            });
            let way = s.ways().find_map(|(f, to, way)| {
                let by = way.device.as_deref().filter(|by| *by != device)?;
                within(&policy.to, to).then_some((f, by))
            });
            let (at, by) = way.or(member)?;
            Some((fact, policy, device, at, by))
        })?;
    let what = format!(
        "the policy {} → {} is for packets of {device} alone, and they leave by {by}",
        policy.from, policy.to
    );
    let seen = s.complains(Complaint::InClear);
    let leaks = s
        .clear()
        .find(|c| {
            within(&policy.from, &c.from.to_string()) && within(&policy.to, &c.to.to_string())
        })
        .map(|c| c.fact);
    if seen.is_none() && leaks.is_none() {
        return Some(Judgement::Possible {
            weight: 60,
            because: what,
            separated_by: "whether the policy's counter grows (ip -s xfrm policy), and what a capture on that device shows",
        });
    }
    Some(
        Found::on(policy_fact, SYMPTOM, side.into(), what)
            .with([fact])
            .with(seen.into_iter().chain(leaks))
            .because("The device in a policy's selector is compared with the one that a packet really leaves by; of a VRF that is the member, not the VRF. No other policy takes the packets, so they go in clear.")
            .fix("leave the device out of the policy (and of the SAs' selectors), or name the one that the packets leave by (ip route get ADDRESS); for a VRF bind it with an xfrm interface that is a member of the VRF")
            .then("ip -s xfrm policy: whether its counter grows during a ping")
            .done(),
    )
}
