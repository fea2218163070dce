//! `rp-filter-drop`: reverse path filtering drops decrypted packets.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "rp-filter-drop",
    recurs: false,
    page: Page {
        title: "Reverse path filtering drops decrypted packets",
        what: "With rp_filter in strict mode the kernel drops a packet whose answer would leave by another interface than the one it came in on. Decrypted packets seem to come from the outside interface while the route to their sender points elsewhere.",
        initiator: "The tunnel is up, counters of ESP grow, and nothing answers. `nstat -az TcpExtIPReversePathFilter` grows.",
        responder: "The same; a capture on the inside interface shows no decrypted packet.",
        look_alikes: &[
            (
                "decrypted-traffic-blocked",
                "Does TcpExtIPReversePathFilter grow, or a counter of a filter rule?",
            ),
            (
                "return-route-missing-behind-gateway",
                "Does the decrypted packet reach the host behind the gateway?",
            ),
        ],
        fix: &[
            (
                "any",
                "Switch strict reverse path filtering off on the gateway's interfaces.",
            ),
            (
                "linux",
                "`sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0`, and the same for each interface (the greater of `all` and the interface's value counts); keep it in /etc/sysctl.d.",
            ),
            (
                "libreswan",
                "`ipsec verify` must show no [ENABLED] for rp_filter.",
            ),
        ],
        source: "RFC 3704 2.2; Linux ip-sysctl, rp_filter",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "daemon-not-running",
        "ip-forward-disabled",
        "kernel-module-or-algo-missing",
        "config-syntax-rejected",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let dropped = [Sign::MartianSource, Sign::ReversePathDrops]
        .into_iter()
        .find_map(|sign| {
            s.signs_of(sign)
                .filter(|seen| !s.is_none_of_the_tunnel(*seen))
                .last()
        });
    if let Some(seen) = dropped.filter(|_| s.fails_in_ike() || s.works_in_between()) {
        return Judgement::Possible {
            weight: 10,
            because: format!(
                "reverse path filtering drops packets at {}, as it does everywhere now and then",
                seen.who()
            ),
            separated_by: "whether it drops those that come out of the tunnel once it is up",
        };
    }
    if let Some(seen) = dropped {
        return Found::by(
            seen,
            if s.calm() { COUNTED } else { CONDITION },
            match seen.value("source") {
                Some(source) => format!(
                    "reverse path filtering at {} drops packets from {source}, because the way back to it leads out of another interface than {}",
                    seen.who(),
                    seen.value_or("dev", "the one they came in on")
                ),
                None => format!("reverse path filtering drops packets at {}", seen.who()),
            },
        )
        .with(s.signs_of(Sign::ReversePathFilterOn).map(|x| x.fact))
        .because("The kernel itself tells that it dropped them.")
        .fix(FIX)
        .then("nstat -az TcpExtIPReversePathFilter: it grows with each dropped packet")
        .done();
    }
    if let Some(judgement) = stopped(s) {
        return judgement;
    }
    // A listing of all switches shows the default of many distributions; a tool that warns has looked at more.
    let Some(seen) = s.sign(Sign::ReversePathFilterOn) else {
        return Judgement::Silent;
    };
    if !s.calm() || seen.value("listed").is_some() {
        return Judgement::Possible {
            weight: 8,
            because: format!(
                "reverse path filtering is on at {}; no exchange of IKE fails of it",
                seen.who()
            ),
            separated_by: "whether the tunnel is up, and TcpExtIPReversePathFilter grows",
        };
    }
    // A tunnel that carries both ways isn't what it stops.
    if s.carries_well() || s.works_in_between() || s.fails_in_ike() {
        return Judgement::Possible {
            weight: 8,
            because: format!(
                "reverse path filtering is on at {}, which isn't what fails",
                seen.who()
            ),
            separated_by: "whether TcpExtIPReversePathFilter grows",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!(
            "reverse path filtering is on at {}, which drops packets that come out of the tunnel",
            seen.who()
        ),
    )
    .with(s.signs_of(Sign::ReversePathFilterOn).map(|x| x.fact))
    .because("A decrypted packet seems to come in by the outside interface, and the way back to its sender leads elsewhere: in strict mode the kernel drops it.")
    .fix(FIX)
    .then("nstat -az TcpExtIPReversePathFilter: it grows with each dropped packet")
    .done()
}

/// What came out of the tunnel goes no further, and what it answers was forwarded: a stateful filter lets answers pass,
/// and reverse path filtering doesn't, where only a rule sends the questions into the tunnel.
fn stopped(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::StoppedBehindTunnel)?;
    let host = |text: &str| -> Option<std::net::Ipv4Addr> {
        let parts: Vec<&str> = text.split('.').take(4).collect();
        parts.join(".").parse().ok()
    };
    let (source, interface) = (
        seen.value_or("source", ""),
        seen.value_or("interface", "the tunnel"),
    );
    let outside = host(source).is_some_and(|a| !a.is_private());
    let filtered = s
        .first_sign(&[
            Sign::ForwardDropped,
            Sign::InterfaceDenied,
            Sign::ForwardingOff,
        ])
        .is_some();
    if !outside || filtered || !s.calm() {
        return Some(Judgement::Possible {
            weight: 40,
            because: format!("packets from {source} come out of {interface} and go no further"),
            separated_by: "nstat -az TcpExtIPReversePathFilter, and the counters of the filter's rules for forwarding",
        });
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("answers from {source} come out of {interface} at {} and are dropped there: the way back to {source} doesn't lead into {interface}", seen.who()),
        )
        .because("The questions were forwarded into the tunnel, so forwarding is on and a stateful filter knows the answers. Their source is an address of the Internet, to which the main table has another way: with rp_filter in strict mode the kernel drops them.")
        .fix("set rp_filter of the tunnel's interface and of `all` to 2 (loose) or 0")
        .then("nstat -az TcpExtIPReversePathFilter: it grows with each dropped packet")
        .done(),
    )
}

const FIX: &str = "set net.ipv4.conf.all.rp_filter, .default.rp_filter and each interface's rp_filter to 0 (or 2, loose)";
