//! `hw-offload-fault`: cryptography in hardware fails.

use adit_model::complaint::Complaint;
use adit_model::host::HostState;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "hw-offload-fault",
    recurs: false,
    page: Page {
        title: "Cryptography in hardware fails",
        what: "The network card or a crypto engine is to encrypt, and it can't, or does it wrongly: packets are dropped or come out damaged.",
        initiator: "The tunnel is up; some or all packets are lost. Or installing the SA fails.",
        responder: "Integrity errors (XfrmInStateProtoError), or wrong checksums in captures.",
        look_alikes: &[
            (
                "esp-integrity-failure",
                "Do the errors end when offload is switched off?",
            ),
            (
                "kernel-module-or-algo-missing",
                "Does the kernel name the device, or the algorithm?",
            ),
        ],
        fix: &[
            (
                "any",
                "Switch offload off and try again; then update driver and firmware.",
            ),
            (
                "linux",
                "`ethtool -K DEV esp-hw-offload off esp-tx-csum-hw-offload off gro off tso off`.",
            ),
            (
                "adit",
                "`hw_offload = \"off\"` in the child; `adit status` says which device works for it.",
            ),
            ("strongswan", "`hw_offload = no` in the child."),
            ("libreswan", "`nic-offload=no`."),
            (
                "cisco-asa",
                "`show crypto accelerator statistics`; a reload resets the engine, a newer image mends known faults.",
            ),
        ],
        source: "Linux net/xfrm/xfrm_device; Cisco ASA syslog 402123",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // An interface that is passed over matters where none is left.
    let passed_over = |x: &Seen<'_>| {
        x.value("skipped").is_some_and(|interface| {
            // Each is asked, and the loopback interface never has it.
            interface == "lo" || s.sign(Sign::LocalAddressMissing).is_none()
        })
    };
    let Some(seen) = s.sign(Sign::OffloadFailed).filter(|x| !passed_over(x)) else {
        return tried(s);
    };
    let failed = seen.value("problem").is_some()
        || seen.value("device").is_some()
        || seen.value("skipped").is_some()
        || s.sign(Sign::StateNotInstalled).is_some();
    if !failed && !s.calm() {
        return Judgement::Possible {
            weight: 10,
            because: "offload to hardware isn't possible, and a daemon does without".to_owned(),
            separated_by: "whether the SA is installed without offload",
        };
    }
    Found::by(
        seen,
        if failed { COUNTED } else { CONDITION },
        format!(
            "cryptography in hardware fails at {}: {}",
            seen.who(),
            seen.value("device").or_else(|| seen.value("problem")).or_else(|| seen.value("skipped")).unwrap_or("it isn't possible there")
        ),
    )
    .with(s.signs_of(Sign::StateNotInstalled).map(|x| x.fact).take(2))
    .because("The configuration asks the hardware for what it can't do, or it fails at it.")
    .fix("switch offload to hardware off for this tunnel (strongSwan: hw_offload = no; Libreswan: nic-offload=no; Linux: ethtool -K DEV esp-hw-offload off)")
    .then("`ethtool -k DEV | grep esp`")
    .done()
}

/// Somebody switched it off, and that helped.
fn tried(s: &Signals<'_>) -> Judgement {
    match s.complains(Complaint::WorksWithoutOffload) {
        Some(told) if s.calm() => Found::on(
            told,
            CONDITION,
            AtFault::Local,
            "with offload to hardware packets are lost, and without it they aren't",
        )
        .because("Somebody switched it off, and it worked: the card or its driver does it wrongly.")
        .fix("leave offload off, and update the driver and the firmware of the card")
        .then("the counters of `ethtool -S DEV | grep -i ipsec` while it fails")
        .done(),
        _ => match s.sign(Sign::OffloadOn) {
            // The card encrypts, so a capture of this host shows what it is given and not what it sends.
            Some(seen) if seen.value("device").is_some() && s.calm() && loses_some(s) => Found::by(
                seen,
                CONDITION,
                format!(
                    "the card {} encrypts for {}, and some packets that it is given never come out as ESP",
                    seen.value_or("device", ""),
                    seen.who()
                ),
            )
            .because("The kernel gave the SA to the card. Some packets get through, and others are seen to leave and don't reach the other end: the card or its driver loses them.")
            .fix("switch offload to hardware off for this tunnel (strongSwan: hw_offload = no; Libreswan: nic-offload=no), and update the driver and the firmware of the card")
            .then("the counters of `ethtool -S DEV | grep -i ipsec` while it fails")
            .done(),
            Some(seen) if seen.value("device").is_some() && s.calm() && vanishes(s) => {
                Judgement::Possible {
                    weight: 40,
                    because: format!(
                        "the card {} encrypts, and what a capture shows of this host hasn't passed it yet",
                        seen.value_or("device", "")
                    ),
                    separated_by: "whether it works after ethtool -K DEV esp-hw-offload off, and a capture outside of the card",
                }
            }
            Some(seen) if s.traffic_suffers() && s.calm() => Judgement::Possible {
                weight: 22,
                because: format!(
                    "the card does part of IPsec ({})",
                    seen.value_or("feature", "offload")
                ),
                separated_by: "whether it works after ethtool -K DEV esp-hw-offload off",
            },
            _ => Judgement::Silent,
        },
    }
}

/// Small packets are lost after larger ones have passed, which no path and no MTU does; or somebody saw packets leave that
/// the other end never got, and others pass to the end of an SA.
fn loses_some(s: &Signals<'_>) -> bool {
    let pings: Vec<_> = s.pings().collect();
    // What is lost before anything passes may be of a time when the tunnel wasn't up.
    let small = pings.iter().enumerate().any(|(at, lost)| {
        let mut earlier = pings.iter().take(at);
        lost.received == 0
            && earlier.any(|p| p.received > 0 && p.to == lost.to && p.size > lost.size)
    });
    let through_an_sa = || {
        let is_end = |to: &str| {
            s.host()
                .any(|(_, state)| matches!(state, HostState::Sa(sa) if sa.to == to))
        };
        pings.iter().any(|p| p.received > 0 && is_end(p.to))
    };
    // What came through the SA that comes in has passed the path.
    let comes = || {
        s.host().any(|(_, state)| {
            matches!(state, HostState::Sa(sa) if sa.used && sa.direction.as_deref() == Some("in"))
        })
    };
    small
        || vanishes(s)
            && (through_an_sa() || comes())
            && s.size_matters().is_none()
            && s.complains(Complaint::LargeFails).is_none()
}

/// Somebody saw packets leave this host that the other end never got.
fn vanishes(s: &Signals<'_>) -> bool {
    [Complaint::EspVanishes, Complaint::PeerHearsNothing]
        .into_iter()
        .any(|c| s.complains(c).is_some())
}
