//! `if-id-or-mark-mismatch`: the virtual interface and the policies don't belong together.

use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "if-id-or-mark-mismatch",
    recurs: false,
    page: Page {
        title: "The tunnel's interface and its policies have different numbers",
        what: "With an XFRM interface or a VTI, policies and SAs carry a number (if_id, mark, key). Packets of another number never meet them: the tunnel is up and carries nothing.",
        initiator: "Nothing passes; `ip -d link` and `ip xfrm policy` show different numbers.",
        responder: "The same; XfrmInNoPols or XfrmInTmplMismatch grow.",
        look_alikes: &[("inbound-policy-mismatch", "Is a virtual interface in use?")],
        fix: &[
            (
                "any",
                "The same number on interface, connection and policy.",
            ),
            (
                "strongswan",
                "`if_id_in`, `if_id_out` (or `mark_in`, `mark_out`) as the interface's if_id (or key)",
            ),
            ("libreswan", "`ipsec-interface=`"),
            ("vyos", "the if_id is the number of the vti plus one"),
        ],
        source: "ip-xfrm(8), ip-link(8) of iproute2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::InterfaceIdMissing) else {
        return Judgement::Silent;
    };
    let name = seen.value_or("name", "the tunnel's interface");
    Found::by(
        seen,
        SAID,
        format!(
            "the interface {name} that the policies are bound to isn't there, or has another number"
        ),
    )
    .because(
        "Policies and SAs with a number apply to packets of the interface with that number alone.",
    )
    .fix(format!(
        "create {name} with the if_id (or key) of the connection, before the connection is loaded"
    ))
    .done()
}
