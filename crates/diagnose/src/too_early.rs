//! What only matters once there is an SA, beside an attempt of ours that never got one.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::listed::Stage;
use adit_model::sign::Sign;

use crate::rule::{Judgement, Rule};
use crate::seen::{before, hosts};
use crate::signals::{Signals, notify};
use crate::verdict::Evidence;
use crate::whose::is_failure;

/// Causes that only traffic meets, or an SA that was up.
const OF_TRAFFIC: &[&str] = &[
    "ah-through-nat",
    "anti-replay-drops",
    "anti-spoof-drop",
    "asymmetric-routing-bypass",
    "cipher-suboptimal",
    "cloud-route-table-missing",
    "cpu-crypto-bound",
    "decrypted-traffic-blocked",
    "encap-type-mismatch",
    "esp-both-directions-vm-fails",
    "esp-fragmented-on-wire",
    "esp-integrity-failure",
    "esp-spi-unknown",
    "icmp-redirects-bypass",
    "idle-teardown",
    "inbound-policy-mismatch",
    "inner-address-outside-selector",
    "inside-tunnel-address-or-bgp-wrong",
    "ip-forward-disabled",
    "kernel-policy-conflict",
    "link-saturated",
    "mss-clamp-missing",
    "nat-exemption-missing-on-peer",
    "netmap-order-wrong",
    "policy-route-table-220-lost",
    "qos-after-encryption",
    "redundant-tunnel-asymmetry",
    "return-route-missing-behind-gateway",
    "route-to-remote-subnet-missing",
    "sa-hard-expired",
    "seq-overflow-no-esn",
    "single-sa-single-core",
    "snat-before-ipsec",
    "source-address-outside-selectors",
    "source-dest-check",
    "stale-policy-steals-traffic",
    "tunnel-monitor-bad-target",
    "tunnel-monitor-wrong-source",
    "vti-disable-policy-missing",
    "vti-firewall-direction-wrong",
    "zone-policy-missing",
];

/// What lost or long packets meet: the first messages are short, and whoever refuses one has read it.
const OF_LATER_MESSAGES: &[&str] = &[
    "icmp-fragneeded-filtered",
    "ip-fragments-dropped",
    "pmtu-blackhole",
    "reassembly-failure",
    "rp-filter-drop",
];

/// Causes that show when a peer proves itself to us, or asks us for an SA: nobody did who doesn't answer our first message.
const OF_PROOF: &[&str] = &[
    "address-pool-exhausted",
    "auth-method-mismatch",
    "ca-not-trusted",
    "cert-expired",
    "cert-not-yet-valid",
    "cert-revoked",
    "cert-san-mismatch",
    "crl-unreachable",
    "eap-xauth-failure",
    "esp-proposal-mismatch",
    "id-mismatch",
    "id-type-mismatch",
    "mode-mismatch",
    "pfs-mismatch",
    "policy-vs-route-based-mismatch",
    "psk-mismatch",
    "psk-not-found",
    "signature-or-keyusage-rejected",
    "ts-mismatch",
    "virtual-ip-or-cp-failure",
];

/// Causes for which the sides refuse each other, or an SA for traffic.
const REFUSED: &[&str] = &[
    "auth-method-mismatch",
    "esp-proposal-mismatch",
    "id-mismatch",
    "id-type-mismatch",
    "ike-dh-group-mismatch",
    "ike-proposal-mismatch",
    "ike-version-mismatch",
    "mode-mismatch",
    "no-matching-connection-on-responder",
    "pfs-mismatch",
    "psk-mismatch",
    "psk-not-found",
    "ts-mismatch",
];

/// Whether a finding is about traffic alone, and another one is why the sides refused each other: no tunnel is up to carry any.
/// Which policy the kernel has already may be why networks are refused.
pub(crate) fn gives_way(s: &Signals<'_>, id: &str, found: &[&str]) -> bool {
    let of_traffic = OF_TRAFFIC.contains(&id) && id != "kernel-policy-conflict"
        || matches!(
            id,
            "cleartext-leak-no-policy" | "tunnel-route-captures-peer"
        );
    of_traffic && !s.up && !stands(s) && found.iter().any(|other| REFUSED.contains(other))
}

/// A finding about what our attempt never got as far as is no more than possible.
pub(crate) fn too_early(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    let Judgement::Found(found) = judgement else {
        return judgement;
    };
    let is_early = |last: &Fact| {
        let past = (OF_TRAFFIC.contains(&rule.id) && !stands(s))
            || (rule.id == "host-inbound-ike-not-allowed" && is_of_the_host(s, &found.evidence))
            || (OF_LATER_MESSAGES.contains(&rule.id) && !stands(s) && is_short(s))
            || (OF_PROOF.contains(&rule.id) && is_before_ours(s, &found.evidence))
            || (rule.id == "peer-dns-unresolvable" && has_address(s, &found.evidence))
            || is_history(s, &found.evidence, last);
        past && rests_on_lines(s, &found.evidence, last)
    };
    if !ended(s).is_some_and(is_early) {
        return Judgement::Found(found);
    }
    Judgement::Possible {
        weight: 15,
        because: format!(
            "{}; that isn't what the attempt that fails ends with",
            found.summary
        ),
        separated_by: "whether it is said of the same tunnel, and still once the sides have proved themselves",
    }
}

/// Whether an attempt that was begun after the tunnel came up is refused or unanswered: whoever begins anew has
/// lost what was up.
pub(crate) fn fails_anew(s: &Signals<'_>) -> bool {
    let begun = |last: &Fact| {
        s.happenings(Side::Local)
            .any(|(f, h)| matches!(h, Happening::Initiating { .. }) && before(f, last))
    };
    let told = s
        .told
        .iter()
        .filter(|t| t.side == Side::Local && !t.rekeying && !t.child)
        .map(|t| t.fact);
    let silent = s
        .nothing_came()
        .filter(|x| x.given_up)
        .and_then(|x| x.facts.last().copied());
    s.up && told.chain(silent).any(begun)
}

/// The last line that tells how an attempt of our own ended before the sides had proved themselves.
fn ended<'a>(s: &Signals<'a>) -> Option<&'a Fact> {
    let silent = s.nothing_came().and_then(|x| x.facts.last().copied());
    let told = s
        .told
        .iter()
        .filter(|t| t.side == Side::Local && !t.rekeying && !t.child)
        .filter(|t| t.init || t.v1_auth || t.notify == notify::AUTHENTICATION_FAILED)
        .map(|t| t.fact);
    let said = s
        .signs
        .iter()
        .filter(|x| x.side() == Side::Local && is_failure(x.sign))
        .map(|x| x.fact);
    told.chain(silent)
        .chain(said)
        .reduce(|a, b| if before(a, b) { b } else { a })
}

/// Whether it ended with the first exchange, whose messages are short, or with an answer.
fn is_short(s: &Signals<'_>) -> bool {
    s.nothing_came().is_some()
        || s.told.iter().any(|t| t.side == Side::Local)
        || s.sign(Sign::FirstMessageUnanswered).is_some()
}

/// Whether an SA is listed, counted or spoken of.
fn stands(s: &Signals<'_>) -> bool {
    let listed = s.case.facts.iter().any(|f| match &f.what {
        Known::Listed { sa } => sa.stage == Stage::Up,
        Known::Sign { sign, .. } => *sign == Sign::SecondPhaseDone,
        _ => false,
    });
    let told = [
        Complaint::NothingPasses,
        Complaint::OneWay,
        Complaint::LargeFails,
        Complaint::SmallPasses,
        Complaint::Slow,
        Complaint::SomeNetworks,
        Complaint::GatewayOnly,
    ];
    s.up || listed
        || !s.each_carried(Side::Local).is_empty()
        || told.into_iter().any(|c| s.complains(c).is_some())
}

/// Whether it is a number of the whole host's, with no word of whose packets, and our own requests are what fails: their
/// answers belong to a session that our host began.
fn is_of_the_host(s: &Signals<'_>, lines: &[Evidence]) -> bool {
    let counted = |f: &Fact| match &f.what {
        Known::Sign { values, .. } => {
            values.contains_key("count") && !values.contains_key("source")
        }
        _ => false,
    };
    let ours = s.nothing_came().is_some() || s.sign(Sign::FirstMessageUnanswered).is_some();
    ours && lines
        .iter()
        .all(|line| s.case.facts.iter().any(|f| line.is_of(f) && counted(f)))
}

/// Whether all of it was said before our attempt began whose first message nobody answers.
fn is_before_ours(s: &Signals<'_>, lines: &[Evidence]) -> bool {
    if s.nothing_came().is_none() {
        return false;
    }
    let began = s
        .happenings(Side::Local)
        .find(|(_, h)| matches!(h, Happening::Initiating { .. }));
    began.is_some_and(|(began, _)| are_before(s, lines, began) && !is_of_peer(s, lines, began))
}

/// Whether what was said before is about whom we ask, as far as addresses and names tell: a peer that can only begin itself
/// asks, is refused, and isn't reached.
fn is_of_peer(s: &Signals<'_>, lines: &[Evidence], began: &Fact) -> bool {
    let asked = hosts(&began.source.text);
    let mut spoke = s
        .case
        .of(Side::Local)
        .filter(|f| before(f, began))
        .flat_map(|f| hosts(&f.source.text));
    let name = began
        .source
        .text
        .split_once("IKE_SA ")
        .and_then(|(_, rest)| rest.split(['[', ' ']).next())
        .filter(|name| !name.is_empty());
    let named = name.is_some_and(|name| lines.iter().any(|line| line.text.contains(name)));
    named || spoke.any(|host| asked.contains(&host))
}

/// Whether our attempt has an address to ask, and the name that has none isn't its peer's, as far as its lines tell.
fn has_address(s: &Signals<'_>, lines: &[Evidence]) -> bool {
    let names: Vec<&str> = s
        .case
        .facts
        .iter()
        .filter(|f| lines.iter().any(|line| line.is_of(f)))
        .filter_map(|f| match &f.what {
            Known::Happened {
                happening: Happening::PeerUnresolved { name, .. },
            } => Some(name.as_str()),
            Known::Sign { values, .. } => values.get("name").map(String::as_str),
            _ => None,
        })
        .map(|name| name.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|name| !name.is_empty())
        .collect();
    let named = |text: &str| names.iter().any(|name| text.contains(name));
    let mut others = s.case.of(Side::Local).filter(|f| {
        !matches!(
            &f.what,
            Known::Sign {
                sign: Sign::PeerNameUnresolved,
                ..
            }
        ) && !lines.iter().any(|line| line.is_of(f))
    });
    let begun = s.happenings(Side::Local).any(|(f, h)| {
        matches!(h, Happening::Initiating { .. }) && !hosts(&f.source.text).is_empty()
    });
    !names.is_empty() && begun && !others.any(|f| named(&f.source.text))
}

/// Whether an SA came up after all of it, and what fails now is an attempt that was begun later.
fn is_history(s: &Signals<'_>, lines: &[Evidence], last: &Fact) -> bool {
    let begun: Vec<&Fact> = s
        .case
        .of(Side::Local)
        .filter(|f| {
            matches!(
                &f.what,
                Known::Happened {
                    happening: Happening::Initiating { .. }
                }
            )
        })
        .collect();
    let heard = |f: &Fact| match &f.what {
        Known::Happened { happening } => match happening {
            Happening::IkeEstablished { .. } | Happening::ChildEstablished { .. } => true,
            Happening::Received(m) => m.response && m.exchange == "INFORMATIONAL",
            _ => false,
        },
        _ => false,
    };
    // What is heard last before the latest of them began comes after all that any other comes after.
    let Some(began) = begun
        .into_iter()
        .filter(|f| before(f, last))
        .reduce(|a, b| if before(a, b) { b } else { a })
    else {
        return false;
    };
    s.case
        .of(Side::Local)
        .filter(|f| heard(f) && before(f, began))
        .reduce(|a, b| if before(a, b) { b } else { a })
        .is_some_and(|heard| are_before(s, lines, heard))
}

fn are_before(s: &Signals<'_>, lines: &[Evidence], limit: &Fact) -> bool {
    !lines.is_empty()
        && lines.iter().all(|line| {
            let mut facts = s.case.facts.iter().filter(|f| line.is_of(f)).peekable();
            facts.peek().is_some() && facts.all(|f| before(f, limit))
        })
}

/// Whether it rests on lines and numbers alone: neither on words of a person, nor on how the attempt ended.
fn rests_on_lines(s: &Signals<'_>, lines: &[Evidence], last: &Fact) -> bool {
    let of_words = |f: &&Fact| {
        matches!(
            f.what,
            Known::Complained { .. }
                | Known::PinnedDown { .. }
                | Known::TriedInVain { .. }
                | Known::Probed { .. }
        )
    };
    !lines.iter().any(|line| {
        line.is_of(last)
            || s.case
                .facts
                .iter()
                .filter(|f| line.is_of(f))
                .any(|f| of_words(&f))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::rule;

    #[test]
    fn every_cause_of_the_lists_has_a_rule() {
        for id in [OF_TRAFFIC, OF_LATER_MESSAGES, OF_PROOF, REFUSED].concat() {
            assert!(rule(id).is_some(), "{id}");
        }
    }
}
