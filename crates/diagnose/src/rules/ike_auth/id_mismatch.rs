//! `id-mismatch`: a side identifies itself as somebody whom the other doesn't expect.

use adit_model::fact::{Fact, Known, Side};
use adit_model::identity::Identity;
use adit_model::peer_config::AuthMethod;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::identity::{Kind, fits_one, known_after_all, mismatch, unexplained};
use super::near_name::near_name;
use crate::compare::list;
use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::setting::Setting;
use crate::signals::{Refused, Signals, Told, name_of, notify, quote, who};
use crate::verdict::{AtFault, Evidence, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "id-mismatch",
    recurs: false,
    page: Page {
        title: "An identity isn't the one the other side expects",
        what: "Each side sends an identity (IDi, IDr) and has one in mind for the other. They are compared exactly, type included: the host name a.lab isn't the address behind it. Keys and certificates don't matter before this fits.",
        initiator: "AUTHENTICATION_FAILED in the answer to IKE_AUTH, as with a wrong key; or our own refusal of the identity in the answer.",
        responder: "No connection for the pair of identities. strongSwan: \"no matching peer config found\"; Libreswan: \"we require peer to have ID …, but peer declares …\".",
        look_alikes: &[
            (
                "psk-mismatch",
                "Did the responder get as far as comparing AUTH values?",
            ),
            (
                "id-type-mismatch",
                "Is it the same text as another type of identity?",
            ),
            (
                "nat-private-ip-as-id",
                "Is the unexpected identity a private address behind a NAT?",
            ),
        ],
        fix: &[
            (
                "any",
                "local identity here = remote identity there, and the other way round; write both out rather than rely on addresses.",
            ),
            ("adit", "`local_id` and `remote_id` of the tunnel."),
            (
                "strongswan",
                "`local { id = … }` and `remote { id = … }` of the connection.",
            ),
            (
                "libreswan",
                "`leftid=` and `rightid=` (`@name` for host names).",
            ),
            (
                "vyos",
                "`authentication local-id` and `remote-id` of the peer.",
            ),
            ("panos", "Local and Peer Identification of the IKE gateway."),
            ("fortigate", "`localid` and `peerid` of phase 1."),
        ],
        source: "RFC 7296 2.15, 3.5; RFC 4301 4.4.3",
    },
    needs: &[Need::RefusingSideLog],
    // pluto looks for another connection once it has rejected a certificate, and finds none.
    depends_on: &["cert-revoked", "crl-unreachable"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // Those have rules of their own.
    if mismatch(s).is_some_and(|m| m.kind != Kind::Other) {
        return Judgement::Silent;
    }
    if let Some((refused, (received, expected))) = s.refusal(|r| match r {
        Refusal::PeerIdentity { received, expected } => Some((received, expected)),
        _ => None,
    }) {
        if expected.is_empty() {
            if let Some((_, fact)) = unexplained(s) {
                return Judgement::Possible {
                    weight: 55,
                    because: format!(
                        "{} found no connection for {}, though one has just that end: {}",
                        who(refused.side),
                        name_of(received),
                        fact.source.text
                    ),
                    separated_by: "the status of the refusing side: the identities of both ends of the connection, as it was loaded",
                };
            }
            return unknown(refused.side, evidence(s, refused), received).into();
        }
        return stranger(s, refused.side, evidence(s, refused), received, expected).into();
    }
    if let Some((refused, (requested, ours))) = s.refusal(|r| match r {
        Refusal::OurIdentity { requested, ours } => Some((requested, ours)),
        _ => None,
    }) {
        return wanted_other(s, refused.side, evidence(s, refused), requested, ours).into();
    }
    if let Some(found) = by_configuration(s) {
        return found.into();
    }
    if let Some(found) = said(s) {
        return found;
    }
    if let Some(found) = nearly(s) {
        return found;
    }
    if let Some(fact) = s.authenticated() {
        return Judgement::RuledOut(format!("both sides authenticated: {}", fact.source.text));
    }
    if let Some(told) = s.told_v1_auth(notify::INVALID_ID_INFORMATION) {
        let certificates = s
            .sent_message(Side::Local, "IKE_AUTH", false)
            .is_some_and(|(_, m)| m.payloads.iter().any(|p| p == "CERT"));
        if certificates || is_abridged(s, told.fact) {
            return Judgement::Possible {
                weight: 60,
                because: "INVALID_ID_INFORMATION is the answer to an identity that isn't expected, and from some products to a certificate that isn't accepted".to_owned(),
                separated_by: "the peer's log: it names the identity, or says what is wrong with the certificate",
            };
        }
        return not_known_there(s, told).into();
    }
    if s.v1_auth_silent().is_some() {
        return Judgement::Possible {
            weight: 40,
            because: "a peer that doesn't know our identity may leave our first encrypted message of IKEv1 unanswered".to_owned(),
            separated_by: "the peer's log: it says that it has no connection for our identity",
        };
    }
    if s.told(notify::AUTHENTICATION_FAILED, false).is_some() {
        let ids = match (s.our_id(), s.their_id()) {
            (Some(ours), Some(theirs)) => {
                format!(" (we say {ours} and want {theirs})")
            }
            (Some(ours), None) => format!(" (we say {ours})"),
            _ => String::new(),
        };
        return Judgement::Possible {
            weight: 60,
            because: format!(
                "AUTHENTICATION_FAILED is the answer to an identity that isn't expected, too{ids}"
            ),
            separated_by: "the responder found no connection for the two identities (strongSwan: \"no matching peer config found\")",
        };
    }
    Judgement::Silent
}

/// Whether the line is of what older versions of pluto's `whack` show (`003 "gw" #1: …`): nothing of what is only remarked
/// on (002), such as that certificates are sent.
fn is_abridged(s: &Signals<'_>, line: &Fact) -> bool {
    let coded = |fact: &Fact, code: &str| {
        let rest = fact.source.text.strip_prefix(code);
        rest.is_some_and(|rest| rest.starts_with(" \""))
    };
    coded(line, "003") && !s.case.of(line.side).any(|fact| coded(fact, "002"))
}

/// Authentication failed, and a connection wants a name that is nearly the one that is used.
fn nearly(s: &Signals<'_>) -> Option<Judgement> {
    let told = s.told(notify::AUTHENTICATION_FAILED, false)?;
    let near = near_name(s)?;
    Some(
        Found::on(
            near.configured,
            0.85,
            AtFault::Both,
            format!(
                "the name that is wanted, {}, isn't the one of the certificate, {}",
                near.wanted, near.used
            ),
        )
        .with([near.seen, told.fact])
        .because("Names are compared part by part: one part more or less, or in another order, makes it another identity.")
        .fix("copy the certificate's subject, with every part and in its order, to where the peer's identity is configured")
        .done(),
    )
}

/// The refusing side expects others than the one who came.
fn stranger(
    s: &Signals<'_>,
    refusing: Side,
    evidence: Vec<Evidence>,
    received: &Identity,
    expected: &[Identity],
) -> Found {
    let claimant = refusing.other();
    let (refuser, expected_text) = (who(refusing), list(expected));
    let first = expected.first().unwrap_or(received);
    // The claimant changes who it says it is, or the other side whom it expects.
    let other = claimant.other();
    let says = Setting::OwnIdentity(first).at(s.product(claimant));
    let expects = Setting::PeersIdentity(received).at(s.product(other));
    let fix = if claimant == Side::Local {
        Fix {
            local: says,
            remote: expects,
        }
    } else {
        Fix {
            local: expects,
            remote: says,
        }
    };
    Found {
        confidence: 0.97,
        side: AtFault::from(claimant),
        summary: format!(
            "{} says it is {received}, and {refuser} expects {expected_text}",
            who(claimant)
        ),
        explanation: format!(
            "{refuser} looked for a connection to {received} and has none; the connections in question expect {expected_text}. Keys were not compared. Identities are compared with their type."
        ),
        evidence,
        message_for_peer: match claimant {
            Side::Local => format!(
                "Our gateway identifies itself as {received}; yours expects {expected_text}. Which of the two shall it be? If ours stands, please set the remote identity to {received}; otherwise we set our identity to {first}."
            ),
            Side::Remote => format!(
                "Your gateway identifies itself as {received}; ours expects {expected_text}. Please set its local identity to {first}, or confirm {received} and we change ours."
            ),
        },
        fix,
        next: vec!["agree on both identities in writing, and set them on both sides".to_owned()],
    }
}

/// The refusing side has no connection for the pair of identities, and doesn't say whom it expects.
fn unknown(refusing: Side, evidence: Vec<Evidence>, received: &Identity) -> Found {
    let (refuser, claimant) = (who(refusing), who(refusing.other()));
    let received = name_of(received);
    let compare = "compare local and remote identity of both sides, each with its type".to_owned();
    Found {
        confidence: 0.9,
        side: AtFault::Both,
        summary: format!(
            "{refuser} has no connection for the identities that {claimant} uses: it calls itself {received}"
        ),
        explanation: format!(
            "{refuser} looked for a connection by the two identities of the request and found none. Its log doesn't say which ones it has. Keys were not compared."
        ),
        evidence,
        fix: Fix {
            local: compare.clone(),
            remote: compare,
        },
        message_for_peer: match refusing {
            Side::Local => format!(
                "Your gateway calls itself {received}, and ours has no connection for that pair of identities. Which identity does it use, and which does it expect of ours?"
            ),
            Side::Remote => format!(
                "Our gateway calls itself {received}, and yours has no connection for that pair of identities. Which identity does it expect of ours, and which one does it use?"
            ),
        },
        next: vec!["list the connections of the refusing side with their identities".to_owned()],
    }
}

/// IKEv1 has a notify for it, which doesn't say whom the other side expects.
fn not_known_there(s: &Signals<'_>, told: &Told<'_>) -> Found {
    let (refuser, claimant) = (who(told.side.other()), who(told.side));
    let ours = s.our_id().map_or(String::new(), |id| format!(" ({id})"));
    Found {
        confidence: 0.9,
        side: AtFault::Both,
        summary: format!("{refuser} doesn't accept the identity of {claimant}{ours}: INVALID_ID_INFORMATION in phase 1"),
        explanation: format!("Proposals and public values were exchanged, and {refuser} could read the first encrypted message, so the keys fit. It has no connection for the identity in it."),
        evidence: quote([told.fact]),
        fix: Fix {
            local: "set our identity to the one that the peer expects; behind a NAT write it out rather than rely on the address".to_owned(),
            remote: "set the identity of the other side to the one that it sends".to_owned(),
        },
        message_for_peer: format!("Between {}, phase 1 is refused with INVALID_ID_INFORMATION. Which identity does your gateway expect of ours, and of which type?", s.gateways()),
        next: vec!["compare local and remote identity of both sides, each with its type".to_owned()],
    }
}

/// The refusing side is asked to be somebody it isn't.
fn wanted_other(
    s: &Signals<'_>,
    refusing: Side,
    evidence: Vec<Evidence>,
    requested: &Identity,
    ours: &[Identity],
) -> Found {
    let (refuser, asker) = (who(refusing), who(refusing.other()));
    let own = ours.first().unwrap_or(requested);
    let become_it = Setting::OwnIdentity(requested).at(s.product(refusing));
    let expect_it = Setting::PeersIdentity(own).at(s.product(refusing.other()));
    let fix = if refusing == Side::Local {
        Fix {
            local: become_it,
            remote: expect_it,
        }
    } else {
        Fix {
            local: expect_it,
            remote: become_it,
        }
    };
    Found {
        confidence: 0.97,
        side: AtFault::from(refusing),
        summary: format!(
            "{asker} wants to talk to {requested}, and {refuser} is {}",
            list(ours)
        ),
        explanation: format!(
            "The request names {requested} as the identity it expects (IDr). {refuser} has no connection under that identity; it is {}. Keys were not compared.",
            list(ours)
        ),
        evidence,
        message_for_peer: match refusing {
            Side::Local => format!(
                "Your gateway expects ours to be {requested}; ours identifies itself as {}. Please set the remote identity to {own}, or confirm {requested} and we change ours.",
                list(ours)
            ),
            Side::Remote => format!(
                "Our gateway expects yours to be {requested}; yours identifies itself as {}. Please set its local identity to {requested}, or confirm {own} and we change what we expect.",
                list(ours)
            ),
        },
        fix,
        next: vec!["agree on both identities in writing, and set them on both sides".to_owned()],
    }
}

fn evidence(s: &Signals<'_>, r: &Refused<'_>) -> Vec<Evidence> {
    let told = s
        .told
        .iter()
        .filter(|t| t.side != r.side && t.notify == notify::AUTHENTICATION_FAILED);
    quote(core::iter::once(r.fact).chain(told.map(|t| t.fact)))
}

/// Authentication failed, and both configurations are at hand: they are compared.
fn by_configuration(s: &Signals<'_>) -> Option<Found> {
    let told = s.told(notify::AUTHENTICATION_FAILED, false)?;
    let (our_fact, ours) = s.configured(Side::Local)?;
    let (their_fact, theirs) = s.configured(Side::Remote)?;
    let (says, expects, claimant) = if theirs
        .remote_id
        .as_ref()
        .is_some_and(|id| *id != ours.local_id)
    {
        (&ours.local_id, theirs.remote_id.as_ref()?, Side::Local)
    } else if ours
        .remote_id
        .as_ref()
        .is_some_and(|id| *id != theirs.local_id)
    {
        (&theirs.local_id, ours.remote_id.as_ref()?, Side::Remote)
    } else {
        return None;
    };
    let evidence = quote([told.fact, our_fact, their_fact]);
    let mut found = stranger(
        s,
        claimant.other(),
        evidence,
        says,
        core::slice::from_ref(expects),
    );
    found.confidence = 0.9;
    found.explanation = format!(
        "Authentication was refused, and the two configurations name different identities: {} is {says}, and {} expects {expects}.",
        who(claimant),
        who(claimant.other())
    );
    Some(found)
}

/// A line that says so, outside of what the reader of its product follows.
fn said(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.first_sign(&[
        Sign::PeerIdentityUnexpected,
        Sign::OwnIdentityUnexpected,
        Sign::NoConnectionForIdentity,
    ])?;
    if seen.sign == Sign::PeerIdentityUnexpected && fits_one(s) {
        return None;
    }
    if let Some(fact) = by_certificate(s).filter(|_| seen.value("of") == Some("gateway")) {
        return Some(Judgement::Possible {
            weight: 55,
            because: format!(
                "{} doesn't take the peer for whom the gateway is meant, and says so in the same words of an identity and of a certificate: {}",
                seen.who(),
                fact.source.text
            ),
            separated_by: "what the gateway asks of the peer's certificate (its CA, its subject), and what that certificate is",
        });
    }
    // The log says that it knows nobody of that name, and the configuration has just that one.
    if let Some(fact) = known_after_all(s, seen) {
        return Some(Judgement::Possible {
            weight: 55,
            because: format!(
                "{} found no connection for {}, though one has just that end: {}",
                seen.who(),
                seen.value_or("remote", "the peer's identity"),
                fact.source.text
            ),
            separated_by: "the identities as they were received, of an attempt that works and of one that doesn't",
        });
    }
    // The line says that it is the type which isn't wanted.
    let here = &seen.fact.source;
    if s.signs_of(Sign::IdentityTypeUnexpected)
        .any(|x| x.fact.source.line == here.line && x.fact.source.name == here.name)
    {
        return None;
    }
    // Who isn't known by address either has no connection at all.
    if seen.sign == Sign::NoConnectionForIdentity && s.sign(Sign::NoConnectionForPeer).is_some() {
        return None;
    }
    if seen.sign == Sign::NoConnectionForIdentity && seen.value("each").is_some() {
        return Some(Judgement::Possible {
            weight: 45,
            because: format!(
                "one way in which {} looks for the peer's connection found none",
                seen.who()
            ),
            separated_by: "the lines that follow: whether the search by other means finds one",
        });
    }
    let received = seen.value("received").or(seen.value("remote"));
    let (side, summary) = match (received, seen.value("expected")) {
        (Some(received), Some(expected)) => (
            AtFault::from(seen.side().other()),
            format!(
                "{} says it is {received}, and {} expects {expected}",
                who(seen.side().other()),
                seen.who()
            ),
        ),
        (Some(received), None) => (
            AtFault::Both,
            format!(
                "{} has no connection for the identity {received}",
                seen.who()
            ),
        ),
        (None, Some(expected)) => (
            AtFault::from(seen.side().other()),
            format!(
                "{} isn't the {expected} that {} expects",
                who(seen.side().other()),
                seen.who()
            ),
        ),
        (None, None) => (
            AtFault::Both,
            format!(
                "the identity of {} isn't the one that {} expects",
                who(seen.side().other()),
                seen.who()
            ),
        ),
    };
    Some(
        Found::by(seen, SAID - 0.02, summary)
            .at(side)
            .because("Identities are compared exactly, type included, before keys and certificates count.")
            .fix("set the local identity here and the remote identity there to the same value, written out on both sides")
            .then("agree on both identities in writing, and set them on both sides")
            .done(),
    )
}

/// The peer proves who it is by a certificate: it says so, or the gateway's configuration asks for it.
fn by_certificate<'a>(s: &Signals<'a>) -> Option<&'a Fact> {
    let asks = || {
        s.case.facts.iter().find(|f| match &f.what {
            Known::PeerConfigured { connection } => connection
                .remote_auth
                .value
                .contains(&AuthMethod::PublicKey),
            _ => false,
        })
    };
    s.sign(Sign::PeerSigns).map(|x| x.fact).or_else(asks)
}
