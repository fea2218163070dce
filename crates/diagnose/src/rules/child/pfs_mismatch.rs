//! `pfs-mismatch`: the key exchange of the CHILD SA differs, or only one side wants one.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known};
use adit_model::proposal::{Proposal, TransformKind};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::compare::list;
use crate::finding::{BOTH_SIDES, CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, before};
use crate::signals::{Refused, Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "pfs-mismatch",
    recurs: false,
    page: Page {
        title: "One side wants a key exchange for the CHILD SA that the other doesn't do",
        what: "Perfect forward secrecy (PFS) gives each CHILD SA a Diffie-Hellman exchange of its own. Its group is a part of the ESP proposal: a group on one side only, or two different groups, and the proposals don't fit although the ciphers do. IKEv1 fails at once. The first CHILD SA of IKEv2 has no such exchange, so it fails there only when a further one is made or the first is replaced.",
        initiator: "NO_PROPOSAL_CHOSEN in answer to Quick Mode or CREATE_CHILD_SA.",
        responder: "racoon and its kin: \"pfs group mismatched: my:2 peer:0\"; Libreswan: \"we require PFS but Quick I1 SA specifies no GROUP_DESCRIPTION\"; strongSwan: proposals that differ in the group.",
        look_alikes: &[
            (
                "esp-proposal-mismatch",
                "Do ciphers and integrity fit, and only the group doesn't?",
            ),
            (
                "pfs-mismatch-at-rekey",
                "Was the tunnel up before, and did replacing it fail?",
            ),
        ],
        fix: &[
            ("any", "The same PFS group on both sides, or none on both."),
            (
                "adit",
                "a group in `esp = [\"aes256gcm16-modp2048\"]` of the child, or none",
            ),
            ("strongswan", "a group in `esp_proposals` (`esp=`), or none"),
            (
                "libreswan",
                "`pfs=yes|no` and the group in `esp=…;modp2048`",
            ),
            ("vyos", "`set vpn ipsec esp-group X pfs dh-group14|disable`"),
            (
                "panos",
                "DH Group of the IPsec crypto profile (no-pfs for none)",
            ),
            (
                "fortigate",
                "`set pfs enable|disable` and `set dhgrp` of phase 2",
            ),
            ("cisco", "`set pfs group14` of the crypto map or profile"),
            ("mikrotik", "`pfs-group=` of /ip ipsec proposal"),
            (
                "juniper",
                "`perfect-forward-secrecy keys group14` of the IPsec policy",
            ),
        ],
        source: "RFC 7296 1.3.1, 2.17; RFC 2409 5.5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["pfs-mismatch-at-rekey"],
    judge,
};

/// Whether two sides' proposals fit but for the group.
pub(super) fn groups_alone(differs: &[TransformKind]) -> bool {
    differs == [TransformKind::KeyExchange]
}

/// The groups of a list of proposals.
pub(crate) fn groups(proposals: &[Proposal]) -> String {
    let mut names: Vec<String> = proposals
        .iter()
        .flat_map(|p| p.ke.iter().map(ToString::to_string))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        "no group".to_owned()
    } else {
        names.join(", ")
    }
}

/// A refusal for the group alone: the line, who refused, its groups and the other side's.
pub(crate) struct Groups<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) refusing: String,
    pub(crate) asking: String,
    pub(crate) who: &'static str,
    pub(crate) rekeying: bool,
}

/// The refusal of a proposal for its group.
pub(crate) fn refused<'a>(s: &Signals<'a>) -> Option<Groups<'a>> {
    let (r, (offered, configured, differs)) = s.refusal(|r| match r {
        Refusal::NoEspProposal {
            offered,
            configured,
            differs,
        } => Some((offered, configured, differs)),
        _ => None,
    })?;
    let taken = || configured.is_empty() && in_later_exchange(s, r) && taken_before(s, r, offered);
    if !groups_alone(differs) && !taken() {
        return None;
    }
    let (refusing, asking) = (groups(configured), groups(offered));
    let asking = if offered.is_empty() {
        "another".to_owned()
    } else {
        asking
    };
    // A list that was made for IKE_AUTH has no groups.
    let refusing = if refusing == asking || configured.is_empty() {
        "another".to_owned()
    } else {
        refusing
    };
    Some(Groups {
        fact: r.fact,
        refusing,
        asking,
        who: crate::signals::who(r.side),
        rekeying: r.rekeying || long_up(s, r),
    })
}

/// The refusal answers CREATE_CHILD_SA, as the side that refused says, or the time since its IKE SA came up.
pub(crate) fn in_later_exchange(s: &Signals<'_>, r: &Refused<'_>) -> bool {
    r.about.starts_with("CHILD_SA")
        && (r.rekeying
            || long_up(s, r)
            || s.signs_of(Sign::ChildRequestRefused)
                .any(|x| x.side() == r.side && x.fact.source.text.contains("CREATE_CHILD_SA")))
}

/// The connection had been up for minutes: the CHILD SA that it was made with is what is replaced.
fn long_up(s: &Signals<'_>, r: &Refused<'_>) -> bool {
    const MINUTES_MS: u64 = 10 * 60_000;
    let Some(then) = r.fact.at.filter(|_| r.about.starts_with("CHILD_SA")) else {
        return false;
    };
    let up = s.case.happenings().filter(|(fact, h)| {
        matches!(
            h,
            Happening::IkeEstablished { .. } | Happening::ChildEstablished { .. }
        ) && fact.side == r.side
            && fact.subject == r.fact.subject
    });
    up.filter_map(|(fact, _)| fact.at)
        .filter(|up| up.0 <= then.0)
        .max_by_key(|up| up.0)
        .is_some_and(|up| then.0 - up.0 >= MINUTES_MS)
}

/// A CHILD SA of the same connection came up before with algorithms that the refused list has too.
fn taken_before(s: &Signals<'_>, r: &Refused<'_>, offered: &[Proposal]) -> bool {
    s.case.happenings().any(|(fact, h)| match h {
        Happening::ChildEstablished { suite, .. } => {
            fact.subject == r.fact.subject
                && before(fact, r.fact)
                && offered.iter().any(|p| {
                    p.encr.contains(&suite.encr)
                        && suite.integ.is_none_or(|integ| p.integ.contains(&integ))
                })
        }
        _ => false,
    })
}

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(g) = refused(s).filter(|g| !g.rekeying) {
        return found(
            Found::on(
                g.fact,
                SAID,
                AtFault::Both,
                format!(
                    "the proposals for the traffic differ only in the group of its key exchange (PFS): {} has {}, the other side asked for {}",
                    g.who, g.refusing, g.asking
                ),
            ),
            s,
        );
    }
    if let Some(judgement) = method(s, false) {
        return judgement;
    }
    // A line that says "proposal or PFS" doesn't say PFS.
    let either = |x: Seen<'_>| {
        s.signs_of(Sign::EspProposalRefused)
            .any(|e| e.fact.source == x.fact.source)
    };
    if let Some(seen) = s.sign(Sign::PfsDiffers).filter(|x| !either(*x)) {
        let values = match (seen.value("ours"), seen.value("theirs")) {
            (Some(ours), Some(theirs)) => format!(
                ": {} has group {ours}, the other side {theirs} (0 is none)",
                seen.who()
            ),
            _ => String::new(),
        };
        return found(
            Found::by(
                seen,
                SAID,
                format!("perfect forward secrecy isn't the same on both sides{values}"),
            )
            .at(AtFault::Both)
            .with(s.signs_of(Sign::PfsDiffers).map(|x| x.fact)),
            s,
        );
    }
    if let Some((fact, asked)) = refused_later(s) {
        return found(
            Found::on(
                fact,
                0.86,
                AtFault::Both,
                format!(
                    "the peer refuses a child for its key exchange (PFS): with the same algorithms another one is up, that had none; asked for was {}",
                    groups(asked)
                ),
            ),
            s,
        );
    }
    configured(s)
        .or_else(|| open(s))
        .unwrap_or_else(|| tried(s))
}

/// The request for a CHILD SA carried another group than the one that is wanted, and the exchange ended there: who asks is
/// told which one, and comes again with it if its own proposals have it (RFC 7296 1.3).
pub(crate) fn method(s: &Signals<'_>, rekeying: bool) -> Option<Judgement> {
    let of_child = |about: &str| about.starts_with("CHILD_SA");
    let refused = s
        .refusal(|r| match r {
            Refusal::KeMethod { received, wanted } => Some((received, wanted)),
            _ => None,
        })
        .filter(|(r, _)| r.rekeying == rekeying && of_child(r.about));
    let told = s
        .told_of_child(notify::INVALID_KE_PAYLOAD)
        .filter(|t| t.rekeying == rekeying && !t.ike);
    let (fact, what) = match (refused, told) {
        (Some((r, (received, wanted))), _) => (
            r.fact,
            format!(
                "{} wants the group {wanted} for the key exchange of the CHILD SA, {received} came, and {wanted} never did",
                crate::signals::who(r.side)
            ),
        ),
        (None, Some(t)) => (
            t.fact,
            format!(
                "{} wants another group for the key exchange of the CHILD SA{} than those that were offered",
                crate::signals::who(t.side.other()),
                u16::from_str_radix(t.data, 16).map_or(String::new(), |n| format!(" (group {n})"))
            ),
        ),
        (None, None) => return None,
    };
    let found_on = Found::on(fact, SAID - 0.05, AtFault::Both, what);
    Some(found(found_on.with(told.map(|t| t.fact)), s))
}

/// The peer refuses a further child, whose proposals all have a key exchange of their own, and one made in IKE_AUTH, which
/// has none, is up with the same algorithms.
pub(crate) fn refused_later<'a>(s: &Signals<'a>) -> Option<(&'a Fact, &'a [Proposal])> {
    if !s.child_refused() {
        return None;
    }
    let told = s.told(notify::NO_PROPOSAL_CHOSEN, false)?;
    let asked = told.asked.filter(|_| !told.rekeying)?;
    let insists = |p: &Proposal| !p.ke.is_empty() && p.ke.iter().all(|method| method.0 != 0);
    let agreed = s.case.facts.iter().any(|f| match &f.what {
        Known::Happened {
            happening: Happening::ChildEstablished { suite, .. },
        } => asked.proposals.iter().all(|p| {
            p.encr.contains(&suite.encr) && suite.integ.is_none_or(|integ| p.integ.contains(&integ))
        }),
        _ => false,
    });
    (agreed && !asked.proposals.is_empty() && asked.proposals.iter().all(insists))
        .then_some((told.fact, asked.proposals.as_slice()))
}

/// A list without groups was refused in CREATE_CHILD_SA, and what the side that refused has isn't shown; or a request
/// there, of which nothing is shown.
fn open(s: &Signals<'_>) -> Option<Judgement> {
    let because = if unknown_list(s) {
        "the refused proposals of CREATE_CHILD_SA have no group, and the side that refused them may want one"
    } else if let Some(request) = unknown_request(s) {
        if request.without_group && !request.further {
            return Some(found(
                Found::on(
                    request.fact,
                    CONDITION,
                    AtFault::Both,
                    "a further CHILD SA is asked for without a group of its own, and the peer refuses its proposals: it wants one (PFS)",
                ),
                s,
            ));
        }
        "what is asked for in CREATE_CHILD_SA needs the peer's group as well, and the first CHILD SA doesn't"
    } else {
        return None;
    };
    Some(Judgement::Possible {
        weight: 64,
        because: because.to_owned(),
        separated_by: "the PFS group of both sides, beside their ESP ciphers",
    })
}

/// Refused in CREATE_CHILD_SA was a list without groups, and nothing is known of what the side that refused has.
pub(crate) fn unknown_list(s: &Signals<'_>) -> bool {
    let found = s.refusal(|r| match r {
        Refusal::NoEspProposal {
            offered,
            configured,
            ..
        } if configured.is_empty() && !offered.is_empty() => Some(offered),
        _ => None,
    });
    found.is_some_and(|(r, offered)| {
        in_later_exchange(s, r) && offered.iter().all(|p| p.ke.is_empty())
    })
}

/// The peer refused a further CHILD SA in CREATE_CHILD_SA, and nothing shows what it was asked for: ciphers, groups and,
/// at some products, networks that aren't configured are answered alike.
pub(crate) fn unknown_request<'a>(s: &Signals<'a>) -> Option<Unknown<'a>> {
    let told = s
        .told(notify::NO_PROPOSAL_CHOSEN, false)
        .filter(|t| !t.rekeying && t.child)?;
    let unknown = told.asked.is_none_or(|a| a.proposals.is_empty());
    let asked_in = s
        .case
        .happenings()
        .filter(|(fact, _)| fact.side == told.side)
        .take_while(|(fact, _)| !core::ptr::eq(*fact, told.fact))
        .filter_map(|(_, h)| match h {
            Happening::Sent(m) if !m.response => Some(m),
            _ => None,
        })
        .last()
        .filter(|m| unknown && m.exchange == "CREATE_CHILD_SA")?;
    let asked: Vec<&str> = asked_in.payloads.iter().map(String::as_str).collect();
    Some(Unknown {
        fact: told.fact,
        without_group: asked.contains(&"SA") && !asked.contains(&"KE"),
        // Another mode or compression may be what isn't liked.
        further: asked
            .iter()
            .any(|p| p.contains("TRANSPORT_MODE") || p.contains("IPCOMP")),
    })
}

/// A refused request for a further child, of which no more is shown than its payloads.
pub(crate) struct Unknown<'a> {
    pub(crate) fact: &'a Fact,
    /// It has proposals and no key exchange of its own.
    pub(crate) without_group: bool,
    /// It asks for more than proposals: transport mode, compression.
    pub(crate) further: bool,
}

/// Somebody switched it off, and that helped.
fn tried(s: &Signals<'_>) -> Judgement {
    match s.complains(Complaint::WorksWithoutPfs) {
        Some(told) if s.calm() => found(
            Found::on(
                told,
                CONDITION,
                AtFault::Both,
                "it works once perfect forward secrecy is off: it isn't the same on both sides",
            ),
            s,
        ),
        _ if s.sign(Sign::ChildRequestRefused).is_some() => Judgement::Possible {
            weight: 45,
            because: "the request for a CHILD SA was refused, and groups that differ are refused in the same words".to_owned(),
            separated_by: "the lines before the answer in the same log, or the PFS group of both sides",
        },
        _ => Judgement::Silent,
    }
}

/// The child was refused in an exchange that may carry a group, and the configurations differ in it.
fn configured(s: &Signals<'_>) -> Option<Judgement> {
    use adit_model::fact::Side;
    let told = s
        .told_of_child(notify::NO_PROPOSAL_CHOSEN)
        .filter(|t| !t.rekeying)?;
    let (our_fact, ours) = s.configured(Side::Local)?;
    let (their_fact, theirs) = s.configured(Side::Remote)?;
    let (ours, theirs) = (&ours.children.first()?.esp, &theirs.children.first()?.esp);
    let differs = adit_model::proposal::closest_difference(ours, theirs, true);
    groups_alone(&differs).then(|| {
        found(
            Found::on(
                told.fact,
                BOTH_SIDES,
                AtFault::Both,
                format!(
                    "the configured ESP proposals differ only in the group: ours {}, the peer's {}",
                    list(ours),
                    list(theirs)
                ),
            )
            .with([our_fact, their_fact]),
            s,
        )
    })
}

fn found(found: Found, s: &Signals<'_>) -> Judgement {
    let summary = found.summary.clone();
    found
        .because("Ciphers and integrity fit. The group of the CHILD SA's own key exchange has to be the same on both sides, or absent on both.")
        .fix("set the same PFS group for the traffic (phase 2) as the other side has, or none on both sides")
        .tell(format!(
            "IKE is up between {}; {summary}. Which PFS group do you want for the traffic? We set the same, or none on both sides.",
            s.gateways()
        ))
        .done()
}
