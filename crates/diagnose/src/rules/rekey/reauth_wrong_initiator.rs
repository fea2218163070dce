//! `reauth-wrong-initiator`: the side that should authenticate again can't begin, or doesn't.

use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "reauth-wrong-initiator",
    recurs: false,
    page: Page {
        title: "Only one side can set the tunnel up, and the other one wants it anew",
        what: "Reauthentication needs a new IKE_SA_INIT. A responder with a client behind NAT, or with EAP or virtual addresses, can't begin one: it asks the client to (AUTH_LIFETIME), and ends the SA if the client doesn't.",
        initiator: "The SA ends with the lifetime that the responder announced.",
        responder: "strongSwan: \"unable to reestablish IKE_SA due to asymmetric setup\", \"initiator did not reauthenticate as requested, IKE_SA X[n] will timeout in …\".",
        look_alikes: &[("both-ends-passive", "Which side can begin at all?")],
        fix: &[
            (
                "any",
                "No reauthentication on the responder; rekey instead.",
            ),
            (
                "strongswan",
                "`reauth_time = 0` (ipsec.conf: `reauth=no`) on the responder",
            ),
        ],
        source: "RFC 4478; RFC 7296 2.8.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let (seen, summary) = if let Some(seen) = s.sign(Sign::ReauthenticationMissed) {
        (
            seen,
            "the client was asked to authenticate again and didn't, so its IKE SA ends",
        )
    } else if let Some(seen) = s.sign(Sign::ReauthenticationFailed) {
        (
            seen,
            "the IKE SA can't be set up anew by the side that wants to",
        )
    } else {
        return Judgement::Silent;
    };
    Found::by(seen, SAID - 0.03, summary)
        .at(AtFault::Both)
        .because("Only the client can begin: its address, its EAP method or its virtual address aren't known to the other side beforehand.")
        .fix("switch reauthentication off on the responder and rekey instead (strongSwan: reauth_time = 0, rekey_time set; ipsec.conf: reauth=no)")
        .done()
}
