//! `policy-route-table-220-lost`: strongSwan's route for the tunnel is missing.

use adit_model::connection::Mode;
use adit_model::fact::{Fact, Known, Side};
use adit_model::peer_config::Dialect;
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, CONFIGURED, SYMPTOM};
use crate::plane::{found, possible, tunnel_device};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "policy-route-table-220-lost",
    recurs: false,
    page: Page {
        title: "strongSwan's route for the tunnel is missing",
        what: "With policies, charon installs a route for each remote network in table 220, so that the host's own packets take the right source address and next hop. It is missing when it can't be installed, when install_routes is off, or when another rule comes first.",
        initiator: "The tunnel is up and the gateway's own packets leave with the wrong source, in clear.",
        responder: "Sees nothing.",
        look_alikes: &[
            (
                "source-address-outside-selectors",
                "Is it the route that is missing, or only the source address?",
            ),
            (
                "route-to-remote-subnet-missing",
                "Is the tunnel an interface (VTI, XFRM) with routes of its own?",
            ),
        ],
        fix: &[
            (
                "strongswan",
                "`charon.install_routes = yes` for policies, `no` for route-based tunnels; repair what the log says of the route.",
            ),
            (
                "linux",
                "`ip rule` must have `220: from all lookup 220`; `ip route show table 220`.",
            ),
            (
                "any",
                "Add the route by hand: `ip route add REMOTE via GATEWAY dev IFACE src INSIDE table 220`.",
            ),
        ],
        source: "strongswan.conf(5), charon.install_routes",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["peer-unreachable"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(found) = found(s, &[Sign::RouteNotInstalled], SYMPTOM - 0.02, |seen, _| {
        format!(
            "the route for the tunnel's traffic ({}) couldn't be installed at {}",
            seen.value_or("route", "not named"),
            seen.who()
        )
    }) {
        return found
            .with(s.signs_of(Sign::KernelError).take(2).map(|x| x.fact))
            .because("Without it the host's own packets leave with another source address or by another way, past the tunnel.")
            .fix("repair the way to the next hop (default route, interface), or add the route by hand with the inside address as source")
            .then("ip route show table 220; ip rule; ip route get REMOTE-HOST")
            .done();
    }
    if let Some(seen) = s.sign(Sign::RouteTableEmpty) {
        if let Some((fact, child)) = with_protocol(s) {
            return Found::by(
                seen,
                CONFIGURED,
                format!("table 220 has no route for {child}, because its networks name a protocol or port"),
            )
            .with([fact])
            .because("charon installs a route only for selectors of all protocols. Without it the host's own packets leave with another source address than the tunnel covers.")
            .fix("add the route by hand with the tunnel's inside address as source (ip route add REMOTE via GATEWAY dev IFACE src INSIDE table 220, in an updown script), or leave protocol and port out of the networks")
            .then("ip route get REMOTE-HOST: its src must be the address that the tunnel covers")
            .done();
        }
        let what = "table 220, where strongSwan puts the tunnel's routes, is empty";
        // The routes come and go with the SAs.
        if s.unanswered().is_none() || s.fails_in_ike() {
            return possible(
                46,
                what,
                "whether the gateway's own packets should use the tunnel, and what fails",
            );
        }
        return found(s, &[Sign::RouteTableEmpty], CONDITION, |_, _| what.to_owned()).map_or(
            Judgement::Silent,
            |found| {
                found
                    .with([seen.fact])
                    .because("Pings of the gateway go unanswered, and no route gives them the source address that the tunnel takes.")
                    .fix("set install_routes = yes, or add the route by hand: ip route add REMOTE via GATEWAY dev IFACE src INSIDE table 220")
                    .done()
            },
        );
    }
    for side in [Side::Local, Side::Remote] {
        let charon = matches!(
            s.case.products.get(&side),
            Some(Product::Strongswan | Product::Vyos)
        );
        let rules: Vec<_> = s.table_rules(side).collect();
        let interface = s
            .links()
            .any(|(f, name, _)| f.side == side && tunnel_device(name));
        let led_to = rules.iter().any(|(_, w)| w.contains("lookup 220"));
        let filled = s
            .routes()
            .find(|(f, r)| f.side == side && r.table.as_deref() == Some("220") && !r.dead);
        if let Some((route, _)) = filled.filter(|_| rules.len() >= 3 && !led_to && s.calm()) {
            return Found::on(
                route,
                SYMPTOM,
                side.into(),
                format!("no rule of {} leads to table 220, where the tunnel's routes are", crate::signals::who(side)),
            )
            .with(rules.first().map(|(f, _)| *f))
            .because("Without the rule the routes of that table are never looked at, so the host's own packets leave by the default route, with an address that the tunnel doesn't cover. Whatever manages the network removed it.")
            .fix("set the rule again (ip rule add pref 220 table 220, or restart charon), and keep the network's manager from removing rules of others (systemd-networkd: ManageForeignRoutingPolicyRules=no)")
            .then("ip rule; ip route get REMOTE-HOST")
            .done();
        }
        if charon
            && rules.len() >= 3
            && !interface
            && !rules.iter().any(|(_, w)| w.contains("lookup 220"))
        {
            return possible(
                46,
                "no rule leads to strongSwan's table 220",
                "whether install_routes is off on purpose, and what fails",
            );
        }
    }
    if s.sign(Sign::NoAddressInSelector).is_some() {
        return possible(
            28,
            "charon found no address of its own for the route of table 220",
            "whether the gateway itself, or hosts behind it, should use the tunnel",
        );
    }
    Judgement::Silent
}

/// A child of a connection of strongSwan, in tunnel mode, whose networks name a protocol or a port.
fn with_protocol<'a>(s: &Signals<'a>) -> Option<(&'a Fact, &'a str)> {
    s.case.facts.iter().find_map(|fact| {
        let Known::PeerConfigured { connection } = &fact.what else {
            return None;
        };
        let charon = matches!(
            connection.dialect,
            Dialect::StrongswanStroke | Dialect::Swanctl | Dialect::Vyos
        );
        let child = connection.children.iter().find(|child| {
            let mut nets = child.remote_ts.value.iter().flatten();
            child.mode.value == Mode::Tunnel
                && nets.any(|n| n.protocol != 0 || !matches!(n.ports, (0, 65535)))
        })?;
        charon.then_some((fact, child.name.as_str()))
    })
}
