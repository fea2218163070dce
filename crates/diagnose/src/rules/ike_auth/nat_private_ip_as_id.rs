//! `nat-private-ip-as-id`: a gateway behind NAT calls itself by its private address.

use super::identity::{Kind, mismatch};
use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "nat-private-ip-as-id",
    recurs: false,
    page: Page {
        title: "A gateway behind NAT uses its private address as identity",
        what: "Without an identity written down, products identify themselves by their own address. Behind a NAT that is the private one, and the other side expects the public one that it sees.",
        initiator: "AUTHENTICATION_FAILED, as with a wrong key.",
        responder: "An identity from 10/8, 172.16/12 or 192.168/16 where the public address is expected. Libreswan: \"we require peer to have ID '203.0.113.5', but peer declares '192.168.1.2'\".",
        look_alikes: &[(
            "id-mismatch",
            "Is the identity that came a private address?",
        )],
        fix: &[
            (
                "any",
                "Set the public address, or a name, as local identity on the side behind the NAT; or have the other side expect the private one.",
            ),
            ("strongswan", "`local { id = … }`."),
            ("libreswan", "`leftid=`."),
            ("vyos", "`authentication local-id`."),
            ("cisco-ios", "`crypto isakmp identity`, `identity local`."),
        ],
        source: "RFC 7296 2.23, 3.5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(m) = mismatch(s).filter(|m| m.kind == Kind::Private) else {
        return Judgement::Silent;
    };
    let claimant = m.refusing.other();
    let wanted = if m.expected.is_empty() {
        "has no connection for that".to_owned()
    } else {
        format!("expects {}", m.expected.join(", "))
    };
    Found::on(
        m.fact,
        SAID,
        AtFault::from(claimant),
        format!(
            "{} is behind a NAT and identifies itself by its private address {}; {} {wanted}",
            who(claimant),
            m.received,
            who(m.refusing)
        ),
    )
    .because("Nobody wrote an identity down, so the gateway takes its own address. Behind a NAT that isn't the one under which the other side knows it.")
    .fix("set the public address or a host name as local identity (strongSwan: local { id = … }; Libreswan: leftid=…), or the private one as remote identity on the other side")
    .done()
}
