//! `container-or-overlay-mtu-too-high`: the MTU of containers or of an overlay leaves no room for ESP.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "container-or-overlay-mtu-too-high",
    recurs: false,
    page: Page {
        title: "The MTU of containers or of an overlay leaves no room for ESP",
        what: "Containers or virtual machines use the host's whole MTU (1500 in 1500). With the ESP around it (and the overlay's header) a full packet doesn't fit any more; about 100 octets are needed.",
        initiator: "Large answers stay incomplete.",
        responder: "The same.",
        look_alikes: &[
            (
                "pmtu-blackhole",
                "Is there a bridge or an overlay whose MTU is that of the host?",
            ),
            (
                "esp-fragmented-on-wire",
                "Are the packets fragmented, or lost?",
            ),
        ],
        fix: &[
            (
                "any",
                "Lower the MTU inside by about 100 octets, or raise that of the host's link.",
            ),
            (
                "linux",
                "`ip link set dev docker0 mtu 1400`; `mtu: 1400` in /etc/docker/daemon.json.",
            ),
            ("illumos", "the MTU in the overlay's rule."),
        ],
        source: "RFC 4301 8; RFC 4459",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let outside = s
        .links()
        .filter(|(_, name, _)| outside(name))
        .map(|(_, _, mtu)| mtu)
        .min();
    let Some(outside) = outside else {
        return Judgement::Silent;
    };
    let Some((fact, name, mtu)) = s
        .links()
        .filter(|(_, name, _)| inside(name))
        .find(|(_, _, mtu)| mtu + 50 > outside)
    else {
        return Judgement::Silent;
    };
    let what = format!("{name} has an MTU of {mtu} and the host's link {outside}: no room for ESP");
    if s.size_matters().is_none() && s.sign(Sign::FragmentationNeeded).is_none() {
        // Nearly every host with containers looks like this.
        return if s.traffic_suffers() {
            possible(32, what, "whether small packets pass and large ones don't")
        } else {
            Judgement::Silent
        };
    }
    Found::on(fact, SYMPTOM + 0.05, fact.side.into(), what)
        .because("Large packets fail, and what is inside may be as large as what the link takes; ESP adds 54 to 100 octets.")
        .fix("lower the MTU of containers and overlays by 100 octets, or raise that of the host's link")
        .done()
}

fn outside(name: &str) -> bool {
    ["eth", "en", "bond", "wan", "ppp"]
        .iter()
        .any(|head| name.starts_with(head))
}

fn inside(name: &str) -> bool {
    [
        "docker", "veth", "br-", "cni", "flannel", "cali", "vxlan", "cbr", "virbr", "lxc",
        "overlay",
    ]
    .iter()
    .any(|head| name.starts_with(head))
}
