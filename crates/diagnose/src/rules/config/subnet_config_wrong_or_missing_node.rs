//! `subnet-config-wrong-or-missing-node`: a host isn't on the list of those that use IPsec.

use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "subnet-config-wrong-or-missing-node",
    recurs: false,
    page: Page {
        title: "A host isn't on the list of those that use IPsec",
        what: "Hosts share a list of networks that must use IPsec. One host has no daemon, or its list differs: the others want its packets protected and drop them, or talk to it in clear.",
        initiator: "Packets leave in clear and aren't answered.",
        responder: "Packets that came in clear are dropped: *not secure*.",
        look_alikes: &[
            (
                "cleartext-leak-no-policy",
                "Does one host lack the policy, or do all?",
            ),
            ("daemon-not-running", "Does the daemon run on both hosts?"),
        ],
        fix: &[
            (
                "any",
                "Put the host or its network on every host's list, and load it there.",
            ),
            (
                "pcf",
                "Correct the subnets of the IPsec add-on, and redeploy both virtual machines.",
            ),
            (
                "illumos",
                "`ipsecconf -l` on both hosts; `svcadm refresh ipsec/policy`.",
            ),
        ],
        source: "RFC 4301 5.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::HostLeftOut) else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        COUNTED,
        "one of the hosts isn't among those that use IPsec, and the other wants its packets protected".to_owned(),
    )
    .at(AtFault::Both)
    .because("One side's policy wants protection, and the other side's doesn't know of it.")
    .fix("put the host or its network on every host's list of those that use IPsec, and load it on all of them")
    .then("the policies of both hosts (ip xfrm policy, ipsecconf -l)")
    .done()
}
