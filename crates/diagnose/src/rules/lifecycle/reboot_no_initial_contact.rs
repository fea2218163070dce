//! `reboot-no-initial-contact`: after a restart the peer keeps its old SAs.

use adit_model::event::{Happening, Party};
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "reboot-no-initial-contact",
    recurs: false,
    page: Page {
        title: "One side restarted, and the other still uses the old SAs",
        what: "A gateway that crashed or was rebooted has no SAs. Unless it says so (INITIAL_CONTACT) or the peer notices (dead peer detection), the peer sends on SAs that nobody has until their lifetime ends.",
        initiator: "Nothing comes back; the peer's packets are dropped as unknown.",
        responder: "Cisco: \"%CRYPTO-4-IKMP_NO_SA: IKE message from X has no SA and is not an initialization offer\"; \"invalid SPI\".",
        look_alikes: &[
            ("esp-spi-unknown", "Was there a restart?"),
            (
                "sa-desync-one-side-flushed",
                "Were the SAs of one side flushed by hand?",
            ),
        ],
        fix: &[
            (
                "any",
                "Dead peer detection on both sides; the restarted side initiates after boot.",
            ),
            (
                "cisco",
                "`crypto isakmp invalid-spi-recovery`, `crypto isakmp keepalive 10 3`",
            ),
            ("strongswan", "`dpd_delay`, `start_action = start`"),
        ],
        source: "RFC 7296 2.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::SaForgotten) else {
        return Judgement::Silent;
    };
    if s.child_taken_down().is_some() {
        // Two deletes cross: the second is for what the first removed.
        return Judgement::Silent;
    }
    // What comes under an SA that the peer has just deleted is the rest of that.
    let deleted = s
        .ever(Sign::PeerDeleted)
        .iter()
        .any(|x| x.side() == seen.side())
        || s.case.happenings().any(|(_, h)| {
            matches!(
                h,
                Happening::IkeClosed {
                    by: Party::Peer,
                    ..
                } | Happening::ChildClosed {
                    by: Party::Peer,
                    ..
                }
            )
        });
    if deleted {
        return Judgement::Possible {
            weight: 25,
            because:
                "a message came for an IKE SA that isn't known here, after the peer had deleted SAs"
                    .to_owned(),
            separated_by: "whether this side restarted before it",
        };
    }
    let peer = seen.value_or("peer", "the peer");
    Found::by(seen, SYMPTOM, format!("{peer} still uses an IKE SA that {} no longer has", seen.who()))
        .at(AtFault::Both)
        .with(s.signs_of(Sign::SpiUnknown).map(|x| x.fact))
        .because("A message came that belongs to an IKE SA which isn't known here: this side lost it in a restart, and the other wasn't told.")
        .fix("clear the tunnel's SAs and set it up anew; switch dead peer detection on, and let the side that restarts initiate")
        .done()
}
