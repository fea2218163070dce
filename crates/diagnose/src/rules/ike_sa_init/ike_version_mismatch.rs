//! `ike-version-mismatch`: one end speaks only IKEv1, the other only IKEv2.

use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::fact::{Fact, ProbeOutcome, Side};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "ike-version-mismatch",
    recurs: false,
    page: Page {
        title: "One side speaks IKEv1 and the other IKEv2",
        what: "The two versions share port and header and nothing else. A side that is set to one of them refuses or ignores the other. IKEv1 is deprecated (RFC 9395).",
        initiator: "INVALID_MAJOR_VERSION, or NO_PROPOSAL_CHOSEN as if no connection matched, or an answer with the other version in its header, or silence.",
        responder: "strongSwan: \"no IKE config found for …, sending NO_PROPOSAL_CHOSEN\" or \"received unsupported IKE version\"; Libreswan: \"ignoring packet with IKE major version\".",
        look_alikes: &[
            (
                "no-matching-connection-on-responder",
                "Which version is the responder's connection set to?",
            ),
            (
                "ike-proposal-mismatch",
                "Does the responder print two lists of proposals?",
            ),
            (
                "udp500-blocked",
                "Does the responder see the packet at all?",
            ),
        ],
        fix: &[
            ("any", "Set both sides to IKEv2."),
            (
                "strongswan",
                "`version = 2` of the connection (0 takes both as responder).",
            ),
            ("libreswan", "`ikev2=insist`, in 5.x `keyexchange=ikev2`."),
            ("vyos", "`set vpn ipsec ike-group X key-exchange ikev2`."),
            ("fortigate", "`set ike-version 2` of phase 1."),
            ("panos", "IKE gateway, version: IKEv2 only mode."),
            (
                "azure",
                "a route-based gateway; policy-based ones speak IKEv1 only.",
            ),
        ],
        source: "RFC 7296 2.5; RFC 9395",
    },
    needs: &[Need::IkeProbe, Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.refusal(|r| match r {
        Refusal::MajorVersion { received } => Some(*received),
        _ => None,
    });
    if let Some((r, received)) = refused {
        // The side that speaks the older version is the one that should change.
        let old = if received < 2 { r.side.other() } else { r.side };
        return found(
            s,
            old,
            &[r.fact],
            0.95,
            format!("a message of IKE version {received} was refused"),
        );
    }
    if let Some(seen) = s
        .sign(Sign::IkeVersionRefused)
        .filter(|seen| !s.overtaken(*seen, |h| matches!(h, Happening::IkeProposalChosen { .. })))
    {
        // No product speaks a third version: that is a scanner, or no IKE at all.
        let unknown = seen
            .value("version")
            .and_then(|v| v.parse::<u8>().ok())
            .is_some_and(|v| v > 2);
        if unknown || seen.value("sender").is_some() {
            return Judgement::Possible {
                weight: 40,
                because: "a message of another IKE version came, from whom isn't said".to_owned(),
                separated_by: "the address that it came from: is it the peer's?",
            };
        }
        let version = seen
            .value("version")
            .map_or(String::new(), |v| format!(" (version {v})"));
        return Found::by(
            seen,
            SAID - 0.03,
            format!("the IKE versions differ: {} refuses the one that came{version}", seen.who()),
        )
        .at(AtFault::Both)
        .because("IKEv1 and IKEv2 share a port and nothing else; a side that isn't set to a version ignores or refuses it.")
        .fix("set both sides to IKEv2 (strongSwan: version = 2; Libreswan: keyexchange=ikev2, formerly ikev2=insist; VyOS: key-exchange ikev2; FortiGate: set ike-version 2)")
        .done();
    }
    let answered_v1 = s
        .told
        .iter()
        .find(|t| t.side == Side::Local && t.version == 1);
    if let Some(t) = answered_v1 {
        return found(
            s,
            Side::Remote,
            &[t.fact],
            0.93,
            "the peer's answer has an IKEv1 header".to_owned(),
        );
    }
    for init in [true, false] {
        if let Some(t) = s.told(notify::INVALID_MAJOR_VERSION, init) {
            return found(
                s,
                t.side.other(),
                &[t.fact],
                0.93,
                "IKEv2 was answered with INVALID_MAJOR_VERSION".to_owned(),
            );
        }
    }
    for nat_t in [false, true] {
        if let Some((fact, ProbeOutcome::AnsweredVersion(1))) = s.ike_probe(nat_t) {
            return found(
                s,
                Side::Remote,
                &[fact],
                0.93,
                "the peer answers an IKEv2 probe with an IKEv1 header".to_owned(),
            );
        }
    }
    for side in [Side::Local, Side::Remote] {
        if let Some(fact) = s.dropped(side, DropReason::IkeVersion) {
            return found(
                s,
                side.other(),
                &[fact],
                0.85,
                "a message of another IKE version came and was dropped".to_owned(),
            );
        }
    }
    if let Some(fact) = s.reached(|h| matches!(h, Happening::IkeProposalChosen { .. })) {
        return Judgement::RuledOut(format!("the peer spoke IKEv2: {}", fact.source.text));
    }
    if s.none_chosen_first().is_some() {
        return Judgement::Possible {
            weight: 45,
            because: "a peer that has only an IKEv1 connection for us answers NO_PROPOSAL_CHOSEN"
                .to_owned(),
            separated_by: "the version that the responder's connection is set to, or the version in the header of its answer",
        };
    }
    if s.nothing_came().is_some() && s.ike_answers(false).is_none() {
        return Judgement::Possible {
            weight: if s.echo_answered().is_some() { 25 } else { 10 },
            because: "some products ignore a version that they aren't set to".to_owned(),
            separated_by: "the responder's log says that it ignored a packet of another version",
        };
    }
    Judgement::Silent
}

fn found(s: &Signals<'_>, old: Side, facts: &[&Fact], confidence: f64, how: String) -> Judgement {
    let (old_is, change) = match old {
        Side::Local => ("our side speaks IKEv1 only", "set it to IKEv2"),
        Side::Remote => (
            "the peer speaks IKEv1 only",
            "set the connection to us to IKEv2 (strongSwan: version = 2; Libreswan: ikev2=insist; VyOS: key-exchange ikev2; FortiGate: set ike-version 2)",
        ),
    };
    let fix = match old {
        Side::Local => Fix {
            local: change.to_owned(),
            remote: String::new(),
        },
        Side::Remote => Fix {
            local: String::new(),
            remote: change.to_owned(),
        },
    };
    Found {
        confidence,
        side: AtFault::from(old),
        summary: format!("the IKE versions differ: {old_is}"),
        explanation: format!("{how}. IKEv1 and IKEv2 share a port and nothing else."),
        evidence: quote(facts.iter().copied()),
        fix,
        message_for_peer: match old {
            Side::Remote => format!("We use IKEv2 between {}, and yours answers as one that speaks IKEv1 only. Please set its connection to IKEv2; IKEv1 is deprecated (RFC 9395).", s.gateways()),
            Side::Local => format!("Our side was set to IKEv1 between {}; we change it to IKEv2.", s.gateways()),
        },
        next: vec![format!("once that is changed: adit up {}", s.case.subject)],
    }
    .into()
}
