//! `no-matching-connection-on-responder`: the responder has no connection for this pair of addresses.

use std::net::IpAddr;

use adit_model::drops::DropReason;
use adit_model::event::{Happening, Role};
use adit_model::fact::{Fact, Known, OfferOutcome, Probe, Side};
use adit_model::phase::Phase;
use adit_model::product::Product;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::hosts;
use crate::setting::Setting;
use crate::signals::{Signals, notify, place_of, quote, who};
use crate::stranger::{fails_elsewhere, neighbours, sender};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "no-matching-connection-on-responder",
    recurs: false,
    page: Page {
        title: "The responder has no connection for this peer",
        what: "A request comes from an address for which nothing is configured: the connection isn't loaded, has other addresses, or is for another IKE version.",
        initiator: "NO_PROPOSAL_CHOSEN in the first exchange, as for a proposal that doesn't fit; from some products only silence.",
        responder: "strongSwan: \"no IKE config found for A...B, sending NO_PROPOSAL_CHOSEN\"; Libreswan: \"no suitable connection found with IKEv2 policy\".",
        look_alikes: &[
            (
                "ike-proposal-mismatch",
                "Does the responder print the offered and the configured proposals?",
            ),
            (
                "config-not-loaded",
                "Is the connection in the file and not in the daemon?",
            ),
            (
                "peer-address-wrong",
                "Is a connection loaded with another address of ours?",
            ),
        ],
        fix: &[
            (
                "any",
                "Load a connection with the two addresses as they appear on the wire (behind a NAT: the outside address), and the right version.",
            ),
            (
                "adit",
                "`remote = \"…\"` of a tunnel, or `remote = \"any\"`; then restart or reload.",
            ),
            (
                "strongswan",
                "`local_addrs` and `remote_addrs` of the connection; `swanctl --load-conns`; `swanctl --list-conns`.",
            ),
            (
                "libreswan",
                "`left=` and `right=`; `ipsec auto --add NAME`.",
            ),
        ],
        source: "RFC 7296 2.21.1; RFC 4301 4.4.3",
    },
    needs: &[Need::RefusingSideLog],
    // A responder that does another version has no connection for this one, nor has one that couldn't load it or doesn't
    // find its own address in it.
    depends_on: &[
        "ike-version-mismatch",
        "config-syntax-rejected",
        "algorithm-not-available",
        "local-address-missing",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.refusal(|r| match r {
        Refusal::NoConnection { local, remote } => Some((*local, *remote)),
        _ => None,
    });
    if let Some((r, (local, remote))) = refused {
        if let Some(asked) = of_stranger(s, r.side, remote) {
            return beside(asked, remote);
        }
        if let Some(answered) = answered_another(s, r.side) {
            return Judgement::Possible {
                weight: 50,
                because: format!(
                    "one request was refused for want of a connection, and another one was answered: {}",
                    answered.source.text
                ),
                separated_by: "from which address the tunnel's peer comes: the refused one's or the answered one's",
            };
        }
        let at = who(r.side);
        let set = if remote.is_unspecified() {
            "set the peer's address of the connection to the one that it comes from".to_owned()
        } else {
            Setting::PeersAddress(&remote).at(s.product(r.side))
        };
        let (local, remote) = (place_of(local), place_of(remote));
        let fix = match r.side {
            Side::Local => Fix {
                local: set,
                remote: format!("use the address that our side expects instead of {remote}"),
            },
            Side::Remote => Fix {
                local: String::new(),
                remote: format!("load a connection between {local} and {remote}: {set}"),
            },
        };
        return Found {
            confidence: 0.97,
            side: AtFault::from(r.side),
            summary: format!("{at} has no connection configured between {local} and {remote}"),
            explanation: format!("The request reached {at} at {local} from {remote}. Connections are looked up by this pair of addresses, as they appear on the wire; none fits, so proposals were not compared."),
            evidence: quote([r.fact]),
            fix,
            message_for_peer: match r.side {
                Side::Remote => format!("Your gateway at {local} has no connection for {remote}, our address as it arrives at yours. Please load it, or check its addresses and version."),
                Side::Local => format!("Your gateway reaches ours at {local} from {remote}, for which we have no connection. Is {remote} your right outside address?"),
            },
            next: vec!["list the loaded connections of that side with their addresses".to_owned()],
        }
        .into();
    }
    for side in [Side::Local, Side::Remote] {
        if let Some(fact) = s.dropped(side, DropReason::IkeNoConnection) {
            let at = who(side);
            return Found {
                confidence: 0.9,
                side: side.into(),
                summary: format!("{at} has no connection configured for the requests that arrive"),
                explanation: format!("{at} dropped an IKE_SA_INIT request that no connection is configured for."),
                evidence: quote([fact]),
                fix: match side {
                    Side::Local => Fix { local: "configure a tunnel to that address".to_owned(), remote: String::new() },
                    Side::Remote => Fix { local: String::new(), remote: "load a connection for our address".to_owned() },
                },
                message_for_peer: match side {
                    Side::Remote => "Your gateway has no connection for ours; please load it, or check its addresses and version.".to_owned(),
                    Side::Local => "Your gateway's requests reach ours, and we have no connection for its address. Which outside address does it use?".to_owned(),
                },
                next: Vec::new(),
            }
            .into();
        }
    }
    if let Some(seen) = s
        .sign(Sign::NoConnectionForPeer)
        .filter(|seen| !s.overtaken(*seen, |h| matches!(h, Happening::IkeProposalChosen { .. })))
    {
        let peer = seen.value("peer").map_or("the peer".to_owned(), |p| {
            p.trim_end_matches([',', '.', ':']).to_owned()
        });
        let stranger = hosts(&peer).first().copied().or_else(|| sender(seen));
        if let Some(remote) = stranger
            && let Some(asked) = of_stranger(s, seen.side(), remote)
        {
            return beside(asked, remote);
        }
        return Found::by(
            seen,
            COUNTED + 0.03,
            format!("{} has no connection configured for requests from {peer}", seen.who()),
        )
        .because("The request arrived, and no loaded connection is for this pair of addresses with this version and method; proposals weren't compared.")
        .fix("load a connection with the two addresses as they appear on the wire, the right version and the right method (Libreswan: ipsec auto --add NAME; strongSwan: swanctl --load-conns)")
        .then("list the loaded connections of that side with their addresses")
        .done();
    }
    if let Some(fact) = s.reached(|h| matches!(h, Happening::IkeProposalChosen { .. })) {
        if s.told(notify::AUTHENTICATION_FAILED, false).is_some() && s.authenticated().is_none() {
            return Judgement::Possible {
                weight: 35,
                because: "a responder that finds no connection for the identities answers AUTHENTICATION_FAILED".to_owned(),
                separated_by: "the responder says that it has no connection for the two identities, or lists none",
            };
        }
        return Judgement::RuledOut(format!(
            "the responder has a connection: {}",
            fact.source.text
        ));
    }
    if s.told(notify::AUTHENTICATION_FAILED, false).is_some() && s.authenticated().is_none() {
        return Judgement::Possible {
            weight: 35,
            because: "a responder that finds no connection for the identities answers AUTHENTICATION_FAILED".to_owned(),
            separated_by: "the responder says that it has no connection for the two identities, or lists none",
        };
    }
    let refused = s.offers(OfferOutcome::Refused).len();
    let of_the_peer = |fact: &&Fact| match &fact.what {
        Known::Probed {
            probe: Probe::IkeOffer { to, .. },
        } => to.is_unspecified() || s.is_peer(&to.to_string()),
        _ => false,
    };
    let offers = s.offers(OfferOutcome::Taken);
    let taken = offers.iter().map(|(f, _)| *f).filter(of_the_peer).count();
    if s.none_chosen_first().is_some() && taken == 0 && refused >= 6 {
        return Judgement::Possible {
            weight: 80,
            because: format!(
                "the peer refused {refused} other proposals one by one, all that products commonly take"
            ),
            separated_by: "the responder says that it found no connection, before any proposal is compared",
        };
    }
    if s.none_chosen_first().is_some() && taken > 0 {
        return Judgement::RuledOut(
            "the peer takes other proposals from our address, so it has a connection for it"
                .to_owned(),
        );
    }
    if s.none_chosen_first().is_some() {
        return Judgement::Possible {
            weight: 55,
            because: "a responder without a connection for our address answers NO_PROPOSAL_CHOSEN"
                .to_owned(),
            separated_by: "the responder says that it found no connection, before any proposal is compared",
        };
    }
    if s.nothing_came().is_some() && s.ike_answers(false).is_none() {
        return Judgement::Possible {
            weight: if s.echo_answered().is_some() { 30 } else { 15 },
            because: "some products don't answer an address for which nothing is configured"
                .to_owned(),
            separated_by: "the peer receives our requests and says that it has no connection for them",
        };
    }
    Judgement::Silent
}

/// Our own request, which goes to another peer and fails, or a peer that has got further: beside it the refusal is one of
/// a stranger, as scanners ask every gateway. One whose peer isn't shown may have asked for the same tunnel.
fn of_stranger<'a>(s: &Signals<'a>, side: Side, remote: IpAddr) -> Option<&'a Fact> {
    if remote.is_unspecified() {
        return None;
    }
    if let Some(failed) = fails_elsewhere(s.case.of(side), remote) {
        return Some(failed);
    }
    let known = |shown: &[IpAddr]| shown.iter().any(|own| neighbours(*own, remote));
    // A peer that proves its identity again and again has been past this point.
    let further: Vec<&Fact> = s
        .signs_of(Sign::AuthenticationRepeated)
        .filter(|x| x.side() == side)
        .map(|x| x.fact)
        .collect();
    let shown: Vec<IpAddr> = further.iter().flat_map(|f| hosts(&f.source.text)).collect();
    if !shown.is_empty() && !known(&shown) {
        return further.last().copied();
    }
    if !(s.silences.iter().any(|x| x.side == side) || s.told.iter().any(|x| x.side == side)) {
        return None;
    }
    let own = || {
        s.facts
            .iter()
            .copied()
            .filter(|f| f.side == side && f.role == Some(Role::Initiator))
    };
    let asked = own().find(|f| {
        matches!(
            f.what,
            Known::Happened {
                happening: Happening::Initiating { .. }
            }
        )
    })?;
    let mut shown: Vec<IpAddr> = own().flat_map(|f| hosts(&f.source.text)).collect();
    if side == Side::Local {
        shown.extend(hosts(&s.peer()));
    }
    (!shown.is_empty() && !known(&shown)).then_some(asked)
}

/// The side answered the first message of a peer, which then didn't go on: it has a connection for that one, and nothing
/// tells which of the two requests is the tunnel's.
fn answered_another<'a>(s: &Signals<'a>, side: Side) -> Option<&'a Fact> {
    let mut answered = None;
    for (fact, happening) in s.case.happenings().filter(|(f, _)| f.side == side) {
        match happening {
            Happening::Sent(m) if m.response && m.phase() == Some(Phase::First) => {
                let has = |what: &str| m.payloads.iter().any(|p| p.contains(what));
                // A log may not tell what is in an answer; our own events do.
                let ours = s.product(side) == Some(Product::Adit);
                let refused = has("NO_PROP") || ours && !has("SA");
                answered = Some(fact).filter(|_| !refused).or(answered);
            }
            Happening::IkeEstablished { .. } | Happening::ChildEstablished { .. } => return None,
            _ => {}
        }
    }
    answered
}

fn beside(asked: &Fact, remote: IpAddr) -> Judgement {
    Judgement::Possible {
        weight: 20,
        because: format!(
            "a request from {remote} was refused for want of a connection; the tunnel's own go to another peer: {}",
            asked.source.text
        ),
        separated_by: "whether that request is one of this tunnel's peer",
    }
}
