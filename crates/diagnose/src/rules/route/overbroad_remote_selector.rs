//! `overbroad-remote-selector`: the policy covers addresses that the peer does not serve.

use adit_model::complaint::Complaint;
use adit_model::fact::{Fact, Known, Side};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::plane::{foreign_device, found, tunnel_device};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "overbroad-remote-selector",
    recurs: false,
    page: Page {
        title: "The policy covers addresses that the peer does not serve",
        what: "A remote network of 0.0.0.0/0, of a whole /8, or a group that contains the host itself drags traffic into the tunnel that isn't meant for it: local hosts, the host's own addresses, the Internet.",
        initiator: "Everything in these addresses becomes unreachable once the policy is there.",
        responder: "Drops it, or never sees it.",
        look_alikes: &[
            (
                "tunnel-route-captures-peer",
                "Is only the peer lost, or every destination?",
            ),
            ("overlapping-subnets", "Do both sites use the same network?"),
        ],
        fix: &[
            (
                "any",
                "Name only the networks that the peer serves; exempt the local networks and the host itself with a bypass.",
            ),
            (
                "strongswan",
                "a passthrough child for local networks, or the bypass-lan plugin.",
            ),
            (
                "libreswan",
                "`rightsubnet=` narrowed; a conn with `authby=never`, `type=passthrough` for the local network; no own address in /etc/ipsec.d/policies.",
            ),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(found) = cut_off(s) {
        return found;
    }
    found(s, &[Sign::OwnTrafficCaught], SYMPTOM, |seen, times| {
        format!("the policy of {} catches the host's traffic to itself{times}", seen.who())
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("Both ends of the packet are this host, and the policy's remote network (or group) contains it.")
            .fix("take the host's own address out of the remote network or group, and exempt local networks from the policy")
            .done()
    })
}

/// The host is cut off since the tunnel is there, and a policy that no interface or mark keeps apart takes everything.
fn cut_off(s: &Signals<'_>) -> Option<Judgement> {
    let told = s
        .complains(Complaint::CutOff)
        .filter(|_| !s.refused_or_told())?;
    let (fact, what) = by_policy(s)
        .or_else(|| by_connection(s))
        .or_else(|| by_halves(s))?;
    Some(
        Found::on(
            fact,
            SYMPTOM,
            fact.side.into(),
            format!("{what}: what the host says to anybody goes into the tunnel"),
        )
        .with([told])
        .because("A policy is asked for each packet that leaves, whatever route it takes, and this one fits them all.")
        .fix("name the networks that the peer serves; where routes are to choose what goes into the tunnel, bind the policy to its interface (`if_id`, `mark`, `ipsec-interface=`) or don't have it installed (`installpolicy=no`, `install_policy = no`)")
        .then("`ip xfrm policy` (`setkey -DP`): an out policy for 0.0.0.0/0 without `mark`, `if_id` or `dev`")
        .done(),
    )
}

/// The kernel has a policy for everything that the host itself says: its own addresses are in it. One for what comes from
/// a network behind the host is often meant so.
fn by_policy<'a>(s: &Signals<'a>) -> Option<(&'a Fact, String)> {
    let spd = s.kernel(Side::Local)?;
    let own = |from: &str, end: &str| {
        let net = |text: &str| text.parse::<Selector>().ok();
        from == "0.0.0.0/0" || net(from).zip(net(end)).is_some_and(|(f, e)| f.contains(&e))
    };
    let all = spd.protecting("out").find(|(_, p)| {
        p.to == "0.0.0.0/0"
            && p.templates.iter().any(|t| own(&p.from, &t.from))
            && p.ports.is_empty()
            && p.mark.is_none()
            && p.if_id.is_none()
            && p.device.is_none()
    });
    all.map(|(fact, _)| {
        (
            fact,
            "a policy has 0.0.0.0/0 as the remote network".to_owned(),
        )
    })
}

/// A connection for everything that follows its policy.
fn by_connection<'a>(s: &Signals<'a>) -> Option<(&'a Fact, String)> {
    let all: Option<Selector> = "0.0.0.0/0".parse().ok();
    let everything = |net: &Option<Selector>| net.is_some() && *net == all;
    s.case.of(Side::Local).find_map(|fact| {
        let Known::PeerConfigured { connection } = &fact.what else {
            return None;
        };
        let child = connection.children.iter().find(|child| {
            child.route_based.is_none()
                && child.remote_ts.value.iter().any(everything)
                && child.local_ts.value.iter().any(everything)
        })?;
        let name = &child.name;
        Some((
            fact,
            format!(
                "the connection {name} has 0.0.0.0/0 as the remote network and follows its policy"
            ),
        ))
    })
}

/// charon on BSD leads a policy for everything by two routes, each for a half, which leave the default route alone.
fn by_halves<'a>(s: &Signals<'a>) -> Option<(&'a Fact, String)> {
    let half = |network: &str| {
        s.routes().find(|(_, r)| {
            r.network == network
                && r.device
                    .as_deref()
                    .is_some_and(|d| !tunnel_device(d) && !foreign_device(d))
        })
    };
    let (fact, _) = half("0.0.0.0/1")?;
    half("128.0.0.0/1").map(|_| {
        (
            fact,
            "the daemon installed routes for 0.0.0.0/1 and 128.0.0.0/1, so its policy is for everything".to_owned(),
        )
    })
}
