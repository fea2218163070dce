//! `peer-dns-unresolvable`: the peer is configured by a name that has no address.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "peer-dns-unresolvable",
    recurs: false,
    page: Page {
        title: "The peer's name has no address",
        what: "The peer is configured by name, and the resolver has no address for it, or can't be asked.",
        initiator: "No packet is sent: every attempt ends at the look-up.",
        responder: "Nothing arrives.",
        look_alikes: &[(
            "peer-unreachable",
            "Does the look-up fail, or does a packet leave and no answer come?",
        )],
        fix: &[
            (
                "any",
                "Repair the resolver or the name, or configure the peer's address; start the gateway when the resolver can be asked.",
            ),
            (
                "linux",
                "`getent ahosts NAME` asks as the gateway does; /etc/resolv.conf names the resolver.",
            ),
            (
                "strongswan",
                "the daemon asks the system's resolver; start it after the network is up. Where resolvconf is systemd-resolved's, charon.plugins.resolve.resolvconf.iface or plain /etc/resolv.conf.",
            ),
            (
                "libreswan",
                "right= by name is looked up when the connection is loaded: load it again (`ipsec auto --replace NAME`) when the name can be resolved.",
            ),
            ("adit", "`remote = \"ADDRESS\"` needs no resolver."),
        ],
        source: "RFC 1035; RFC 2308",
    },
    needs: &[Need::Attempt],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // An attempt that got further, or somebody's answer, makes an earlier failure history.
    let mut ours = s.case.facts.iter().rev().filter(|f| f.side == Side::Local);
    let last = ours.find_map(|f| match &f.what {
        Known::Happened {
            happening: Happening::PeerUnresolved { name, problem },
        } => Some(Some((f, name, problem))),
        Known::Happened {
            happening: Happening::Initiating { .. } | Happening::Received(_),
        } => Some(None),
        _ => None,
    });
    let Some(Some((fact, name, problem))) = last else {
        return said(s);
    };
    Found {
        confidence: 0.97,
        side: AtFault::Local,
        summary: format!("the peer's name {name} has no address: {problem}"),
        explanation: "Without an address there is nobody to send a packet to; the peer hasn't heard of us."
            .to_owned(),
        evidence: quote([fact]),
        fix: Fix {
            local: format!(
                "repair the resolver or the name (`getent ahosts {name}`), or set `remote` to the peer's address"
            ),
            remote: String::new(),
        },
        message_for_peer: format!(
            "We know your gateway as {name}, and that name has no address here. Is it still its name?"
        ),
        next: vec![format!("`getent ahosts {name}` on this host")],
    }
    .into()
}

/// Lines about names and resolvers.
fn said(s: &Signals<'_>) -> Judgement {
    // `%defaultroute` and the like aren't names of anybody.
    let unresolved = s
        .sign(Sign::PeerNameUnresolved)
        .filter(|x| x.value("special").is_none())
        // An address needs no look-up; that it isn't taken has another reason.
        .filter(|x| {
            let name = x
                .value_or("name", "")
                .trim_matches(['"', '\'', ',', '<', '>']);
            name.parse::<std::net::IpAddr>().is_err() && !is_word(name)
        });
    if let Some(seen) = unresolved
        && !s.went_on(seen)
        && !s.up
    {
        let name = seen
            .value_or("name", "of the peer")
            .trim_matches(['"', '\'', ',', ':', '<', '>']);
        // The resolver's own words may be about anybody's look-up.
        let sure = seen.value("of") == Some("peer");
        if !sure && s.refused_or_told() {
            return Judgement::Silent;
        }
        return Found::by(
            seen,
            if sure { SAID } else { SYMPTOM },
            format!("the name {name} has no address: it can't be looked up"),
        )
        .because("Without an address there is nobody to send a packet to; the peer hasn't heard of us.")
        .fix(format!(
            "repair the resolver or the name (`getent ahosts {name}`), or configure the peer's address; start the daemon when names can be looked up"
        ))
        .tell(format!(
            "We know your gateway as {name}, and that name has no address here. Is it still its name?"
        ))
        .then(format!("`getent ahosts {name}` on this host"))
        .done();
    }
    let Some(seen) = s
        .sign(Sign::ResolverNotSet)
        .filter(|_| !s.refused_or_told())
    else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        CONDITION,
        "the name servers that the peer gave couldn't be set on this host, so names behind the tunnel have no address",
    )
    .because("The tunnel brings its own name servers. The script or service that takes them refused, so names are still looked up outside, where those behind the tunnel aren't known.")
    .fix("let the daemon write them: install openresolv, or set charon.plugins.resolve.resolvconf.iface to an interface that systemd-resolved accepts, or set the servers by hand (resolvectl dns)")
    .then("resolvectl status; cat /etc/resolv.conf")
    .done()
}

/// Words that stand for anybody or for an address of the host's own. A daemon that looks one up as a name has it from a
/// line in another version's form, such as `right=any`.
fn is_word(name: &str) -> bool {
    const WORDS: [&str; 5] = ["any", "any4", "any6", "defaultroute", "opportunistic"];
    name.starts_with('%') || WORDS.contains(&name)
}
