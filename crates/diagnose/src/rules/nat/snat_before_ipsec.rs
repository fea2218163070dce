//! `snat-before-ipsec`: packets for the tunnel are translated before the policies look at them.

use adit_model::complaint::Complaint;
use adit_model::fact::Side;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::complaint::{carries_nothing, complained, content};
use crate::finding::{CONDITION, CONFIGURED, COUNTED, SYMPTOM};
use crate::nat_rule::NatRule;
use crate::plane::{Nets, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::wire::Clear;

pub(crate) static RULE: Rule = Rule {
    id: "snat-before-ipsec",
    recurs: false,
    page: Page {
        title: "Source NAT takes packets away from the tunnel",
        what: "A masquerade rule rewrites the source before the IPsec policy is looked up. The packet no longer fits the selectors and leaves in clear, or not at all.",
        initiator: "Counters of the tunnel stand still for the LAN's traffic, while a ping from the gateway itself may work.",
        responder: "Nothing arrives, or packets with a wrong source.",
        look_alikes: &[
            (
                "route-to-remote-subnet-missing",
                "Is the packet that leaves in clear translated, or as it was?",
            ),
            (
                "nat-exemption-missing-on-peer",
                "On which side is the source rewritten?",
            ),
        ],
        fix: &[
            (
                "any",
                "Exempt what goes to the remote network from translation, before the rule that translates.",
            ),
            (
                "linux",
                "`iptables -t nat -I POSTROUTING -m policy --pol ipsec --dir out -j ACCEPT`; nftables: `meta secpath missing`, or `ip daddr REMOTE accept` first.",
            ),
            ("vyos", "`set nat source rule N exclude` with a lower N."),
            (
                "cisco",
                "ASA: `nat (inside,outside) source static L L destination static R R no-proxy-arp route-lookup`; IOS: deny L to R in the NAT's access list.",
            ),
            ("pan-os", "a no-NAT rule above."),
            ("juniper", "a source-nat off rule first."),
            ("fortinet", "no NAT in the tunnel's policy."),
            (
                "mikrotik",
                "an accept rule in srcnat before masquerade, or `ipsec-policy=out,none`.",
            ),
        ],
        source: "RFC 4301 5.1; RFC 3022",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if s.refused_or_told() {
        return Judgement::Silent;
    }
    // A flow that a filter remembers may be any, and goes that way too while the tunnel is down.
    let told: Vec<Seen<'_>> = s
        .signs_of(Sign::TunnelTranslated)
        .filter(|seen| {
            seen.value("destination")
                .is_none_or(|to| s.protected_by_selectors(to) != Some(false))
        })
        .collect();
    let of_the_tunnel = |seen: &&Seen<'_>| match seen.value("destination") {
        Some(to) => {
            let its = seen.value("named").is_some() || s.protected_by_selectors(to) == Some(true);
            its && s.calm()
        }
        // A rule that takes all of them leaves nothing to be slow.
        None => !content(s) && (seen.value("rule").is_none() || !gets_there(s)),
    };
    if let Some(seen) = told.iter().rev().find(of_the_tunnel).copied() {
        return Found::by(
            seen,
            COUNTED,
            format!(
                "{} translates the tunnel's packets before IPsec sees them",
                seen.who()
            ),
        )
        .because(
            "After translation their source isn't one of the tunnel's, so no policy takes them.",
        )
        .fix(FIX)
        .done();
    }
    if let Some(found) = leaves_translated(s) {
        return found;
    }
    let complaint = [Complaint::NothingPasses, Complaint::OneWay]
        .into_iter()
        .find_map(|c| s.complains(c));
    if let Some(judgement) = translated_into_another(s, s.up || complaint.is_some()) {
        return judgement;
    }
    let nets = s.tunnel_networks();
    // A rule for other networks than the tunnel's doesn't touch its packets; one to one is for the tunnel.
    let concerns = |seen: &Seen<'_>| {
        let rule = NatRule::read(seen.value_or("rule", ""));
        let nets: &[Nets] = match seen.side() {
            Side::Local => &nets,
            Side::Remote => &[],
        };
        // Networks of containers are left alone, unless the tunnel is for one.
        let own = rule
            .from
            .is_some_and(|from| nets.iter().any(|(ours, _)| ours.contains(&from)));
        !rule.one_to_one && (own || !of_containers(seen)) && concerns(&rule, nets)
    };
    let Some(seen) = s.signs_of(Sign::Masquerading).filter(concerns).last() else {
        return match told.last() {
            Some(seen) => possible(
                40,
                format!(
                    "a flow to {} left with a public source and has no answer",
                    seen.value_or("destination", "a private network")
                ),
                "whether that network is the tunnel's, and whether the tunnel was up then",
            ),
            None => Judgement::Silent,
        };
    };
    let exempt: Vec<Seen<'_>> = s.signs_of(Sign::TunnelExempt).collect();
    if !exempt.is_empty() {
        return exempt_too_late(s, seen, &exempt).unwrap_or(Judgement::Silent);
    }
    let complaint = complaint.or_else(|| {
        let policies = s.kernel(Side::Local);
        s.complains(Complaint::InClear)
            .filter(|_| policies.is_some_and(|spd| spd.protecting("out").next().is_some()))
    });
    // A rule for the tunnel's own network, and an SA that never sent anything.
    let idle = s.carried(Side::Local).is_some_and(|c| c.sent == Some(0))
        && NatRule::read(seen.value_or("rule", ""))
            .from
            .is_some_and(|from| nets.iter().any(|(ours, _)| ours.contains(&from)));
    if s.up || complaint.is_some() || (sends_nothing(s) || listed_idle(s) || idle) && s.calm() {
        return Found::by(
            seen,
            CONDITION,
            format!("a rule of {} translates everything that leaves, and nothing exempts the tunnel", seen.who()),
        )
        .with(complaint)
        .because("On Linux translation comes before the look-up of IPsec policies: packets with a translated source fit none of them.")
        .fix(FIX)
        .then("iptables -t nat -vnL POSTROUTING: which counter grows during a ping through the tunnel")
        .done();
    }
    Judgement::Possible {
        weight: 30,
        because: "what leaves is translated, and no rule shown exempts the tunnel".to_owned(),
        separated_by: "whether counters of the tunnel grow during a ping, and the whole list of NAT rules",
    }
}

/// A capture has packets of our network for the peer's, and such with the gateway's own address in their place; of ours
/// none is seen to leave.
fn leaves_translated(s: &Signals<'_>) -> Option<Judgement> {
    let suffers = s.traffic_suffers() || complained(s);
    if content(s) || s.complains(Complaint::GatewayFails).is_some() {
        return None;
    }
    let ends: Vec<&str> = s
        .kernel(Side::Local)?
        .protecting("out")
        .flat_map(|(_, p)| p.templates.iter().map(|t| t.from.as_str()))
        .collect();
    let of_gateway = |from: &str| ends.contains(&from) && s.ours_by_selectors(from) == Some(false);
    s.clear().find_map(|left| {
        let (from, to) = (left.from.to_string(), left.to.to_string());
        let its = of_gateway(&from)
            && left.outbound == Some(true)
            && s.protected_by_selectors(&to) == Some(true);
        let same = |c: &Clear<'_>| {
            (c.to, c.protocol, c.port) == (left.to, left.protocol, left.port)
                && c.fact.side == left.fact.side
        };
        let before = s.clear().find(|c| {
            same(c) && s.ours_by_selectors(&c.from.to_string()) == Some(true)
        })?;
        // Each that came in went out so.
        let each = before.outbound == Some(false) && before.packets == left.packets;
        // Two pings may be two hosts', the gateway's own among them.
        if its && !each && left.port.is_none() && suffers {
            return Some(possible(
                40,
                format!("packets for {to} are seen with the gateway's own address {from}, and others with that of {}", before.from),
                "whether they are the same packets (their ids), and the list of NAT rules",
            ));
        }
        (its && before.outbound != Some(true) && (suffers || each)).then(|| {
            Found::on(
                left.fact,
                CONDITION,
                left.fact.side.into(),
                format!(
                    "packets of {} for {to} leave in clear with the gateway's own address {from} as their source",
                    before.from
                ),
            )
            .with([before.fact])
            .because("On Linux translation comes before the look-up of IPsec policies: packets with a translated source fit none of them.")
            .fix(FIX)
            .then("iptables -t nat -vnL POSTROUTING: which counter grows during a ping through the tunnel")
            .done()
        })
    })
}

/// Whoever complains complains of how it gets there.
fn gets_there(s: &Signals<'_>) -> bool {
    const SOMEHOW: [Complaint; 7] = [
        Complaint::Slow,
        Complaint::LargeFails,
        Complaint::SmallPasses,
        Complaint::Periodic,
        Complaint::NowAndThen,
        Complaint::AtRekey,
        Complaint::AfterIdle,
    ];
    SOMEHOW.iter().any(|c| s.complains(*c).is_some()) && !carries_nothing(s)
}

const FIX: &str = "exempt the remote network from translation before the rule that translates (iptables -t nat -I POSTROUTING -m policy --pol ipsec --dir out -j ACCEPT; VyOS: a `nat source rule` with `exclude` and a lower number)";

/// Packets that a rule of `iptables -v` counted, as its first column says.
fn leading_count(rule: &str) -> Option<u64> {
    let mut words = rule.split_ascii_whitespace();
    let digits = |word: &str| word.trim_end_matches(['K', 'M', 'G']).parse::<u64>().ok();
    let packets = digits(words.next()?)?;
    digits(words.next()?)?;
    Some(packets)
}

/// The kernel has an SA for what goes out, and nothing ever went by one.
fn sends_nothing(s: &Signals<'_>) -> bool {
    let Some(spd) = s.kernel(Side::Local) else {
        return false;
    };
    let outward: Vec<_> = spd
        .sas
        .iter()
        .filter(|(_, sa)| {
            spd.protecting("out").any(|(_, p)| {
                p.templates
                    .iter()
                    .any(|t| t.from == sa.from && t.to == sa.to)
            })
        })
        .collect();
    !outward.is_empty()
        && outward
            .iter()
            .all(|(_, sa)| sa.carried.is_some_and(|(_, packets)| packets == 0))
}

/// The tunnel of the known networks is listed as up, and nothing ever went by it.
fn listed_idle(s: &Signals<'_>) -> bool {
    s.carried(Side::Local).is_some_and(|c| c.idle()) && !s.tunnel_networks().is_empty()
}

/// Rules for the networks of containers and of virtual machines, which go by bridges of their own.
fn of_containers(seen: &Seen<'_>) -> bool {
    let rule = seen.value_or("rule", "");
    [
        "! -o docker",
        "! -o br-",
        "! -o virbr",
        "!docker",
        "!br-",
        "oifname != \"docker",
        "oifname != \"br-",
    ]
    .iter()
    .any(|words| rule.contains(words))
}

/// Whether a rule can be for a tunnel's packets; without known networks it can.
fn concerns(rule: &NatRule, nets: &[Nets]) -> bool {
    let meets = |net: Option<Selector>, nets: &[Selector]| {
        net.is_none_or(|net| nets.iter().any(|n| n.intersect(&net).is_some()))
    };
    nets.is_empty()
        || nets
            .iter()
            .any(|(ours, theirs)| meets(rule.from, ours) && meets(rule.to, theirs))
}

/// A rule for the tunnel's own packets gives them a source that the tunnel doesn't cover.
fn translated_into_another(s: &Signals<'_>, suffers: bool) -> Option<Judgement> {
    let nets = s.tunnel_networks();
    let mut ours = s
        .signs_of(Sign::Masquerading)
        .filter(|seen| seen.side() == Side::Local);
    ours.find_map(|seen| {
        let rule = NatRule::read(seen.value_or("rule", ""));
        let (to, into) = (rule.to?, rule.into?);
        let within = |nets: &[Selector], net: &Selector| nets.iter().any(|n| n.contains(net));
        let known: Vec<&Nets> = nets.iter().filter(|(_, theirs)| within(theirs, &to)).collect();
        let fits = known
            .iter()
            .any(|(ours, _)| ours.iter().any(|n| n.intersect(&into).is_some()));
        if known.is_empty() || fits || rule.one_to_one || exempt_above(s, &seen, &nets) {
            return None;
        }
        if !suffers {
            return Some(Judgement::Possible {
                weight: 45,
                because: format!("packets to {to} get the source {into}, which the tunnel doesn't cover"),
                separated_by: "whether the tunnel is up, and whether the rule's counter grows during a ping",
            });
        }
        Some(
            Found::by(
                seen,
                CONFIGURED,
                format!(
                    "{} gives packets to {to} the source {into}, which the tunnel doesn't cover",
                    seen.who()
                ),
            )
            .because("On Linux translation comes before the look-up of IPsec policies: packets with a translated source fit none of them.")
            .fix("remove the rule, or have both sides' selectors cover the translated source")
            .done(),
        )
    })
}

/// Whether an exemption exempts the tunnel's packets. Others exempt multicast, or the networks of virtual machines.
fn of_the_tunnel(exempt: &Seen<'_>, nets: &[Nets]) -> bool {
    let text = exempt.value_or("rule", "").to_ascii_lowercase();
    let accepts = text.contains("accept") || text.contains("return");
    let rule = NatRule::read(exempt.value_or("rule", ""));
    let all = text.contains("pol ipsec") || text.contains("ipsec out");
    accepts && (all || rule.to.is_some() && concerns(&rule, nets))
}

/// Whether an exemption may stand before the rule: the first that fits decides.
fn exempt_above(s: &Signals<'_>, rule: &Seen<'_>, nets: &[Nets]) -> bool {
    let (name, line) = (&rule.fact.source.name, rule.fact.source.line);
    s.signs_of(Sign::TunnelExempt)
        .filter(|x| of_the_tunnel(x, nets))
        .any(|x| x.fact.source.name != *name || x.fact.source.line < line)
}

/// The first rule that fits decides: an exemption below the one that translates comes too late.
fn exempt_too_late(s: &Signals<'_>, seen: Seen<'_>, exempt: &[Seen<'_>]) -> Option<Judgement> {
    let stands = |x: &Seen<'_>| x.fact.source.line;
    let nets = s.tunnel_networks();
    let first = exempt.iter().find(|x| of_the_tunnel(x, &nets))?;
    let all_below = exempt
        .iter()
        .all(|x| x.fact.source.name == seen.fact.source.name && stands(x) > stands(&seen));
    if !all_below {
        return None;
    }
    let certain = !nets.is_empty() || first.value_or("rule", "").contains("ipsec");
    // The one counts, and the other never did.
    let counts = |x: &Seen<'_>| leading_count(x.value_or("rule", ""));
    let unused = counts(&seen).is_some_and(|n| n > 0) && counts(first) == Some(0);
    if !(s.up || unused) || !certain {
        return Some(Judgement::Possible {
            weight: 45,
            because: "the rule that exempts the tunnel stands below one that translates".to_owned(),
            separated_by: "whether both are for the same interface and chain, and whose counter grows during a ping",
        });
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("a rule of {} translates what leaves, and the one that exempts the tunnel stands below it", seen.who()),
        )
        .with([first.fact])
        .because("The first rule that fits a connection's first packet decides.")
        .fix(FIX)
        .then("iptables -t nat -vnL POSTROUTING: which counter grows during a ping through the tunnel")
        .done(),
    )
}
