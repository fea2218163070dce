//! `inbound-policy-mismatch`: decrypted packets meet no inbound policy.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::plane::{found, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "inbound-policy-mismatch",
    recurs: false,
    page: Page {
        title: "Decrypted packets meet no inbound policy",
        what: "After decryption the receiver checks that a policy wants the packet to have come by this SA. When the inbound or the forward policy is missing, or its template (mode, addresses, reqid) isn't the SA's, the packet is dropped.",
        initiator: "Sends, gets no answer.",
        responder: "SA counters in grow and nothing leaves inside; XfrmInTmplMismatch, XfrmInNoPols or XfrmInPolBlock grow.",
        look_alikes: &[
            (
                "if-id-or-mark-mismatch",
                "Is there a virtual interface, and does its id or mark agree with the SA's?",
            ),
            (
                "vti-disable-policy-missing",
                "Is it a VTI without disable_policy?",
            ),
            (
                "inner-address-outside-selector",
                "Do the inner addresses lie in the selectors?",
            ),
        ],
        fix: &[
            (
                "any",
                "Install the policies of the tunnel anew (in, fwd and out), with the template of the SA; take away policies of others that cover the same traffic.",
            ),
            (
                "linux",
                "`ip xfrm policy`: for each tunnel dir out, in and fwd; `sysctl net.ipv4.conf.vti0.disable_policy=1` for a VTI.",
            ),
            (
                "strongswan",
                "`swanctl --terminate` and `--initiate` the child; `policies = yes`.",
            ),
            ("libreswan", "`ipsec auto --replace NAME`, then `--up`."),
            (
                "illumos",
                "`ipsecconf -l`, and the same rule on both nodes.",
            ),
        ],
        source: "RFC 4301 5.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "if-id-or-mark-mismatch",
        "vti-disable-policy-missing",
        "encap-type-mismatch",
        "mode-mismatch",
        "kernel-policy-conflict",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((seen, count)) = s.kernel_drops(&[
        "InTmplMismatch",
        "InNoPols",
        "InPolBlock",
        "InStateModeError",
    ]) {
        if s.everyday(seen) {
            return possible(
                34,
                format!(
                    "{} counted {count} of these, which may be nothing",
                    seen.who()
                ),
                "whether the counter grows with each packet that is lost",
            );
        }
        let name = seen.value_or("name", "the counter");
        return Found::by(
            seen,
            COUNTED,
            format!("{count} decrypted packets met no policy that fits at {}", seen.who()),
        )
        .because(format!(
            "{name} counts packets that an SA decrypted (or that came in clear) and whose inbound or forward policy is missing or wants another SA."
        ))
        .fix(CHANGE)
        .then("ip xfrm policy: dir in and dir fwd for the inner addresses, with the mode and reqid of the SA")
        .done();
    }
    if let Some(judgement) = not_forwarded(s) {
        return judgement;
    }
    found(s, &[Sign::InboundPolicyRefused], SYMPTOM, |seen, times| {
        format!(
            "a policy of {} refuses packets after decryption{times}",
            seen.who()
        )
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because(
                "The packet came by IPsec, and the policy for its addresses wants it otherwise.",
            )
            .fix(CHANGE)
            .done()
    })
}

const CHANGE: &str = "install the tunnel's policies anew (in, forward and out) so that they name the SA's mode and addresses, and remove others for the same traffic";

/// The kernel's list has policies for what comes in, and none for what is forwarded after that.
fn not_forwarded(s: &Signals<'_>) -> Option<Judgement> {
    let (side, (fact, policy)) = [Side::Local, Side::Remote]
        .into_iter()
        .find_map(|side| Some((side, s.kernel(side)?.not_forwarded()?)))?;
    let what = format!(
        "{} has no policy that lets decrypted packets for {} be forwarded (dir fwd)",
        crate::signals::who(side),
        policy.to
    );
    if !s.calm() || !s.traffic_suffers() {
        return Some(possible(
            45,
            what,
            "whether hosts behind the gateway are unreachable and the gateway itself isn't",
        ));
    }
    Some(
        Found::on(fact, SYMPTOM, side.into(), what)
            .because("A packet that isn't for the gateway itself is checked against the forward policies after decryption.")
            .fix(CHANGE)
            .done(),
    )
}
